//! VRFY, EXPN and ETRN.

use stafette_addr::{Domain, LocalPart, Mailbox};
use stafette_smtp::session::{FlushVerdict, RcptVerdict};

use super::Talk;
use crate::access::Ruling;
use crate::flush::flush;
use crate::recipients::Verdict;

impl Talk<'_> {
    /// VRFY and EXPN: what RCPT would hear, but for what is thrown away, of which nobody hears.
    pub(super) fn question(&mut self, mailbox: Mailbox) -> RcptVerdict {
        if let Ruling::Refuse(reply, _) = self.ruling_on_client() {
            return RcptVerdict::Refuse(reply);
        }
        match self.check(&mailbox) {
            Verdict::Accept | Verdict::Discard => RcptVerdict::Accept(mailbox),
            Verdict::NoSuchUser => RcptVerdict::UnknownUser,
            Verdict::NoRelay => RcptVerdict::RelayDenied,
            Verdict::Refuse(reply) => RcptVerdict::Refuse(reply),
            Verdict::Later(_) => RcptVerdict::AccountsUnavailable,
        }
    }

    /// ETRN is for domains that everybody may send to through us; whether the client may relay is another matter.
    pub(super) fn flush(&mut self, domain: Domain) -> FlushVerdict {
        if !matches!(self.ruling_on_client(), Ruling::Take) {
            return FlushVerdict::NotAllowed;
        }
        let postmaster = Mailbox::new(LocalPart::postmaster(), domain.clone());
        match self.users.check(self.instance, &postmaster, false) {
            Verdict::Accept => match flush(self.instance, &domain) {
                Ok(()) => FlushVerdict::Started,
                Err(reason) => self.unable_to_flush(&reason),
            },
            Verdict::Later(reason) => self.unable_to_flush(&reason),
            _ => FlushVerdict::NotAllowed,
        }
    }

    fn unable_to_flush(&self, reason: &str) -> FlushVerdict {
        self.diary.unable_to_flush(reason);
        FlushVerdict::Unavailable
    }
}
