//! Decides what is to be done with one message for one account: by `.qmail`, else by `.forward`, else as the default is.
//!
//! For `user+ext` the files that name the extension come first, then those of the user without one. For `user-ext` there
//! is qmail's way only: without a `.qmail` file for it there is no such mailbox.

use std::path::{Path, PathBuf};

use stafette_addr::{Domain, LocalPart, Mailbox, ReversePath};

use crate::dot_forward::{self, Owner};
use crate::dot_qmail;
use crate::instruction::Instruction;
use crate::step::{Language, Mistake, Step, without_repetitions};
use crate::user_file::Files;
use crate::verdict::Verdict;

/// Files that include one another.
const DEPTH: usize = 10;
/// Files that one file includes, with all that those include.
const INCLUDES: usize = 100;
/// Addresses that one message goes on to.
pub const FORWARDS: usize = 10_000;
/// Octets of those addresses: the outcome that names them is one packet.
pub const FORWARD_OCTETS: usize = 96 * 1024;
/// The sender of a report about a report, in qmail.
const DOUBLE_BOUNCE: &str = "#@[]";

/// Whose mail it is.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The account's name.
    pub account: &'a str,
    /// Between `.qmail` and the extension.
    pub dash: &'a str,
    /// The extension.
    pub ext: &'a str,
    /// The extension stands behind a `+`.
    pub is_plus: bool,
    /// The address.
    pub mailbox: &'a Mailbox,
    /// From whom the message is.
    pub from: &'a ReversePath,
    /// The default delivery.
    pub default: &'a [Instruction],
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The file that says so.
    pub file: Option<String>,
    /// Whose rules hold.
    pub language: Language,
    /// In this order; neither `Default` nor `Include` is left.
    pub steps: Vec<Step>,
    /// What `default` in the file's name stands for.
    pub default: Option<String>,
    /// The reverse-path of forwards.
    pub sender: ReversePath,
    /// That reverse-path is to be one for each recipient.
    pub verp: bool,
}

impl Plan {
    /// Steps that no file says.
    #[must_use]
    pub fn new(language: Language, steps: Vec<Step>, from: &ReversePath) -> Self {
        Self {
            file: None,
            language,
            steps,
            default: None,
            sender: from.clone(),
            verp: false,
        }
    }

    /// Whether a program is to be run.
    #[must_use]
    pub fn has_programs(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Program(_)))
    }

    /// The mailboxes among the steps.
    pub fn places(&self) -> impl Iterator<Item = &Instruction> {
        self.steps.iter().filter_map(|step| match step {
            Step::Place(place) => Some(place),
            _ => None,
        })
    }

    /// The addresses among the steps.
    pub fn forwards(&self) -> impl Iterator<Item = &Mailbox> {
        self.steps.iter().filter_map(|step| match step {
            Step::Forward(to) => Some(to),
            _ => None,
        })
    }
}

/// Decides.
///
/// # Errors
/// The verdict if nothing can be done now, or nobody is there.
pub fn make(
    to: &Recipient<'_>,
    files: &mut impl Files,
    is_ours: &dyn Fn(&Domain) -> bool,
) -> Result<Plan, Verdict> {
    let plan = match find(to, files, is_ours)? {
        Some(plan) => plan,
        None if !to.dash.is_empty() && !to.is_plus => {
            return Err(Verdict::failed(
                "5.1.1",
                "there is no mailbox here by that name",
            ));
        }
        None => Plan::new(Language::Sendmail, vec![Step::Default], to.from),
    };
    finish(plan, to)
}

/// The plan of the first file that there is.
fn find(
    to: &Recipient<'_>,
    files: &mut impl Files,
    is_ours: &dyn Fn(&Domain) -> bool,
) -> Result<Option<Plan>, Verdict> {
    if let Some(plan) = by_qmail(to, (to.dash, to.ext), files)? {
        return Ok(Some(plan));
    }
    if to.is_plus {
        let name = format!(".forward+{}", to.ext.replace('/', ":"));
        if let Some(plan) = by_forward(to, &name, files, is_ours)? {
            return Ok(Some(plan));
        }
        if let Some(plan) = by_qmail(to, ("", ""), files)? {
            return Ok(Some(plan));
        }
    } else if !to.dash.is_empty() {
        return Ok(None);
    }
    by_forward(to, ".forward", files, is_ours)
}

fn by_qmail(
    to: &Recipient<'_>,
    (dash, ext): (&str, &str),
    files: &mut impl Files,
) -> Result<Option<Plan>, Verdict> {
    for candidate in dot_qmail::candidates(dash, ext) {
        let Some(file) = files.read(Path::new(&candidate.name))? else {
            continue;
        };
        let here = to.mailbox.domain();
        let steps = dot_qmail::parse(&file.text, file.is_executable, here)
            .map_err(|mistake| wrong(&candidate.name, &mistake))?;
        let mut plan = Plan {
            file: Some(candidate.name),
            default: candidate.default,
            ..Plan::new(Language::Qmail, steps, to.from)
        };
        if plan.has_programs() || plan.forwards().next().is_some() {
            (plan.sender, plan.verp) = sender(to, (dash, ext), files)?;
        }
        return Ok(Some(plan));
    }
    Ok(None)
}

/// The reverse-path of forwards: the list's owner, if there is one.
fn sender(
    to: &Recipient<'_>,
    (dash, ext): (&str, &str),
    files: &mut impl Files,
) -> Result<(ReversePath, bool), Verdict> {
    let unchanged = (to.from.clone(), false);
    if to.from.is_null() || to.from.as_str() == DOUBLE_BOUNCE {
        return Ok(unchanged);
    }
    let [owner, default] = dot_qmail::owner_files(dash, ext);
    if files.read(Path::new(&owner))?.is_none() {
        return Ok(unchanged);
    }
    let verp = files.read(Path::new(&default))?.is_some();
    let local = to.mailbox.local().as_str();
    let end = if verp { "-owner-" } else { "-owner" };
    Ok(
        match LocalPart::from_unquoted(format!("{local}{end}").as_bytes()) {
            Ok(local) => (
                Mailbox::new(local, to.mailbox.domain().clone()).into(),
                verp,
            ),
            Err(_) => unchanged,
        },
    )
}

fn by_forward(
    to: &Recipient<'_>,
    name: &str,
    files: &mut impl Files,
    is_ours: &dyn Fn(&Domain) -> bool,
) -> Result<Option<Plan>, Verdict> {
    let owner = Owner {
        account: to.account,
        recipient: to.mailbox,
        is_ours,
    };
    let Some(file) = files.read(Path::new(name))? else {
        return Ok(None);
    };
    let mut steps = dot_forward::parse(&file.text, &owner).map_err(|error| wrong(name, &error))?;
    let mut seen = Vec::new();
    for _ in 0..DEPTH {
        steps = include(steps, &mut seen, &owner, files)?;
    }
    if steps.iter().any(|step| matches!(step, Step::Include(_))) {
        return Err(wrong(
            name,
            &Mistake(format!("files include one another more than {DEPTH} deep")),
        ));
    }
    if steps.is_empty() {
        steps.push(Step::Default);
    }
    Ok(Some(Plan {
        file: Some(name.to_owned()),
        ..Plan::new(Language::Sendmail, steps, to.from)
    }))
}

/// Puts the steps of included files in their place, each file once.
fn include(
    steps: Vec<Step>,
    seen: &mut Vec<PathBuf>,
    owner: &Owner<'_>,
    files: &mut impl Files,
) -> Result<Vec<Step>, Verdict> {
    let mut out = Vec::with_capacity(steps.len());
    for step in steps {
        let Step::Include(path) = step else {
            out.push(step);
            continue;
        };
        let name = path.display().to_string();
        if seen.contains(&path) {
            continue;
        }
        if seen.len() >= INCLUDES {
            let mistake = Mistake(format!("more than {INCLUDES} files are included"));
            return Err(wrong(&name, &mistake));
        }
        let Some(file) = files.read(&path)? else {
            let mistake = Mistake("it is included, and does not exist".to_owned());
            return Err(wrong(&name, &mistake));
        };
        seen.push(path);
        out.extend(dot_forward::parse(&file.text, owner).map_err(|error| wrong(&name, &error))?);
    }
    Ok(out)
}

/// The default delivery in its place, nothing twice, and no more than can be done.
fn finish(mut plan: Plan, to: &Recipient<'_>) -> Result<Plan, Verdict> {
    let expand = |step| match step {
        Step::Default => to.default.iter().cloned().map(Step::Place).collect(),
        step => vec![step],
    };
    let steps = plan.steps.into_iter().flat_map(expand).collect();
    plan.steps = without_repetitions(steps);
    let octets: usize = plan.forwards().map(|to| to.as_str().len() + 4).sum();
    if plan.forwards().count() > FORWARDS || octets > FORWARD_OCTETS {
        let name = plan.file.as_deref().unwrap_or_default();
        let words = format!(
            "it names more than {FORWARDS} addresses, or more than {FORWARD_OCTETS} octets of them: split the list"
        );
        return Err(wrong(name, &Mistake(words)));
    }
    Ok(plan)
}

fn wrong(name: &str, mistake: &Mistake) -> Verdict {
    Verdict::deferred("4.3.5", format!("{name}: {}", mistake.0))
}

#[cfg(test)]
mod tests;
