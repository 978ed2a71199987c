use std::fs::File;
use std::io::Write;
use std::path::Path;

use stafette_addr::{Mailbox, ReversePath};
use stafette_wire::envelope::Expanded;
use stafette_wire::users::Target;

use super::*;
use crate::answer::Purpose;

fn put(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("spool/users")).unwrap();
        let place = Self(place);
        for (name, text) in [
            ("me", "example.org\n"),
            ("locals", "example.org\nbücher.example\n[192.0.2.1]\n"),
            ("local-host-names", "other.example\n"),
            ("rcpthosts", "friend.example\n.below.example\n"),
            ("relay-domains", "relay.example\n"),
            ("systemusers", "0\n"),
            (
                "users/assign",
                "=joe:joe:1000:1000:/home/joe:::\n+list-:lists:1001:1001:/srv/lists:-::\n=postmaster:joe:1000:1000:/home/joe:::\n.\n",
            ),
        ] {
            place.put(name, text);
        }
        place
    }

    fn instance(&self) -> Instance {
        Instance {
            etc: self.0.path().join("etc"),
            spool: self.0.path().join("spool"),
            run: self.0.path().join("run"),
        }
    }

    fn put(&self, name: &str, text: &str) {
        put(&self.instance().etc, name, text);
    }

    fn compile(&self) {
        std::fs::create_dir_all(self.instance().tables()).unwrap();
        drop(stafette_table::compile(&self.instance(), true));
    }

    fn rules(&self) -> Rules {
        self.compile();
        Rules::load(&self.instance())
    }
}

fn asked(mailbox: &str, purpose: Purpose) -> Asked {
    Asked {
        seq: 7,
        mailbox: Mailbox::parse(mailbox.as_bytes()).unwrap(),
        purpose,
    }
}

fn answers(rules: &mut Rules, asked: &Asked) -> Option<Vec<FromUsers>> {
    match rules.answer(asked) {
        Answer::Now(packets) => Some(packets),
        Answer::Ask(_) => None,
    }
}

fn look_up(rules: &mut Rules, mailbox: &str, forwarded: Option<&str>) -> Vec<FromUsers> {
    let forwarded = forwarded.map(|path| ReversePath::parse(path.as_bytes()).unwrap());
    let expanded = Expanded::No;
    let asked = asked(
        mailbox,
        Purpose::Lookup {
            expanded,
            forwarded,
        },
    );
    answers(rules, &asked).unwrap()
}

fn word(packets: Option<Vec<FromUsers>>) -> String {
    let Some(packets) = packets else {
        return "ask".into();
    };
    match packets.first().unwrap() {
        FromUsers::Local { seq: 7, account } => account.clone(),
        FromUsers::Remote {
            seq: 7, next_hop, ..
        } => next_hop.line.clone(),
        FromUsers::Expand {
            seq: 7, targets, ..
        } => targets
            .iter()
            .map(|target| target.mailbox.to_string())
            .collect::<Vec<_>>()
            .join(" "),
        FromUsers::Accepted { seq: 7 } => "accepted".into(),
        FromUsers::Discard { seq: 7 } => "discard".into(),
        FromUsers::NotOurs { seq: 7 } => "not ours".into(),
        FromUsers::NoSuchUser { seq: 7 } => "nobody".into(),
        FromUsers::Refused {
            seq: 7,
            code,
            status,
            text,
        } => format!("{code} {status} {text}"),
        FromUsers::Later { seq: 7, .. } => "later".into(),
        other => panic!("{other:?}"),
    }
}

/// What send hears.
fn say(rules: &mut Rules, mailbox: &str) -> String {
    word(Some(look_up(rules, mailbox, None)))
}

/// What smtpd hears.
fn check(rules: &mut Rules, mailbox: &str) -> String {
    let asked = asked(mailbox, Purpose::Check);
    word(answers(rules, &asked))
}

#[test]
fn an_address_is_ours_by_its_domain_and_somebodys_by_its_local_part() {
    let place = Place::new();
    let mut rules = place.rules();
    for (mailbox, whose, taken) in [
        ("joe@example.org", "joe", "accepted"),
        ("Joe@EXAMPLE.ORG", "joe", "accepted"),
        ("joe@other.example", "joe", "accepted"),
        ("joe@xn--bcher-kva.example", "joe", "accepted"),
        ("joe@[192.0.2.1]", "joe", "accepted"),
        ("list-a-b@example.org", "lists", "accepted"),
        ("POSTMASTER@example.org", "joe", "accepted"),
        ("jim@example.org", "nobody", "nobody"),
        ("joe@friend.example", "friend.example", "accepted"),
        ("joe@a.b.below.example", "a.b.below.example", "accepted"),
        ("joe@relay.example", "relay.example", "accepted"),
        ("joe@below.example", "below.example", "not ours"),
        ("joe@sub.example.org", "sub.example.org", "not ours"),
        ("joe@[192.0.2.2]", "[192.0.2.2]", "not ours"),
    ] {
        assert_eq!(say(&mut rules, mailbox), whose, "{mailbox}");
        assert_eq!(check(&mut rules, mailbox), taken, "{mailbox}");
    }
}

#[test]
fn the_system_is_asked_only_if_it_may_be_and_only_for_our_domains() {
    let place = Place::new();
    place.put("systemusers", "1\n");
    let mut rules = place.rules();
    assert_eq!(check(&mut rules, "joe@example.org"), "accepted");
    assert_eq!(check(&mut rules, "jim@example.org"), "ask");
    assert_eq!(check(&mut rules, "jim@friend.example"), "accepted");
}

#[test]
fn a_change_of_the_files_is_noticed() {
    let place = Place::new();
    let mut rules = place.rules();
    place.put("locals", "new.example\n");
    place.put("users/assign", "=jim:jim:1000:1000:/home/jim:::\n.\n");
    place.put("aliases", "sales: jim, x@y.example\n");
    place.compile();
    rules.refresh();
    assert_eq!(say(&mut rules, "jim@new.example"), "jim");
    assert_eq!(say(&mut rules, "joe@new.example"), "nobody");
    assert_eq!(say(&mut rules, "jim@example.org"), "example.org");
    assert_eq!(
        say(&mut rules, "sales@new.example"),
        "jim@new.example x@y.example"
    );
}

#[test]
fn what_cannot_be_read_refuses_nobody() {
    let place = Place::new();
    let mut before = place.rules();
    let path = place.instance().etc.join("locals");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(say(&mut place.rules(), "joe@example.org"), "later");
    before.refresh();
    assert_eq!(say(&mut before, "joe@example.org"), "joe");
}

#[test]
fn a_table_that_is_not_compiled_yet_refuses_nobody() {
    let place = Place::new();
    place.put("aliases", "sales: joe\n");
    let mut rules = Rules::load(&place.instance());
    assert_eq!(say(&mut rules, "jim@example.org"), "later");
    place.compile();
    rules.refresh();
    assert_eq!(say(&mut rules, "jim@example.org"), "nobody");
    assert_eq!(say(&mut rules, "sales@example.org"), "joe@example.org");
}

#[test]
fn without_any_settings_the_name_of_this_host_is_ours() {
    let place = Place::new();
    for name in ["locals", "local-host-names", "users/assign"] {
        std::fs::remove_file(place.instance().etc.join(name)).unwrap();
    }
    place.put("me", "host.example\n");
    let mut rules = place.rules();
    assert_eq!(say(&mut rules, "joe@host.example"), "nobody");
    assert_eq!(say(&mut rules, "joe@example.org"), "example.org");
    assert_eq!(check(&mut rules, "postmaster@host.example"), "accepted");
}

#[test]
fn access_says_who_may_be_sent_to() {
    let place = Place::new();
    place.put("aliases", "sales: joe\n");
    place.put(
        "access",
        "To:sales@example.org REJECT\nTo:list-x@ DISCARD\nTo:example.net RELAY\nTo:friend.example 550 5.7.1 not today\nTo:ok@friend.example OK\n",
    );
    let mut rules = place.rules();
    for (mailbox, said) in [
        ("sales@example.org", "550 5.7.1 Access denied"),
        ("sales@other.example", "accepted"),
        ("list-x@example.org", "discard"),
        ("joe@example.net", "accepted"),
        ("joe@friend.example", "550 5.7.1 not today"),
        ("ok@friend.example", "accepted"),
    ] {
        assert_eq!(check(&mut rules, mailbox), said, "{mailbox}");
    }
    assert_eq!(say(&mut rules, "sales@example.org"), "joe@example.org");
}

#[test]
fn a_forward_to_another_host_gets_a_sender_that_leads_back() {
    let place = Place::new();
    let mut rules = place.rules();
    let sender =
        |rules: &mut Rules, to: &str, from: &str| match look_up(rules, to, Some(from)).remove(0) {
            FromUsers::Remote { sender, .. } => sender,
            other => panic!("{other:?}"),
        };
    let to = "x@elsewhere.example";
    assert_eq!(sender(&mut rules, to, ""), None);
    assert_eq!(sender(&mut rules, to, "joe@other.example"), None);
    let ours = sender(&mut rules, to, "ann@far.example").unwrap();
    let ours = ours.to_string();
    assert!(ours.starts_with("SRS0=") && ours.ends_with("=far.example=ann@example.org"));
    assert_eq!(check(&mut rules, &ours), "accepted");
    assert_eq!(say(&mut rules, &ours), "ann@far.example");
    let forged = ours.replace("=ann", "=bob");
    let refusal = "550 5.1.1 an SRS address that was not made here";
    assert_eq!(check(&mut rules, &forged), refusal);
    assert_eq!(say(&mut rules, &forged), refusal);
    place.put("srs", "0\n");
    rules.refresh();
    assert_eq!(sender(&mut rules, to, "ann@far.example"), None);
    assert_eq!(say(&mut rules, &ours), "ann@far.example");
}

#[test]
fn a_long_list_is_given_in_packets_that_fit() {
    use stafette_wire::{MAX_PACKET, Packet as _};
    let place = Place::new();
    let list = place.0.path().join("list");
    let text: String = (0..20_000)
        .map(|n| format!("member{n}@subscribers.example\n"))
        .collect();
    put(place.0.path(), "list", &text);
    place.put(
        "aliases",
        &format!("big: :include:{}\nowner-big: joe\n", list.display()),
    );
    let mut rules = place.rules();
    let expanded = Expanded::No;
    let forwarded = None;
    let asked = asked(
        "big@example.org",
        Purpose::Lookup {
            expanded,
            forwarded,
        },
    );
    let Answer::Ask(knowledge) = rules.answer(&asked) else {
        panic!("others would have waited");
    };
    let packets = knowledge.answer(&asked);
    assert!(packets.len() > 3);
    let mut all: Vec<Target> = Vec::new();
    for (packet, left) in packets.iter().zip((0..packets.len()).rev()) {
        assert!(packet.encode().len() <= MAX_PACKET);
        let FromUsers::Expand {
            targets,
            owner: Some(owner),
            more,
            ..
        } = packet
        else {
            panic!("{packet:?}");
        };
        assert_eq!((owner.as_str(), *more), ("owner-big@example.org", left > 0));
        all.extend(targets.iter().cloned());
    }
    assert_eq!(all.len(), 20_000);
}

#[test]
fn the_dns_is_asked_about_exchangers_only_if_the_operator_wants_it() {
    let place = Place::new();
    assert_eq!(check(&mut place.rules(), "joe@x.example"), "not ours");
    place.put("bestmxislocal", "1\n");
    place.put("smtproutes", "routed.example:relay.example\n");
    let mut rules = place.rules();
    assert_eq!(check(&mut rules, "joe@x.example"), "ask");
    assert_eq!(check(&mut rules, "joe@routed.example"), "not ours");
    assert_eq!(check(&mut rules, "joe@example.org"), "accepted");
}
