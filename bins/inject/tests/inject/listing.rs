//! mailq, -q, newaliases.

use stafette_addr::{Mailbox, ReversePath};
use stafette_wire::QueueId;
use stafette_wire::operator::{Entry, EntryRecipient, FromSend, Standing, ToSend};

use crate::instance::Instance;

fn entry() -> Entry {
    Entry {
        id: QueueId::new(1, [0; 9]),
        standing: Standing::Active,
        octets: 3000,
        arrived: 0,
        next_attempt: 0,
        from: ReversePath::parse(b"a@x.test").unwrap(),
        recipients: vec![EntryRecipient {
            mailbox: Mailbox::parse(b"b@y.test").unwrap(),
            reason: "450 later".into(),
        }],
    }
}

#[test]
fn mailq_shows_what_send_says() {
    let instance = Instance::new();
    let asked = instance.send_service(vec![FromSend::Entry { entry: entry() }, FromSend::End {}]);
    for (name, words) in [("mailq", &[][..]), ("sendmail", &["-bp"])] {
        let output = instance.run(name, words, b"");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && text.starts_with("-Queue ID-  --Size-- "),
            "{text}"
        );
        assert!(
            text.contains("* ") && text.contains("(450 later)\n"),
            "{text}"
        );
        assert!(
            text.ends_with("b@y.test\n\n-- 3 Kbytes in 1 Request.\n"),
            "{text}"
        );
        assert_eq!(output.stderr, b"");
    }
    assert_eq!(*asked.lock().unwrap(), [ToSend::List {}, ToSend::List {}]);
}

#[test]
fn mailq_says_that_the_daemons_are_down_and_exits_0() {
    let output = Instance::new().run("mailq", &[], b"");
    assert!(output.status.success());
    assert_eq!(output.stdout, b"Mail queue is empty\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the daemons are down"));
}

#[test]
fn a_flush_is_asked_of_send() {
    let instance = Instance::new();
    assert_eq!(instance.code(&["-q"], b""), Some(69));
    let asked = instance.send_service(vec![FromSend::Done {
        text: String::new(),
    }]);
    assert_eq!(instance.code(&["-q"], b""), Some(0));
    assert_eq!(instance.code(&["-qRy.test"], b""), Some(0));
    assert_eq!(
        *asked.lock().unwrap(),
        [
            ToSend::Flush { domain: None },
            ToSend::Flush {
                domain: Some("y.test".into())
            }
        ]
    );
    let other = Instance::new();
    other.send_service(vec![FromSend::Refused {
        text: "not you".into(),
    }]);
    assert_eq!(other.code(&["-q"], b""), Some(77));
}

#[test]
fn newaliases_has_nothing_to_do() {
    let output = Instance::new().run("newaliases", &[], b"");
    assert_eq!(
        (output.status.code(), output.stdout, output.stderr),
        (Some(0), vec![], vec![])
    );
}
