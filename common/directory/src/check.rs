//! What `stafette check` says about where mail goes. Changes nothing.

use stafette_addr::{LocalPart, Mailbox};
use stafette_control::{Instance, Mistake, Problem};
use stafette_table::target::{Item, parse_list};
use stafette_table::{Entry, Table, virtual_user};
use stafette_wire::envelope::Expanded;

use crate::What;
use crate::directory::Directory;

/// Addresses that every host with mail must have (RFC 5321 section 4.5.1), or that programs write to.
const NEEDED: [&str; 3] = ["postmaster", "mailer-daemon", "root"];

/// More problems are not told.
const PROBLEM_LIMIT: usize = 200;

/// Must-have names that nobody reads the mail of, aliases that loop or lead to nobody, and lines of virtusertable and mailertable that
/// are never reached. May wait for the account database. It looks at the compiled tables: what is not compiled yet is said first.
#[must_use]
pub fn check(instance: &Instance) -> Vec<Problem> {
    let settings = instance.settings();
    let directory = Directory::load(instance, &settings);
    drop(settings.take_problems());
    let Ok(decisive) = &directory.decisive else {
        // The settings' own check says why.
        return Vec::new();
    };
    let here = decisive.here(&decisive.me).clone();
    let mut problems = Vec::new();
    for name in NEEDED {
        let Ok(local) = LocalPart::parse(name.as_bytes()) else {
            continue;
        };
        let mailbox = Mailbox::new(local, here.clone());
        problems.extend(check_needed(&directory, name, &mailbox));
    }
    for (key, entry) in stafette_table::entries(instance, Table::Aliases) {
        check_alias(&directory, &here, &key, &entry, &mut problems);
    }
    let virtual_users = stafette_table::entries(instance, Table::Virtusertable);
    for (key, entry) in &virtual_users {
        problems.extend(check_virtual(&directory, key, entry));
    }
    for (key, entry) in stafette_table::entries(instance, Table::Mailertable) {
        problems.extend(check_mailer(&directory, &key, &entry));
    }
    problems.truncate(PROBLEM_LIMIT);
    problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    problems
}

fn check_needed(directory: &Directory, name: &str, mailbox: &Mailbox) -> Option<Problem> {
    let file = directory.tables.file_name(Table::Aliases);
    let resolution = directory.resolve_as_ours(mailbox);
    match resolution.what {
        What::Lines { ref lines, .. } if directory.is_last_resort(lines) => Some(
            Mistake::new(
                format!("nobody reads the mail for {name}: it stays in a Maildir of last resort"),
                format!("add a line {name}: NAME"),
            )
            .at(&file, 0),
        ),
        What::NoSuchUser | What::Refused { .. } => Some(
            Mistake::new(
                format!("mail for {name} is refused: {}", resolution.user()),
                format!("add a line {name}: NAME, with the name of somebody who reads mail"),
            )
            .at(&file, 0),
        ),
        What::Later(reason) => Some(
            Mistake::new(
                format!("mail for {name} waits: {reason}"),
                "repair that first",
            )
            .at(&file, 0),
        ),
        _ => None,
    }
}

/// An alias that comes back to itself, or with a target that is nobody.
fn check_alias(
    directory: &Directory,
    here: &stafette_addr::Domain,
    key: &str,
    entry: &Entry,
    problems: &mut Vec<Problem>,
) {
    if problems.len() >= PROBLEM_LIMIT {
        return;
    }
    let file = directory.tables.file_name(Table::Aliases);
    // A pattern is looked at by one address that fits it.
    let name = key
        .strip_suffix("+*")
        .map_or_else(|| key.to_owned(), |user| format!("{user}+x"));
    let Ok(local) = LocalPart::from_unquoted(name.as_bytes()) else {
        return;
    };
    let resolution = directory.resolve_as_ours(&Mailbox::new(local, here.clone()));
    let says = |message: String, advice: &str| Mistake::new(message, advice).at(&file, entry.line);
    let loops = resolution
        .decided
        .iter()
        .find(|decision| decision.is_loop());
    if let Some(decision) = loops {
        problems.push(says(
            format!("{key}: {}", decision.text),
            "write \\NAME for the mailbox of a name itself",
        ));
    }
    for item in parse_list(entry.value.as_bytes()).unwrap_or_default() {
        let (Item::Address(address) | Item::Own(address)) = &item else {
            continue;
        };
        let mailbox = address.mailbox(here);
        let is_own = address.local.as_str().to_lowercase() == key || matches!(item, Item::Own(_));
        let is_here = directory.is_ours(mailbox.domain()) == Ok(true);
        let expanded = if is_own {
            Expanded::Mailbox
        } else {
            Expanded::No
        };
        if is_here && directory.resolve(&mailbox, expanded).what == What::NoSuchUser {
            problems.push(says(
                format!("{key}: there is no {item}"),
                "remove it, or make that account or alias",
            ));
        }
    }
}

/// A line that an earlier one with a pattern takes everything from, or that leads to nobody.
fn check_virtual(directory: &Directory, key: &str, entry: &Entry) -> Option<Problem> {
    let file = directory.tables.file_name(Table::Virtusertable);
    // One address that fits the line, and hardly any other.
    let probe = match key.split_once('@')? {
        ("", domain) => format!("some.name.or.other@{domain}"),
        (local, domain) => {
            let local = local.strip_prefix('+').map_or_else(
                || local.to_owned(),
                |rest| format!("some.name.or.other+{rest}"),
            );
            let local = local
                .strip_suffix(['*', '+'])
                .map_or_else(|| local.clone(), |front| format!("{front}x"));
            format!("{local}@{domain}")
        }
    };
    let mailbox = Mailbox::parse(probe.as_bytes()).ok()?;
    let (_, found) = virtual_user::find(&directory.tables, &mailbox).ok()??;
    if found.line < entry.line {
        let message = format!(
            "{key} is never reached: line {} fits as well and counts",
            found.line
        );
        return Some(Mistake::new(message, "move it before that line").at(&file, entry.line));
    }
    let is_about_everybody = key.starts_with(['@', '+']);
    if !is_about_everybody && directory.resolve(&mailbox, Expanded::No).what == What::NoSuchUser {
        let message = format!("{key}: {} is nobody", entry.value);
        return Some(Mistake::new(message, "make that account or alias").at(&file, entry.line));
    }
    None
}

/// A line for a domain that is ours: the lists come first.
fn check_mailer(directory: &Directory, key: &str, entry: &Entry) -> Option<Problem> {
    let file = directory.tables.file_name(Table::Mailertable);
    let domain = stafette_addr::Domain::parse(key.as_bytes()).ok()?;
    let decisive = directory.decisive.as_ref().ok()?;
    let local = decisive.locals.find(&domain)?;
    let message = format!(
        "{key} is never reached: the domain is ours by {}",
        local.decision
    );
    Some(Mistake::new(message, "remove one of the two").at(&file, entry.line))
}
