//! The events, each once: its name, how grave it is, the keys it carries, and one line for the manual.

/// How grave an event is; the level under which syslog gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Mail taking its way, refusals to peers included.
    Info,
    /// Rare and normal: programs start and stop, an operator acts.
    Notice,
    /// Works on, but somebody should look.
    Warning,
    /// Something that should be done is not done.
    Error,
}

/// Writes the enum, its list and its look-ups from one table.
macro_rules! events {
    ($($variant:ident $name:literal $severity:ident [$($key:literal)*] $help:literal)*) => {
        /// Everything that is ever logged.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Event {
            $(#[doc = $help] $variant,)*
        }

        /// All events, in the order of the manual.
        pub const EVENTS: &[Event] = &[$(Event::$variant),*];

        impl Event {
            /// The name in the log, `object-verb` in kebab form.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How grave it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// The keys it may carry, each explained in [`crate::KEYS`].
            #[must_use]
            pub const fn keys(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($key),*],)* }
            }

            /// What it means, for the manual.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

events! {
    // Sessions of smtpd.
    SessionOpened "session-opened" Info ["sid" "client" "name" "local" "proto"]
        "A client connected and was greeted."
    SessionClosed "session-closed" Info ["sid" "client" "name" "helo" "messages" "commands" "errors" "seconds" "reason"]
        "A session ended: by QUIT, by a limit, by a time limit, or because the client went away."
    SessionRefused "session-refused" Info ["sid" "client" "limit" "count" "code" "dsn" "reason"]
        "A client was turned away before or instead of a session."
    CommandRefused "command-refused" Info ["sid" "client" "name" "helo" "command" "code" "dsn" "reason" "errors"]
        "A command was wrong or out of order."
    SenderRefused "sender-refused" Info ["sid" "client" "name" "helo" "from" "size" "code" "dsn" "reason"]
        "MAIL was refused."
    RecipientRefused "recipient-refused" Info ["sid" "client" "name" "helo" "from" "to" "code" "dsn" "reason"]
        "RCPT was refused."
    MessageRefused "message-refused" Info ["sid" "client" "name" "helo" "uid" "from" "recipients" "size" "code" "dsn" "reason"]
        "A message was refused after its recipients, or could not be queued; the sender still has it."
    MessageDiscarded "message-discarded" Notice ["sid" "client" "name" "helo" "from" "to" "size" "reason"]
        "A message was accepted and thrown away for this recipient, as the operator's table access wants; reason= names the line."

    // A message's life.
    MessageQueued "message-queued" Info
        ["sid" "client" "name" "helo" "proto" "uid" "from" "size" "recipients" "parent" "envid" "seconds" "reason"]
        "A message was accepted: it is durably in the queue."
    MessageForwarded "message-forwarded" Info ["child" "recipients" "from" "to"]
        "The message goes on to others as a child: an alias, or a .forward or .qmail file, stands for them."
    MessageRemoved "message-removed" Info ["from" "age" "delivered" "failed" "recipients" "attempts"]
        "Every recipient of the message is done and it left the queue; the last line of a message."
    MessageHeld "message-held" Notice ["by" "from"]
        "An operator holds the message: it is not tried."
    MessageReleased "message-released" Notice ["by" "from"]
        "An operator let a held message go on."
    MessageCancelled "message-cancelled" Notice ["by" "from" "to" "recipients" "size" "age"]
        "An operator removed the message; nobody is told but this log."
    MessageSetAside "message-set-aside" Error ["file" "path" "reason" "problem"]
        "A queue file cannot be read and was moved to bad/, where it stays until somebody looks at it."
    QueueFlushed "queue-flushed" Notice ["by" "destination" "count"]
        "What waits is to be tried at once, as an operator or sendmail -q asked."

    // Attempts.
    AttemptDelivered "attempt-delivered" Info
        ["to" "orig" "channel" "relay" "delay" "delays" "code" "dsn" "reply" "attempt" "size" "path"]
        "An attempt for one recipient succeeded."
    AttemptDeferred "attempt-deferred" Info
        ["to" "orig" "channel" "relay" "delay" "delays" "code" "dsn" "reply" "attempt" "due" "path"]
        "An attempt for one recipient did not succeed; it is repeated."
    AttemptFailed "attempt-failed" Info
        ["to" "orig" "channel" "relay" "delay" "delays" "code" "dsn" "reply" "attempt" "age" "path"]
        "A recipient failed for good, by a permanent reply or because the lifetime is over."
    AttemptCut "attempt-cut" Warning ["to" "channel" "relay" "program" "count" "reason"]
        "One of our programs died during attempts; they do not count and are repeated at once."
    OutcomeUnrecorded "outcome-unrecorded" Error ["to" "outcome" "file" "problem"]
        "An outcome could not be written into the queue: the message is not tried again before send is restarted."

    // Reports.
    DsnQueued "dsn-queued" Info ["child" "to" "action" "recipients"]
        "A report about recipients of this message was queued for its sender."
    DoubleBounce "double-bounce" Notice ["child" "to" "recipients" "reason"]
        "A message with a null reverse-path failed; a report goes to the postmaster."
    DsnSuppressed "dsn-suppressed" Notice ["to" "from" "action" "recipients" "reason"]
        "No report is sent, for the reason given."

    // Destinations.
    DestinationDead "destination-dead" Notice ["destination" "relay" "until" "count" "reply" "reason"]
        "A destination does not answer and is left alone for a while."
    DestinationAlive "destination-alive" Notice ["destination" "relay" "seconds"]
        "A destination that was dead answers again."
    DestinationPaused "destination-paused" Notice ["destination" "by"]
        "An operator paused a destination."
    DestinationResumed "destination-resumed" Notice ["destination" "by"]
        "An operator let a paused destination go on."

    // Programs.
    ProgramStarted "program-started" Notice ["program" "version" "pid" "uid" "user" "path"]
        "A program started."
    ProgramListens "program-listens" Notice ["program" "listen"]
        "A program takes connections at these addresses."
    ProgramStopped "program-stopped" Notice ["program" "pid" "signal" "seconds" "reason"]
        "A program stopped by itself or because it was told to."
    ProgramConfined "program-confined" Notice ["program" "user" "uid" "done" "missing" "root"]
        "A program gave up what it does not need; missing= names what this kernel cannot do."
    ProgramLost "program-lost" Warning ["program" "path" "problem" "retry"]
        "Another of our programs does not answer; this one waits and tries again."
    ProgramFound "program-found" Notice ["program" "path" "seconds"]
        "A program that was lost answers again."
    WorkerDied "worker-died" Warning ["program" "pid" "status" "signal" "reason" "to" "relay" "uid"]
        "A worker died, or was killed at its time limit."
    PeerMisbehaved "peer-misbehaved" Warning ["program" "pid" "uid" "path" "reason" "problem"]
        "A program on one of our sockets said what it must not say, or may not be there; it was cut off."
    SettingBad "setting-bad" Warning ["file" "line" "problem" "advice"]
        "A control file, or a line of it, is wrong and was not used."
    TableCompiled "table-compiled" Notice ["table" "entries"]
        "The text of a table has changed and was compiled; the new table is in force."

    // The queue and the machine.
    QueueScanned "queue-scanned" Info ["messages" "recipients" "count" "seconds" "reason"]
        "The queue was read through."
    RecoveryActed "recovery-acted" Notice ["file" "path" "action" "child" "count" "reason"]
        "Something that a crash had left was completed or tidied away."
    LimitReached "limit-reached" Warning ["limit" "count" "client" "uid" "reason"]
        "A limit was reached; whoever came too many is told to come again."
    DiskLow "disk-low" Warning ["path" "free" "need" "inodes"]
        "Room is short and no new mail is taken."
    DiskRecovered "disk-recovered" Notice ["path" "free" "need" "inodes"]
        "There is room again and mail is taken."
    LookupFailed "lookup-failed" Info ["name" "type" "server" "reason" "problem" "seconds"]
        "A question to the DNS or to the account database has no answer now; what needs it waits."
    LogLost "log-lost" Warning ["count"]
        "So many lines before this one could not be written."
    Warning "warning" Warning ["reason" "problem" "advice" "path" "file" "program" "uid" "pid" "count" "to"]
        "Something else is not as it should be; work goes on."
    Error "error" Error ["reason" "problem" "advice" "path" "file" "program" "uid" "pid" "count" "to"]
        "Something else failed and was not done."
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::is_known;

    #[test]
    fn every_name_is_kebab_and_stands_once() {
        for (index, event) in EVENTS.iter().enumerate() {
            let name = event.name();
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{name}"
            );
            assert!(
                !EVENTS
                    .iter()
                    .skip(index + 1)
                    .any(|other| other.name() == name),
                "{name} twice"
            );
            assert!(event.help().ends_with('.'), "{name}");
        }
    }

    #[test]
    fn every_key_of_an_event_is_explained() {
        for event in EVENTS {
            for key in event.keys() {
                assert!(is_known(key), "{} carries {key}", event.name());
            }
        }
    }
}
