//! `stafette route`: where mail for an address goes, for whom it stands, and which line of which file decided.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};
use stafette_addr::Mailbox;
use stafette_control::{Instance, Settings};
use stafette_directory::{Directory, Resolution, Target, What};
use stafette_message::addresses::addresses as listed;
use stafette_text::quote;
use stafette_wire::envelope::Expanded;

use crate::failure::{Failure, LATER, NEVER};

/// Octets of one line that are shown.
const LIMIT: usize = 400;

/// Tells of each address. The exit code is that of the worst answer.
pub(crate) fn route(
    instance: &Instance,
    addresses: &[String],
    as_json: bool,
    out: &mut impl Write,
) -> Result<ExitCode, Failure> {
    let settings = instance.settings();
    let directory = Directory::load(instance, &settings);
    let mut code = 0;
    for address in addresses {
        let mailbox = mailbox(&settings, address)?;
        let resolution = directory.resolve(&mailbox, Expanded::No);
        if as_json {
            writeln!(out, "{}", object(&directory, &resolution))?;
        } else {
            tell(&directory, &resolution, out)?;
        }
        code = match &resolution.what {
            What::NoSuchUser | What::Refused { .. } => NEVER,
            What::Later(_) if code == 0 => LATER,
            _ => code,
        };
    }
    Ok(ExitCode::from(code))
}

/// One address; without a domain it is at `defaulthost`.
fn mailbox(settings: &Settings, text: &str) -> Result<Mailbox, Failure> {
    let wrong = |why: &str| Failure::Never(format!("{}: {why}", quote(text.as_bytes(), LIMIT)));
    let mut list = listed(text.as_bytes()).into_iter();
    match (list.next(), list.next()) {
        (Some(Ok(address)), None) => Ok(address.qualified(&settings.defaulthost())),
        (Some(Err(error)), _) => Err(wrong(&error.to_string())),
        _ => Err(wrong("not one address")),
    }
}

/// For whom an address stands.
fn targets(resolution: &Resolution) -> &[Target] {
    match &resolution.what {
        What::Expand { targets, .. } => targets,
        _ => &[],
    }
}

fn tell(
    directory: &Directory,
    resolution: &Resolution,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let shown = |text: String| one_line(&text);
    writeln!(
        out,
        "{}: {}",
        shown(resolution.mailbox.to_string()),
        shown(resolution.to_string())
    )?;
    if let What::Expand {
        owner: Some(owner), ..
    } = &resolution.what
    {
        writeln!(out, "    sender {}", shown(owner.to_string()))?;
    }
    for target in targets(resolution) {
        let way = directory.resolve(&target.mailbox, target.expanded);
        writeln!(
            out,
            "    to {}: {}",
            shown(target.mailbox.to_string()),
            shown(way.to_string())
        )?;
    }
    for decision in &resolution.decided {
        writeln!(out, "    by {}", shown(decision.to_string()))?;
    }
    Ok(())
}

fn object(directory: &Directory, resolution: &Resolution) -> Value {
    let targets: Vec<Value> = targets(resolution)
        .iter()
        .map(|target| way(&directory.resolve(&target.mailbox, target.expanded)))
        .collect();
    let decided: Vec<Value> = resolution
        .decided
        .iter()
        .map(|decision| {
            json!({ "file": decision.file, "line": decision.line, "text": decision.text })
        })
        .collect();
    let owner = match &resolution.what {
        What::Expand { owner, .. } => owner.as_ref().map(ToString::to_string),
        _ => None,
    };
    let mut value = way(resolution);
    if let Some(object) = value.as_object_mut() {
        object.insert("targets".to_owned(), targets.into());
        object.insert("owner".to_owned(), owner.into());
        object.insert("decided".to_owned(), decided.into());
    }
    value
}

fn way(resolution: &Resolution) -> Value {
    json!({
        "address": resolution.mailbox.to_string(),
        "mailer": resolution.mailer(),
        "host": resolution.host(),
        "user": resolution.user(),
    })
}

/// Text that stays on its line and within it.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|sign| if sign.is_control() { '?' } else { sign })
        .take(LIMIT)
        .collect()
}
