//! Steering the queue while the programs are down, up, or in between.

use std::path::Path;

use stafette_queue_layout::{Event, Message, Place, Record, Recorder};
use stafette_wire::clean::{FromClean, ToClean};
use stafette_wire::operator::{By, FromSend, HostEntry, ToSend};
use stafette_wire::tables::{FromTables, ToTables};

use crate::instance::{Instance, NEXT};
use crate::server::serve;

/// Whether this process is root.
fn is_root() -> bool {
    stafette_sys::user::is_root()
}

/// The owner of a file.
fn owner(path: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).expect("a file").uid()
}

#[test]
fn hold_release_and_remove_work_while_nothing_runs() {
    let instance = Instance::new();
    let id = instance.accept(1, &["a@x.test"]);
    assert_eq!(
        instance.ends(0, &["queue", "hold", id.as_str()]),
        format!("{id} held\n")
    );
    assert!(instance.is_in(Place::Hold, id));
    assert_eq!(
        instance.ends(0, &["queue", "hold", id.as_str()]),
        format!("{id} is held already\n")
    );
    assert!(instance.ends(0, &["queue", "list"]).contains(" hold "));
    assert_eq!(
        instance.ends(0, &["queue", "release", id.as_str()]),
        format!("{id} released\n")
    );
    assert!(instance.is_in(Place::Cur, id));
    assert_eq!(
        instance.ends(0, &["queue", "release", id.as_str()]),
        format!("{id} is not held\n")
    );
    let story = instance.ends(0, &["queue", "show", id.as_str()]);
    assert!(
        story.contains(" held by=") && story.contains(" released by="),
        "{story}"
    );
    assert_eq!(
        instance.ends(0, &["queue", "remove", id.as_str()]),
        format!("{id} removed\n")
    );
    assert!(!instance.is_in(Place::Cur, id));
}

#[test]
fn of_several_messages_the_good_ones_are_done_although_one_fails() {
    let instance = Instance::new();
    let (one, two) = (
        instance.accept(1, &["a@x.test"]),
        instance.accept(2, &["a@x.test"]),
    );
    instance.ends(
        100,
        &[
            "queue",
            "hold",
            one.as_str(),
            "01hf7yat000000000000abz",
            two.as_str(),
        ],
    );
    assert!(instance.is_in(Place::Hold, one) && instance.is_in(Place::Hold, two));
}

#[test]
fn root_leaves_the_queue_to_its_owner() {
    if !is_root() {
        eprintln!("SKIPPED: no root");
        return;
    }
    const NOBODY: u32 = 65534;
    let instance = Instance::new();
    let id = instance.accept(1, &["a@x.test"]);
    let queue = instance.path("spool/queue");
    for path in [queue.clone(), instance.file(Place::New, id)] {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("chown");
    }
    for place in Place::ALL {
        std::os::unix::fs::chown(queue.join(place.name()), Some(NOBODY), Some(NOBODY))
            .expect("chown");
    }
    open_for_all(&instance);
    instance.ends(0, &["queue", "hold", id.as_str()]);
    instance.ends(0, &["queue", "release", id.as_str()]);
    let file = instance.file(Place::Cur, id);
    assert_eq!(
        (owner(&file), owner(file.parent().expect("a directory"))),
        (NOBODY, NOBODY)
    );
}

/// The folder of a test is closed to others; nobody has to get in.
fn open_for_all(instance: &Instance) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(instance.path(""), std::fs::Permissions::from_mode(0o755))
        .expect("chmod");
}

#[test]
fn clean_is_asked_while_send_is_down() {
    let instance = Instance::new();
    let id = instance.accept(1, &["a@x.test"]);
    let disk = instance.disk.clone();
    let asked = serve(
        &instance.path("run/clean/socket"),
        move |asked: &ToClean| match asked {
            ToClean::Record {
                seq,
                id,
                events,
                then,
            } => {
                let events = events
                    .iter()
                    .map(|words| Event::parse(&words.0).expect("an event"))
                    .collect();
                let results = Recorder::new(&disk).record(&[Record {
                    id: *id,
                    events,
                    then: *then,
                }]);
                results
                    .into_iter()
                    .for_each(|result| result.expect("a record"));
                vec![FromClean::Recorded { seq: *seq }]
            }
            ToClean::Ping {} => vec![FromClean::Pong {}],
        },
    );
    instance.ends(0, &["queue", "hold", id.as_str()]);
    assert!(instance.is_in(Place::Hold, id));
    assert!(matches!(asked.recv(), Ok(ToClean::Record { id: asked, .. }) if asked == id));
}

#[test]
fn clean_s_refusal_is_told_in_its_words_and_may_pass() {
    let instance = Instance::new();
    let id = instance.accept(1, &["a@x.test"]);
    let _asked = serve(
        &instance.path("run/clean/socket"),
        |asked: &ToClean| match asked {
            ToClean::Record { seq, .. } => vec![FromClean::Refused {
                seq: *seq,
                missing: false,
                reason: "unable to append: disk full".to_owned(),
            }],
            ToClean::Ping {} => vec![],
        },
    );
    assert!(
        instance
            .ends(111, &["queue", "hold", id.as_str()])
            .contains("clean refuses: unable to append: disk full")
    );
}

#[test]
fn send_is_asked_first_and_its_words_are_told() {
    let instance = Instance::new();
    let id = instance.accept(1, &["a@x.test"]);
    let asked = serve(
        &instance.path("run/send/socket"),
        |asked: &ToSend| match asked {
            ToSend::Hold { .. } => vec![FromSend::Done {
                text: String::new(),
            }],
            _ => vec![FromSend::Refused {
                text: "you are not root".to_owned(),
            }],
        },
    );
    assert_eq!(
        instance.ends(0, &["queue", "hold", id.as_str()]),
        format!("{id} held\n")
    );
    assert!(matches!(asked.recv(), Ok(ToSend::Hold { id: asked }) if asked == id));
    assert!(
        instance.is_in(Place::New, id),
        "only send's own clean may move it now"
    );
    assert!(
        instance
            .ends(100, &["queue", "flush", "x.test"])
            .contains("send refuses: you are not root")
    );
    assert!(
        matches!(asked.recv(), Ok(ToSend::Flush { selection: Some(selection) }) if selection.by == By::Domain && selection.text == "x.test")
    );
}

#[test]
fn a_send_that_dies_while_it_answers_is_no_success() {
    let instance = Instance::new();
    let id = instance.accept(1, &["a@x.test"]);
    let listener = stafette_sys::packet::Listener::bind(&instance.path("run/send/socket"), 0o666)
        .expect("a socket");
    std::thread::spawn(move || drop(listener.accept().map(drop)));
    assert!(
        instance
            .ends(111, &["queue", "hold", id.as_str()])
            .contains("unable to talk to send at ")
    );
}

#[test]
fn a_flush_while_send_is_down_makes_one_domain_due_for_its_start() {
    let instance = Instance::new();
    let id = instance.accept_and_defer(1, &["a@one.test", "b@two.test"], b"450 no");
    assert!(
        instance
            .ends(0, &["queue", "flush", "one.test"])
            .contains("due when it starts: 1")
    );
    let states = Message::open(&instance.disk, id)
        .expect("a message")
        .journal
        .states;
    assert!(states[0].due < NEXT && states[1].due == NEXT, "{states:?}");
    instance.ends(0, &["queue", "flush"]);
    let states = Message::open(&instance.disk, id)
        .expect("a message")
        .journal
        .states;
    assert!(states[1].due < NEXT, "{states:?}");
}

#[test]
fn pausing_and_resuming_keep_what_others_wrote() {
    let instance = Instance::new();
    instance.set(
        "paused",
        "# since Monday\nother.test # not one\n.below.test",
    );
    instance.ends(0, &["pause", "Example.ORG"]);
    instance.ends(0, &["pause", "example.org"]);
    assert_eq!(
        instance.setting("paused"),
        "# since Monday\nother.test # not one\n.below.test\nexample.org\n"
    );
    instance.ends(0, &["resume", ".below.test"]);
    instance.ends(0, &["resume", "example.org"]);
    assert_eq!(
        instance.setting("paused"),
        "# since Monday\nother.test # not one\n"
    );
    let said = instance.ends(100, &["resume", "example.org"]);
    assert!(said.contains("example.org is not paused"), "{said}");
}

#[test]
fn send_is_told_of_a_pause() {
    let instance = Instance::new();
    let asked = serve(&instance.path("run/send/socket"), |_: &ToSend| {
        vec![FromSend::Done {
            text: String::new(),
        }]
    });
    assert_eq!(
        instance.ends(0, &["pause", "example.org"]),
        "mail for example.org waits\n"
    );
    assert!(matches!(asked.recv(), Ok(ToSend::Reload {})));
    assert_eq!(instance.setting("paused"), "example.org\n");
}

#[test]
fn a_part_of_the_queue_is_flushed_by_sender_recipient_or_id() {
    let instance = Instance::new();
    let one = instance.accept_and_defer(1, &["a@one.test"], b"450 no");
    let two = instance.accept_and_defer(2, &["b@two.test"], b"450 no");
    let is_due = |id| {
        let message = Message::open(&instance.disk, id).expect("a message");
        message.journal.states[0].due < NEXT
    };
    let said = instance.ends(0, &["queue", "flush", "--recipient", "B@TWO"]);
    assert!(said.contains("due when it starts: 1"), "{said}");
    assert!(is_due(two) && !is_due(one));
    instance.ends(0, &["queue", "flush", "--id", one.as_str()]);
    assert!(is_due(one));
    let said = instance.ends(0, &["queue", "flush", "--sender", "nobody"]);
    assert!(said.contains("due when it starts: 0"), "{said}");
    instance.ends(100, &["queue", "flush", "--sender", "a", "x.test"]);
    let asked = serve(&instance.path("run/send/socket"), |_: &ToSend| {
        vec![FromSend::Done {
            text: String::new(),
        }]
    });
    instance.ends(0, &["queue", "flush", "--sender", "joe"]);
    assert!(
        matches!(asked.recv(), Ok(ToSend::Flush { selection: Some(selection) }) if selection.by == By::Sender && selection.text == "joe")
    );
}

#[test]
fn hosts_are_listed_and_forgotten_by_send() {
    let instance = Instance::new();
    instance.ends(111, &["hosts"]);
    let _asked = serve(
        &instance.path("run/send/socket"),
        |asked: &ToSend| match asked {
            ToSend::Hosts {} => vec![
                FromSend::Host {
                    host: HostEntry {
                        destination: "x.test".to_owned(),
                        relay: "mx.x.test".to_owned(),
                        tried: 1_700_000_000,
                        dead_until: 4_000_000_000,
                        waiting: 3,
                        reply: "421 no\nx".into(),
                    },
                },
                FromSend::End {},
            ],
            _ => vec![FromSend::Done {
                text: String::new(),
            }],
        },
    );
    let line = "x.test dead waiting=3 tried=2023-11-14T22:13:20Z until=2096-10-02T07:06:40Z relay=mx.x.test reply=\"421 no\\x0ax\"\n";
    for words in [&["hosts"][..], &["hosts", "list"]] {
        assert_eq!(instance.ends(0, words).trim_start(), line);
    }
    assert_eq!(instance.ends(0, &["hosts", "forget"]), "forgotten\n");
}

#[test]
fn maps_prints_what_tables_says_and_whether_it_is_in_force() {
    let instance = Instance::new();
    let mut good = false;
    let _asked = serve(&instance.path("run/tables/socket"), move |_: &ToTables| {
        good = !good;
        vec![
            FromTables::Line {
                text: "aliases: 3 entries\x1b[2J".to_owned(),
            },
            FromTables::Done { good },
        ]
    });
    assert_eq!(instance.ends(0, &["maps"]), "aliases: 3 entries?[2J\n");
    let said = instance.ends(100, &["maps"]);
    assert!(said.contains("not all that the tables say"), "{said}");
}
