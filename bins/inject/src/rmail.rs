//! `rmail`: takes a message that came by UUCP, as uuxqt runs it. The envelope is in the arguments and in the lines `From ` in front.
//!
//! What comes from another host is never an option: rmail has none of sendmail's, and an address may not begin with `-`.

use stafette_addr::{Mailbox, ReversePath};
use stafette_text::quote;
use stafette_wire::exit::SysExit;

use crate::failure::Failure;
use crate::identity::Names;
use crate::request::Request;
use crate::uucp;

/// Whom an argument means: `user`, `user@domain` or `host!user`.
pub(crate) fn recipient(
    names: &Names,
    request: &Request,
    operand: &[u8],
) -> Result<Mailbox, Failure> {
    if !operand.contains(&b'@')
        && !operand.starts_with(b"-")
        && let Some(mailbox) = uucp::mailbox(operand, suffix(request))
            .filter(|mailbox| !mailbox.local().as_str().starts_with('-'))
    {
        return Ok(mailbox);
    }
    let mut list = names.recipients(operand, false)?;
    match (list.pop(), list.is_empty()) {
        (Some(mailbox), true) => Ok(mailbox),
        _ => Err(Failure::new(
            SysExit::NoUser,
            format!("recipient {}: not one address", quote(operand, 100)),
        )),
    }
}

/// Who sent it, by the lines `From ` in front.
pub(crate) fn sender(
    names: &Names,
    request: &Request,
    lines: &[Vec<u8>],
) -> Result<ReversePath, Failure> {
    let Some(path) = uucp::sender(lines) else {
        return Err(Failure::new(
            SysExit::DataErr,
            "the message does not begin with a line \"From user date remote from host\"",
        ));
    };
    let mailbox = uucp::mailbox(&path, suffix(request))
        .filter(|mailbox| !mailbox.local().as_str().starts_with('-'));
    match mailbox {
        Some(mailbox) if !path.contains(&b'@') => Ok(ReversePath::Mailbox(mailbox)),
        _ => names.sender(&path).map_err(|failure| Failure {
            code: SysExit::DataErr,
            ..failure
        }),
    }
}

/// `-D`: what stands behind hosts without a dot.
fn suffix(request: &Request) -> Option<&str> {
    request
        .uucp_domain
        .as_deref()
        .and_then(|domain| std::str::from_utf8(domain).ok())
}
