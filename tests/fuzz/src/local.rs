//! What users write into .qmail and .forward files, and what local's processes say to one another if one of them lies.

use std::path::Path;
use std::rc::Rc;

use stafette_addr::{Domain, Mailbox, ReversePath};
use stafette_local::accounts::{Answer, Ask};
use stafette_local::dot_qmail;
use stafette_local::instruction::Instruction;
use stafette_local::plan::{FORWARDS, Recipient, make};
use stafette_local::step::Step;
use stafette_local::task::{Report, Task};
use stafette_local::user_file::{Files, UserFile};
use stafette_local::verdict::Verdict;

/// A home in which every file has the same text.
struct Home(Rc<UserFile>, &'static str);

impl Files for Home {
    fn read(&mut self, name: &Path) -> Result<Option<Rc<UserFile>>, Verdict> {
        let is_there = name.to_str() == Some(self.1) || name.is_absolute();
        Ok(is_there.then(|| Rc::clone(&self.0)))
    }
}

/// Any text is a plan in which nothing is left to be decided, or makes mail wait; nothing is for good. No address holds a control
/// character, and no path or command a NUL.
pub fn files_of_users_are_plans_or_mistakes(data: &[u8]) {
    let mailbox = Mailbox::parse(b"joe@example.org").expect("an address");
    let from = ReversePath::Null;
    let default = [Instruction::Maildir("./Maildir".into())];
    for name in [".qmail", ".forward"] {
        let to = Recipient {
            account: "joe",
            dash: "",
            ext: "",
            is_plus: false,
            mailbox: &mailbox,
            from: &from,
            default: &default,
        };
        let file = UserFile {
            text: data.to_vec(),
            is_executable: data.len().is_multiple_of(2),
        };
        match make(&to, &mut Home(Rc::new(file), name), &|_| false) {
            Err(verdict) => assert_eq!(verdict.status, "4.3.5", "{verdict:?}"),
            Ok(plan) => {
                assert!(!plan.steps.is_empty());
                assert!(plan.forwards().count() <= FORWARDS);
                for step in &plan.steps {
                    check(step);
                }
            }
        }
    }
}

fn check(step: &Step) {
    match step {
        Step::Place(place) => assert!(!place.path().as_os_str().as_encoded_bytes().contains(&0)),
        Step::Program(command) => assert!(!command.contains(&0)),
        Step::Forward(to) => assert!(!to.as_str().chars().any(char::is_control)),
        Step::Nothing => {}
        Step::Default | Step::Include(_) => panic!("{step:?} is left"),
    }
}

/// No extension leads out of the home or into a file that is none of mail's.
pub fn extensions_name_files_of_the_home(data: &[u8]) {
    let ext = String::from_utf8_lossy(data);
    let names = dot_qmail::candidates("-", &ext).into_iter();
    let names = names.map(|candidate| candidate.name);
    for name in names.chain(dot_qmail::owner_files("-", &ext)) {
        assert!(name.starts_with(".qmail-") && !name.contains('/'), "{name:?}");
    }
    if let Ok(domain) = Domain::parse(data) {
        assert!(dot_qmail::parse(b"&joe\n", true, &domain).is_ok());
    }
}

/// Every packet between the processes of local has one reading.
pub fn tasks_and_answers_have_one_reading(data: &[u8]) {
    if let Ok(task) = Task::decode(data) {
        let again = task.encode().map(|packet| Task::decode(&packet));
        assert_eq!(again, Some(Ok(task)));
    }
    if let Ok(report) = Report::decode(data) {
        assert_eq!(Report::decode(&report.encode()).as_ref(), Ok(&report));
    }
    if let Ok(answer) = Answer::decode(data) {
        let again = answer.encode().map(|packet| Answer::decode(&packet));
        assert_eq!(again, Some(Ok(answer)));
    }
    if let Ok(ask) = Ask::decode(data) {
        assert_eq!(Ask::decode(&ask.encode()).as_ref(), Ok(&ask));
    }
}
