use proptest::prelude::*;
use stafette_control::Instance;

use super::*;
use crate::compile;
use crate::fixture::put;

fn tables(text: &str) -> (tempfile::TempDir, Tables) {
    let folder = tempfile::tempdir().expect("a directory");
    let instance = Instance {
        etc: folder.path().join("etc"),
        spool: folder.path().join("spool"),
        run: folder.path().join("run"),
    };
    std::fs::create_dir(&instance.etc).expect("etc");
    put(instance.etc.join("access"), text);
    let report = compile(&instance, false);
    assert!(report.is_good(), "{report:?}");
    let tables = Tables::open(&instance);
    (folder, tables)
}

fn line(found: Result<Found, String>) -> Option<usize> {
    found.expect("an answer").map(|(_, entry)| entry.line)
}

fn client(tables: &Tables, ip: &str, name: Option<&str>) -> Option<usize> {
    line(connect(tables, ip.parse().expect("an address"), name))
}

fn sender(tables: &Tables, address: &str) -> Option<usize> {
    line(from(
        tables,
        &ReversePath::parse(address.as_bytes()).expect("a path"),
    ))
}

#[test]
fn actions_are_read_as_sendmail_writes_them() {
    assert_eq!(parse("ok"), Ok(Action::Ok));
    assert_eq!(parse("RELAY"), Ok(Action::Relay));
    for text in [
        "550 We don't accept mail from spammers",
        "ERROR:550 x",
        "ERROR:5.7.1:550 x",
        "ERROR:\"450 x\"",
        "5.7.1 x",
    ] {
        assert!(matches!(parse(text), Ok(Action::Reply(_))), "{text}");
    }
    assert!(parse("MAYBE").is_err() && parse("250 fine").is_err());
}

#[test]
fn the_longest_network_wins_whatever_way_it_is_written() {
    let (_folder, tables) = tables(
        "10 REJECT\n10.1 OK\n10.1.2.0/23 RELAY\nConnect:10.1.2.3 DISCARD\nIPv6:2001:db8 REJECT\n2001:db8::/48 OK\n0.0.0.0/0 450 x\n",
    );
    assert_eq!(client(&tables, "10.9.9.9", None), Some(1));
    assert_eq!(client(&tables, "10.1.9.9", None), Some(2));
    assert_eq!(client(&tables, "10.1.3.1", None), Some(3));
    assert_eq!(client(&tables, "::ffff:10.1.2.3", None), Some(4));
    assert_eq!(client(&tables, "2001:db8:1::1", None), Some(5));
    assert_eq!(client(&tables, "2001:db8::1", None), Some(6));
    assert_eq!(client(&tables, "192.0.2.1", None), Some(7));
    assert_eq!(client(&tables, "2001:db9::1", None), None);
    assert_eq!(has_connect_names(&tables), Ok(false));
}

#[test]
fn a_tag_wins_over_the_same_key_without_one_and_a_name_over_its_parents() {
    let (_folder, tables) = tables(
        "example.org REJECT\nFrom:example.org OK\nmail.example.org RELAY\n.example.com REJECT\nTo:joe@ REJECT\njoe@example.net 550 no\n<> REJECT\nspam@ REJECT\n",
    );
    assert_eq!(client(&tables, "192.0.2.1", Some("a.example.org")), Some(1));
    assert_eq!(
        client(&tables, "192.0.2.1", Some("MAIL.example.org.")),
        Some(3)
    );
    assert_eq!(client(&tables, "192.0.2.1", Some("example.com")), None);
    assert_eq!(client(&tables, "192.0.2.1", Some("x.example.com")), Some(4));
    assert_eq!(has_connect_names(&tables), Ok(true));
    assert_eq!(sender(&tables, "any@b.example.org"), Some(2));
    assert_eq!(sender(&tables, "Joe@Example.NET"), Some(6));
    assert_eq!(sender(&tables, ""), Some(7));
    assert_eq!(sender(&tables, "spam@example.org"), Some(8));
    let recipient = |text: &str| line(to(&tables, &text.parse().expect("a mailbox")));
    assert_eq!(recipient("joe@anywhere.example"), Some(5));
    assert_eq!(recipient("ann@anywhere.example"), None);
}

#[test]
fn what_is_no_key_is_a_mistake() {
    for text in [
        "a b@c",
        "10.1.2.3.4",
        "10.256",
        "10.0.0.1/8",
        "foo:bar",
        "@x",
        "1.2.3.0/33",
        "ipv6:xyz",
    ] {
        assert!(compiled_key(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_key_and_an_action_or_a_mistake(text in "\\PC{0,60}") {
        drop((compiled_key(&text), parse(&text)));
    }

    #[test]
    fn a_network_key_is_among_the_keys_of_its_addresses(bits in 0_u32..=32, ip in any::<u32>()) {
        let ip = std::net::Ipv4Addr::from_bits(ip);
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        let network = format!("{}/{bits}", std::net::Ipv4Addr::from_bits(ip.to_bits() & mask));
        let key = compiled_key(&network).expect("a key");
        prop_assert!(connect_keys(ip.into()).contains(&key), "{key}");
    }
}
