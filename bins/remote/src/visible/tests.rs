use super::*;

/// An instance with these settings and tables, compiled.
fn with(files: &[(&str, &str)]) -> (tempfile::TempDir, Instance) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    let instance = Instance {
        etc: path("etc"),
        spool: path("spool"),
        run: path("run"),
    };
    std::fs::create_dir(&instance.etc).unwrap();
    std::fs::create_dir_all(instance.tables()).unwrap();
    write(&instance, "me", "in.example\n");
    for (name, text) in files {
        write(&instance, name, text);
    }
    assert!(stafette_table::compile(&instance, false).is_good());
    (folder, instance)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's file needs no durability"
)]
fn write(instance: &Instance, name: &str, text: &str) {
    std::fs::write(instance.etc.join(name), text).unwrap();
}

fn visible(instance: &Instance) -> Visible {
    Visible::read(instance, &instance.settings())
}

fn outside(visible: &Visible, address: &str) -> String {
    let mailbox: Mailbox = address.parse().unwrap();
    let new = visible.outside(&mailbox, false).unwrap();
    new.unwrap_or(mailbox).to_string()
}

fn envelope(visible: &Visible, address: &str) -> String {
    let path = ReversePath::parse(address.as_bytes()).unwrap();
    visible.reverse_path(&path, false).unwrap().to_string()
}

#[test]
fn without_settings_nothing_is_visible_but_the_addresses_themselves() {
    let (_folder, instance) = with(&[]);
    let visible = visible(&instance);
    assert!(!visible.is_needed(Protocol::Smtp));
    assert_eq!(outside(&visible, "joe@in.example"), "joe@in.example");
    assert_eq!(envelope(&visible, "joe@in.example"), "joe@in.example");
}

#[test]
fn local_domains_become_the_visible_one_but_for_exceptions() {
    let (_folder, instance) = with(&[
        ("masquerade", "Out.Example\n"),
        ("local-host-names", ".lan.example\n"),
        ("masqueradeexceptions", "root\nAda@in.example # her own\n"),
    ]);
    let visible = visible(&instance);
    assert!(visible.is_needed(Protocol::Smtp));
    assert!(!visible.is_needed(Protocol::Lmtp) && !visible.is_needed(Protocol::LmtpUnix));
    for (address, want) in [
        ("joe@in.example", "joe@out.example"),
        ("\"j d\"@IN.example", "\"j d\"@out.example"),
        ("joe@a.lan.example", "joe@out.example"),
        ("joe@lan.example", "joe@lan.example"),
        ("joe@other.example", "joe@other.example"),
        ("Root@in.example", "Root@in.example"),
        ("ada@in.example", "ada@in.example"),
        ("ada@a.lan.example", "ada@out.example"),
    ] {
        assert_eq!(outside(&visible, address), want);
    }
    assert_eq!(envelope(&visible, "joe@in.example"), "joe@in.example");
    assert_eq!(visible.scope(), Scope::Senders);
}

#[test]
fn the_domains_can_be_named() {
    let (_folder, instance) = with(&[
        ("masquerade", "out.example\n"),
        ("masqueradedomains", "old.example\n"),
        ("allmasquerade", "1\n"),
    ]);
    let visible = visible(&instance);
    assert_eq!(outside(&visible, "joe@old.example"), "joe@out.example");
    assert_eq!(outside(&visible, "joe@in.example"), "joe@in.example");
    assert_eq!(visible.scope(), Scope::All);
}

#[test]
fn a_list_of_local_domains_without_our_name_is_obeyed() {
    let files = [("masquerade", "out.example\n"), ("locals", "lan.example\n")];
    let (_folder, instance) = with(&files);
    let visible = visible(&instance);
    assert_eq!(outside(&visible, "joe@lan.example"), "joe@out.example");
    assert_eq!(outside(&visible, "joe@in.example"), "joe@in.example");
}

#[test]
fn an_entry_of_the_genericstable_wins() {
    let (_folder, instance) = with(&[
        ("masquerade", "out.example\n"),
        ("masqueradeexceptions", "joe\n"),
        (
            "genericstable",
            "joe Joe.Doe@firm.example\nann@far.example ann@out.example\nsue susan\n",
        ),
    ]);
    let visible = visible(&instance);
    for (address, want) in [
        ("joe@in.example", "Joe.Doe@firm.example"),
        ("joe@far.example", "joe@far.example"),
        ("ann@far.example", "ann@out.example"),
        ("sue@in.example", "susan@out.example"),
        ("bob@in.example", "bob@out.example"),
    ] {
        assert_eq!(outside(&visible, address), want);
    }
}

#[test]
fn a_table_that_is_not_compiled_is_no_empty_table() {
    let (_folder, instance) = with(&[]);
    write(&instance, "genericstable", "joe x@y.example\n");
    let visible = visible(&instance);
    assert!(visible.is_needed(Protocol::Smtp));
    let joe: Mailbox = "joe@in.example".parse().unwrap();
    assert!(visible.outside(&joe, false).is_err());
}

#[test]
fn the_reverse_path_changes_if_asked_but_for_the_null_one_and_those_of_srs() {
    let files = [
        ("masquerade", "out.example\n"),
        ("masqueradeenvelope", "1\n"),
    ];
    let (_folder, instance) = with(&files);
    let visible = visible(&instance);
    for (path, want) in [
        ("joe@in.example", "joe@out.example"),
        ("joe@other.example", "joe@other.example"),
        ("", ""),
        (
            "SRS0=ab=cd=a.example=b@in.example",
            "SRS0=ab=cd=a.example=b@in.example",
        ),
    ] {
        assert_eq!(envelope(&visible, path), want);
    }
}

#[test]
fn a_host_with_one_relay_for_all_shows_its_mail_name_everywhere() {
    let mailname: Domain = Domain::parse(b"out.example").unwrap();
    let me = Domain::parse(b"in.example").unwrap();
    for (files, is_null_client) in [
        (&[("smtproutes", ":relay.example\n")][..], true),
        (&[("smtproutes", "a.example:relay.example\n")], false),
        (&[("smtproutes", ":\n")], false),
        (&[("mailertable", ". smtp:[relay.example]\n")], true),
        (&[("mailertable", ". relay:relay.example:587\n")], true),
        (&[("mailertable", ".x.example smtp:relay.example\n")], false),
        (
            &[
                ("mailertable", ". uucp:relay\n"),
                ("smtproutes", ":relay.example\n"),
            ],
            false,
        ),
    ] {
        let (_folder, instance) = with(files);
        let tables = Tables::open(&instance);
        let rules = |name| Rules::read(&instance.settings(), &me, name, &tables);
        let installed = rules(Some(&mailname));
        assert_eq!(installed.name.is_some(), is_null_client, "{files:?}");
        assert_eq!(installed.envelope, is_null_client, "{files:?}");
        assert_eq!(rules(Some(&me)).name, None);
        assert_eq!(rules(None).name, None);
        write(&instance, "masqueradeenvelope", "0\n");
        write(&instance, "masquerade", "other.example\n");
        let said = rules(Some(&mailname));
        assert_eq!(said.name.unwrap().as_str(), "other.example");
        assert!(!said.envelope);
    }
}

#[test]
fn an_address_that_needs_smtputf8_is_given_only_to_messages_that_may() {
    let files = [(
        "genericstable",
        "joe jö@out.example\nsue s@b\u{fc}cher.example\n",
    )];
    let (_folder, instance) = with(&files);
    let visible = visible(&instance);
    assert_eq!(outside(&visible, "joe@in.example"), "joe@in.example");
    let joe: Mailbox = "joe@in.example".parse().unwrap();
    let new = visible.outside(&joe, true).unwrap().unwrap();
    assert_eq!(new.as_str(), "jö@out.example");
    assert_eq!(
        outside(&visible, "sue@in.example"),
        "s@xn--bcher-kva.example"
    );
}

#[test]
fn changes_are_seen_after_a_second_and_files_that_cannot_be_read_change_nothing() {
    let (_folder, instance) = with(&[("masquerade", "out.example\n")]);
    let mut visible = visible(&instance);
    let after = |visible: &mut Visible| {
        visible.looked = Instant::now().checked_sub(EVERY * 2).unwrap();
        visible.refresh();
        outside(visible, "joe@in.example")
    };
    write(&instance, "masquerade", "elsewhere.example\n");
    visible.refresh();
    assert_eq!(outside(&visible, "joe@in.example"), "joe@out.example");
    assert_eq!(after(&mut visible), "joe@elsewhere.example");
    std::fs::remove_file(instance.etc.join("masquerade")).unwrap();
    std::fs::create_dir(instance.etc.join("masquerade")).unwrap();
    assert_eq!(after(&mut visible), "joe@elsewhere.example");
    std::fs::remove_dir(instance.etc.join("masquerade")).unwrap();
    assert_eq!(after(&mut visible), "joe@in.example");
}
