//! The exercise of the LPIC note, and the dial-up host: mail waits in the queue, mailq shows it, and it goes when the daemon starts or somebody says so.

use stafette_tests::instance::Instance;
use stafette_tests::peer::Peer;
use stafette_tests::wait;

const LETTER: &[u8] = b"Subject: exercise\n\nbody\n";

#[test]
fn mail_sent_while_the_daemon_is_down_shows_in_mailq_and_goes_when_it_starts() {
    let peer = Peer::friendly();
    let mut instance = Instance::new(&["--route", &peer.route("far.test")]);
    // The daemon has run once, and was stopped.
    instance.start();
    instance.stop();
    instance.sendmail(&["-f", "demo@stafette.test", "root"], LETTER);
    instance.sendmail(&["-f", "demo@stafette.test", "x@far.test"], LETTER);
    assert!(instance.mail("demo").is_empty());
    for command in [&["mailq"][..], &["sendmail", "-bp"]] {
        let (program, arguments) = command.split_first().expect("a command");
        let output = instance.run(program, arguments, b"");
        let listing = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{output:?}");
        assert!(
            listing.contains("root@stafette.test") && listing.contains("x@far.test"),
            "{listing}"
        );
        assert!(listing.ends_with(" in 2 Requests.\n"), "{listing}");
    }
    instance.start();
    let mail = instance.wait_for_mail("demo", 1).remove(0);
    assert!(String::from_utf8_lossy(&mail).contains("\nSubject: exercise\n"));
    assert_eq!(peer.wait_for(1).len(), 1);
    instance.wait_until_empty();
    assert_eq!(instance.mailq(), "Mail queue is empty\n");
    assert_eq!(
        (instance.mail("demo").len(), peer.seen().taken.len()),
        (1, 1)
    );
}

#[test]
fn a_dial_up_host_keeps_its_mail_until_somebody_says_q() {
    for what in ["remote", "all"] {
        let peer = Peer::friendly();
        let mut instance = Instance::new(&["--route", &peer.route("far.test")]);
        instance.set("deferred", what);
        instance.start();
        for to in ["one@far.test", "two@far.test", "root"] {
            instance.sendmail(&["-f", "demo@stafette.test", to], LETTER);
        }
        if what == "remote" {
            assert_eq!(instance.wait_for_mail("demo", 1).len(), 1);
        }
        let waiting = if what == "all" { 3 } else { 2 };
        let listing = wait::until("a queue that waits", || {
            let listing = instance.mailq();
            let closing = format!(" in {waiting} Requests.\n");
            (listing.ends_with(&closing) && !listing.contains('*')).then_some(listing)
        });
        assert!(
            listing.contains("one@far.test") && listing.contains("two@far.test"),
            "{listing}"
        );
        assert_eq!(peer.seen().connections, 0, "{what}");
        assert_eq!(instance.mail("demo").len(), usize::from(what == "remote"));
        let output = instance.run("sendmail", &["-q"], b"");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(peer.wait_for(2).len(), 2);
        assert_eq!(instance.wait_for_mail("demo", 1).len(), 1);
        instance.wait_until_empty();
    }
}
