//! Any user of the machine hands in mail and looks at the queue, whether the daemons are up or down.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use stafette_tests::instance::{Instance, feed};
use stafette_tests::maildir::split;
use stafette_tests::skip;

const TO: &str = "demo@stafette.test";

/// The one message that arrives, as text.
fn only_mail(instance: &Instance, name: &str) -> String {
    let mail = instance.wait_for_mail(name, 1);
    instance.wait_until_empty();
    assert_eq!(instance.mail(name).len(), 1);
    String::from_utf8_lossy(mail.first().expect("a message")).into_owned()
}

/// The message whose body is this.
fn with_body<'a>(mail: &'a [Vec<u8>], body: &str) -> &'a [u8] {
    let found = mail
        .iter()
        .find(|message| split(message).1 == body.as_bytes());
    found.map_or_else(|| b"".as_slice(), Vec::as_slice)
}

/// Runs a command of bin/ as nobody.
fn as_nobody(instance: &Instance, command: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
    feed(
        setpriv
            .arg(instance.path().join("bin").join(command))
            .args(arguments)
            .current_dir("/"),
        input,
    )
}

#[test]
fn mail_of_any_user_is_taken_while_the_daemons_are_down_and_goes_out_when_they_start() {
    let mut instance = Instance::started(&[]);
    instance.stop();
    instance.sendmail(&["demo"], b"Subject: down\n\nfrom root\n");
    let mut count = 1;
    if skip::unless_root() {
        let output = as_nobody(
            &instance,
            "sendmail",
            &["-t", "-i"],
            b"To: demo\n\nfrom nobody\n",
        );
        assert!(output.status.success(), "{output:?}");
        let output = as_nobody(&instance, "mailq", &[], b"");
        assert!(output.status.success(), "{output:?}");
        count += 1;
    }
    let output = instance.run("mailq", &[], b"");
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(
        format!("{said}{listing}").contains("down"),
        "{said}{listing}"
    );
    assert!(
        listing.contains("root@stafette.test") && listing.contains(TO),
        "{listing}"
    );
    assert!(
        listing.contains(&format!(" in {count} Request")),
        "{listing}"
    );
    assert!(instance.mail("demo").is_empty());
    instance.start();
    let mail = instance.wait_for_mail("demo", count);
    assert!(String::from_utf8_lossy(with_body(&mail, "from root\n")).contains("\nFrom: "));
    if count > 1 {
        let message = String::from_utf8_lossy(with_body(&mail, "from nobody\n")).into_owned();
        assert!(
            message.starts_with("Return-Path: <nobody@stafette.test>\n"),
            "{message}"
        );
    }
    instance.wait_until_empty();
    assert_eq!(instance.mailq(), "Mail queue is empty\n");
}

#[test]
fn another_user_can_send_and_look_but_not_pretend_in_the_trace() {
    if !skip::unless_root() {
        return;
    }
    let instance = Instance::started(&[]);
    let output = as_nobody(
        &instance,
        "sendmail",
        &["-i", "-f", "joe@example.org", TO],
        b"Subject: other\n\nbody\n",
    );
    assert!(output.status.success(), "{output:?}");
    let message = only_mail(&instance, "demo");
    assert!(
        message.starts_with("Return-Path: <joe@example.org>\n"),
        "{message}"
    );
    assert!(
        message.contains("(Stafette, from userid 65534)"),
        "{message}"
    );
    let output = as_nobody(&instance, "mailq", &[], b"");
    assert!(
        output.status.success() && output.stdout == b"Mail queue is empty\n",
        "{output:?}"
    );
    let output = as_nobody(&instance, "sendmail", &["-bp"], b"");
    assert!(
        output.status.success() && output.stdout == b"Mail queue is empty\n",
        "{output:?}"
    );
    let output = as_nobody(&instance, "newaliases", &[], b"");
    assert!(output.status.success(), "{output:?}");
    // A user's SMTP session needs no domain behind a name, and ends up where his messages do.
    let dialogue =
        b"EHLO x\nMAIL FROM:<nobody>\nRCPT TO:<demo>\nDATA\nSubject: piped\n\nby SMTP\n.\nQUIT\n";
    let output = as_nobody(
        &instance,
        "sendmail",
        &["-bs"],
        &stafette_tests::letter::to_crlf(dialogue),
    );
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "a log for the caller: {output:?}");
    assert_eq!(
        said.matches("\r\n250 2.0.0 queued as ").count(),
        1,
        "{said}"
    );
    let mail = instance.wait_for_mail("demo", 2);
    let piped = String::from_utf8_lossy(with_body(&mail, "by SMTP\n")).into_owned();
    assert!(
        piped.starts_with("Return-Path: <nobody@stafette.test>\n"),
        "{piped}"
    );
    assert!(piped.contains("(Stafette, from userid 65534)"), "{piped}");
}
