use proptest::prelude::*;

use super::*;

fn keys(table: Table, text: &str) -> Vec<(String, usize)> {
    let parsed = parse(table, table.name(), text.as_bytes());
    parsed
        .records
        .into_iter()
        .map(|record| (record.key, record.line))
        .collect()
}

fn errors(table: Table, text: &str) -> Vec<usize> {
    let parsed = parse(table, table.name(), text.as_bytes());
    let problems = parsed.errors.finish("x");
    problems.into_iter().map(|problem| problem.line).collect()
}

#[test]
fn aliases_are_read_as_sendmail_writes_them() {
    let text = "# aliases\npostmaster:\troot\nRoot: joe,\n\tann@example.org\n\"quoted: name\" : x\nowner-list: joe\nlist:\":include:/etc/list\"\nlist-request : joe\n";
    let names = [
        "postmaster",
        "root",
        "quoted: name",
        "owner-list",
        "list",
        "list-request",
    ];
    let expected = names.into_iter().zip([2, 3, 5, 6, 7, 8]);
    let expected: Vec<_> = expected
        .map(|(name, line)| (name.to_owned(), line))
        .collect();
    assert_eq!(keys(Table::Aliases, text), expected);
    assert_eq!(errors(Table::Aliases, text), [0; 0]);
}

#[test]
fn each_wrong_line_is_named() {
    let text = "root joe\n: x\na:\nb: c d\nc: ok\nd: \"open\ne: |\n";
    assert_eq!(errors(Table::Aliases, text), [1, 2, 3, 4, 6, 7]);
    assert_eq!(
        errors(Table::Access, "a.b\na.b MAYBE\n1.2.3.4 OK\n"),
        [1, 2]
    );
    assert_eq!(
        errors(Table::Virtusertable, "joe x\n@a.b y\nj@a.b |x\n"),
        [1, 3]
    );
    assert_eq!(errors(Table::Mailertable, ". smtp:x\na.b fax:1\n"), [2]);
    assert_eq!(
        errors(Table::Genericstable, "joe a@b\njoe\nx@y z z\n"),
        [2, 3]
    );
}

#[test]
fn the_first_of_two_lines_counts_and_the_second_is_told() {
    let parsed = parse(Table::Aliases, "aliases", b"joe: a\nJOE: b\n");
    assert!(parsed.errors.is_empty());
    assert_eq!(parsed.records.len(), 1);
    let problems = parsed.warnings.finish("aliases");
    assert_eq!(problems.first().map(|problem| problem.line), Some(2));
}

#[test]
fn not_more_problems_are_told_than_anybody_reads() {
    let told = errors(Table::Aliases, &"bad\n".repeat(5000));
    assert_eq!(told.len(), PROBLEM_LIMIT + 1);
}

proptest! {
    #[test]
    fn any_bytes_are_records_or_problems(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for table in Table::ALL {
            let parsed = parse(table, table.name(), &bytes);
            prop_assert!(parsed.records.iter().all(|record| !record.key.contains('\0')));
        }
    }
}
