use super::*;
use proptest::prelude::*;

fn read(text: &str) -> (Assign, Vec<usize>) {
    let mut wrong = Vec::new();
    let assign = parse_assign(text.as_bytes(), |line, _| wrong.push(line));
    (assign, wrong)
}

fn home_and_ext(assign: &Assign, local: &str) -> Option<(String, String)> {
    match assign.find(local) {
        Assigned::To(account) => Some((account.home.display().to_string(), account.ext)),
        _ => None,
    }
}

fn pair(home: &str, ext: &str) -> Option<(String, String)> {
    Some((home.to_owned(), ext.to_owned()))
}

#[test]
fn an_exact_line_wins_over_prefixes_and_long_ones_over_short_ones() {
    let (assign, wrong) = read(
        "=bob-x:bob:1001:1001:/exact:-:y:\n+bob-:bob:1001:1001:/long:-::\n+b:bob:1001:1001:/short:-:pre-:\n+:all:1002:1002:/all:-::\n.\n",
    );
    assert_eq!(wrong, [0usize; 0]);
    assert_eq!(home_and_ext(&assign, "bob-x"), pair("/exact", "y"));
    assert_eq!(home_and_ext(&assign, "bob-z"), pair("/long", "z"));
    assert_eq!(home_and_ext(&assign, "bob-"), pair("/long", ""));
    assert_eq!(home_and_ext(&assign, "bobby"), pair("/short", "pre-obby"));
    assert_eq!(home_and_ext(&assign, "carol"), pair("/all", "carol"));
}

#[test]
fn addresses_are_compared_in_lower_case_and_the_first_line_counts() {
    let (assign, wrong) = read("=Bob:bob:1001:1001:/first:::\n=bob:bob:1001:1001:/second:::\n.\n");
    assert_eq!(home_and_ext(&assign, "bob"), pair("/first", ""));
    assert_eq!(wrong, [2]);
}

#[test]
fn a_table_without_its_end_refuses_nobody() {
    let (assign, wrong) = read("=bob:bob:1001:1001:/home/bob:::\n=car");
    assert_eq!(home_and_ext(&assign, "bob"), pair("/home/bob", ""));
    assert!(matches!(assign.find("carol"), Assigned::Unclear(_)));
    assert_eq!(wrong, [2, 0]);
    assert_eq!(
        read("=bob:bob:1001:1001:/home/bob:::\n.\n").0.find("carol"),
        Assigned::Nobody
    );
}

#[test]
fn a_wrong_line_makes_its_own_address_wait_and_no_other() {
    let (assign, wrong) = read(
        "=root:root:0:0:/root:::\n=a:a:x:1:/a:::\n=b:b:1:1:b:::\nc:c:1:1:/c:::\n+d-:d:1:1:/d\n=e:e:4294967295:1:/e:::\n=f:f:1:1:/f:-:../x:\n=g:g:1:1:/g:::\n.\n=h:h:1:1:/h:::\n",
    );
    for local in ["root", "a", "b", "c", "d-x", "e", "f"] {
        assert!(
            matches!(assign.find(local), Assigned::Unclear(_)),
            "{local}"
        );
    }
    assert_eq!(home_and_ext(&assign, "g"), pair("/g", ""));
    assert_eq!(assign.find("h"), Assigned::Nobody);
    assert_eq!(wrong, [1, 2, 3, 4, 5, 6, 7, 10]);
}

#[test]
fn a_table_that_is_not_there_has_nobody() {
    assert_eq!(Assign::absent().find("bob"), Assigned::Nobody);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>, local: String) {
        parse_assign(&bytes, |_, _| {}).find(&local);
    }

    #[test]
    fn any_table_is_read_without_harm(text in "([=+.]?[a-c-]{0,3}(:[a-c0-3/.]{0,4}){0,8}\n){0,6}", local in "[a-c-]{0,6}") {
        if let Assigned::To(account) = parse_assign(text.as_bytes(), |_, _| {}).find(&local) {
            prop_assert!(account.uid > 0 && account.gid > 0 && account.home.is_absolute());
        }
    }
}
