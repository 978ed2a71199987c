//! ETRN (RFC 1985): has send try what waits for a domain.

use std::time::Duration;

use stafette_addr::Domain;
use stafette_control::Instance;
use stafette_sys::packet::Socket;
use stafette_wire::Packet;
use stafette_wire::operator::{By, FromSend, Selection, ToSend};

/// How long send may take for an answer before the client is told to come again.
const LIMIT: Duration = Duration::from_secs(20);

/// Asks send.
///
/// # Errors
/// Why it does not, for the log.
pub(crate) fn flush(instance: &Instance, domain: &Domain) -> Result<(), String> {
    let path = instance.socket("send");
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        format!("unable to {what} {}: {error}", path.display())
    };
    let socket =
        Socket::connect_timeout(&path, LIMIT).map_err(|error| failed("connect to", &error))?;
    let selection = Selection {
        by: By::Domain,
        text: domain.as_str().to_owned(),
    };
    let question = ToSend::Flush {
        selection: Some(selection),
    };
    let mut packet = [0; 4096];
    let (length, _) = socket
        .send(&question.encode(), &[])
        .and_then(|()| socket.recv(&mut packet))
        .map_err(|error| failed("ask", &error))?;
    match FromSend::decode(packet.get(..length).unwrap_or_default()) {
        Ok(FromSend::Done { .. }) => Ok(()),
        Ok(FromSend::Refused { text }) => Err(format!("send refused: {text}")),
        Ok(_) => Err(failed("understand", &"an answer to another question")),
        Err(error) => Err(failed("understand", &error)),
    }
}
