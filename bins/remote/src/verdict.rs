//! What became of one recipient, and in whose words.

use stafette_smtp::{Class, PeerReply, Status};
use stafette_wire::delivery::{Bytes, Fate, RecipientOutcome};

use crate::peer::{Cause, Lost};

/// Octets of a reply that are kept for the journal and for reports.
const WORDS: usize = 1_000;
/// Octets of all replies of one outcome together, so that it fits a packet whatever the number of recipients.
const ALL_WORDS: usize = 96 * 1024;
/// Octets of one recipient's outcome beside the words.
const FRAME: usize = 32;

/// The verdict about one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) fate: Fate,
    pub(crate) status: Status,
    pub(crate) words: Vec<u8>,
    pub(crate) from_peer: bool,
}

impl Verdict {
    /// What a reply says that decides: delivered, not now, or never (RFC 5321 section 4.2.1). Only the final reply may deliver.
    pub(crate) fn final_reply(reply: &PeerReply) -> Self {
        if reply.is_positive() {
            Self::said(Fate::Delivered, reply.status_or_class(), reply)
        } else {
            Self::refusal(reply)
        }
    }

    /// What a reply says that is not the one that was hoped for.
    pub(crate) fn refusal(reply: &PeerReply) -> Self {
        match reply.class() {
            Class::Permanent => Self::said(Fate::Failed, reply.status_or_class(), reply),
            Class::PersistentTransient => {
                Self::said(Fate::Deferred, reply.status_or_class(), reply)
            }
            Class::Success => Self::said(Fate::Deferred, Status::transient(5, 0), reply),
        }
    }

    /// A refusal that is not about the message: it is deferred whatever the code, for another host or another day.
    pub(crate) fn deferral(reply: &PeerReply) -> Self {
        let status = reply.status_or_class();
        let status = match status.class() {
            Class::PersistentTransient => status,
            Class::Permanent => Status::transient(status.subject(), status.detail()),
            Class::Success => Status::transient(5, 0),
        };
        Self::said(Fate::Deferred, status, reply)
    }

    fn said(fate: Fate, status: Status, reply: &PeerReply) -> Self {
        Self {
            fate,
            status,
            words: reply.one_line(),
            from_peer: true,
        }
    }

    /// A deferral in our own words.
    pub(crate) fn deferred(status: Status, words: &str) -> Self {
        Self::own(Fate::Deferred, status, words)
    }

    /// A failure in our own words.
    pub(crate) fn failed(status: Status, words: &str) -> Self {
        Self::own(Fate::Failed, status, words)
    }

    fn own(fate: Fate, status: Status, words: &str) -> Self {
        Self {
            fate,
            status,
            words: words.as_bytes().to_vec(),
            from_peer: false,
        }
    }

    /// The verdict when a session with `relay` ended before the peer judged.
    pub(crate) fn lost(lost: &Lost, relay: &str) -> Self {
        let stage = lost.stage;
        match &lost.cause {
            Cause::Closing(reply) => Self::deferral(reply),
            Cause::TimedOut => Self::deferred(
                Status::transient(4, 2),
                &format!("{relay}: timed out {stage}"),
            ),
            Cause::Closed => Self::deferred(
                Status::transient(4, 2),
                &format!("{relay}: connection lost {stage}"),
            ),
            Cause::Failed(error) => Self::deferred(
                Status::transient(4, 2),
                &format!("{relay}: connection failed {stage}: {error}"),
            ),
            Cause::Misbehaved(problem) => Self::deferred(
                Status::transient(5, 0),
                &format!("{relay}: {problem} {stage}"),
            ),
        }
    }

    /// As the outcome of recipient `index`, one of `count` in the packet.
    pub(crate) fn into_outcome(self, index: u32, count: usize) -> RecipientOutcome {
        let room = ALL_WORDS
            .checked_div(count)
            .unwrap_or(ALL_WORDS)
            .saturating_sub(FRAME)
            .min(WORDS);
        let mut words = self.words;
        if words.len() > room {
            words.truncate(room.saturating_sub(4));
            words.extend_from_slice(b" ...");
            words.truncate(room);
        }
        RecipientOutcome {
            index,
            fate: self.fate,
            status: self.status.to_string(),
            reply: Bytes(words),
            from_peer: self.from_peer,
        }
    }
}

#[cfg(test)]
mod tests {
    use stafette_smtp::ReplyParser;

    use super::*;

    fn reply(wire: &str) -> PeerReply {
        let (_, reply) = ReplyParser::new().feed(wire.as_bytes()).unwrap();
        reply.unwrap()
    }

    fn brief(verdict: &Verdict) -> (Fate, String) {
        (verdict.fate, verdict.status.to_string())
    }

    #[test]
    fn a_reply_is_classified_by_its_code_and_keeps_its_enhanced_status() {
        let cases = [
            ("250 2.6.0 ok\r\n", Fate::Delivered, "2.6.0"),
            ("250 ok\r\n", Fate::Delivered, "2.0.0"),
            ("451 4.7.1 grey\r\n", Fate::Deferred, "4.7.1"),
            ("550 no\r\n", Fate::Failed, "5.0.0"),
            ("550 4.1.1 confused\r\n", Fate::Failed, "5.0.0"),
            ("354 go\r\n", Fate::Deferred, "4.5.0"),
        ];
        for (wire, fate, status) in cases {
            let verdict = Verdict::final_reply(&reply(wire));
            assert_eq!(brief(&verdict), (fate, status.to_owned()), "{wire}");
        }
    }

    #[test]
    fn only_the_final_reply_delivers() {
        let verdict = Verdict::refusal(&reply("250 ok\r\n"));
        assert_eq!(brief(&verdict), (Fate::Deferred, "4.5.0".to_owned()));
    }

    #[test]
    fn a_greeting_never_fails_mail_for_good() {
        let verdict = Verdict::deferral(&reply("554 5.7.1 go away\r\n"));
        assert_eq!(brief(&verdict), (Fate::Deferred, "4.7.1".to_owned()));
        assert_eq!(verdict.words, b"554 5.7.1 go away");
    }

    #[test]
    fn words_are_bounded_so_that_any_outcome_fits_a_packet() {
        let verdict = Verdict::deferred(Status::transient(4, 2), &"x".repeat(5_000));
        let one = verdict.clone().into_outcome(0, 1);
        assert_eq!(one.reply.0.len(), WORDS);
        assert!(one.reply.0.ends_with(b"x ..."));
        for count in [100, 1_000, 10_000] {
            let size = verdict.clone().into_outcome(0, count).reply.0.len() + FRAME;
            assert!(size * count <= ALL_WORDS + FRAME * count, "{count}");
        }
    }
}
