//! Looking at instances whose programs are down or up.

use serde_json::Value;
use stafette_queue_layout::Place;
use stafette_wire::operator::{Entry, EntryRecipient, FromSend, Standing, ToSend};

use crate::instance::{Instance, NEXT, TRIED};
use crate::server::serve;

#[test]
fn a_good_instance_has_no_problems_and_silent_programs_are_named() {
    let instance = Instance::new();
    let said = instance.ends(0, &["check"]);
    assert!(said.contains("send: does not run\n"), "{said}");
    assert!(said.ends_with("no problems\n"), "{said}");
}

#[test]
fn a_program_that_answers_is_named() {
    let instance = Instance::new();
    let _asked = serve(
        &instance.path("run/send/socket"),
        |asked: &ToSend| match asked {
            ToSend::Ping {} => vec![FromSend::Pong {}],
            _ => vec![],
        },
    );
    assert!(instance.ends(0, &["check"]).contains("send: answers\n"));
}

#[test]
fn each_wrong_setting_is_named_with_file_line_and_advice() {
    let instance = Instance::new();
    instance.set("databytes", "# big\nmany\n");
    instance.set("lcoals", "x\n");
    let said = instance.ends(1, &["check"]);
    let etc = instance.path("etc");
    assert!(
        said.contains(&format!("{}/databytes:2: ", etc.display())),
        "{said}"
    );
    assert!(said.contains("did you mean locals?"), "{said}");
    assert!(said.ends_with("2 problems\n"), "{said}");
}

#[test]
fn a_queue_that_others_may_read_is_a_problem() {
    use std::os::unix::fs::PermissionsExt as _;
    let instance = Instance::new();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(instance.path("spool/queue/cur"), open).expect("chmod");
    let said = instance.ends(1, &["check"]);
    assert!(
        said.contains("queue/cur: open to everybody, mode 755; chmod o-rwx"),
        "{said}"
    );
}

#[test]
fn an_empty_queue_says_so_although_nothing_runs() {
    let output = Instance::new().run(&["queue", "list"]);
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), b"the queue is empty\n".as_slice())
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("send does not run"));
}

#[test]
fn the_disk_is_listed_in_order_of_arrival_while_send_is_down() {
    let instance = Instance::new();
    let late = instance.accept_and_defer(
        2,
        &["b@later.test", "c@later.test"],
        b"450 4.2.1 come\nback",
    );
    let early = instance.accept(1, &["a@now.test"]);
    let said = instance.ends(0, &["queue", "list"]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines[0],
        format!("{early} incoming octets=40 arrived=2023-11-14T22:13:20Z from=joe@sender.test")
    );
    assert_eq!(lines[1], "    to=a@now.test");
    assert!(
        lines[2].starts_with(&format!("{late} deferred ")) && lines[2].contains(" next=2096-"),
        "{said}"
    );
    assert_eq!(
        lines[3],
        r#"    to=b@later.test reason="450 4.2.1 come\x0aback""#
    );
    assert_eq!(lines[5], "2 messages, 80 octets");
}

#[test]
fn json_has_the_shape_of_postqueue_with_our_fields_beside() {
    let instance = Instance::new();
    let id = instance.accept_and_defer(1, &["b@later.test"], b"450 \xff\"no\"");
    let said = instance.ends(0, &["queue", "list", "--json"]);
    let value: Value = serde_json::from_str(said.trim_end()).expect("one object");
    assert_eq!(value["queue_name"], "deferred");
    assert_eq!(value["queue_id"], id.as_str());
    assert_eq!(value["arrival_time"], TRIED);
    assert_eq!(value["message_size"], 40);
    assert_eq!(value["sender"], "joe@sender.test");
    assert_eq!(value["recipients"][0]["address"], "b@later.test");
    assert_eq!(value["recipients"][0]["delay_reason"], "450 \u{fffd}\"no\"");
    assert_eq!(value["next_attempt"], NEXT);
    assert_eq!(value["standing"], "waiting");
}

#[test]
fn send_knows_what_is_tried_and_a_message_in_two_entries_is_one() {
    let instance = Instance::new();
    let id = instance.accept(1, &["a@x.test"]);
    let entry = move |to: &str| FromSend::Entry {
        entry: Entry {
            id,
            standing: Standing::Active,
            octets: 40,
            arrived: TRIED,
            next_attempt: 0,
            from: stafette_addr::ReversePath::Null,
            recipients: vec![EntryRecipient {
                mailbox: stafette_addr::Mailbox::parse(to.as_bytes()).expect("a mailbox"),
                reason: "".into(),
            }],
        },
    };
    let _asked = serve(&instance.path("run/send/socket"), move |_: &ToSend| {
        vec![entry("a@x.test"), entry("b@x.test"), FromSend::End {}]
    });
    let said = instance.ends(0, &["queue", "list", "--json"]);
    let value: Value = serde_json::from_str(said.trim_end()).expect("one object");
    assert_eq!(
        (&value["queue_name"], &value["sender"]),
        (&"active".into(), &"MAILER-DAEMON".into())
    );
    assert_eq!(value["recipients"].as_array().map(Vec::len), Some(2));
    assert_eq!(value["next_attempt"], Value::Null);
}

#[test]
fn an_unreadable_message_is_listed_and_its_file_is_named() {
    let instance = Instance::new();
    let id = instance.accept(1, &["a@x.test"]);
    std::fs::File::options()
        .write(true)
        .open(instance.file(Place::New, id))
        .expect("its file")
        .set_len(100)
        .expect("a shorter file");
    assert!(
        instance
            .ends(0, &["queue", "list"])
            .contains(&format!("{id} corrupt octets=100"))
    );
    let said = instance.ends(100, &["queue", "show", id.as_str()]);
    assert!(
        said.contains("cannot be read as a message")
            && said.contains(&format!("new/{id} with less")),
        "{said}"
    );
}

#[test]
fn the_story_has_envelope_events_and_header_and_no_control_characters() {
    let instance = Instance::new();
    let id = instance.accept_and_defer(1, &["b@later.test"], b"450 4.2.1 come\x1bback");
    let said = instance.ends(0, &["queue", "show", id.as_str()]);
    for part in [
        "cur: tried, waits for its next time",
        "40 octets (44 with CRLF) from offset 128",
        "which is right",
        "protocol=ESMTP helo=client.test address=192.0.2.9",
        "joe@sender.test body=7bit",
        "0  b@later.test pending attempts=1 next=2096-",
        r#"2023-11-14T22:13:20Z deferred relay=mx.example[192.0.2.1]:25 status=4.2.1 reply="450 4.2.1 come\x1bback" to=b@later.test"#,
        "2023-11-14T22:13:20Z due next=2096-",
        "  Subject: first?[2J letter\n",
    ] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    assert!(!said.contains("Hello."), "the body is not shown");
}

#[test]
fn the_story_as_json_has_every_event() {
    let instance = Instance::new();
    let id = instance.accept_and_defer(1, &["b@later.test"], b"450 no");
    let value: Value =
        serde_json::from_str(&instance.ends(0, &["queue", "show", "--json", id.as_str()]))
            .expect("JSON");
    assert_eq!(value["place"], "cur");
    assert_eq!(value["first_line"]["content_is_sound"], true);
    assert_eq!(value["envelope"]["reverse_path"], "joe@sender.test");
    assert_eq!(value["recipients"][0]["state"], "pending");
    assert_eq!(value["recipients"][0]["delay_reason"], "450 no");
    assert_eq!(value["events"][0]["event"], "attempt");
    assert_eq!(value["events"][0]["to"][0], "b@later.test");
    assert_eq!(value["events"][1]["next_attempt"], NEXT);
    assert!(
        value["events"][0]["words"]
            .as_str()
            .expect("words")
            .starts_with("deferred at=")
    );
}

#[test]
fn what_is_not_there_is_said_with_code_100() {
    let instance = Instance::new();
    let absent = "01hf7yat000000000000abz";
    for words in [["queue", "show"], ["queue", "hold"], ["queue", "remove"]] {
        let said = instance.ends(100, &[words[0], words[1], absent]);
        assert!(
            said.contains(&format!("no message {absent} is in the queue")),
            "{said}"
        );
    }
    instance.ends(100, &["queue", "hold", "../x"]);
    instance.ends(100, &["frobnicate"]);
    instance.ends(0, &["--help"]);
}

#[test]
fn a_reader_who_goes_away_early_is_no_failure() {
    use std::process::{Command, Stdio};
    let instance = Instance::new();
    for number in 1..20 {
        instance.accept(number, &["a@x.test"]);
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_stafette"))
        .args(["queue", "list"])
        .env("STAFETTE_ETC", instance.path("etc"))
        .env("STAFETTE_SPOOL", instance.path("spool"))
        .env("STAFETTE_RUN", instance.path("run"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("its end").code(), Some(0));
}

#[test]
fn the_version_is_the_package_s() {
    assert_eq!(
        Instance::new().ends(0, &["version"]),
        format!("stafette {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_queue_is_listed_in_the_shapes_of_qmail_and_postfix() {
    let instance = Instance::new();
    instance.set("locals", "here.test\n");
    let late = instance.accept_and_defer(2, &["b@later.test", "c@here.test"], b"450 no\nlines");
    instance.accept(1, &["a@now.test"]);
    let said = instance.ends(0, &["queue", "list", "--format", "qmail"]);
    let lines: Vec<_> = said.lines().collect();
    assert!(
        lines[0].starts_with("14 Nov 2023 22:13:20 GMT  #")
            && lines[0].ends_with("  40  <joe@sender.test> "),
        "{said}"
    );
    assert_eq!(lines[1], "\tremote\ta@now.test");
    assert!(lines[2].contains(&format!("#{late}  ")), "{said}");
    assert_eq!(
        lines[3..],
        ["\tlocal\tc@here.test", "\tremote\tb@later.test"]
    );
    assert_eq!(
        instance.ends(0, &["queue", "list", "--format", "qmail-stat"]),
        "messages in queue: 2\nmessages in queue but not yet preprocessed: 1\n"
    );
    let said = instance.ends(0, &["queue", "list", "--format", "postfix"]);
    assert!(said.starts_with("-Queue ID-  --Size-- "), "{said}");
    assert!(said.contains("(450 no?lines)\n"), "{said}");
    assert!(said.ends_with("\n\n-- 1 Kbytes in 2 Requests.\n"), "{said}");
    assert_eq!(
        instance.ends(0, &["queue", "list", "--format", "json"]),
        instance.ends(0, &["queue", "list", "--json"])
    );
    instance.ends(100, &["queue", "list", "--json", "--format", "qmail"]);
}

#[test]
fn route_says_where_mail_goes_and_which_line_decided() {
    let instance = Instance::new();
    instance.set("locals", "mail.stafette.test\n");
    instance.set("users/assign", "=demo:demo:1001:1001:/srv/demo:::\n.\n");
    instance.set("smtproutes", "# all\nfar.test:relay.test:26\n");
    let said = instance.ends(0, &["route", "demo", "joe@far.test"]);
    assert!(
        said.starts_with("demo@mail.stafette.test: mailer local, user demo\n"),
        "{said}"
    );
    assert!(said.contains("    by users/assign"), "{said}");
    assert!(
        said.contains("joe@far.test: mailer esmtp, host relay.test:26, user joe@far.test\n    by smtproutes:2: "),
        "{said}"
    );
    let said = instance.ends(0, &["route", "--json", "joe@far.test"]);
    let value: Value = serde_json::from_str(said.trim_end()).expect("one object");
    assert_eq!(
        (&value["mailer"], &value["host"]),
        (&"esmtp".into(), &"relay.test:26".into())
    );
    assert_eq!(value["decided"][0]["file"], "smtproutes");
    assert_eq!(value["decided"][0]["line"], 2);
    let output = instance.run(&["route", "nobody@mail.stafette.test"]);
    assert_eq!(output.status.code(), Some(100), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("User unknown"),
        "{output:?}"
    );
}

#[test]
fn check_reads_tables_as_well() {
    let instance = Instance::new();
    instance.set("virtusertable", "joe@x.test jane\nno target at all:\n");
    let said = instance.ends(1, &["check"]);
    assert!(said.contains("/etc/virtusertable:2: "), "{said}");
}
