//! What queue takes from whom: its settings, read once at start.

use std::time::Duration;

use stafette_control::{Instance, Settings};
use stafette_queue_layout::MAX_RECIPIENTS;

/// The settings of this program.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Our name in Received.
    pub(crate) me: String,
    /// The largest message in CRLF form, from services.
    pub(crate) databytes: u64,
    /// The same from users.
    pub(crate) injectbytes: u64,
    /// The most recipients of a message.
    pub(crate) maxrecipients: usize,
    /// Trace fields that make a loop.
    pub(crate) maxhops: u32,
    /// Octets that must stay free.
    pub(crate) minfree: u64,
    /// Connections of users at once.
    pub(crate) injectconnections: usize,
    /// Connections of one user at once.
    pub(crate) injectperuser: usize,
    /// How long a user may be silent.
    pub(crate) injecttimeout: Duration,
}

impl Rules {
    /// Reads them; what is wrong with them is logged, and the defaults count.
    pub(crate) fn read(instance: &Instance) -> Self {
        let settings = instance.settings();
        let rules = Self::of(&settings);
        settings.log_problems();
        rules
    }

    /// The same without a log, for a program that a user calls.
    pub(crate) fn read_quietly(instance: &Instance) -> Self {
        Self::of(&instance.settings())
    }

    fn of(settings: &Settings) -> Self {
        let me = settings.me();
        Self {
            me: me.to_ascii().unwrap_or_else(|| me.to_string()),
            databytes: settings.databytes(),
            injectbytes: settings.injectbytes(),
            maxrecipients: count(settings.maxrecipients()).min(MAX_RECIPIENTS),
            maxhops: u32::try_from(settings.maxhops()).unwrap_or(u32::MAX),
            minfree: settings.minfree(),
            injectconnections: count(settings.injectconnections()),
            injectperuser: count(settings.injectperuser()),
            injecttimeout: settings.injecttimeout(),
        }
    }
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
