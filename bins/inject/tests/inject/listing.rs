//! mailq, -q, hoststat, -v.

use stafette_addr::{Mailbox, ReversePath};
use stafette_sys::packet::Listener;
use stafette_wire::operator::{
    By, Entry, EntryRecipient, FromSend, HostEntry, Selection, Standing, ToSend,
};
use stafette_wire::{MAX_PACKET, Packet, QueueId};

use crate::instance::{Instance, Play};

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
            ToSend::Flush { selection: None },
            ToSend::Flush {
                selection: Some(Selection {
                    by: By::Recipient,
                    text: "y.test".into()
                })
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
fn mailq_j_prints_one_object_a_line() {
    let instance = Instance::new();
    let mut second = entry();
    second.id = QueueId::new(2, [0; 9]);
    second.from = ReversePath::Null;
    second.standing = Standing::Waiting;
    instance.send_service(vec![
        FromSend::Entry { entry: entry() },
        FromSend::Entry { entry: entry() },
        FromSend::Entry { entry: second },
        FromSend::End {},
    ]);
    let output = instance.run("mailq", &["-j"], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    let name = |number| QueueId::new(number, [0; 9]);
    let b = "{\"address\": \"b@y.test\", \"delay_reason\": \"450 later\"}";
    let object = |queue: &str, id: QueueId, sender: &str, to: &str| {
        format!(
            "{{\"queue_name\": \"{queue}\", \"queue_id\": \"{id}\", \"arrival_time\": 0, \"message_size\": 3000, \"forced_expire\": false, \"sender\": \"{sender}\", \"recipients\": [{to}]}}\n"
        )
    };
    let first = object("active", name(1), "a@x.test", &format!("{b}, {b}"));
    let second = object("deferred", name(2), "MAILER-DAEMON", b);
    assert_eq!(text, first + &second);
}

#[test]
fn a_listing_can_be_of_some_messages_only() {
    let instance = Instance::new();
    instance.send_service(vec![FromSend::Entry { entry: entry() }, FromSend::End {}]);
    for (words, count) in [
        (&["-bp", "-qSA@X"][..], 1),
        (&["-bp", "-qSb@y"], 0),
        (&["-bp", "-qRb@y"], 1),
        (&["-qI9999", "-bp"], 0),
    ] {
        let output = instance.run("sendmail", words, b"");
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.matches("a@x.test").count(), count, "{words:?}: {text}");
        assert_eq!(text == "Mail queue is empty\n", count == 0, "{text}");
    }
}

#[test]
fn hoststat_shows_what_send_knows_and_purgestat_has_it_forget() {
    let instance = Instance::new();
    assert_eq!(instance.code(&["-bh"], b""), Some(69));
    let host = HostEntry {
        destination: "y.test".into(),
        relay: "mx.y.test".into(),
        tried: 1,
        dead_until: 0,
        waiting: 1,
        reply: "250 ok".into(),
    };
    let asked = instance.send_service(vec![FromSend::Host { host }, FromSend::End {}]);
    for (name, words) in [("hoststat", &[][..]), ("sendmail", &["-bh"])] {
        let output = instance.run(name, words, b"");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("-------------- Hostname"), "{text}");
        assert!(lines[1].starts_with("y.test ") && lines[1].ends_with(" 250 ok"));
    }
    for (name, words) in [("purgestat", &[][..]), ("sendmail", &["-bH"])] {
        assert!(instance.run(name, words, b"").status.success());
    }
    assert_eq!(
        *asked.lock().unwrap(),
        [
            ToSend::Hosts {},
            ToSend::Hosts {},
            ToSend::ForgetHosts {},
            ToSend::ForgetHosts {}
        ]
    );
}

#[test]
fn v_shows_the_delivery_to_its_end() {
    let instance = Instance::new();
    instance.serve(Play::Take);
    let output = instance.run("sendmail", &["-v", "b@y.test"], b"x\n");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("... waits: the daemons are down\n"),
        "{text}"
    );
    // The first questions are answered with the message, the others without.
    let listener = Listener::bind(&instance.path("run/send/socket"), 0o666).unwrap();
    std::thread::spawn(move || {
        while let Ok(socket) = listener.accept() {
            let mut buffer = vec![0; MAX_PACKET];
            let mut count = 0;
            while let Ok((1.., _)) = socket.recv(&mut buffer) {
                count += 1;
                if count < 3 {
                    let packet = FromSend::Entry { entry: entry() };
                    socket.send(&packet.encode(), &[]).unwrap();
                }
                socket.send(&FromSend::End {}.encode(), &[]).unwrap();
            }
        }
    });
    let output = instance.run("sendmail", &["-v", "b@y.test"], b"x\n");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].ends_with("... queued"), "{text}");
    assert_eq!(
        lines[1..3],
        ["b@y.test... Deferred: 450 later", "b@y.test... done"]
    );
    assert!(lines[3].contains("... has left the queue"), "{text}");
}
