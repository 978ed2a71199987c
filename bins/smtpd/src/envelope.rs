//! What the session learned, in the words of queue.

use stafette_addr::Mailbox;
use stafette_smtp::Session;
use stafette_smtp::command::{self, RcptParams};
use stafette_smtp::session::Mail;
use stafette_wire::envelope::{Body, Bytes, Notify, Recipient, Ret, Sender};
use stafette_wire::submission::Origin;

use crate::client::Client;

/// The sender's side of the envelope.
pub(crate) fn sender(mail: &Mail) -> Sender {
    Sender {
        from: mail.from.clone(),
        body: match mail.params.body {
            Some(command::Body::EightBitMime) => Body::EightBit,
            Some(command::Body::SevenBit) | None => Body::SevenBit,
        },
        smtputf8: mail.params.smtputf8,
        ret: mail.params.ret.map(|ret| match ret {
            command::Ret::Full => Ret::Full,
            command::Ret::Headers => Ret::Headers,
        }),
        envid: mail
            .params
            .envid
            .as_ref()
            .map(|envid| Bytes::from(envid.as_str())),
        verp: false,
    }
}

/// One recipient.
pub(crate) fn recipient(mailbox: Mailbox, params: &RcptParams) -> Recipient {
    Recipient {
        mailbox,
        notify: params.notify.map(|notify| Notify {
            success: notify.success,
            failure: notify.failure,
            delay: notify.delay,
        }),
        orcpt: params
            .orcpt
            .as_ref()
            .map(|orcpt| Bytes::from(format!("{};{}", orcpt.kind(), orcpt.address()).as_str())),
        expanded: stafette_wire::envelope::Expanded::No,
    }
}

/// Where the message comes from; `smtputf8` as MAIL has just said (RFC 6531 section 4.3).
pub(crate) fn origin(client: &Client, session: &Session, smtputf8: bool) -> Origin {
    Origin {
        protocol: if smtputf8 {
            "UTF8SMTP"
        } else {
            session.protocol()
        }
        .to_owned(),
        helo: Bytes::from(
            session
                .client_name()
                .map_or("", command::ClientName::as_str),
        ),
        address: client.address,
        name: Bytes::from(client.name.as_str()),
    }
}
