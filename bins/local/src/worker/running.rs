//! Running a program for one item: what it reads, what it finds around it, what its end means.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::{Duration, Instant};

use stafette_sys::command::{Program, run};
use stafette_sys::{clock, fs};

use super::Worker;
use super::batch::Item;
use crate::environment::{About, variables};
use crate::from_line::{from_line, remote_from_line};
use crate::letter::Letter;
use crate::plan::Plan;
use crate::program::{End, OUTPUT, judge, name};
use crate::step::Language;
use crate::task::{Task, Work};
use crate::verdict::{Verdict, reason};

impl Worker<'_> {
    /// Runs `command` for at most `time`, which becomes what is left of it; tells whether the next step is to be done.
    pub(super) fn run_program(
        &self,
        item: &mut Item,
        command: &[u8],
        time: &mut Duration,
    ) -> Result<bool, Verdict> {
        let (Some(letter), Some(plan)) = (&item.letter, &item.plan) else {
            return Err(Verdict::deferred("4.3.0", "there is no message any more"));
        };
        let name = name(command);
        let seconds = clock::now();
        let input = self.input(letter, &item.task, plan.language, seconds)?;
        let (file, arguments) = words(&item.task, command);
        let program = Program {
            file,
            arguments,
            environment: self.environment(&item.task, plan, seconds),
            input,
            files: self.setting.files,
            time: *time,
            keep: OUTPUT,
        };
        let begin = Instant::now();
        let finished = run(program).map_err(|error| {
            Verdict::deferred("4.3.0", format!("unable to run {name}: {}", reason(&error)))
        })?;
        *time = time.saturating_sub(begin.elapsed());
        match judge(plan.language, &name, &finished, self.setting.program_time) {
            End::Done => item.note(name),
            End::DoneForAll => {
                item.note(format!("{name}, which ended the list"));
                return Ok(false);
            }
            End::Not(verdict) => return Err(verdict),
        }
        Ok(true)
    }

    /// What the program reads: a file in memory that nobody can change, never the queue's.
    fn input(
        &self,
        letter: &Letter<File>,
        task: &Task,
        language: Language,
        seconds: i64,
    ) -> Result<File, Verdict> {
        let unable = |error: &std::io::Error| {
            Verdict::unable("copy", Path::new("the message for a program"), error)
        };
        let mut file = fs::memory("message").map_err(|error| unable(&error))?;
        let from = &task.job.from;
        let first = match language {
            Language::Qmail => Vec::new(),
            Language::Sendmail => from_line(from, seconds),
            Language::Uucp => remote_from_line(from, seconds, &self.setting.me),
        };
        file.write_all(&first).map_err(|error| unable(&error))?;
        let written = if language == Language::Sendmail {
            letter.pieces(|piece| file.write_all(piece))
        } else {
            letter.pieces_without_own(|piece| file.write_all(piece))
        };
        written.map_err(|broken| broken.verdict(Path::new("the message for a program")))?;
        fs::seal(&mut file).map_err(|error| unable(&error))?;
        // One that cannot even be written to, where the kernel lets us.
        Ok(fs::reopen(&file).unwrap_or(file))
    }

    fn environment(
        &self,
        task: &Task,
        plan: &Plan,
        seconds: i64,
    ) -> Vec<crate::environment::Variable> {
        let Some(to) = task.job.recipients.first() else {
            return Vec::new();
        };
        let to = &to.recipient;
        let original = to.orcpt.as_ref().map(|orcpt| {
            let text = String::from_utf8_lossy(&orcpt.0).into_owned();
            let address = text.split_once(';').map(|(_, address)| address.to_owned());
            address.unwrap_or(text)
        });
        let ext = match &task.work {
            Work::Account(own) => own.ext.as_str(),
            _ => "",
        };
        let about = About {
            user: &self.identity.name,
            home: &task.home,
            to: &to.mailbox,
            original: original.as_deref().unwrap_or_else(|| to.mailbox.as_str()),
            ext,
            default: plan.default.as_deref(),
            from: &task.job.from,
            new_sender: &plan.sender,
            from_line: &from_line(&task.job.from, seconds),
        };
        variables(&about, &self.setting.environment)
    }
}

/// A command is for the shell, and a mailer's words are for nobody but the program.
fn words(task: &Task, command: &[u8]) -> (OsString, Vec<OsString>) {
    if let Work::Mailer(program) = &task.work {
        let mut words = program
            .arguments(&task.job.from)
            .into_iter()
            .map(OsString::from);
        let file = words.next().unwrap_or_default();
        return (file, words.collect());
    }
    let command = OsString::from_vec(command.to_vec());
    ("/bin/sh".into(), vec!["-c".into(), command])
}
