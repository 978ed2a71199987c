//! What is to be done with one message for one recipient, one step after the other, whatever language it was written in.

use std::path::PathBuf;

use stafette_addr::Mailbox;

use crate::instruction::Instruction;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A copy goes to a Maildir or mbox.
    Place(Instruction),
    /// A program gets it: a line for the shell.
    Program(Vec<u8>),
    /// It goes on to this address, at the very end.
    Forward(Mailbox),
    /// As if there were no file: the default delivery.
    Default,
    /// The steps that another file lists.
    Include(PathBuf),
    /// It is thrown away.
    Nothing,
}

/// Whose rules hold: how exit codes are meant, and what a program reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// dot-qmail(5): exit codes of qmail-command, the content without separator and trace fields.
    Qmail,
    /// .forward and aliases: sysexits.h, and in front a separator and the trace fields of delivery.
    Sendmail,
    /// Another host by UUCP: sysexits.h, and in front the separator that rmail wants.
    Uucp,
}

/// A line of a file that is no step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake(pub String);

/// Leaves out what was said before, but for programs: each of them runs.
#[must_use]
pub fn without_repetitions(steps: Vec<Step>) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::with_capacity(steps.len());
    let mut forwards = std::collections::HashSet::new();
    for step in steps {
        let is_known = match &step {
            Step::Program(_) | Step::Include(_) => false,
            Step::Forward(to) => !forwards.insert(to.clone()),
            other => out.contains(other),
        };
        if !is_known {
            out.push(step);
        }
    }
    out
}
