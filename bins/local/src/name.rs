//! File names in a Maildir: a unique one for tmp/, and one made from the queue id and the recipient for new/.
//!
//! The second is the same at each attempt, so that an attempt after a crash finds the copy of the one before:
//! `SECONDS.QidRindex.HOST,S=SIZE`. SECONDS is the time in the id, not of the attempt. Mail readers may append to
//! it from the first `,` or `:` on, and the host may have got another name meanwhile, so [`Stem::is_of`] compares
//! only what stands before the host.

use stafette_wire::QueueId;

/// What every name of one copy begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stem(String);

impl Stem {
    /// The stem for recipient number `index` of message `id`.
    #[must_use]
    pub fn new(id: QueueId, index: u32) -> Self {
        Self(format!("{}.Q{id}R{index}", id.milliseconds() / 1000))
    }

    /// The name in new/. `turn` 0 is the usual one; higher ones are for when that is taken by something else.
    #[must_use]
    pub fn name(&self, turn: u32, host: &str, octets: u64) -> String {
        if turn == 0 {
            format!("{}.{host},S={octets}", self.0)
        } else {
            format!("{}X{turn}.{host},S={octets}", self.0)
        }
    }

    /// Whether a file's name in new/ or cur/ was made from this stem, whatever a reader did to its end.
    #[must_use]
    pub fn is_of(&self, name: &[u8]) -> bool {
        name.strip_prefix(self.0.as_bytes())
            .and_then(<[u8]>::first)
            .is_some_and(|next| matches!(next, b'.' | b'X'))
    }
}

/// The name of a file in tmp/ that nobody else makes: time, process, a count of this process, chance, host.
#[must_use]
pub fn temporary(seconds: i64, pid: u32, count: u64, chance: u64, host: &str) -> String {
    format!("{seconds}.P{pid}Q{count}_{chance:016x}.{host}")
}

/// A host name as it may stand in a file name: `/` and `:` as the Maildir specification writes them, and nothing
/// else that a reader or a shell could take for something.
#[must_use]
pub fn host_part(host: &str) -> String {
    let mut out = String::with_capacity(host.len());
    for c in host.chars().take(64) {
        match c {
            '/' => out.push_str("\\057"),
            ':' => out.push_str("\\072"),
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') => out.push(c),
            _ => out.push('_'),
        }
    }
    if out.is_empty() {
        out.push_str("localhost");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> QueueId {
        QueueId::new(1_700_000_000_999, [7; 9])
    }

    #[test]
    fn the_name_is_the_same_at_each_attempt_and_another_for_each_recipient() {
        let name = Stem::new(id(), 3).name(0, "mx.example.org", 1234);
        assert_eq!(
            name,
            format!("1700000000.Q{}R3.mx.example.org,S=1234", id())
        );
        assert_ne!(name, Stem::new(id(), 4).name(0, "mx.example.org", 1234));
    }

    #[test]
    fn a_copy_is_known_again_with_flags_another_host_and_another_turn() {
        let stem = Stem::new(id(), 1);
        for name in [
            stem.name(0, "a", 5),
            stem.name(0, "b", 5) + ":2,RS",
            stem.name(2, "a", 5),
            stem.name(0, "a", 5) + ",W=9:2,",
        ] {
            assert!(stem.is_of(name.as_bytes()), "{name}");
        }
        let other = Stem::new(id(), 12).name(0, "a", 5);
        assert!(!stem.is_of(other.as_bytes()));
        assert!(!stem.is_of(b"1700000000.M1P2.host"));
        assert!(!stem.is_of(b""));
    }

    #[test]
    fn a_host_name_cannot_end_the_name_or_leave_the_directory() {
        assert_eq!(host_part("mx.example.org"), "mx.example.org");
        assert_eq!(host_part("a/b:c,d e"), "a\\057b\\072c_d_e");
        assert_eq!(host_part(""), "localhost");
        assert!(host_part(&"x".repeat(300)).len() <= 64);
    }
}
