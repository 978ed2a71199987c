//! A worker: plain blocking code that does one job after the other until its parent has no more for it.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::time::Duration;

use stafette_sys::fork::die_with_parent;
use stafette_sys::packet::{MAX_PACKET, Socket};
use stafette_wire::Packet;
use stafette_wire::delivery::{FromDelivery, ToDelivery};

use crate::attempt::{Traveller, run};

/// How long a session is kept open for the next message.
const KEEP: Duration = Duration::from_secs(2);

/// First octet of what a worker says: a session is open for the destination of the job it did last.
pub(crate) const KEPT: u8 = b'K';
/// First octet of what a worker says: no session is open.
pub(crate) const FREE: u8 = b'F';

/// Works until the parent closes the connection; the exit code.
pub(crate) fn work(parent: &Socket, mut traveller: Traveller) -> i32 {
    match try_work(parent, &mut traveller) {
        Ok(()) => {
            if let Some(session) = traveller.session.take() {
                session.quit();
            }
            0
        }
        Err(_) => 111,
    }
}

fn try_work(parent: &Socket, traveller: &mut Traveller) -> io::Result<()> {
    die_with_parent()?;
    parent.set_timeouts(Some(KEEP), None)?;
    let mut buffer = vec![0; MAX_PACKET];
    let mut report = Vec::new();
    loop {
        let (length, descriptors) = match parent.recv(&mut buffer) {
            Ok((0, _)) => return Ok(()),
            Ok(received) => received,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if let Some(session) = traveller.session.take() {
                    session.quit();
                    parent.send(&[FREE], &[])?;
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        let packet = buffer.get(..length).unwrap_or_default();
        let (Ok(ToDelivery::Job { job }), Some(descriptor)) =
            (ToDelivery::decode(packet), descriptors.into_iter().next())
        else {
            return Err(io::Error::other("the parent sent something that is no job"));
        };
        let outcome = run(traveller, &job, &File::from(descriptor));
        report.clear();
        report.push(if traveller.session.is_some() {
            KEPT
        } else {
            FREE
        });
        report.extend_from_slice(&FromDelivery::Outcome { outcome }.encode());
        parent.send(&report, &[])?;
    }
}
