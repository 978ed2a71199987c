//! The service as its clients see it.

use crate::instance::{Instance, is_root};
use stafette_wire::submission::{FromQueue, Refusal, ToQueue};
use stafette_wire::{Packet, QueueId};

#[test]
fn a_queued_message_is_in_new_with_its_envelope_and_trace() {
    let instance = Instance::new();
    let mut service = instance.serve();
    let client = instance.client("queue");
    client.say(&ToQueue::Ping {});
    assert_eq!(client.hear(), FromQueue::Pong {});
    let id = client.send(b"Subject: x\n\nhello\n", None);
    let message = instance.message(id);
    let envelope = &message.journal.envelope;
    assert_eq!(envelope.sender.from.as_str(), "a@x.test");
    assert_eq!(envelope.recipients[0].mailbox.as_str(), "b@y.test");
    let field = String::from_utf8(envelope.add[0].0.clone()).unwrap();
    let begin = format!(
        "Received: from client.test ([192.0.2.1])\n\tby me.test (Stafette) with ESMTP id {id}\n\tfor <b@y.test>; "
    );
    assert!(field.starts_with(&begin), "{field}");
    let line = service.logged("message-queued");
    for word in [
        &format!("id={id} "),
        "client=192.0.2.1",
        "helo=client.test",
        "from=a@x.test",
        "size=21",
        "recipients=1",
    ] {
        assert!(line.contains(word), "{line}");
    }
    let second = client.send(b"again\n", None);
    assert_ne!(second, id);
    assert_eq!(
        (instance.names("new").len(), instance.names("tmp").len()),
        (2, 0)
    );
}

#[test]
fn a_user_is_who_the_kernel_says() {
    let instance = Instance::new();
    let _service = instance.serve();
    let id = instance.client("inject").send(b"Subject: x\n\n", None);
    let message = instance.message(id);
    let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
    assert_eq!(message.journal.envelope.uid, Some(own));
    assert_eq!(
        (
            message.journal.envelope.origin.protocol.as_str(),
            message.journal.envelope.origin.address
        ),
        ("local", None)
    );
    let field = String::from_utf8(message.journal.envelope.add[0].0.clone()).unwrap();
    assert!(
        field.starts_with(&format!(
            "Received: by me.test (Stafette, from userid {own})\n\tid {id}; "
        )),
        "{field}"
    );
}

#[test]
fn users_cannot_do_what_send_does() {
    let instance = Instance::new();
    let mut service = instance.serve();
    let client = instance.client("inject");
    client.mail("a@x.test", Some(QueueId::new(1, [0; 9])));
    assert!(matches!(
        client.hear(),
        FromQueue::Refused {
            refusal: Refusal::NotAllowed,
            ..
        }
    ));
    client.say(&ToQueue::Subscribe {});
    assert!(client.is_cut_off());
    assert!(service.logged("peer-misbehaved").contains("only send"));
}

#[test]
fn a_subscriber_hears_of_messages_but_not_of_children() {
    let instance = Instance::new();
    let _service = instance.serve();
    let send = instance.client("queue");
    send.say(&ToQueue::Subscribe {});
    assert_eq!(send.hear(), FromQueue::Overflow {});
    let client = instance.client("queue");
    let parent = client.send(b"x\n", None);
    let child = client.send(b"x\n", Some(parent));
    let last = instance.client("inject").send(b"x\n", None);
    assert_eq!(send.hear(), FromQueue::Arrived { id: parent });
    assert_eq!(send.hear(), FromQueue::Arrived { id: last });
    assert_eq!(instance.names("tmp"), [child.to_string()]);
}

#[test]
fn what_is_cut_off_refused_or_aborted_leaves_nothing() {
    let instance = Instance::new();
    instance.set("databytes", "10");
    let _service = instance.serve();
    let client = instance.client("queue");
    client.mail("a@x.test", None);
    client.hear();
    client.to("b@y.test");
    client.content(b"more than ten octets");
    assert!(matches!(
        client.commit(20),
        FromQueue::Refused {
            refusal: Refusal::TooBig,
            ..
        }
    ));
    client.mail("a@x.test", None);
    client.hear();
    client.content(b"x");
    client.say(&ToQueue::Abort {});
    assert!(matches!(
        client.commit(1),
        FromQueue::Refused {
            refusal: Refusal::NotAllowed,
            ..
        }
    ));
    client.mail("a@x.test", None);
    client.hear();
    client.content(b"x");
    assert_eq!(instance.names("tmp").len(), 1);
    drop(client);
    // The next connection's answer comes after the last one's end was seen, or the file goes at the latest with the service.
    let id = instance.client("queue").send(b"x\n", None);
    assert_eq!(instance.names("new"), [id.to_string()]);
}

#[test]
fn nonsense_is_cut_off_and_the_others_are_served() {
    let instance = Instance::new();
    let _service = instance.serve();
    for nonsense in [
        &b"?"[..],
        b"M",
        b"Mxxxxxxxxxxxxxxxxxxxxx",
        &[b'D'; 100_000],
        ToQueue::Ping {}.encode().repeat(2).as_slice(),
    ] {
        let client = instance.client("inject");
        client.0.send(nonsense, &[]).unwrap();
        assert!(client.is_cut_off());
    }
    instance.client("inject").send(b"x\n", None);
}

#[test]
fn users_have_no_more_connections_than_allowed() {
    let instance = Instance::new();
    instance.set("injectperuser", "2");
    let _service = instance.serve();
    let (one, two) = (instance.client("inject"), instance.client("inject"));
    let three = instance.client("inject");
    assert!(matches!(
        three.hear(),
        FromQueue::Refused {
            refusal: Refusal::Temporary,
            ..
        }
    ));
    assert!(three.is_cut_off());
    one.send(b"x\n", None);
    two.send(b"x\n", None);
    instance.client("queue").send(b"x\n", None);
}

#[test]
fn many_clients_at_once_are_all_served() {
    let instance = Instance::new();
    let _service = instance.serve();
    let mut ids: Vec<QueueId> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let client = instance.client("queue");
                    (0..20)
                        .map(|_| client.send(b"Subject: x\n\nhello\n", None))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        clients
            .into_iter()
            .flat_map(|client| client.join().unwrap())
            .collect()
    });
    ids.sort_unstable();
    let mut names = instance.names("new");
    names.sort_unstable();
    assert_eq!(
        names,
        ids.iter().map(ToString::to_string).collect::<Vec<_>>()
    );
}

#[test]
fn a_stranger_has_no_business_on_the_service_socket() {
    if !is_root() {
        return; // Only root can be a stranger to an instance that runs as somebody else, and root is none.
    }
    let instance = Instance::new();
    let mut service = instance.serve();
    let path = instance.path("run/queue/socket");
    let script = format!(
        "import os,socket\nos.setgid(12345)\nos.setuid(12345)\ns=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\ns.connect({path:?})\ns.recv(10)"
    );
    std::process::Command::new("python3")
        .args(["-c", &script])
        .status()
        .unwrap();
    assert!(service.logged("peer-misbehaved").contains("uid=12345"));
}

#[test]
fn a_full_disk_is_told_before_anything_is_sent() {
    let instance = Instance::new();
    instance.set("minfree", "999999999999999");
    let mut service = instance.serve();
    let client = instance.client("queue");
    client.mail("a@x.test", None);
    assert!(matches!(
        client.hear(),
        FromQueue::Refused {
            refusal: Refusal::NoSpace,
            ..
        }
    ));
    service.logged("disk-low");
}
