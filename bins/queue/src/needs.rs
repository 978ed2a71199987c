//! What this program may touch: queue/, and nothing else.

use std::io;
use std::path::Path;

use stafette_control::Instance;
use stafette_message::date;
use stafette_sys::confine::{Limits, Needs, Network, confine};

/// As the log names the service.
pub(crate) const NAME: &str = "stafette-queue";
/// The service's user.
pub(crate) const USER: &str = "stafq";

/// Confines the service, whose sockets are bound and whose settings are read.
pub(crate) fn confine_service(instance: &Instance) -> io::Result<()> {
    date::load_zone();
    let needs = Needs {
        user: Some(USER),
        write: vec![instance.queue()],
        network: Network::None,
        limits: Limits {
            files: Some(8192),
            core: Some(0),
            ..Limits::default()
        },
        ..Needs::default()
    };
    let report = confine(&needs)?;
    stafette_log::started(NAME, env!("CARGO_PKG_VERSION"), &report);
    Ok(())
}

/// Confines the one-shot program, which a user called.
pub(crate) fn confine_one_shot(queue: &Path) -> io::Result<()> {
    date::load_zone();
    let everything = Some(u64::MAX);
    let limits = Limits {
        core: Some(0),
        file_size: everything,
        address_space: everything,
        processor_time: everything,
        ..Limits::default()
    };
    confine(&Needs {
        write: vec![queue.to_owned()],
        network: Network::None,
        limits,
        ..Needs::default()
    })
    .map(drop)
}
