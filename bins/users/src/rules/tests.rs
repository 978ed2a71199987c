use std::fs::File;
use std::io::Write;
use std::path::Path;

use stafette_control::Control;

use super::*;

fn put(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    put(
        place.path(),
        "locals",
        "example.org\nbücher.example\n[192.0.2.1]\n",
    );
    put(place.path(), "local-host-names", "other.example\n");
    put(
        place.path(),
        "rcpthosts",
        "friend.example\n.below.example\n",
    );
    put(place.path(), "relay-domains", "relay.example\n");
    put(place.path(), "systemusers", "0\n");
    let table = "=joe:joe:1000:1000:/home/joe:::\n+list-:lists:1001:1001:/srv/lists:-::\n=postmaster:joe:1000:1000:/home/joe:::\n.\n";
    put(place.path(), "users/assign", table);
    place
}

fn rules(place: &tempfile::TempDir) -> Rules {
    Rules::load(Settings::new(Control::new(place.path())))
}

fn say(rules: &mut Rules, mailbox: &str) -> String {
    match rules.answer(7, &Mailbox::parse(mailbox.as_bytes()).unwrap()) {
        Answer::Now(FromUsers::Local { seq: 7, account }) => account,
        Answer::Now(FromUsers::Remote {
            seq: 7,
            in_rcpthosts: true,
        }) => "relay".into(),
        Answer::Now(FromUsers::Remote {
            seq: 7,
            in_rcpthosts: false,
        }) => "remote".into(),
        Answer::Now(FromUsers::NoSuchUser { seq: 7 }) => "nobody".into(),
        Answer::Now(FromUsers::Later { seq: 7, .. }) => "later".into(),
        Answer::Ask(_) => "ask".into(),
        Answer::Now(other) => panic!("{other:?}"),
    }
}

#[test]
fn an_address_is_ours_by_its_domain_and_somebodys_by_its_local_part() {
    let place = place();
    let mut rules = rules(&place);
    for (mailbox, whose) in [
        ("joe@example.org", "joe"),
        ("Joe@EXAMPLE.ORG", "joe"),
        ("joe@other.example", "joe"),
        ("joe@xn--bcher-kva.example", "joe"),
        ("joe@[192.0.2.1]", "joe"),
        ("list-a-b@example.org", "lists"),
        ("POSTMASTER@example.org", "joe"),
        ("jim@example.org", "nobody"),
        ("joe@friend.example", "relay"),
        ("joe@a.b.below.example", "relay"),
        ("joe@relay.example", "relay"),
        ("joe@below.example", "remote"),
        ("joe@sub.example.org", "remote"),
        ("joe@[192.0.2.2]", "remote"),
    ] {
        assert_eq!(say(&mut rules, mailbox), whose, "{mailbox}");
    }
}

#[test]
fn the_system_is_asked_only_if_it_may_be_and_only_for_our_domains() {
    let place = place();
    put(place.path(), "systemusers", "1\n");
    let mut rules = rules(&place);
    assert_eq!(say(&mut rules, "joe@example.org"), "joe");
    assert_eq!(say(&mut rules, "jim@example.org"), "ask");
    assert_eq!(say(&mut rules, "jim@friend.example"), "relay");
}

#[test]
fn a_change_of_the_files_is_noticed() {
    let place = place();
    let mut rules = rules(&place);
    put(place.path(), "locals", "new.example\n");
    put(
        place.path(),
        "users/assign",
        "=jim:jim:1000:1000:/home/jim:::\n.\n",
    );
    rules.refresh();
    assert_eq!(say(&mut rules, "jim@new.example"), "jim");
    assert_eq!(say(&mut rules, "joe@new.example"), "nobody");
    assert_eq!(say(&mut rules, "jim@example.org"), "remote");
}

#[test]
fn what_cannot_be_read_refuses_nobody() {
    let place = place();
    let mut before = rules(&place);
    std::fs::remove_file(place.path().join("locals")).unwrap();
    std::fs::create_dir(place.path().join("locals")).unwrap();
    assert_eq!(say(&mut rules(&place), "joe@example.org"), "later");
    before.refresh();
    assert_eq!(say(&mut before, "joe@example.org"), "joe");
}

#[test]
fn without_any_settings_the_name_of_this_host_is_ours() {
    let place = tempfile::tempdir().unwrap();
    put(place.path(), "me", "host.example\n");
    put(place.path(), "systemusers", "0\n");
    let mut rules = rules(&place);
    assert_eq!(say(&mut rules, "joe@host.example"), "nobody");
    assert_eq!(say(&mut rules, "joe@example.org"), "remote");
}
