//! The decision list, one case of RFC 5321 section 5.1 after the other.

use std::collections::HashMap;

use stafette_wire::resolve::Exchanger;

use super::*;

#[derive(Default)]
struct Table {
    exchangers: HashMap<&'static str, Answer<Vec<Exchanger>>>,
    addresses: HashMap<&'static str, Answer<Vec<IpAddr>>>,
    asked: Vec<String>,
}

impl Table {
    fn mx(mut self, domain: &'static str, list: &[(u16, &str)]) -> Self {
        let list = list.iter().map(|(preference, host)| Exchanger {
            preference: *preference,
            host: (*host).to_owned(),
        });
        self.exchangers
            .insert(domain, Answer::Found(list.collect()));
        self
    }
    fn at(mut self, host: &'static str, list: &[&str]) -> Self {
        let list = list.iter().map(|ip| ip.parse().unwrap()).collect();
        self.addresses.insert(host, Answer::Found(list));
        self
    }
    fn later(mut self, host: &'static str) -> Self {
        self.addresses
            .insert(host, Answer::Later("SERVFAIL".into()));
        self
    }
}

impl Ask for Table {
    fn exchangers(&mut self, domain: &str) -> Answer<Vec<Exchanger>> {
        self.asked.push(format!("MX {domain}"));
        self.exchangers
            .get(domain)
            .cloned()
            .unwrap_or(Answer::NoSuchName)
    }
    fn addresses(&mut self, host: &str) -> Answer<Vec<IpAddr>> {
        self.asked.push(host.to_owned());
        self.addresses
            .get(host)
            .cloned()
            .unwrap_or(Answer::NoSuchName)
    }
}

fn own() -> Own {
    Own::new(
        &["us.example".to_owned()],
        vec!["0.0.0.0:25".parse().unwrap()],
        |ip| ip == IpAddr::from([198, 51, 100, 7]),
    )
}

fn walk_to(host: &str, mx: bool, table: &mut Table) -> (Vec<String>, Trouble) {
    let hop = NextHop {
        protocol: stafette_wire::delivery::Protocol::Smtp,
        line: host.to_owned(),
        host: host.to_owned(),
        port: 25,
        mx,
    };
    let mut random = |n: usize| n - 1;
    let mut route = Route::start(&hop, table, &own(), &mut random);
    let mut tried = Vec::new();
    while let Some(target) = route.next(table, &own(), &mut random) {
        tried.push(format!("{} {}", target.host, target.address.ip()));
    }
    (tried, route.trouble())
}

fn walk(table: &mut Table) -> (Vec<String>, Trouble) {
    walk_to("d.example", true, table)
}

fn failed(trouble: &Trouble, wanted: &str) {
    assert!(
        matches!(trouble, Trouble::Fail { status, .. } if *status == wanted),
        "{trouble:?}"
    );
}

fn deferred(trouble: &Trouble, wanted: &str, blame: bool) {
    assert!(
        matches!(trouble, Trouble::Defer { status, theirs, .. } if *status == wanted && *theirs == blame),
        "{trouble:?}"
    );
}

#[test]
fn exchangers_are_walked_by_preference_and_both_address_kinds() {
    let mut table = Table::default()
        .mx("d.example", &[(20, "b.example"), (10, "a.example")])
        .at("a.example", &["192.0.2.1", "2001:db8::1", "192.0.2.2"])
        .at("b.example", &["192.0.2.3"]);
    let (tried, _) = walk(&mut table);
    assert_eq!(
        tried,
        [
            "a.example 2001:db8::1",
            "a.example 192.0.2.1",
            "a.example 192.0.2.2",
            "b.example 192.0.2.3"
        ]
    );
}

#[test]
fn a_domain_without_exchangers_is_its_own_host() {
    let mut table = Table::default()
        .mx("d.example", &[])
        .at("d.example", &["192.0.2.1"]);
    assert_eq!(walk(&mut table).0, ["d.example 192.0.2.1"]);
}

#[test]
fn a_domain_that_does_not_exist_fails() {
    failed(&walk(&mut Table::default()).1, "5.1.2");
    failed(&walk(&mut Table::default().mx("d.example", &[])).1, "5.1.2");
}

#[test]
fn a_domain_with_neither_exchanger_nor_address_fails() {
    let mut table = Table::default().mx("d.example", &[]).at("d.example", &[]);
    failed(&walk(&mut table).1, "5.4.4");
}

#[test]
fn a_null_mx_fails_without_asking_for_addresses() {
    let mut table = Table::default()
        .mx("d.example", &[(0, "")])
        .at("d.example", &["192.0.2.1"]);
    failed(&walk(&mut table).1, "5.1.10");
    assert_eq!(table.asked, ["MX d.example"]);
}

#[test]
fn exchangers_without_address_never_fall_back_to_the_domain() {
    let mut table = Table::default()
        .mx("d.example", &[(1, "a.example")])
        .at("d.example", &["192.0.2.1"]);
    failed(&walk(&mut table).1, "5.4.4");
}

#[test]
fn a_silent_dns_defers_even_if_another_exchanger_is_gone_for_good() {
    let mut table = Table::default()
        .mx("d.example", &[(1, "a.example"), (2, "b.example")])
        .later("a.example");
    deferred(&walk(&mut table).1, "4.4.3", true);
    let mut table = Table::default();
    table
        .exchangers
        .insert("d.example", Answer::Later("timeout".into()));
    deferred(&walk(&mut table).1, "4.4.3", true);
    table
        .exchangers
        .insert("d.example", Answer::OutOfReach("no socket".into()));
    deferred(&walk(&mut table).1, "4.3.0", false);
}

#[test]
fn our_own_name_cuts_off_equal_and_worse_exchangers() {
    let mut table = Table::default()
        .mx(
            "d.example",
            &[
                (5, "a.example"),
                (10, "b.example"),
                (10, "us.example"),
                (20, "c.example"),
            ],
        )
        .at("a.example", &["192.0.2.1"])
        .at("b.example", &["192.0.2.2"])
        .at("c.example", &["192.0.2.3"]);
    assert_eq!(walk(&mut table).0, ["a.example 192.0.2.1"]);
}

#[test]
fn our_own_address_under_another_name_is_found() {
    let mut table = Table::default()
        .mx("d.example", &[(5, "alias.example"), (10, "c.example")])
        .at("alias.example", &["198.51.100.7"])
        .at("c.example", &["192.0.2.3"]);
    let (tried, trouble) = walk(&mut table);
    assert!(tried.is_empty());
    failed(&trouble, "5.4.6");
}

#[test]
fn literals_need_no_dns() {
    let mut table = Table::default();
    for (host, ip) in [
        ("[192.0.2.9]", "192.0.2.9"),
        ("[IPv6:2001:db8::9]", "2001:db8::9"),
    ] {
        let (tried, _) = walk_to(host, true, &mut table);
        assert_eq!(tried, [format!("{host} {ip}")]);
    }
    assert_eq!(
        walk_to("192.0.2.9", false, &mut table).0,
        ["192.0.2.9 192.0.2.9"]
    );
    failed(&walk_to("[127.0.0.1]", false, &mut table).1, "5.4.6");
    assert!(table.asked.is_empty());
}

#[test]
fn a_route_to_nowhere_is_the_operators_mistake_and_defers() {
    deferred(
        &walk_to("hub.example", false, &mut Table::default()).1,
        "4.3.5",
        false,
    );
}

#[test]
fn international_domains_are_asked_for_in_ascii() {
    let mut table = Table::default();
    failed(&walk_to("bücher.example", true, &mut table).1, "5.1.2");
    assert_eq!(table.asked, ["MX xn--bcher-kva.example"]);
    failed(&walk_to("a..b", true, &mut table).1, "5.1.2");
}
