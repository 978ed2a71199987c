//! The limits of a session, read once by the parent.

use std::time::Duration;

use stafette_control::Settings;

/// What a session may take; each has its control file.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Octets of a message in CRLF form; 0: no limit.
    pub(crate) databytes: u64,
    /// Recipients of a message.
    pub(crate) recipients: usize,
    /// Wrong commands of a session.
    pub(crate) bad_commands: u64,
    /// Commands of a session.
    pub(crate) commands: u64,
    /// Trace fields of a message.
    pub(crate) hops: u64,
    /// Waiting for a command.
    pub(crate) command_time: Duration,
    /// Waiting for a stretch of content.
    pub(crate) data_time: Duration,
    /// The greeting's text after `220 `.
    pub(crate) greeting: String,
    /// Whether VRFY tells anything.
    pub(crate) vrfy: bool,
    /// Whether EXPN tells anything.
    pub(crate) expn: bool,
    /// Our name.
    pub(crate) me: stafette_addr::Domain,
}

impl Limits {
    /// As the settings say.
    pub(crate) fn read(settings: &Settings) -> Self {
        let privacy = settings.privacy();
        let allows = |word: &str| !privacy.iter().any(|said| said == word || said == "goaway");
        Self {
            databytes: Some(settings.databytes())
                .filter(|bytes| *bytes < u64::MAX)
                .unwrap_or(0),
            recipients: usize::try_from(settings.maxrecipients()).unwrap_or(usize::MAX),
            bad_commands: settings.maxbadcommands(),
            commands: settings.maxcommands(),
            hops: settings.maxhops(),
            command_time: settings.timeoutcommand(),
            data_time: settings.timeoutdata(),
            greeting: settings.smtpgreeting(),
            vrfy: allows("novrfy"),
            expn: allows("noexpn"),
            me: settings.me(),
        }
    }

    /// With DATABYTES of the environment, as tcprules sets it for a client.
    pub(crate) fn with_environment(mut self) -> Self {
        if let Some(bytes) = std::env::var("DATABYTES")
            .ok()
            .and_then(|text| text.parse().ok())
        {
            self.databytes = bytes;
        }
        self
    }
}
