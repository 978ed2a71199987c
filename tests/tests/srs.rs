//! Mail forwarded to other hosts goes under an address of this one (SRS), and what comes back finds its way.

use stafette_tests::client::Client;
use stafette_tests::peer::{Act, Peer};
use stafette_tests::people::Town;
use stafette_tests::wait;

/// A town in which alice forwards all to far.test and bob to home.test, and mail for orig.test goes to `orig`.
fn town(far: &Peer, orig: &Peer) -> Town {
    let town = Town::new(
        &["alice", "bob"],
        &[
            "--route",
            &far.route("far.test"),
            "--route",
            &orig.route("orig.test"),
        ],
    );
    town.put("alice", ".forward", "alice@far.test\n");
    town.put("bob", ".qmail", "&bob@far.test\n");
    town.instance.set("relayclients", "192.0.2.1");
    town
}

/// The reverse-path of MAIL's argument.
fn path(mail: &str) -> String {
    let path = mail.trim_start_matches('<');
    path.split('>').next().unwrap_or_default().to_owned()
}

const LETTER: &[u8] = b"From: joe@orig.test\r\nSubject: hello\r\n\r\nbody\r\n";

#[test]
fn a_forward_has_an_srs_sender_and_its_bounce_comes_back_to_the_first_one() {
    if !Town::possible() {
        return;
    }
    let (far, orig) = (Peer::friendly(), Peer::friendly());
    let mut town = town(&far, &orig);
    town.instance.start();
    let smtp = town.instance.smtp();
    for (count, name) in ["alice", "bob"].iter().enumerate() {
        let to = format!("{name}@stafette.test");
        let reply = Client::ehlo(smtp).mail("joe@orig.test", &[&to], LETTER);
        assert!(reply.starts_with("250"), "{reply}");
        let taken = far.wait_for(count + 1).pop().expect("a message");
        let from = path(&taken.mail);
        assert!(
            from.starts_with("SRS0") && from.ends_with("@stafette.test"),
            "{from}"
        );
        assert!(from.to_lowercase().contains("orig.test"), "{from}");
        // The receiving host cannot deliver it, and says so. It may have changed the case.
        for back in [from.clone(), from.to_lowercase()] {
            let before = orig.seen().taken.len();
            let reply = Client::ehlo(smtp).mail("", &[&back], b"Subject: failure\r\n\r\nsorry\r\n");
            assert!(reply.starts_with("250"), "{back}: {reply}");
            let report = orig.wait_for(before + 1).pop().expect("a report");
            assert!(
                report.recipients[0].starts_with("<joe@orig.test>"),
                "{:?}",
                report.recipients
            );
            assert!(report.mail.starts_with("<>"), "{}", report.mail);
        }
    }
    // Who writes from here, and nobody at all, stay as they are.
    town.instance.sendmail(
        &["-f", "demo@stafette.test", "alice"],
        b"Subject: inside\n\nbody\n",
    );
    let taken = far.wait_for(3).pop().expect("a message");
    assert_eq!(path(&taken.mail), "demo@stafette.test");
    let reply = Client::ehlo(smtp).mail("", &["alice@stafette.test"], LETTER);
    assert!(reply.starts_with("250"), "{reply}");
    let taken = far.wait_for(4).pop().expect("a message");
    assert_eq!(path(&taken.mail), "");
    town.instance.wait_until_empty();
}

#[test]
fn our_own_report_about_a_forward_goes_to_the_first_sender_and_forgeries_go_nowhere() {
    if !Town::possible() {
        return;
    }
    let far = Peer::with(|command, _| {
        command
            .starts_with("RCPT")
            .then(|| Act::Say("550 5.7.1 not wanted".to_owned()))
    });
    let orig = Peer::friendly();
    let mut town = town(&far, &orig);
    town.instance.start();
    let smtp = town.instance.smtp();
    let reply = Client::ehlo(smtp).mail("joe@orig.test", &["alice@stafette.test"], LETTER);
    assert!(reply.starts_with("250"), "{reply}");
    let report = orig.wait_for(1).remove(0);
    assert!(
        report.recipients[0].starts_with("<joe@orig.test>"),
        "{:?}",
        report.recipients
    );
    assert!(String::from_utf8_lossy(&report.content).contains("not wanted"));
    let seen = wait::until("the address that was seen", || {
        let commands = far.seen().commands;
        commands
            .iter()
            .find_map(|line| Some(path(line.strip_prefix("MAIL FROM:")?)))
    });
    assert!(seen.starts_with("SRS0"), "{seen}");
    let mut client = Client::ehlo(smtp);
    client.expect("MAIL FROM:<>", "250");
    let forged = [
        seen.replace("orig.test", "victim.test"),
        "SRS0=AAAA=AA=victim.test=joe@stafette.test".to_owned(),
        "SRS1=AAAA=victim.test==AAAA=AA=orig.test=joe@stafette.test".to_owned(),
        "SRS0=@stafette.test".to_owned(),
        "SRS0=%s%n'|id;=x@stafette.test".to_owned(),
    ];
    for forged in &forged {
        let reply = client.say(&format!("RCPT TO:<{forged}>"));
        assert!(reply.starts_with('5'), "{forged}: {reply}");
    }
    client.expect(&format!("RCPT TO:<{seen}>"), "250");
}
