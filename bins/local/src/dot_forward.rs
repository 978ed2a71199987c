//! The language of `.forward` files and of what they include: sendmail's, as in aliases. Pure: nothing is opened here.
//!
//! `\joe`, and any name or address of the account itself, means its default delivery and ends the expansion. An empty
//! file says nothing, which is the default delivery as well.

use std::path::Path;

use stafette_addr::{Domain, Mailbox};
use stafette_directory::Line;
use stafette_table::target::{Address, Item, parse_list};

use crate::instruction::{Instruction, parse_path};
use crate::step::{Mistake, Step};

/// Whose file it is.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    /// The account's name.
    pub account: &'a str,
    /// The recipient.
    pub recipient: &'a Mailbox,
    /// Whether a domain's mail is delivered to accounts by their names.
    pub is_ours: &'a dyn Fn(&Domain) -> bool,
}

impl Owner<'_> {
    /// Whether the account itself is meant.
    fn is(&self, address: &Address) -> bool {
        let local = address.local.as_str();
        let recipient = self.recipient;
        // A name without a domain is one at the recipient's: of a mailbox in users/assign it need not be the account's.
        if address
            .domain
            .as_ref()
            .is_none_or(|domain| domain == recipient.domain())
            && local.eq_ignore_ascii_case(recipient.local().as_str())
        {
            return true;
        }
        local.eq_ignore_ascii_case(self.account)
            && address
                .domain
                .as_ref()
                .is_none_or(|domain| domain == recipient.domain() || (self.is_ours)(domain))
    }
}

/// Reads a file; `Include` is left to whoever opens files.
///
/// # Errors
/// The first thing that makes no sense; nothing of the file is then done.
pub fn parse(text: &[u8], owner: &Owner<'_>) -> Result<Vec<Step>, Mistake> {
    let items = parse_list(text)
        .map_err(|mistake| Mistake(format!("{}: {}", mistake.message, mistake.advice)))?;
    items.into_iter().map(|item| step(item, owner)).collect()
}

fn step(item: Item, owner: &Owner<'_>) -> Result<Step, Mistake> {
    Ok(match item {
        Item::Address(address) | Item::Own(address) if owner.is(&address) => Step::Default,
        Item::Address(address) | Item::Own(address) => {
            Step::Forward(address.mailbox(owner.recipient.domain()))
        }
        Item::Program(command) => Step::Program(command.into_bytes()),
        Item::File(path) => file(&path)?,
        Item::Include(path) => Step::Include(path),
        Item::Error(reply) => {
            return Err(Mistake(format!(
                "error: is for tables of the operator ({})",
                reply.text
            )));
        }
    })
}

/// What a path of an alias or a .forward file means.
fn file(path: &Path) -> Result<Step, Mistake> {
    if path == Path::new("/dev/null") {
        return Ok(Step::Nothing);
    }
    let place: Instruction = parse_path(path.as_os_str().as_encoded_bytes())
        .map_err(|problem| Mistake(format!("{}: {problem}", path.display())))?;
    Ok(Step::Place(place))
}

/// What a line of an alias means.
///
/// # Errors
/// Its path cannot be a file's.
pub fn line(line: &Line) -> Result<Step, Mistake> {
    match line {
        Line::Program(command) => Ok(Step::Program(command.clone().into_bytes())),
        Line::File(path) => file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Step>, Mistake> {
        let recipient = Mailbox::parse(b"Joe+x@example.org").unwrap();
        let is_ours = |domain: &Domain| domain.as_str() == "other.example";
        let owner = Owner {
            account: "joe",
            recipient: &recipient,
            is_ours: &is_ours,
        };
        parse(text.as_bytes(), &owner)
    }

    #[test]
    fn a_mailbox_whose_account_has_another_name_keeps_a_copy_by_its_own() {
        let recipient = Mailbox::parse(b"ann@example.org").unwrap();
        let owner = Owner {
            account: "shared",
            recipient: &recipient,
            is_ours: &|_| false,
        };
        let steps = parse(b"\\ann, Ann, bob", &owner);
        let bob = forward("bob@example.org");
        assert_eq!(steps, Ok(vec![Step::Default, Step::Default, bob]));
    }

    fn forward(to: &str) -> Step {
        Step::Forward(Mailbox::parse(to.as_bytes()).unwrap())
    }

    #[test]
    fn a_line_of_the_vacation_manual_is_understood() {
        assert_eq!(
            read("\\joe, \"|/usr/bin/vacation -a jo joe\"\n"),
            Ok(vec![
                Step::Default,
                Step::Program(b"/usr/bin/vacation -a jo joe".to_vec())
            ])
        );
    }

    #[test]
    fn every_name_of_ones_own_is_the_default_delivery() {
        for own in [
            "joe",
            "JOE",
            "\\joe",
            "joe@example.org",
            "Joe+x@example.org",
            "joe@other.example",
            "Joe User <joe@EXAMPLE.org>",
        ] {
            assert_eq!(read(own), Ok(vec![Step::Default]), "{own}");
        }
        assert_eq!(
            read("joe@far.example"),
            Ok(vec![forward("joe@far.example")])
        );
        assert_eq!(read("\\jim"), Ok(vec![forward("jim@example.org")]));
    }

    #[test]
    fn files_and_silence_are_told_apart() {
        assert_eq!(
            read("/home/joe/box\n/home/joe/Maildir/\n/dev/null\n:include:/home/joe/list\n"),
            Ok(vec![
                Step::Place(Instruction::Mbox("/home/joe/box".into())),
                Step::Place(Instruction::Maildir("/home/joe/Maildir".into())),
                Step::Nothing,
                Step::Include("/home/joe/list".into()),
            ])
        );
        assert_eq!(read("# nothing\n\n"), Ok(Vec::new()));
    }

    #[test]
    fn what_makes_no_sense_is_a_mistake() {
        for bad in ["\"|x", "joe@@x", "error:nouser x"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
