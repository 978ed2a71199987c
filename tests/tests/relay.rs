//! Mail going out to other hosts: routes, exchangers from a real DNS server, and peers of every temper.

use stafette_tests::dns::Dns;
use stafette_tests::instance::Instance;
use stafette_tests::peer::{Act, PORT, Peer};
use stafette_tests::{address, skip, wait};

const LETTER: &[u8] = b"Subject: out\n\nline one\n.dot\nend\n";
const WIRE_BODY: &[u8] = b"\r\nline one\r\n.dot\r\nend\r\n";

fn say(text: &str) -> Option<Act> {
    Some(Act::Say(text.to_owned()))
}

/// Runs an instance whose mail for far.test goes to the peer.
fn routed(peer: &Peer) -> Instance {
    Instance::started(&["--route", &peer.route("far.test")])
}

/// Waits until the instance has logged so many events of this kind.
fn wait_for_events(instance: &Instance, event: &str, count: usize) {
    wait::until_true(
        &format!("{count} events {event}; logs:\n{}", instance.logs()),
        || {
            instance
                .log("send")
                .lines()
                .filter(|line| line.contains(&format!(" {event} ")))
                .count()
                >= count
        },
    );
}

#[test]
fn a_letter_goes_to_the_routed_host_dots_and_all() {
    let peer = Peer::friendly();
    let instance = routed(&peer);
    instance.sendmail(&["-f", "demo@stafette.test", "x@far.test"], LETTER);
    let taken = peer.wait_for(1).remove(0);
    assert!(
        taken.content.ends_with(WIRE_BODY),
        "{:?}",
        String::from_utf8_lossy(&taken.content)
    );
    assert!(
        taken.content.starts_with(b"Received: "),
        "{:?}",
        String::from_utf8_lossy(&taken.content)
    );
    assert!(
        taken.mail.starts_with("<demo@stafette.test>"),
        "{}",
        taken.mail
    );
    instance.wait_until_empty();
}

#[test]
fn a_dead_primary_exchanger_leaves_the_mail_to_the_backup() {
    if !skip::unless_root() || !skip::unless_installed("nsd") {
        return;
    }
    let (dead, live) = (address::fresh(), address::fresh());
    let backup = Peer::on(live, 25, |_, _| None);
    let dns = Dns::serving(
        "far.test",
        &format!("@ MX 10 primary\n@ MX 20 backup\nprimary A {dead}\nbackup A {live}"),
    );
    let instance = Instance::new(&[]);
    instance.set("nameservers", &dns.nameserver());
    let mut instance = instance;
    instance.start();
    instance.sendmail(&["x@far.test"], LETTER);
    assert_eq!(backup.wait_for(1).len(), 1);
    assert!(
        instance.log("send").contains("backup.far.test"),
        "{}",
        instance.log("send")
    );
}

#[test]
fn a_domain_without_exchangers_is_its_own() {
    if !skip::unless_root() || !skip::unless_installed("nsd") {
        return;
    }
    let host = address::fresh();
    let peer = Peer::on(host, 25, |_, _| None);
    let dns = Dns::serving("far.test", &format!("@ A {host}"));
    let mut instance = Instance::new(&[]);
    instance.set("nameservers", &dns.nameserver());
    instance.start();
    instance.sendmail(&["x@far.test"], LETTER);
    assert_eq!(peer.wait_for(1).len(), 1);
}

#[test]
fn a_null_exchanger_an_unknown_domain_and_our_own_name_come_back_at_once() {
    if !skip::unless_installed("nsd") {
        return;
    }
    let dns = Dns::serving(
        "test",
        "null MX 0 .\nloop MX 10 stafette\nstafette A 127.0.0.1",
    );
    let mut instance = Instance::new(&[]);
    instance.set("nameservers", &dns.nameserver());
    instance.start();
    for (to, status) in [
        ("x@null.test", "5.1.10"),
        ("x@nowhere.test", "5.1.2"),
        ("x@loop.test", "5.4.6"),
    ] {
        instance.sendmail(&["-f", "demo@stafette.test", to], LETTER);
        let report = wait::until(
            &format!("a report about {to}; logs:\n{}", instance.logs()),
            || {
                instance
                    .mail("demo")
                    .into_iter()
                    .map(|mail| String::from_utf8_lossy(&mail).into_owned())
                    .find(|mail| mail.contains(to))
            },
        );
        assert!(
            report.contains(&format!("Status: {status}")),
            "{to}: {report}"
        );
    }
}

#[test]
fn a_greylisted_letter_is_tried_again_in_time_and_goes() {
    let peer = Peer::with(|command, seen| {
        let tries = seen
            .commands
            .iter()
            .filter(|line| line.starts_with("RCPT"))
            .count();
        if command.starts_with("RCPT") && tries <= 1 {
            say("451 4.7.1 greylisted, come again")
        } else {
            None
        }
    });
    let instance = routed(&peer);
    instance.sendmail(&["x@far.test"], LETTER);
    wait_for_events(&instance, "attempt-deferred", 1);
    assert!(
        instance.mailq().contains("greylisted, come again"),
        "{}",
        instance.mailq()
    );
    instance.move_clock(3600);
    assert_eq!(peer.wait_for(1).len(), 1);
    instance.wait_until_empty();
}

#[test]
fn each_recipient_of_one_message_has_its_own_fate() {
    let peer = Peer::with(|command, _| match command {
        c if c.contains("later@") => say("450 4.2.1 later"),
        c if c.contains("never@") => say("550 5.1.1 never"),
        _ => None,
    });
    let instance = routed(&peer);
    instance.sendmail(
        &[
            "-f",
            "demo@stafette.test",
            "good@far.test",
            "later@far.test",
            "never@far.test",
        ],
        LETTER,
    );
    let taken = peer.wait_for(1).remove(0);
    assert_eq!(taken.recipients.len(), 1, "{taken:?}");
    wait_for_events(&instance, "attempt-deferred", 1);
    let report = String::from_utf8(instance.wait_for_mail("demo", 1).remove(0)).unwrap();
    assert!(
        report.contains("Final-Recipient: rfc822; never@far.test")
            && report.contains("smtp; 550 5.1.1 never"),
        "{report}"
    );
    assert!(
        !report.contains("Final-Recipient: rfc822; good@far.test"),
        "{report}"
    );
    let waiting = instance.mailq();
    assert!(
        waiting.contains("later@far.test")
            && !waiting.contains("good@far.test")
            && !waiting.contains("never@far.test"),
        "{waiting}"
    );
}

#[test]
fn a_server_that_closes_at_any_stage_only_delays_the_mail() {
    for stage in ["connect", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let peer = Peer::with(move |command, seen| {
            (command.starts_with(stage) && seen.connections <= 2).then_some(Act::Close)
        });
        let mut instance = Instance::new(&["--route", &peer.route("far.test")]);
        instance.set("delaywarning", "0");
        instance.start();
        instance.sendmail(&["x@far.test"], LETTER);
        // Each deferral waits longer than the last; the peer behaves from its third connection on.
        wait::until_true(&format!("delivery after {stage}"), || {
            let deferred = instance.log("send").matches(" attempt-deferred ").count();
            instance.move_clock(60_000 * i64::try_from(deferred).unwrap_or(0));
            !peer.seen().taken.is_empty()
        });
        instance.wait_until_empty();
        assert!(
            instance.mail("demo").is_empty(),
            "{stage}: a report came for a delay"
        );
    }
}

#[test]
fn a_server_that_hangs_is_left_after_the_time_limit() {
    for stage in ["connect", "MAIL", "."] {
        let peer = Peer::with(move |command, _| command.starts_with(stage).then_some(Act::Hang));
        let mut instance = Instance::new(&["--route", &peer.route("far.test")]);
        instance.set("timeoutremote", "1");
        instance.start();
        instance.sendmail(&["x@far.test"], LETTER);
        wait_for_events(&instance, "attempt-deferred", 1);
    }
}

#[test]
fn a_line_lost_after_the_last_dot_is_no_failure_and_no_success() {
    let peer = Peer::with(|command, _| (command == ".").then_some(Act::Close));
    let instance = routed(&peer);
    instance.sendmail(&["x@far.test"], LETTER);
    wait_for_events(&instance, "attempt-deferred", 1);
    assert!(instance.mailq().contains("x@far.test"));
}

#[test]
fn a_server_without_pipelining_or_without_ehlo_gets_its_mail_step_by_step() {
    let plain = Peer::with(|command, _| {
        command
            .starts_with("EHLO")
            .then(|| Act::Say("250 plain.test".into()))
    });
    let old = Peer::with(|command, _| {
        command
            .starts_with("EHLO")
            .then(|| Act::Say("502 what".into()))
    });
    let instance = Instance::started(&[
        "--route",
        &plain.route("plain.test"),
        "--route",
        &old.route("old.test"),
    ]);
    instance.sendmail(&["x@plain.test", "x@old.test"], LETTER);
    assert_eq!(plain.wait_for(1).len(), 1);
    assert_eq!(old.wait_for(1).len(), 1);
    assert!(
        old.seen()
            .commands
            .iter()
            .any(|line| line.starts_with("HELO"))
    );
}

#[test]
fn a_reply_of_a_thousand_lines_is_one_reply() {
    let peer = Peer::with(|command, _| {
        command.starts_with("RCPT").then(|| {
            let mut reply: Vec<String> = (0..999)
                .map(|line| format!("550-5.1.1 reason {line}"))
                .collect();
            reply.push("550 5.1.1 last reason".into());
            Act::Say(reply.join("\r\n"))
        })
    });
    let instance = routed(&peer);
    instance.sendmail(&["-f", "demo@stafette.test", "x@far.test"], LETTER);
    let report = String::from_utf8(instance.wait_for_mail("demo", 1).remove(0)).unwrap();
    assert!(
        report.contains("reason 0") && report.contains("Status: 5.1.1"),
        "{report}"
    );
}

#[test]
fn messages_to_one_host_share_connections() {
    let peer = Peer::friendly();
    let instance = routed(&peer);
    for _ in 0..30 {
        instance.sendmail(&["x@far.test"], LETTER);
    }
    assert_eq!(peer.wait_for(30).len(), 30);
    let seen = peer.seen();
    assert!(
        seen.connections <= 10,
        "{} connections for 30 messages",
        seen.connections
    );
}

#[test]
fn a_thousand_recipients_at_one_host_take_few_transactions() {
    let peer = Peer::friendly();
    let instance = routed(&peer);
    let recipients: Vec<String> = (0..1000)
        .map(|number| format!("user{number}@far.test"))
        .collect();
    instance.sendmail(
        &recipients.iter().map(String::as_str).collect::<Vec<_>>(),
        LETTER,
    );
    instance.wait_until_empty();
    let taken = peer.seen().taken;
    let mut reached: Vec<&String> = taken.iter().flat_map(|one| &one.recipients).collect();
    reached.sort();
    reached.dedup();
    assert_eq!(reached.len(), 1000);
    assert!(taken.len() <= 20, "{} transactions", taken.len());
}

#[test]
fn nothing_is_ever_sent_with_a_stray_carriage_return() {
    let peer = Peer::friendly();
    let instance = routed(&peer);
    instance.sendmail(
        &["-i", "x@far.test"],
        b"Subject: strays\n\none\rtwo\nthree\r\r\nfour\n",
    );
    let content = peer.wait_for(1).remove(0).content;
    let stray = content
        .iter()
        .enumerate()
        .any(|(at, byte)| *byte == b'\r' && content.get(at + 1) != Some(&b'\n'));
    assert!(!stray, "{:?}", String::from_utf8_lossy(&content));
}

#[test]
fn one_dead_host_does_not_hold_up_another() {
    let live = Peer::friendly();
    let nobody = address::fresh();
    let instance = Instance::started(&[
        "--route",
        &format!("dead.test {nobody}:{PORT}"),
        "--route",
        &live.route("far.test"),
    ]);
    for _ in 0..50 {
        instance.sendmail(&["x@dead.test"], LETTER);
    }
    instance.sendmail(&["x@far.test"], LETTER);
    assert_eq!(live.wait_for(1).len(), 1);
}
