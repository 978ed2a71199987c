//! -bv, -bt, newaliases, -bd, and -bs with -X: what is asked of settings and of other programs.

use std::process::Output;

use stafette_sys::packet::Listener;
use stafette_wire::tables::{FromTables, ToTables};
use stafette_wire::{MAX_PACKET, Packet};

use crate::instance::Instance;

fn instance() -> Instance {
    let instance = Instance::new();
    std::fs::create_dir(instance.path("etc/users")).unwrap();
    instance.set("users/assign", "=demo:demo:1001:1001:/srv/demo:::\n.");
    instance.set("systemusers", "0");
    instance.set("locals", "x.test");
    instance.set("smtproutes", "y.test:relay.test:26");
    instance
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn bv_names_mailer_host_user_and_the_line_that_decided() {
    let output = instance().run("sendmail", &["-bv", "demo", "joe@y.test"], b"");
    let said = text(&output);
    assert!(output.status.success(), "{output:?}");
    assert!(
        said.starts_with("demo@x.test... deliverable: mailer local, user demo\n    locals:1: "),
        "{said}"
    );
    assert!(
        said.ends_with(
            "joe@y.test... deliverable: mailer esmtp, host relay.test:26, user joe@y.test\n    smtproutes:1: y.test:relay.test:26\n"
        ),
        "{said}"
    );
}

#[test]
fn bv_of_nobody_s_address_exits_with_67() {
    let output = instance().run("sendmail", &["-bv", "no-such-user", "demo"], b"");
    assert_eq!(output.status.code(), Some(67), "{output:?}");
    let said = text(&output);
    assert!(
        said.contains("no-such-user@x.test... User unknown\n") && said.contains("demo@x.test... "),
        "{said}"
    );
    assert_eq!(output.stderr, b"");
}

#[test]
fn bv_of_an_alias_that_is_not_compiled_is_for_later() {
    let instance = instance();
    instance.set("aliases", "joe: demo");
    let output = instance.run("sendmail", &["-bv", "joe"], b"");
    assert_eq!(output.status.code(), Some(75), "{output:?}");
    assert!(text(&output).contains("... Deferred: "), "{output:?}");
}

#[test]
fn bt_answers_rulesets_and_plain_addresses_until_quit() {
    let input = b"3,0 joe@y.test\ndemo\n\n# nothing\n?\n/mx y.test\n=Sw\ntwo words here\n/parse -x\n\xff\x1b[2J\n/quit\ndemo\n";
    let output = instance().run("sendmail", &["-bt"], input);
    assert!(output.status.success(), "{output:?}");
    let said = text(&output);
    assert!(
        said.starts_with("ADDRESS TEST MODE")
            && said.contains("\n> canonify           input: joe@y.test\n"),
        "{said}"
    );
    assert!(
        said.contains("parse            returns: $# esmtp $@ relay.test:26 $: joe@y.test\nmailer esmtp, host relay.test:26, user joe@y.test\n    smtproutes:1: "),
        "{said}"
    );
    assert!(said.contains("mailer local, user demo\n"), "{said}");
    assert_eq!(said.matches("mailer local, user demo\n").count(), 1);
    assert!(
        said.contains("dig MX y.test\n") && said.ends_with("> "),
        "{said}"
    );
    assert!(!said.contains('\x1b'), "{said}");
    let output = instance().run("sendmail", &["-bt"], b"demo");
    assert!(text(&output).ends_with("> \n"), "{output:?}");
}

#[test]
fn newaliases_prints_what_tables_says() {
    let instance = instance();
    let listener = Listener::bind(&instance.path("run/tables/socket"), 0o666).unwrap();
    std::thread::spawn(move || {
        let mut good = false;
        while let Ok(socket) = listener.accept() {
            let mut buffer = vec![0; MAX_PACKET];
            let (length, _) = socket.recv(&mut buffer).unwrap();
            assert_eq!(
                ToTables::decode(&buffer[..length]).unwrap(),
                ToTables::Compile {}
            );
            good = !good;
            let text = "/etc/aliases: 14 aliases".to_owned();
            for packet in [FromTables::Line { text }, FromTables::Done { good }] {
                socket.send(&packet.encode(), &[]).unwrap();
            }
        }
    });
    for (name, words, code) in [
        ("newaliases", &[][..], 0),
        ("sendmail", &["-bi"], 78),
        ("sendmail", &["-I"], 0),
    ] {
        let output = instance.run(name, words, b"");
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(text(&output), "/etc/aliases: 14 aliases\n");
    }
}

#[test]
fn without_service_newaliases_runs_the_program_that_compiles() {
    let instance = instance();
    instance.install("stafette-tables", "#!/bin/sh\necho \"$1\"; exit $2");
    let output = instance.run_copy("newaliases", &[], b"");
    assert_eq!(
        (output.status.code(), text(&output)),
        (Some(0), "once\n".to_owned())
    );
    instance.install("stafette-tables", "#!/bin/sh\necho wrong >&2; exit 1");
    assert_eq!(
        instance.run_copy("newaliases", &[], b"").status.code(),
        Some(78)
    );
}

#[test]
fn bs_with_x_writes_both_ways_down() {
    let instance = instance();
    instance.install(
        "stafette-smtpd",
        "#!/bin/sh\nprintf '220 hi %s\\r\\n' \"$TCPREMOTEIP\"; read line; printf '221 bye\\r\\n'",
    );
    let name = instance.path("log").display().to_string();
    let output = instance.run_copy("sendmail", &["-bs", "-X", &name], b"QUIT\r\n");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output), "220 hi \r\n221 bye\r\n");
    let log = std::fs::read_to_string(name).unwrap();
    let mut lines: Vec<_> = log
        .lines()
        .map(|line| line.splitn(3, ' ').nth(2).unwrap())
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, ["<<< QUIT", ">>> 220 hi ", ">>> 221 bye"]);
}

#[test]
fn bd_starts_the_supervisor_of_a_folder_and_waits_for_its_word() {
    let instance = instance();
    std::fs::create_dir(instance.path("libexec")).unwrap();
    std::fs::create_dir(instance.path("log")).unwrap();
    let put = |script: &str| instance.install("libexec/staf-supervise", script);
    instance.install("libexec/stafette-send", "");
    put("#!/bin/sh\necho \"$@\" >\"$1/log/asked\"; echo problem >&2; exit 1");
    let output = instance.run("sendmail", &["-bd", "-q30m"], b"");
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    assert_eq!(
        std::fs::read_to_string(instance.path("log/asked")).unwrap(),
        format!(
            "{} send\n",
            instance
                .path("")
                .display()
                .to_string()
                .trim_end_matches('/')
        )
    );
    assert_eq!(
        std::fs::read_to_string(instance.path("log/supervise")).unwrap(),
        "problem\n"
    );
    put("#!/bin/sh\necho ready; exec sleep 0.1");
    assert_eq!(instance.code(&["-bd"], b""), Some(0));
}
