use std::collections::BTreeMap;
use std::rc::Rc;

use super::*;
use crate::user_file::UserFile;

/// Files by their names; `!` in front of a text sets the x bit.
struct Home(BTreeMap<&'static str, String>);

impl Files for Home {
    fn read(&mut self, name: &Path) -> Result<Option<Rc<UserFile>>, Verdict> {
        Ok(self.0.get(name.to_str().unwrap()).map(|text| {
            let bare = text.strip_prefix('!');
            Rc::new(UserFile {
                text: bare.unwrap_or(text).as_bytes().to_vec(),
                is_executable: bare.is_some(),
            })
        }))
    }
}

fn plan(address: &str, files: &[(&'static str, &str)]) -> Result<Plan, Verdict> {
    plan_from("jim@example.net", address, files)
}

fn plan_from(from: &str, address: &str, files: &[(&'static str, &str)]) -> Result<Plan, Verdict> {
    let mailbox = Mailbox::parse(format!("{address}@example.org").as_bytes()).unwrap();
    let from = ReversePath::parse(from.as_bytes()).unwrap();
    let ext = address.get(3..).unwrap();
    let default = [
        Instruction::Maildir("./Maildir".into()),
        Instruction::Mbox("/var/mail/joe".into()),
    ];
    let to = Recipient {
        account: "joe",
        dash: if ext.is_empty() { "" } else { "-" },
        ext: ext.get(1..).unwrap_or_default(),
        is_plus: ext.starts_with('+'),
        mailbox: &mailbox,
        from: &from,
        default: &default,
    };
    let files = files.iter().map(|(name, text)| (*name, (*text).to_owned()));
    make(&to, &mut Home(files.collect()), &|_| false)
}

fn file(address: &str, files: &[(&'static str, &str)]) -> Option<String> {
    plan(address, files).unwrap().file
}

#[test]
fn without_any_file_the_default_is_done() {
    let plan = plan("joe", &[]).unwrap();
    assert_eq!(plan.file, None);
    assert_eq!(plan.places().count(), 2);
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn a_qmail_file_wins_and_the_nearest_one() {
    let both = [(".qmail", "./a\n"), (".forward", "x@y.example\n")];
    assert_eq!(file("joe", &both).as_deref(), Some(".qmail"));
    let all = [
        (".qmail", "./a\n"),
        (".qmail-default", "./b\n"),
        (".qmail-foo-default", "./c\n"),
        (".qmail-foo-bar", "./d\n"),
    ];
    assert_eq!(file("joe-foo-bar", &all).as_deref(), Some(".qmail-foo-bar"));
    let near = plan("joe-foo-x", &all).unwrap();
    assert_eq!(near.file.as_deref(), Some(".qmail-foo-default"));
    assert_eq!(near.default.as_deref(), Some("x"));
    assert_eq!(file("joe-x", &all).as_deref(), Some(".qmail-default"));
    assert_eq!(file("joe+foo-bar", &all).as_deref(), Some(".qmail-foo-bar"));
}

#[test]
fn a_minus_extension_needs_a_file_and_a_plus_extension_does_not() {
    let files = [(".qmail", "./a\n"), (".forward", "./b\n")];
    assert_eq!(plan("joe-x", &files).unwrap_err().status, "5.1.1");
    assert_eq!(plan("joe-x", &[]).unwrap_err().status, "5.1.1");
    assert_eq!(file("joe+x", &[]), None);
    assert_eq!(file("joe+x", &files).as_deref(), Some(".qmail"));
    let files = [(".qmail", "./a\n"), (".forward+x", "joe\n")];
    assert_eq!(file("joe+x", &files).as_deref(), Some(".forward+x"));
    let files = [(".forward", "joe\n"), (".forward+y", "joe\n")];
    assert_eq!(file("joe+x", &files).as_deref(), Some(".forward"));
}

#[test]
fn an_owner_file_changes_the_sender_of_forwards_only_for_real_senders() {
    let list = [
        (".qmail-list", "!a@b.example\n"),
        (".qmail-list-owner", "joe\n"),
    ];
    let told = |from: &str, files: &[(&'static str, &str)]| {
        let plan = plan_from(from, "joe-list", files).unwrap();
        (plan.sender.as_str().to_owned(), plan.verp)
    };
    let owner = "joe-list-owner@example.org".to_owned();
    assert_eq!(told("jim@example.net", &list), (owner, false));
    assert_eq!(told("", &list), (String::new(), false));
    let verp = [list[0], list[1], (".qmail-list-owner-default", "joe\n")];
    let owner = "joe-list-owner-@example.org".to_owned();
    assert_eq!(told("jim@example.net", &verp), (owner, true));
    let from = "jim@example.net".to_owned();
    assert_eq!(told(&from, &list[..1]), (from.clone(), false));
}

#[test]
fn included_files_are_read_once_each_and_not_without_end() {
    let files = [
        (".forward", ":include:/a\njoe\n"),
        ("/a", "a@x.example, :include:/b\n"),
        ("/b", "b@x.example\n:include:/a\n|prog\n/dev/null\n"),
    ];
    let plan = plan("joe", &files).unwrap();
    assert_eq!(plan.forwards().count(), 2);
    assert!(plan.has_programs());
    assert_eq!(plan.places().count(), 2);
    let missing = [(".forward", ":include:/a\n")];
    assert_eq!(plan_from("", "joe", &missing).unwrap_err().status, "4.3.5");
}

#[test]
fn mistakes_and_too_long_lists_make_mail_wait_and_name_the_file() {
    let verdict = plan("joe", &[(".qmail", "\n")]).unwrap_err();
    assert_eq!(verdict.words, ".qmail: line 1: the first line is blank");
    let verdict = plan("joe", &[(".qmail", "!|x\n")]).unwrap_err();
    assert!(verdict.words.contains("x bit"), "{verdict:?}");
    let list: String = (0..=FORWARDS)
        .map(|n| format!("u{n}@x.example\n"))
        .collect();
    for name in [".qmail", ".forward"] {
        let verdict = plan("joe", &[(name, &list)]).unwrap_err();
        assert_eq!(verdict.status, "4.3.5");
        assert!(verdict.words.starts_with(name), "{verdict:?}");
    }
}

#[test]
fn an_empty_file_is_the_default_and_dev_null_is_silence() {
    for name in [".qmail", ".forward"] {
        assert_eq!(plan("joe", &[(name, "")]).unwrap().places().count(), 2);
    }
    let plan = plan("joe", &[(".forward", "/dev/null\n")]).unwrap();
    assert_eq!(plan.steps, [Step::Nothing]);
}
