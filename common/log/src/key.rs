//! The keys of log fields and what they mean, each in one line for the manual.

/// A key and its meaning.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// What stands before the `=`.
    pub name: &'static str,
    /// What stands behind it.
    pub help: &'static str,
}

macro_rules! keys {
    ($($name:literal $help:literal)*) => {
        /// All keys, in alphabetical order.
        pub const KEYS: &[Key] = &[$(Key { name: $name, help: $help }),*];
    };
}

keys! {
    "action" "What was done; of a report, its RFC 3464 action: failed, delayed, delivered, relayed, expanded."
    "advice" "What to do about it."
    "age" "Seconds since the message was queued."
    "attempt" "Which attempt for this recipient this was, from 1."
    "attempts" "How many attempts were made for all recipients."
    "by" "User id of the operator."
    "channel" "local or remote."
    "child" "Queue id of the message that came out of this one."
    "client" "Address of the client."
    "code" "SMTP reply code."
    "command" "The command, as far as it was read."
    "commands" "Number of commands."
    "count" "How many."
    "cut" "How many fields were left out because the line was full."
    "delay" "Seconds from queueing to this outcome."
    "delays" "The delay by stage, in seconds with a slash between: before send saw it, waiting in its line, connecting, sending."
    "delivered" "Number of recipients delivered."
    "destination" "The line in which recipients wait: a domain, a relay, or local."
    "done" "What was done, with commas between."
    "dsn" "Enhanced status code (RFC 3463)."
    "due" "When the next attempt is made, RFC 3339."
    "entries" "Number of entries."
    "envid" "The sender's name for the envelope (RFC 3461)."
    "errors" "Number of wrong commands."
    "failed" "Number of recipients failed."
    "file" "The file, relative to the directory of the settings or of the queue."
    "free" "Free bytes."
    "from" "The reverse-path; empty for the null one."
    "helo" "What the client called itself in HELO or EHLO."
    "inodes" "Free inodes."
    "limit" "Name of the limit, as in control(5)."
    "line" "Line number."
    "listen" "The addresses listened on, with commas between."
    "local" "Our address and port."
    "messages" "Number of messages."
    "missing" "What could not be done here, with commas between."
    "name" "A host or domain name."
    "need" "Bytes needed."
    "orig" "The original recipient (ORCPT, RFC 3461)."
    "outcome" "delivered, deferred or failed."
    "parent" "Queue id of the message that this one came out of."
    "path" "A path."
    "pid" "A process id."
    "problem" "What is wrong, in words, often the system's."
    "program" "One of our programs."
    "proto" "SMTP, ESMTP, LOCAL or what else brought the message."
    "reason" "Why, in words."
    "recipients" "Number of recipients."
    "relay" "The host that was spoken to, its address in brackets and its port; or the way of local delivery."
    "reply" "The peer's own words, escaped and cut."
    "retry" "Seconds until the next try."
    "root" "The root directory from now on."
    "seconds" "How long it took."
    "server" "The name server."
    "sid" "The session, the same in all lines of one."
    "signal" "The signal."
    "size" "Octets of the message as SMTP counts them."
    "status" "The exit code."
    "table" "Name of the table."
    "to" "The recipient."
    "type" "The DNS record type."
    "uid" "A user id; of an acceptance, the user who injected the message."
    "until" "Until when, RFC 3339."
    "user" "A user name."
    "version" "The version of Stafette."
}

/// Keys that an event may carry without naming them in its list.
#[cfg(any(test, debug_assertions))]
pub(crate) const COMMON: &[&str] = &["sid", "reason", "problem", "cut"];

/// Whether the manual explains `key`.
#[cfg(any(test, debug_assertions))]
pub(crate) fn is_known(key: &str) -> bool {
    KEYS.iter().any(|known| known.name == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EVENTS;

    #[test]
    fn keys_are_sorted_and_stand_once() {
        assert!(KEYS.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn every_key_is_carried_by_some_event() {
        for key in KEYS {
            let is_carried = COMMON.contains(&key.name)
                || EVENTS.iter().any(|event| event.keys().contains(&key.name));
            assert!(is_carried, "{}", key.name);
        }
    }
}
