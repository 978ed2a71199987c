//! Hostile addresses and callers of sendmail: each gives a clear error; nothing is run, crashed or lost.

use std::process::Command;

use stafette_tests::client::Client;
use stafette_tests::instance::{Instance, feed};
use stafette_tests::people::Town;
use stafette_tests::{file, wait};

const LETTER: &[u8] = b"From: demo@stafette.test\nTo: you\nSubject: hello\n\nbody\n";

/// Local-parts with what shells, databases, formats and file systems read, as they go over the wire.
const NAMES: [&str; 14] = [
    "\"bob-$(touch${IFS}pwned)\"",
    "\"bob-;touch pwned;\"",
    "bob-`touch$IFS'pwned'`",
    "\"bob-' && touch pwned && echo '\"",
    "\"bob-\\\" ; touch pwned ; \\\"\"",
    "bob-|touch",
    "\"bob->pwned\"",
    "bob-'/**/OR/**/1=1--",
    "\"bob-'; DROP TABLE users; --\"",
    "bob-%s%n%x%99999999d",
    "\"bob-../../../pwned\"",
    "bob-*",
    "bob-{{7*7}}${jndi}",
    "bob---froot",
];

#[test]
fn what_a_shell_would_read_in_an_address_is_only_an_address() {
    if !Town::possible() {
        return;
    }
    let mut town = Town::new(&["bob"], &[]);
    let home = town.instance.path().join("spool/alias");
    let program = town.instance.path().join("ours/arguments");
    file::script(
        &program,
        "for word; do printf '%s\\n' \"$word\"; done >>arguments; cat >/dev/null",
    );
    town.put(
        "bob",
        ".qmail-default",
        "|printf '%s\\n' \"$RECIPIENT\" >>seen; printf '%s\\n' \"$SENDER\" >>senders\n",
    );
    town.instance.set(
        "mailertable",
        &format!("prog.test |{} to $u at $h from $f", program.display()),
    );
    town.instance.set("rcpthosts", "prog.test");
    town.instance.start();
    let mut client = Client::ehlo(town.instance.smtp());
    for name in NAMES {
        let reply = client.mail(
            &format!("{name}@example.org"),
            &[
                &format!("{name}@stafette.test"),
                &format!("{name}@prog.test"),
            ],
            b"Subject: $(touch pwned)\r\n\r\n`touch pwned`\r\n",
        );
        assert!(reply.starts_with("250"), "{name}: {reply}");
    }
    wait::until_true(
        &format!("all of them; logs:\n{}", town.instance.logs()),
        || {
            town.read("bob", "senders").lines().count() == NAMES.len()
                && file::read(&home.join("arguments")).lines().count() == 6 * NAMES.len()
        },
    );
    town.instance.wait_until_empty();
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let wanted = |domain: &str| sorted(NAMES.map(|name| format!("{name}@{domain}")).join("\n"));
    assert_eq!(sorted(town.read("bob", "seen")), wanted("stafette.test"));
    assert_eq!(sorted(town.read("bob", "senders")), wanted("example.org"));
    let arguments = file::read(&home.join("arguments"));
    for words in arguments.lines().collect::<Vec<_>>().chunks(6) {
        let [to, user, at, host, from, sender] = words else {
            unreachable!("six words a call");
        };
        assert_eq!([*to, *at, *host, *from], ["to", "at", "prog.test", "from"]);
        assert!(
            user.ends_with("@prog.test") && sender.ends_with("@example.org"),
            "{words:?}"
        );
    }
    for place in [town.home("bob"), home, town.instance.path().join("home")] {
        assert!(
            !place.join("pwned").exists(),
            "something in {} was run",
            place.display()
        );
    }
    // What begins with a sign of an option is an address or is refused, never an option.
    for name in ["-froot", "--version", "-t", "-oQ/tmp", "-Xlog"] {
        let mut client = Client::ehlo(town.instance.smtp());
        client.expect("MAIL FROM:<demo@stafette.test>", "250");
        let reply = client.say(&format!("RCPT TO:<{name}@prog.test>"));
        if reply.starts_with('2') {
            client.expect("DATA", "354");
            client.send(b"\r\n.\r\n");
            drop(client.reply());
            town.instance.wait_until_empty();
        }
        let arguments = file::read(&town.instance.path().join("spool/alias/arguments"));
        assert!(
            !arguments.lines().any(|word| word.starts_with('-')),
            "{arguments}"
        );
    }
}

#[test]
fn a_callers_environment_descriptors_and_limits_do_no_harm() {
    let mut instance = Instance::new(&[]);
    instance.start();
    let sendmail = instance.path().join("bin/sendmail");
    let evil = "joe\nBcc: x@far.test\nX-Evil: yes";
    let long = "x".repeat(100_000);
    let mut hostile = Command::new(&sendmail);
    hostile.env_clear().args(["-i", "demo"]);
    for name in [
        "USER",
        "LOGNAME",
        "NAME",
        "MAILNAME",
        "HOSTNAME",
        "QMAILUSER",
        "MAILHOST",
        "QMAILINJECT",
    ] {
        hostile.env(name, evil);
    }
    for (name, value) in [
        ("IFS", "/"),
        ("TZ", "../../../../etc/shadow"),
        ("LC_ALL", "../../evil"),
        ("HOME", "/nonexistent"),
        ("TMPDIR", "/nonexistent"),
        ("STAFETTE_ETC", "/nonexistent"),
        ("STAFETTE_SPOOL", "/nonexistent"),
        ("STAFETTE_RUN", "/nonexistent"),
        ("LONG", &long),
        ("RUST_LOG", "trace"),
    ] {
        hostile.env(name, value);
    }
    let output = feed(&mut hostile, LETTER);
    assert!(output.status.success(), "{output:?}");
    let mail = instance.wait_for_mail("demo", 1).remove(0);
    let mail = String::from_utf8_lossy(&mail).into_owned();
    assert!(
        !mail.contains("Evil") && mail.contains("\nSubject: hello\n"),
        "{mail}"
    );
    // Descriptors that are closed, with the service and without it.
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", command, "sh"]).arg(&sendmail);
        feed(&mut shell, LETTER)
    };
    for (count, closed) in [">&-", "2>&-", ">&- 2>&-"].iter().enumerate() {
        let output = shell(&format!("exec \"$1\" -i demo {closed}"));
        assert!(output.status.success(), "{closed}: {output:?}");
        let mail = instance.wait_for_mail("demo", count + 2);
        assert!(
            mail.iter().all(|mail| mail.ends_with(b"\n\nbody\n")),
            "{closed}"
        );
    }
    // Without an input there is an empty message, as with sendmail's.
    for (count, closed) in ["<&-", "<&- >&- 2>&-"].iter().enumerate() {
        let output = shell(&format!("exec \"$1\" -i demo {closed}"));
        assert!(output.status.success(), "{closed}: {output:?}");
        let mail = instance.wait_for_mail("demo", count + 5);
        let empty = mail.iter().filter(|mail| mail.ends_with(b"\n\n"));
        assert_eq!(empty.count(), count + 1, "{closed}");
    }
    // No file may grow: the service writes the message all the same, and without it there is a clear error and no half message.
    let limited = "ulimit -f 0; exec \"$1\" -i demo";
    assert!(shell(limited).status.success());
    assert_eq!(instance.wait_for_mail("demo", 7).len(), 7);
    instance.wait_until_empty();
    instance.stop();
    let output = shell(limited);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        matches!(output.status.code(), Some(64..=78)) && said.contains("\nsendmail: "),
        "{output:?}"
    );
    instance.start();
    instance.sendmail(&["demo"], LETTER);
    assert_eq!(instance.wait_for_mail("demo", 8).len(), 8);
    instance.wait_until_empty();
    assert_eq!(instance.mail("demo").len(), 8);
}
