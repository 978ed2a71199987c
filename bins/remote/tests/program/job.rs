//! Jobs as send gives them, and their outcomes.

use std::io::Write as _;
use std::os::fd::AsFd as _;

use stafette_addr::{Mailbox, ReversePath};
use stafette_sys::packet::{MAX_PACKET, Socket};
use stafette_wire::delivery::{
    Content, Fate, FromDelivery, Job, JobRecipient, NextHop, Outcome, Running, ToDelivery,
};
use stafette_wire::envelope::{Body, Recipient};
use stafette_wire::{Packet, QueueId};

/// The content of every message that does not say otherwise.
pub(crate) const TEXT: &[u8] = b"Subject: test\n\nhello\n";

/// A job for `recipients` over the exchangers of `domain`.
pub(crate) fn job_for(number: u64, domain: &str, port: u16, recipients: &[&str]) -> Job {
    let recipients = recipients.iter().enumerate();
    Job {
        job: number,
        id: QueueId::from_number(u128::from(number)),
        from: ReversePath::parse(b"sender@us.example").unwrap(),
        recipients: recipients
            .map(|(index, text)| JobRecipient {
                index: u32::try_from(index).unwrap() + 10,
                recipient: Recipient {
                    mailbox: Mailbox::parse(text.as_bytes()).unwrap(),
                    notify: None,
                    orcpt: None,
                    expanded: stafette_wire::envelope::Expanded::No,
                },
            })
            .collect(),
        next_hop: Some(NextHop {
            line: format!("{domain}:{port}"),
            host: domain.to_owned(),
            port,
            mx: true,
            protocol: stafette_wire::delivery::Protocol::Smtp,
        }),
        body: Body::SevenBit,
        smtputf8: false,
        ret: None,
        envid: None,
        content: Content {
            offset: 0,
            octets: 0,
            crc32: 0,
            crlf_octets: 0,
        },
        add: Vec::new(),
    }
}

/// A job for one recipient at the peer that listens on this port.
pub(crate) fn job(number: u64, port: u16) -> Job {
    job_for(number, "[127.0.0.1]", port, &["one@d.example"])
}

/// send, as far as remote can tell.
pub(crate) struct Giver(pub(crate) Socket);

impl Giver {
    /// Takes the greeting: what still runs.
    pub(crate) fn greeted(socket: Socket) -> (Self, Vec<Running>) {
        let giver = Self(socket);
        match giver.hear() {
            FromDelivery::Hello { running, last, .. } => {
                assert!(last);
                (giver, running)
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn new(socket: Socket) -> Self {
        Self::greeted(socket).0
    }

    pub(crate) fn hear(&self) -> FromDelivery {
        let mut buffer = vec![0; MAX_PACKET];
        let (length, _) = self.0.recv(&mut buffer).unwrap();
        FromDelivery::decode(&buffer[..length]).unwrap()
    }

    /// Gives a job with the usual content.
    pub(crate) fn give(&self, job: Job) {
        self.give_with(job, TEXT);
    }

    /// Gives a job with this content in the middle of a file.
    pub(crate) fn give_with(&self, mut job: Job, text: &[u8]) {
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        job.content = Content {
            offset: 7,
            octets: text.len() as u64,
            crc32: crc32fast::hash(text),
            crlf_octets: (text.len() + lines) as u64,
        };
        self.give_as_it_is(job, text);
    }

    /// Gives a job whose description of the content may be wrong.
    pub(crate) fn give_as_it_is(&self, job: Job, text: &[u8]) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before\n").unwrap();
        file.write_all(text).unwrap();
        file.write_all(b"after\n").unwrap();
        let packet = ToDelivery::Job { job }.encode();
        self.0.send(&packet, &[file.as_fd()]).unwrap();
    }

    /// The next outcome, acknowledged.
    pub(crate) fn outcome(&self) -> Outcome {
        let outcome = self.unacknowledged();
        let job = outcome.job;
        let packet = ToDelivery::Acknowledge { job }.encode();
        self.0.send(&packet, &[]).unwrap();
        outcome
    }

    pub(crate) fn unacknowledged(&self) -> Outcome {
        match self.hear() {
            FromDelivery::Outcome { outcome } => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Gives the job and takes its outcome.
    pub(crate) fn run(&self, job: Job) -> Outcome {
        self.give(job);
        self.outcome()
    }
}

/// Fate and status of each recipient.
pub(crate) fn fates(outcome: &Outcome) -> Vec<(Fate, &str)> {
    let results = outcome.results.iter();
    results
        .map(|each| (each.fate, each.status.as_str()))
        .collect()
}

/// The words about the only recipient.
pub(crate) fn words(outcome: &Outcome) -> String {
    assert_eq!(outcome.results.len(), 1);
    String::from_utf8_lossy(&outcome.results[0].reply.0).into_owned()
}
