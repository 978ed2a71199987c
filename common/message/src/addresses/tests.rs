use super::*;

/// Items as text; errors as `!`.
fn read(body: &str) -> Vec<String> {
    addresses(body.as_bytes())
        .into_iter()
        .map(|item| match item {
            Ok(Listed {
                local,
                domain: Some(domain),
                ..
            }) => format!("{local}@{domain}"),
            Ok(Listed {
                local,
                domain: None,
                ..
            }) => local.to_string(),
            Err(_) => "!".to_owned(),
        })
        .collect()
}

#[test]
fn addresses_come_out_of_names_comments_and_groups() {
    for (body, want) in [
        (" joe@example.org", vec!["joe@example.org"]),
        ("joe", vec!["joe"]),
        ("root (Cron Daemon)", vec!["root"]),
        (
            "Joe Q. Public <joe@example.org>, jane@example.org (Jane)",
            vec!["joe@example.org", "jane@example.org"],
        ),
        ("\"Public, Joe\" <joe@Example.ORG>", vec!["joe@example.org"]),
        (
            "=?utf-8?q?J=C3=BCrgen,?= <j@example.org>",
            vec!["j@example.org"],
        ),
        (
            "=?utf-8?q?J=C3=BCrgen?= <j@example.org>",
            vec!["j@example.org"],
        ),
        ("Jürgen <j@example.org>", vec!["j@example.org"]),
        (
            "A Group:Ed Jones <joe@a.test>,john;, Mary <mary@x.test>",
            vec!["joe@a.test", "john", "mary@x.test"],
        ),
        ("undisclosed-recipients:;", vec![]),
        ("undisclosed recipients: ;", vec![]),
        ("a, , b,", vec!["a", "b"]),
        ("joe@example.org <joe@example.org>", vec!["joe@example.org"]),
        ("<@a.test,@b.test:joe@c.test>", vec!["joe@c.test"]),
        (
            "joe@[192.0.2.1], <x@[IPv6:2001:db8::1]>",
            vec!["joe@[192.0.2.1]", "x@[IPv6:2001:db8::1]"],
        ),
        (
            "(a (nested \\) one) here) joe (x) . (y) doe @ example . (z) org",
            vec!["joe.doe@example.org"],
        ),
        ("\"joe doe\"@example.org", vec!["\"joe doe\"@example.org"]),
        ("\"a@b\"@example.org", vec!["\"a@b\"@example.org"]),
        (
            "Joe\n <joe@example.org>,\n\tjane",
            vec!["joe@example.org", "jane"],
        ),
        ("", vec![]),
        (" (only a comment)", vec![]),
    ] {
        assert_eq!(read(body), want, "{body}");
    }
}

#[test]
fn a_bad_item_does_not_spoil_its_neighbours() {
    for (body, want) in [
        ("two words, ok@x.test", vec!["!", "ok@x.test"]),
        ("<>, ok", vec!["!", "ok"]),
        ("<a@b.test> junk, ok", vec!["!", "ok"]),
        ("<<a@b.test>>, ok", vec!["!", "ok"]),
        ("<a@b.test", vec!["!"]),
        ("a@b.test>", vec!["!"]),
        ("a@, ok", vec!["!", "ok"]),
        ("@b.test, ok", vec!["!", "ok"]),
        ("a@b@c.test", vec!["!"]),
        ("\"open, ok", vec!["!"]),
        ("(open", vec!["!"]),
        ("a\0b@x.test", vec!["!"]),
        ("\"a\rb\"@x.test", vec!["!"]),
        ("\u{fc}\u{85}@x.test, ok", vec!["!", "ok"]),
    ] {
        assert_eq!(read(body), want, "{body:?}");
    }
}

#[test]
fn the_end_is_where_a_domain_would_go() {
    for (body, want) in [
        ("root (Cron Daemon)", "root@D (Cron Daemon)"),
        ("Joe <joe>, x", "Joe <joe@D>, x"),
        (" \"j d\" ", " \"j d\"@D "),
    ] {
        let end = addresses(body.as_bytes())[0].as_ref().unwrap().end;
        let (front, back) = body.split_at(end);
        assert_eq!(format!("{front}@D{back}"), want);
    }
}

#[test]
fn an_address_stands_between_its_start_and_its_end() {
    for (body, want) in [
        ("Joe <joe@a.test> (x)", "joe@a.test"),
        (" joe (x) @ a.test ", "joe (x) @ a.test"),
        ("<@r.test:\"j d\"@a.test>", "\"j d\"@a.test"),
        ("Group: joe@[192.0.2.1];", "joe@[192.0.2.1]"),
    ] {
        let listed = addresses(body.as_bytes())[0].clone().unwrap();
        assert_eq!(&body[listed.start..listed.end], want);
    }
}

#[test]
fn dots_that_atoms_may_not_have_are_quoted() {
    assert_eq!(read("<joe.@mail.test>"), ["\"joe.\"@mail.test"]);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(bytes in proptest::collection::vec(proptest::sample::select(b"ab<>@,;:.()\"\\[] \n\r\0\xff".to_vec()), 0..60)) {
        for item in addresses(&bytes).into_iter().flatten() {
            proptest::prop_assert!(item.start < item.end && item.end <= bytes.len());
        }
    }
}
