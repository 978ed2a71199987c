use super::*;
use crate::instruction::Instruction;
use stafette_addr::ReversePath;
use stafette_directory::{Line, MailerProgram};
use stafette_wire::QueueId;
use stafette_wire::delivery::Content;
use stafette_wire::envelope::Body;

#[test]
fn a_task_comes_out_as_it_went_in() {
    let task = Task {
        job: Job {
            job: 9,
            id: QueueId::new(5, [1; 9]),
            from: ReversePath::Null,
            recipients: Vec::new(),
            next_hop: None,
            body: Body::SevenBit,
            smtputf8: true,
            ret: None,
            envid: None,
            content: Content {
                offset: 1,
                octets: 2,
                crc32: 3,
                crlf_octets: 4,
            },
            add: vec![Bytes::from("Received: x")],
        },
        home: "/home/joe".into(),
        work: Work::Account(OwnFiles {
            dash: "-".into(),
            ext: "x".into(),
            default: vec![
                Instruction::Maildir("./M".into()),
                Instruction::Mbox("/x".into()),
            ],
            has_spool_worker: true,
        }),
        may_be_there: true,
    };
    let packet = task.encode().unwrap();
    assert_eq!(Task::decode(&packet), Ok(task.clone()));
    for end in 0..packet.len() {
        assert!(Task::decode(&packet[..end]).is_err());
    }
    let words = vec!["/bin/x".to_owned(), "$u".to_owned()];
    let (user, host) = ("u".to_owned(), "h".to_owned());
    for work in [
        Work::Mailboxes(vec![Instruction::Mbox("/x".into())]),
        Work::Lines(vec![Line::Program("x".into()), Line::File("/y".into())]),
        Work::Mailer(MailerProgram::Words {
            words,
            user: user.clone(),
            host: host.clone(),
        }),
        Work::Mailer(MailerProgram::Uucp { host, user }),
    ] {
        let other = Task {
            work,
            ..task.clone()
        };
        assert_eq!(Task::decode(&other.encode().unwrap()), Ok(other));
    }
    let mut long = task;
    long.job.add = vec![Bytes(vec![b'x'; MAX_PACKET])];
    assert_eq!(long.encode(), None);
}

fn forwarding(count: usize) -> Done {
    let to = (0..count).map(|n| format!("user{n}@example.org"));
    Done {
        forward: Some(Forward {
            from: ReversePath::Null,
            verp: true,
            to: to.map(|to| to.parse().unwrap()).collect(),
        }),
        wants_spool: true,
        ..Verdict::delivered("x").into()
    }
}

#[test]
fn long_lists_of_forwards_go_in_several_packets() {
    let ends: Vec<_> = (0..10).map(|job| (job, forwarding(1000))).collect();
    let packets = encode_ends(ends.clone());
    assert!(packets.len() > 5);
    let mut again = Vec::new();
    for packet in packets {
        match Report::decode(&packet).unwrap() {
            Report::Done(part) => again.extend(part),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(again, ends);
}

#[test]
fn reports_come_out_as_they_went_in() {
    for report in [
        Report::Begun(vec![1, 2]),
        Report::Done(vec![(1, forwarding(2)), (2, Verdict::damaged().into())]),
        Report::Programs(vec![4]),
        Report::Unable("no".into()),
    ] {
        assert_eq!(Report::decode(&report.encode()), Ok(report));
    }
}

#[test]
fn a_worker_cannot_report_what_makes_no_sense() {
    let mut verdict = Verdict::delivered("x");
    verdict.status = "5.0.0".into();
    let is_refused = |done: Done| Report::decode(&Report::Done(vec![(1, done)]).encode()).is_err();
    assert!(is_refused(verdict.into()));
    let mut verdict = Verdict::deferred("4.0.0\n", "x");
    assert!(is_refused(verdict.clone().into()));
    verdict.status = "4.0.0".into();
    verdict.words = "x".repeat(3000);
    assert!(is_refused(verdict.into()));
    assert!(is_refused(forwarding(0)), "a forward to nobody");
    let mut forward = forwarding(1);
    forward.verdict = Verdict::deferred("4.0.0", "x");
    assert!(is_refused(forward), "a forward of what is not delivered");
    assert!(Report::decode(&[DONE, 255, 255, 255, 255]).is_err());
}
