//! Who may ask what (`privacy`, `operators`).

use stafette_control::Settings;
use stafette_wire::operator::{By, Selection, ToSend};

use crate::client::Authority;

/// What the operator restricts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Privacy {
    /// Not everybody may list.
    mailq: bool,
    /// Not everybody may flush.
    flush: bool,
    /// The group whose members may.
    pub(crate) operators: Option<String>,
}

/// Whether a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// It is.
    Yes,
    /// It is if who asks is in the group of operators.
    Operators,
    /// It is not.
    No,
}

impl Privacy {
    /// As the settings have it.
    pub(crate) fn read(settings: &Settings) -> Self {
        let words = settings.privacy();
        let has = |word: &str| words.iter().any(|each| each == word || each == "goaway");
        Self {
            mailq: has("restrictmailq"),
            flush: has("restrictqrun"),
            operators: settings.operators(),
        }
    }

    /// Whether `uid` may ask this.
    pub(crate) fn right(&self, authority: Authority, uid: u32, packet: &ToSend) -> Right {
        if authority.allows(uid) {
            return Right::Yes;
        }
        let is_restricted = match packet {
            ToSend::Ping {} => false,
            ToSend::List {} | ToSend::Hosts {} => self.mailq,
            // ETRN (RFC 1985): smtpd has looked whether the client may.
            ToSend::Flush {
                selection: Some(Selection { by: By::Domain, .. }),
            } if authority.smtpd == Some(uid) => false,
            ToSend::Flush { .. } if authority.smtpd == Some(uid) => return Right::No,
            ToSend::Flush { .. } => self.flush,
            _ => return Right::No,
        };
        match (is_restricted, &self.operators) {
            (false, _) => Right::Yes,
            (true, Some(_)) => Right::Operators,
            (true, None) => Right::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHORITY: Authority = Authority {
        own: 100,
        owner: 1000,
        smtpd: Some(200),
    };

    fn flush(by: Option<By>) -> ToSend {
        let selection = by.map(|by| Selection {
            by,
            text: "x.test".to_owned(),
        });
        ToSend::Flush { selection }
    }

    #[test]
    fn everybody_lists_and_flushes_unless_that_is_restricted() {
        let open = Privacy::default();
        let closed = Privacy {
            mailq: true,
            flush: true,
            operators: Some("mail".to_owned()),
        };
        let nobody = Privacy {
            operators: None,
            ..closed.clone()
        };
        for packet in [ToSend::List {}, ToSend::Hosts {}, flush(None)] {
            assert_eq!(open.right(AUTHORITY, 5000, &packet), Right::Yes);
            assert_eq!(closed.right(AUTHORITY, 5000, &packet), Right::Operators);
            assert_eq!(nobody.right(AUTHORITY, 5000, &packet), Right::No);
            for uid in [0, 100, 1000] {
                assert_eq!(nobody.right(AUTHORITY, uid, &packet), Right::Yes);
            }
        }
        for packet in [ToSend::Reload {}, ToSend::ForgetHosts {}] {
            assert_eq!(open.right(AUTHORITY, 5000, &packet), Right::No);
        }
    }

    #[test]
    fn smtpd_flushes_domains_alone() {
        let closed = Privacy {
            flush: true,
            ..Privacy::default()
        };
        let right = |packet| closed.right(AUTHORITY, 200, &packet);
        assert_eq!(right(flush(Some(By::Domain))), Right::Yes);
        assert_eq!(right(flush(Some(By::Sender))), Right::No);
        assert_eq!(right(flush(None)), Right::No);
    }
}
