//! queue's refusals as answers to the client.

use stafette_smtp::session::{ContentVerdict, MailVerdict};
use stafette_smtp::{Reply, Status};
use stafette_wire::submission::Refusal;

use crate::postbox::Refused;

/// To MAIL.
pub(crate) fn mail_verdict(refused: &Refused) -> MailVerdict {
    match refused.refusal {
        Refusal::NoSpace => MailVerdict::DiskFull,
        Refusal::TooBig => MailVerdict::Refuse(Reply::new(
            552,
            Status::permanent(3, 4),
            "message larger than this host takes",
        )),
        Refusal::Temporary | Refusal::TooManyRecipients => MailVerdict::QueueUnavailable,
        Refusal::NotAllowed => {
            MailVerdict::Refuse(Reply::new(554, Status::permanent(3, 0), "not taken"))
        }
    }
}

/// To the end of the content.
pub(crate) fn content_verdict(refused: &Refused) -> ContentVerdict {
    match refused.refusal {
        Refusal::NoSpace => ContentVerdict::DiskFull,
        Refusal::TooBig => ContentVerdict::TooLarge,
        Refusal::Temporary => ContentVerdict::QueueUnavailable,
        Refusal::TooManyRecipients => ContentVerdict::Refuse(Reply::new(
            452,
            Status::transient(5, 3),
            "too many recipients",
        )),
        Refusal::NotAllowed => {
            ContentVerdict::Refuse(Reply::new(554, Status::permanent(3, 0), "not taken"))
        }
    }
}
