//! One batch: what is to be done for each message of it, and doing it.
//!
//! Where no program is involved, mailboxes are served one after the other, each with all messages that go there: Maildirs first,
//! since a copy there is found again if an mbox fails. A message for programs is done alone and in the order of its file,
//! because a program may end the list (exit 99). Addresses to which it goes on are only reported, and only if all else was done.
//! If one step is not done the whole is not, and is done again later; then programs run again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use stafette_addr::{Domain, Mailbox};
use stafette_sys::packet::Socket;
use stafette_wire::delivery::Forward;

use super::{Role, Worker};
use crate::home;
use crate::instruction::Instruction;
use crate::letter::Letter;
use crate::maildir::disk::Maildir;
use crate::maildir::{self, Addressed};
use crate::mbox;
use crate::name::Stem;
use crate::plan::{self, Plan, Recipient};
use crate::step::{Language, Step};
use crate::task::{Done, OwnFiles, Report, Task, Work, encode_ends};
use crate::user_file::HomeFiles;
use crate::verdict::Verdict;

/// How long a mailbox may be locked by others.
const LOCK_PATIENCE: Duration = Duration::from_secs(20);

/// A task on its way through a batch.
pub(super) struct Item {
    pub(super) task: Task,
    /// None as soon as there is nothing to deliver any more.
    pub(super) letter: Option<Letter<File>>,
    /// What is to be done, once that is decided.
    pub(super) plan: Option<Plan>,
    /// What was done, in words.
    done: Vec<String>,
    /// The first thing that was not done decides.
    verdict: Option<Verdict>,
    /// Where it goes on to.
    forwards: Vec<Mailbox>,
    wants_spool: bool,
    /// Nothing is done: another kind of worker is needed.
    is_given_back: bool,
}

impl Item {
    fn open(task: Task, file: File, hop_limit: u32) -> Self {
        let to = task
            .job
            .recipients
            .first()
            .map(|each| each.recipient.mailbox.clone());
        let opened = match to {
            Some(to) => Letter::open(&task.job, &to, file, hop_limit),
            None => Err(Verdict::deferred("4.3.0", "the job has no recipient")),
        };
        let (letter, verdict) = match opened {
            Ok(letter) => (Some(letter), None),
            Err(verdict) => (None, Some(verdict)),
        };
        Self {
            task,
            letter,
            plan: None,
            done: Vec::new(),
            verdict,
            forwards: Vec::new(),
            wants_spool: false,
            is_given_back: false,
        }
    }

    /// Nothing more is done.
    fn fail(&mut self, verdict: Verdict) {
        self.letter = None;
        self.verdict.get_or_insert(verdict);
    }

    /// One more mailbox is served.
    fn add(&mut self, instruction: &Instruction, mut verdict: Verdict) {
        if verdict.is_delivered() {
            return self.note(format!("{} {instruction}", verdict.words));
        }
        if matches!(instruction, Instruction::Maildir(_)) {
            verdict.words = format!("{instruction}: {}", verdict.words);
        }
        self.fail(verdict);
    }

    pub(super) fn note(&mut self, done: String) {
        self.done.push(done);
    }

    fn stem(&self) -> Stem {
        let index = self
            .task
            .job
            .recipients
            .first()
            .map_or(0, |each| each.index);
        Stem::new(self.task.job.id, index)
    }

    /// What is told of it.
    fn end(self) -> Done {
        if let Some(verdict) = self.verdict {
            return verdict.into();
        }
        let mut done = self.done;
        if !self.forwards.is_empty() {
            done.push(format!("forwarded to {}", self.forwards.len()));
        }
        let Some(plan) = self.plan else {
            return Verdict::deferred("4.3.5", "there is no delivery instruction").into();
        };
        if done.is_empty() && !self.wants_spool {
            let file = plan.file.as_deref().unwrap_or("the alias");
            done.push(format!("thrown away, as {file} says"));
        }
        let forward = (!self.forwards.is_empty()).then_some(Forward {
            from: plan.sender,
            verp: plan.verp,
            to: self.forwards,
        });
        Done {
            verdict: Verdict::delivered(done.join(", ")),
            forward,
            wants_spool: self.wants_spool,
        }
    }
}

impl Worker<'_> {
    pub(super) fn batch(&mut self, socket: &Socket, tasks: Vec<(Task, File)>) -> io::Result<()> {
        let jobs = tasks.iter().map(|(task, _)| task.job.job).collect();
        socket.send(&Report::Begun(jobs).encode(), &[])?;
        let mut homes: BTreeMap<PathBuf, Vec<Item>> = BTreeMap::new();
        for (task, file) in tasks {
            let home = task.home.clone();
            let item = Item::open(task, file, self.setting.hop_limit);
            homes.entry(home).or_default().push(item);
        }
        let mut done = Vec::new();
        let mut given_back = Vec::new();
        for (home, mut items) in homes {
            let is_alias = |item: &Item| !matches!(item.task.work, Work::Account(_));
            if !self.setting.becomes && items.iter().any(is_alias) {
                home::make(&home);
            }
            match home::enter(&home, self.identity.uid) {
                Ok(()) => {
                    self.known.enter(&home);
                    self.decide(&home, &mut items);
                    self.carry_out(&mut items);
                }
                Err(verdict) => {
                    for item in &mut items {
                        item.fail(verdict.clone());
                    }
                }
            }
            for item in items {
                let job = item.task.job.job;
                if item.is_given_back {
                    given_back.push(job);
                } else {
                    done.push((job, item.end()));
                }
            }
        }
        if !given_back.is_empty() {
            socket.send(&Report::Programs(given_back).encode(), &[])?;
        }
        for packet in encode_ends(done) {
            socket.send(&packet, &[])?;
        }
        Ok(())
    }

    /// Makes a plan for each item that has a letter. A file that several plans need is read once.
    fn decide(&self, home: &std::path::Path, items: &mut [Item]) {
        let mut files = HomeFiles::new(home, self.identity.uid);
        for item in items.iter_mut().filter(|item| item.letter.is_some()) {
            match self.plan(&item.task, &mut files) {
                Ok(plan) => self.settle(item, plan),
                Err(verdict) => item.fail(verdict),
            }
        }
    }

    fn plan(&self, task: &Task, files: &mut HomeFiles<'_>) -> Result<Plan, Verdict> {
        let from = &task.job.from;
        let wrong = |mistake: crate::step::Mistake| Verdict::deferred("4.3.5", mistake.0);
        match &task.work {
            Work::Account(own) => {
                let Some(to) = task.job.recipients.first() else {
                    return Err(Verdict::deferred("4.3.0", "the job has no recipient"));
                };
                let mailbox = &to.recipient.mailbox;
                let is_ours = |domain: &Domain| self.locals.contains(domain);
                plan::make(
                    &Recipient {
                        account: &self.identity.name,
                        dash: &own.dash,
                        ext: &own.ext,
                        is_plus: is_plus(own, mailbox),
                        mailbox,
                        from,
                        default: &own.default,
                    },
                    files,
                    &is_ours,
                )
            }
            Work::Mailboxes(list) => {
                let steps = list.iter().cloned().map(Step::Place).collect();
                Ok(Plan::new(Language::Sendmail, steps, from))
            }
            Work::Lines(lines) => {
                let steps: Result<Vec<Step>, _> =
                    lines.iter().map(crate::dot_forward::line).collect();
                Ok(Plan::new(Language::Sendmail, steps.map_err(wrong)?, from))
            }
            Work::Mailer(program) => {
                let words = program.arguments(from);
                let shown = words.join(" ").into_bytes();
                let language = match program {
                    stafette_directory::MailerProgram::Uucp { .. } => Language::Uucp,
                    stafette_directory::MailerProgram::Words { .. } => Language::Sendmail,
                };
                Ok(Plan::new(language, vec![Step::Program(shown)], from))
            }
        }
    }

    /// The item's plan is this. What this worker cannot do is told apart now, before anything is done.
    fn settle(&self, item: &mut Item, mut plan: Plan) {
        if plan.has_programs() && !self.identity.runs_programs() {
            item.is_given_back = true;
            item.letter = None;
            return;
        }
        if !plan.has_programs() {
            item.forwards = plan.forwards().cloned().collect();
            item.wants_spool = plan.places().any(|place| is_for_others(&item.task, place));
            let task = &item.task;
            plan.steps
                .retain(|step| !matches!(step, Step::Place(place) if is_for_others(task, place)));
        }
        item.plan = Some(plan);
    }

    fn carry_out(&mut self, items: &mut [Item]) {
        let has_programs = |item: &Item| item.plan.as_ref().is_some_and(Plan::has_programs);
        let mut all: Vec<Instruction> = items
            .iter()
            .filter(|item| !has_programs(item))
            .filter_map(|item| item.plan.as_ref())
            .flat_map(|plan| plan.places().cloned())
            .collect();
        all.sort();
        all.dedup();
        for instruction in &all {
            let wants = |item: &Item| {
                let plan = item.plan.as_ref();
                item.letter.is_some()
                    && !has_programs(item)
                    && plan.is_some_and(|plan| plan.places().any(|each| each == instruction))
            };
            let wanted: Vec<usize> = items
                .iter()
                .enumerate()
                .filter(|(_, item)| wants(item))
                .map(|(at, _)| at)
                .collect();
            self.serve(instruction, items, &wanted);
        }
        for at in 0..items.len() {
            if items.get(at).is_some_and(has_programs) {
                self.in_order(items, at);
            }
        }
    }

    /// Delivers the items at `wanted` to one mailbox.
    fn serve(&mut self, instruction: &Instruction, items: &mut [Item], wanted: &[usize]) {
        let verdicts = self.deliver(instruction, items, wanted);
        for (at, verdict) in wanted.iter().zip(verdicts) {
            if let Some(item) = items.get_mut(*at) {
                item.add(instruction, verdict);
            }
        }
    }

    /// All steps of one item, one after the other.
    fn in_order(&mut self, items: &mut [Item], at: usize) {
        let steps = items
            .get(at)
            .and_then(|item| item.plan.as_ref())
            .map(|plan| plan.steps.clone());
        let mut time = self.setting.program_time;
        for step in steps.unwrap_or_default() {
            if items.get(at).is_none_or(|item| item.letter.is_none()) {
                return;
            }
            let Some(item) = items.get_mut(at) else {
                return;
            };
            match step {
                Step::Place(place) if is_for_others(&item.task, &place) => item.wants_spool = true,
                Step::Place(place) => self.serve(&place, items, &[at]),
                Step::Program(command) => match self.run_program(item, &command, &mut time) {
                    Ok(goes_on) if goes_on => {}
                    Ok(_) => return,
                    Err(verdict) => item.fail(verdict),
                },
                Step::Forward(to) => item.forwards.push(to),
                _ => {}
            }
        }
    }

    fn deliver(
        &mut self,
        instruction: &Instruction,
        items: &[Item],
        wanted: &[usize],
    ) -> Vec<Verdict> {
        let chosen = wanted.iter().filter_map(|at| items.get(*at));
        let letters = chosen.filter_map(|item| Some((item, item.letter.as_ref()?)));
        match instruction {
            Instruction::Maildir(path) => {
                let maildir = match Maildir::prepare(path, &mut self.known) {
                    Ok(maildir) => maildir,
                    Err(verdict) => return vec![verdict; wanted.len()],
                };
                let letters: Vec<_> = letters
                    .map(|(item, letter)| Addressed {
                        letter,
                        stem: item.stem(),
                        may_be_there: item.task.may_be_there,
                    })
                    .collect();
                let verdicts = maildir::deliver(&maildir, &mut self.namer, &letters);
                if !verdicts.iter().all(Verdict::is_delivered) {
                    self.known.forget(path);
                }
                verdicts
            }
            Instruction::Mbox(path) => {
                let letters: Vec<_> = letters
                    .map(|(item, letter)| (letter, &item.task.job.from))
                    .collect();
                let spool_group = match self.identity.role {
                    Role::Spool(group) if instruction.needs_group_mail() => Some(group),
                    _ => None,
                };
                let mailbox = mbox::Mailbox {
                    path,
                    uid: self.identity.uid,
                    spool_group,
                    patience: LOCK_PATIENCE,
                };
                mbox::deliver(&mailbox, &letters)
            }
        }
    }
}

/// Whether a worker with group mail writes there: a mailbox of the default delivery in the system's spool.
fn is_for_others(task: &Task, place: &Instruction) -> bool {
    match &task.work {
        Work::Account(own) => {
            own.has_spool_worker && place.needs_group_mail() && own.default.contains(place)
        }
        _ => false,
    }
}

/// Whether the extension stands behind a `+` in the address.
fn is_plus(own: &OwnFiles, mailbox: &Mailbox) -> bool {
    let local = mailbox.local().as_str().to_ascii_lowercase();
    let before = local.strip_suffix(&own.ext.to_ascii_lowercase());
    !own.dash.is_empty() && before.is_some_and(|before| before.ends_with('+'))
}
