use super::*;
use crate::instruction::Instruction;

fn here() -> Domain {
    Domain::parse(b"example.org").unwrap()
}

fn read(text: &str) -> Result<Vec<Step>, String> {
    parse(text.as_bytes(), false, &here()).map_err(|mistake| mistake.0)
}

fn forward(to: &str) -> Step {
    Step::Forward(Mailbox::parse(to.as_bytes()).unwrap())
}

fn names(dash: &str, ext: &str) -> Vec<String> {
    let all = candidates(dash, ext).into_iter();
    all.map(|each| each.name).collect()
}

#[test]
fn every_kind_of_line_is_read_in_its_order() {
    let text = "# mine\n|vacation joe \n\n./Maildir/\n/tmp/box\n&jim@example.net\nann\n&\"a b\"@x.example\n";
    assert_eq!(
        read(text),
        Ok(vec![
            Step::Program(b"vacation joe".to_vec()),
            Step::Place(Instruction::Maildir("./Maildir".into())),
            Step::Place(Instruction::Mbox("/tmp/box".into())),
            forward("jim@example.net"),
            forward("ann@example.org"),
            forward("\"a b\"@x.example"),
        ])
    );
}

#[test]
fn an_empty_file_is_the_default_and_one_of_comments_throws_away() {
    assert_eq!(read(""), Ok(vec![Step::Default]));
    assert_eq!(read("#\n"), Ok(vec![Step::Nothing]));
}

#[test]
fn what_makes_no_sense_is_named_by_its_line() {
    assert_eq!(
        read("\n./Maildir/\n"),
        Err("line 1: the first line is blank".to_owned())
    );
    for bad in [" \n", "a b\n", "&\n", "/\n", "|x\0y\n", "joe@\n", "\\joe\n"] {
        assert!(read(bad).unwrap_err().starts_with("line 1: "), "{bad:?}");
    }
    assert!(
        read("|a\n<joe@example.org>\n")
            .unwrap_err()
            .starts_with("line 2: ")
    );
}

#[test]
fn a_list_has_addresses_only() {
    let only = |text: &str| parse(text.as_bytes(), true, &here());
    assert_eq!(only("&joe\n# x\n"), Ok(vec![forward("joe@example.org")]));
    assert!(only("&joe\n|x\n").unwrap_err().0.contains("x bit"));
    assert!(only("./Maildir/\n").is_err());
    assert!(read("|x\n+list\njoe\n").is_ok());
    assert!(read("+list\n|x\n").unwrap_err().contains("+list"));
    assert_eq!(
        parse(b"", true, &here()),
        Ok(vec![Step::Default]),
        "as in qmail"
    );
}

#[test]
fn what_stands_twice_is_done_once_but_for_programs() {
    let steps = read("|x\n|x\njoe\njoe@example.org\n./a\n./a\n").unwrap();
    assert_eq!(steps.len(), 4, "{steps:?}");
}

#[test]
fn files_are_looked_for_from_the_whole_extension_to_none_of_it() {
    assert_eq!(names("", ""), [".qmail"]);
    assert_eq!(
        names("-", "foo-Bar"),
        [".qmail-foo-bar", ".qmail-foo-default", ".qmail-default"]
    );
    assert_eq!(names("-", ""), [".qmail-", ".qmail-default"]);
    let defaults: Vec<_> = candidates("-", "a-b.c-d")
        .into_iter()
        .map(|each| each.default)
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(defaults, [None, text("d"), text("b.c-d"), text("a-b.c-d")]);
    assert_eq!(
        candidates("-", "x-default")[0].default.as_deref(),
        Some("default")
    );
}

#[test]
fn no_extension_leads_out_of_the_home() {
    assert_eq!(names("-", "../../etc/x")[0], ".qmail-::::::etc:x");
    assert_eq!(
        owner_files("-", "a.b/c"),
        [".qmail-a:b:c-owner", ".qmail-a:b:c-owner-default"]
    );
}
