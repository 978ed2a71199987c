use proptest::prelude::*;

use super::*;

fn shown(list: &str) -> Vec<String> {
    let items = parse_list(list.as_bytes()).unwrap_or_else(|mistake| panic!("{list}: {mistake}"));
    items
        .iter()
        .map(|item| match item {
            Item::Address(address) => format!("to {address}"),
            Item::Own(address) => format!("own {address}"),
            Item::Program(command) => format!("run {command}"),
            Item::File(path) => format!("file {}", path.display()),
            Item::Include(path) => format!("list {}", path.display()),
            Item::Error(reply) => format!("error {reply}"),
        })
        .collect()
}

#[test]
fn a_list_has_several_targets() {
    assert_eq!(
        shown("joe, Ann@Example.ORG,\\bob , , \"joe user\", \"a,b\"@x.y"),
        [
            "to joe",
            "to Ann@example.org",
            "own bob",
            "to \"joe user\"",
            "to \"a,b\"@x.y"
        ]
    );
}

#[test]
fn a_program_keeps_its_line() {
    assert_eq!(
        shown("\"|exec prog -a, \\\"b c\\\" 'x\\n'\", |/bin/cat (x), |\"two, words\", next"),
        [
            "run exec prog -a, \"b c\" 'x\\n'",
            "run /bin/cat (x)",
            "run two, words",
            "to next"
        ]
    );
    assert_eq!(
        shown("\\joe, \"|/usr/bin/vacation joe\""),
        ["own joe", "run /usr/bin/vacation joe"]
    );
}

#[test]
fn files_and_lists_have_absolute_paths() {
    assert_eq!(
        shown(
            "/var/mail/x, \"/with blank, comma\", :include:/etc/list, \":Include: /a b\", /dev/null"
        ),
        [
            "file /var/mail/x",
            "file /with blank, comma",
            "list /etc/list",
            "list /a b",
            "file /dev/null"
        ]
    );
    assert!(parse_list(b":include:relative").is_err());
}

#[test]
fn comments_and_names_of_people_do_not_count() {
    assert_eq!(
        shown("joe (Joe, the user), Ann Other <ann@x.y>, (nobody), \"B, C\" <b@x.y>"),
        ["to joe", "to ann@x.y", "to b@x.y"]
    );
}

#[test]
fn an_error_takes_all_the_rest() {
    assert_eq!(
        shown("error:nouser No such user, sorry"),
        ["error 550 5.1.1 No such user, sorry"]
    );
}

#[test]
fn lines_are_lists_and_a_mistake_is_named_with_its_line() {
    assert_eq!(
        shown("# x\njoe, ann\n\n  bob\r\n"),
        ["to joe", "to ann", "to bob"]
    );
    let mistake = parse_list(b"joe\na b\n").expect_err("a mistake");
    assert!(mistake.message.starts_with("line 2: "), "{mistake}");
}

#[test]
fn what_nobody_could_deliver_to_is_a_mistake() {
    for list in [
        "\"open", "a (b", "a b", "|", "a@", "@b", "\\", "<a@b", "a\u{7}", "a@b@c", "<|x@y>",
        "\"/x\"@y",
    ] {
        assert!(parse_list(list.as_bytes()).is_err(), "{list}");
    }
    assert!(parse_list(b"\xff").is_err());
    assert!(parse_list(&vec![b'a'; LINE_LIMIT + 1]).is_err());
    assert!(parse_list(&vec![b'\n'; TEXT_LIMIT + 1]).is_err());
    assert!(parse_list("a\n".repeat(ITEM_LIMIT + 1).as_bytes()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_targets_or_a_mistake(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(parse_list(&bytes));
    }

    #[test]
    fn what_is_read_is_written_so_that_it_reads_the_same(text in "[a-z\"\\\\|/:,()<>@. +#-]{0,60}") {
        if let Ok(items) = parse_list(text.as_bytes()) {
            for item in items {
                let written = item.to_string();
                prop_assert_eq!(parse_list(written.as_bytes()), Ok(vec![item]), "{}", written);
            }
        }
    }
}
