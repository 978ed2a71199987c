//! `-bv`: says for each address whether mail for it can be delivered, by which way, and which line of which file decided.

use std::io::{self, Write, stdout};

use stafette_addr::Mailbox;
use stafette_control::Instance;
use stafette_directory::{Directory, Resolution, What};
use stafette_wire::envelope::Expanded;
use stafette_wire::exit::SysExit;

use crate::failure::Failure;
use crate::identity::Names;
use crate::listing::{Lenient, plain};
use crate::needs;
use crate::operator::unwritable;
use crate::request::Request;

/// Octets of one line of a table that are shown.
const LINE_LIMIT: usize = 300;

/// Verifies each argument. The exit code is that of the worst answer.
pub(crate) fn run(instance: &Instance, request: &Request) -> Result<(), Failure> {
    if request.operands.is_empty() {
        return Err(Failure::new(
            SysExit::Usage,
            "no addresses: name those to verify",
        ));
    }
    let names = Names::read(instance);
    let directory = Directory::load(instance, &instance.settings());
    needs::confine_asker(instance)?;
    let mut out = Lenient(stdout().lock());
    let mut code = SysExit::Ok;
    for operand in &request.operands {
        for mailbox in names.recipients(operand, false)? {
            let told = tell(&directory, &mailbox, Expanded::No, &mut out);
            code = worse(code, told.map_err(|error| unwritable(&error))?);
        }
    }
    if code == SysExit::Ok {
        return Ok(());
    }
    // What is wrong was said with each address.
    Err(Failure::new(code, ""))
}

fn worse(one: SysExit, other: SysExit) -> SysExit {
    match (one, other) {
        (SysExit::Ok, other) => other,
        (SysExit::TempFail, SysExit::NoUser) => other,
        _ => one,
    }
}

/// Tells of one address, and of all for whom it stands.
fn tell(
    directory: &Directory,
    mailbox: &Mailbox,
    expanded: Expanded,
    out: &mut impl Write,
) -> io::Result<SysExit> {
    let resolution = directory.resolve(mailbox, expanded);
    let shown = plain(mailbox.as_str().as_bytes(), LINE_LIMIT);
    let way = plain(resolution.to_string().as_bytes(), LINE_LIMIT);
    let mut code = SysExit::Ok;
    match &resolution.what {
        What::NoSuchUser => {
            writeln!(out, "{shown}... User unknown")?;
            code = SysExit::NoUser;
        }
        What::Refused { .. } => {
            writeln!(
                out,
                "{shown}... {}",
                plain(resolution.user().as_bytes(), LINE_LIMIT)
            )?;
            code = SysExit::NoUser;
        }
        What::Later(reason) => {
            writeln!(
                out,
                "{shown}... Deferred: {}",
                plain(reason.as_bytes(), LINE_LIMIT)
            )?;
            code = SysExit::TempFail;
        }
        What::Expand { targets, owner } if !targets.is_empty() => {
            let owner = owner.as_ref().map_or_else(String::new, |owner| {
                format!(", sender {}", plain(owner.as_str().as_bytes(), LINE_LIMIT))
            });
            let count = targets.len();
            writeln!(out, "{shown}... aliased to {count} below{owner}")?;
        }
        _ => writeln!(out, "{shown}... deliverable: {way}")?,
    }
    decided(&resolution, out)?;
    if let What::Expand { targets, .. } = &resolution.what {
        for target in targets {
            // What came out of an expansion expands no further.
            if target.expanded != Expanded::No {
                code = worse(
                    code,
                    tell(directory, &target.mailbox, target.expanded, out)?,
                );
            }
        }
    }
    Ok(code)
}

/// The lines that decided, each on its own.
pub(crate) fn decided(resolution: &Resolution, out: &mut impl Write) -> io::Result<()> {
    for decision in &resolution.decided {
        writeln!(
            out,
            "    {}",
            plain(decision.to_string().as_bytes(), LINE_LIMIT)
        )?;
    }
    Ok(())
}
