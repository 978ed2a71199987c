//! Delivery status notifications, read by a parser that is not ours: Python's email package.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::Value;
use stafette_tests::instance::{Instance, feed};
use stafette_tests::peer::{Act, Peer};
use stafette_tests::{skip, wait};

const LETTER: &[u8] = b"Subject: to nobody\nX-Mark: kept\n\nbody text\n";

/// The report as Python reads it: its own fields, the type of each part, the fields of delivery-status, and the returned header section.
const READER: &str = r"
import email, email.policy, json, sys
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
status = m.get_payload(1)
print(json.dumps({
  'defects': [str(d) for p in m.walk() for d in p.defects],
  'type': m.get_content_type(), 'report': m.get_param('report-type'), 'from': m['From'], 'to': m['To'], 'subject': m['Subject'],
  'auto': m['Auto-Submitted'], 'id': m['Message-ID'], 'date': m['Date'], 'return': m['Return-Path'],
  'parts': [p.get_content_type() for p in m.iter_parts()],
  'blocks': [dict((k.lower(), v) for k, v in b.items()) for b in status.get_payload()],
  'text': m.get_payload(0).get_content(), 'original': m.get_payload(2).as_string(),
}))
";

fn read(report: &[u8]) -> Value {
    let output = feed(Command::new("python3").args(["-c", READER]), report);
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(report)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn only_report(instance: &Instance) -> Value {
    read(&instance.wait_for_mail("demo", 1).remove(0))
}

fn refusing() -> Peer {
    Peer::with(|command, _| {
        command
            .starts_with("RCPT")
            .then(|| Act::Say("550-5.1.1 no\r\n550 5.1.1 such <user>".into()))
    })
}

#[test]
fn a_failure_report_has_every_field_right() {
    if !skip::unless_installed("python3") {
        return;
    }
    let peer = refusing();
    let instance = Instance::started(&["--route", &peer.route("far.test")]);
    instance.sendmail(
        &[
            "-f",
            "demo@stafette.test",
            "-V",
            "env+2Bid",
            "nobody@far.test",
        ],
        LETTER,
    );
    let report = only_report(&instance);
    assert_eq!(report["defects"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(report["type"], "multipart/report");
    assert_eq!(report["report"], "delivery-status");
    assert_eq!(report["parts"][0], "text/plain");
    assert_eq!(report["parts"][1], "message/delivery-status");
    assert_eq!(report["return"], "<>");
    assert!(
        report["from"]
            .as_str()
            .unwrap()
            .contains("MAILER-DAEMON@stafette.test"),
        "{report:#}"
    );
    assert!(
        report["to"]
            .as_str()
            .unwrap()
            .contains("demo@stafette.test")
    );
    assert!(report["auto"].as_str().unwrap().starts_with("auto-replied"));
    let (message, recipient) = (&report["blocks"][0], &report["blocks"][1]);
    assert_eq!(message["reporting-mta"], "dns; stafette.test");
    assert_eq!(message["original-envelope-id"], "env+id");
    assert!(message["arrival-date"].is_string());
    assert_eq!(recipient["final-recipient"], "rfc822; nobody@far.test");
    assert_eq!(recipient["action"], "failed");
    assert_eq!(recipient["status"], "5.1.1");
    assert!(
        recipient["remote-mta"]
            .as_str()
            .unwrap()
            .starts_with("dns; "),
        "{recipient:#}"
    );
    let diagnostic = recipient["diagnostic-code"].as_str().unwrap();
    assert!(
        diagnostic.starts_with("smtp; 550") && diagnostic.contains("such <user>"),
        "{diagnostic}"
    );
    assert!(report["text"].as_str().unwrap().contains("such <user>"));
    assert!(
        report["original"]
            .as_str()
            .unwrap()
            .contains("X-Mark: kept")
    );
    instance.wait_until_empty();
}

#[test]
fn notify_never_is_silent_and_ret_decides_what_comes_back() {
    let peer = refusing();
    let instance = Instance::started(&["--route", &peer.route("far.test")]);
    instance.sendmail(
        &["-f", "demo@stafette.test", "-N", "never", "quiet@far.test"],
        LETTER,
    );
    instance.wait_until_empty();
    instance.sendmail(
        &["-f", "demo@stafette.test", "-R", "full", "full@far.test"],
        LETTER,
    );
    let full = only_report(&instance);
    assert!(
        full["original"].as_str().unwrap().contains("body text"),
        "{full:#}"
    );
    instance.sendmail(
        &["-f", "demo@stafette.test", "-R", "hdrs", "hdrs@far.test"],
        LETTER,
    );
    let mails = instance.wait_for_mail("demo", 2);
    let headers = mails
        .iter()
        .map(|mail| read(mail))
        .find(|report| report["blocks"][1]["final-recipient"] == "rfc822; hdrs@far.test")
        .unwrap();
    assert!(
        !headers["original"].as_str().unwrap().contains("body text"),
        "{headers:#}"
    );
    assert_eq!(instance.mail("demo").len(), 2);
}

#[test]
fn success_is_reported_when_asked_for() {
    let instance = Instance::started(&["--mailbox", "demo", "--mailbox", "other"]);
    instance.sendmail(
        &[
            "-f",
            "demo@stafette.test",
            "-N",
            "success",
            "other@stafette.test",
        ],
        LETTER,
    );
    let report = only_report(&instance);
    assert_eq!(report["blocks"][1]["action"], "delivered");
    assert_eq!(
        report["blocks"][1]["status"]
            .as_str()
            .unwrap()
            .split('.')
            .next(),
        Some("2")
    );
    assert_eq!(instance.mail("other").len(), 1);
}

#[test]
fn a_peer_with_dsn_is_asked_to_report_itself() {
    let peer = Peer::friendly();
    let instance = Instance::started(&["--route", &peer.route("far.test")]);
    instance.sendmail(
        &[
            "-f",
            "demo@stafette.test",
            "-N",
            "success,failure",
            "-R",
            "hdrs",
            "-V",
            "q+3D1",
            "x@far.test",
        ],
        LETTER,
    );
    let taken = peer.wait_for(1).remove(0);
    assert!(
        taken.mail.contains("RET=HDRS") && taken.mail.contains("ENVID=q+3D1"),
        "{}",
        taken.mail
    );
    assert!(
        taken
            .recipients
            .iter()
            .any(|argument| argument.contains("NOTIFY=SUCCESS,FAILURE")),
        "{taken:?}"
    );
    instance.wait_until_empty();
    assert!(instance.mail("demo").is_empty());
}

#[test]
fn a_message_that_waits_long_warns_once_and_fails_when_its_lifetime_is_over() {
    let peer = Peer::with(|command, _| {
        command
            .starts_with("RCPT")
            .then(|| Act::Say("450 4.2.2 mailbox full".into()))
    });
    let instance = Instance::started(&["--route", &peer.route("far.test")]);
    instance.sendmail(&["-f", "demo@stafette.test", "x@far.test"], LETTER);
    wait::until_true("a first attempt", || {
        instance.mailq().contains("mailbox full")
    });
    instance.move_clock(6 * 3600);
    let warning = only_report(&instance);
    assert_eq!(warning["blocks"][1]["action"], "delayed", "{warning:#}");
    assert!(
        warning["blocks"][1]["will-retry-until"].is_string(),
        "{warning:#}"
    );
    instance.move_clock(12 * 3600);
    instance.move_clock(6 * 86400);
    let mails = instance.wait_for_mail("demo", 2);
    let failures: Vec<Value> = mails
        .iter()
        .map(|mail| read(mail))
        .filter(|report| report["blocks"][1]["action"] == "failed")
        .collect();
    assert_eq!(failures.len(), 1, "{failures:#?}");
    assert!(
        failures[0]["blocks"][1]["diagnostic-code"]
            .as_str()
            .unwrap()
            .contains("mailbox full")
    );
    instance.wait_until_empty();
    assert_eq!(
        instance.mail("demo").len(),
        2,
        "one warning and one failure"
    );
}

#[test]
fn a_report_that_cannot_be_delivered_goes_to_the_postmaster_and_never_back() {
    let peer = refusing();
    let instance = Instance::started(&["--route", &peer.route("far.test"), "--mailbox", "chief"]);
    instance.sendmail(&["-f", "gone@far.test", "nobody@far.test"], LETTER);
    let report = read(&instance.wait_for_mail("chief", 1).remove(0));
    assert_eq!(report["return"], "<>", "{report:#}");
    instance.wait_until_empty();
    assert_eq!(instance.mail("chief").len(), 1);
}

#[test]
fn softbounce_turns_every_failure_into_a_delay() {
    let peer = refusing();
    let mut instance = Instance::new(&["--route", &peer.route("far.test")]);
    instance.set("softbounce", "1");
    instance.start();
    instance.sendmail(&["-f", "demo@stafette.test", "x@far.test"], LETTER);
    wait::until_true("a deferral", || instance.mailq().contains("such <user>"));
    assert!(instance.mail("demo").is_empty());
}
