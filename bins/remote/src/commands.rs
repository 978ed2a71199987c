//! What a job asks of a peer, in the terms of SMTP.

use stafette_smtp::client::Envelope;
use stafette_smtp::command::{EnvelopeId, Notify, OriginalRecipient, RcptParams, Ret};
use stafette_wire::delivery::{Job, JobRecipient};
use stafette_wire::envelope::{self, Body};

use crate::content::Outgoing;

/// The job's parameters, read once. What of them is not as RFC 3461 wants it is left out.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    job: &'a Job,
    size: u64,
    utf8_header: bool,
    envid: Option<EnvelopeId>,
}

impl<'a> Asked<'a> {
    /// Reads the job.
    pub(crate) fn new(job: &'a Job, outgoing: &Outgoing<'_>) -> Self {
        let envid = job.envid.as_ref();
        Self {
            job,
            size: outgoing.size(),
            utf8_header: job.smtputf8 && outgoing.has_utf8_header(),
            envid: envid.and_then(|decoded| EnvelopeId::from_decoded(&decoded.0)),
        }
    }

    /// The envelope of a transaction with these recipients.
    pub(crate) fn envelope<'b>(
        &self,
        mut recipients: impl Iterator<Item = &'b JobRecipient>,
    ) -> Envelope<'_> {
        Envelope {
            from: &self.job.from,
            size: self.size,
            eight_bit: self.job.body == Body::EightBit,
            utf8_header: self.utf8_header,
            utf8_recipient: recipients.any(|each| each.recipient.mailbox.needs_smtputf8()),
            ret: self.job.ret.map(|ret| match ret {
                envelope::Ret::Full => Ret::Full,
                envelope::Ret::Headers => Ret::Headers,
            }),
            envid: self.envid.as_ref(),
        }
    }
}

/// The parameters of RCPT.
pub(crate) fn params(to: &JobRecipient) -> RcptParams {
    let orcpt = to.recipient.orcpt.as_ref().and_then(|decoded| {
        let text = std::str::from_utf8(&decoded.0).ok()?;
        let (kind, address) = text.split_once(';')?;
        OriginalRecipient::new(kind, address)
    });
    RcptParams {
        notify: to.recipient.notify.map(|notify| Notify {
            success: notify.success,
            failure: notify.failure,
            delay: notify.delay,
        }),
        orcpt,
    }
}
