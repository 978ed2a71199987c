use std::fs;

use super::*;
use crate::Tables;
use crate::fixture::put;

struct House(tempfile::TempDir);

impl House {
    fn new() -> Self {
        let house = Self(tempfile::tempdir().expect("a directory"));
        fs::create_dir(house.instance().etc).expect("etc");
        house
    }

    fn instance(&self) -> Instance {
        let at = |name| self.0.path().join(name);
        Instance {
            etc: at("etc"),
            spool: at("spool"),
            run: at("run"),
        }
    }

    fn write(&self, name: &str, text: &str) {
        put(self.instance().etc.join(name), text);
    }

    fn fate(&self, table: Table) -> Fate {
        report_of(&compile(&self.instance(), false), table).fate
    }

    fn value(&self, table: Table, key: &str) -> Result<Option<(String, usize)>, String> {
        let entry = Tables::open(&self.instance()).get(table, key)?;
        Ok(entry.map(|entry| (entry.value, entry.line)))
    }
}

fn report_of(report: &Report, table: Table) -> TableReport {
    let found = report.tables.iter().find(|of| of.table == table);
    found.expect("a report").clone()
}

fn found(value: &str, line: usize) -> Result<Option<(String, usize)>, String> {
    Ok(Some((value.to_owned(), line)))
}

#[test]
fn what_was_compiled_is_found_with_its_line() {
    let house = House::new();
    house.write("aliases", "# x\nRoot: joe,\n  ann\n");
    assert_eq!(house.fate(Table::Aliases), Fate::Compiled);
    assert_eq!(house.fate(Table::Access), Fate::Absent);
    assert_eq!(house.value(Table::Aliases, "ROOT"), found("joe, ann", 2));
    assert_eq!(house.value(Table::Aliases, "joe"), Ok(None));
    assert_eq!(house.value(Table::Access, "x"), Ok(None));
    assert_eq!(house.fate(Table::Aliases), Fate::Same);
}

#[test]
fn a_text_that_is_not_compiled_yet_is_later_and_not_nothing() {
    let house = House::new();
    house.write("aliases", "root: joe\n");
    assert!(house.value(Table::Aliases, "root").is_err());
}

#[test]
fn a_text_with_a_mistake_leaves_the_table_in_force() {
    let house = House::new();
    house.write("aliases", "root: joe\nbad line\n");
    let report = report_of(&compile(&house.instance(), false), Table::Aliases);
    assert_eq!((report.fate, report.is_good()), (Fate::Partly, false));
    assert_eq!(house.value(Table::Aliases, "root"), found("joe", 1));
    house.write("aliases", "root: ann\n");
    assert_eq!(house.fate(Table::Aliases), Fate::Compiled);
    house.write("aliases", "root: bob\nbad line\n");
    let report = report_of(&compile(&house.instance(), false), Table::Aliases);
    assert_eq!((report.fate, report.is_good()), (Fate::Kept, false));
    assert_eq!(report.problems.first().map(|problem| problem.line), Some(2));
    assert_eq!(house.value(Table::Aliases, "root"), found("ann", 1));
    assert_eq!(crate::check(&house.instance()).len(), 1);
}

#[test]
fn a_table_that_had_mistakes_itself_does_not_stay_for_another_mistake() {
    let house = House::new();
    house.write("aliases", "root: ann\nbad line\n");
    assert_eq!(house.fate(Table::Aliases), Fate::Partly);
    house.write("aliases", "root: bob\nnew: ann\nworse line\n");
    assert_eq!(house.fate(Table::Aliases), Fate::Partly);
    assert_eq!(house.value(Table::Aliases, "root"), found("bob", 1));
    assert_eq!(house.value(Table::Aliases, "new"), found("ann", 2));
}

#[test]
fn a_table_goes_with_its_text() {
    let house = House::new();
    house.write("access", "10 REJECT\n");
    assert_eq!(house.fate(Table::Access), Fate::Compiled);
    fs::remove_file(house.instance().etc.join("access")).expect("removed");
    assert_eq!(house.fate(Table::Access), Fate::Removed);
    assert_eq!(house.value(Table::Access, "10"), Ok(None));
    assert!(!house.instance().tables().join("access.cdb").exists());
}

#[test]
fn a_text_that_an_editor_takes_away_for_a_moment_stays_in_force() {
    let house = House::new();
    house.write("aliases", "root: ann\n");
    let mut watch = Watch::new();
    watch.look(&house.instance(), false);
    let text = house.instance().etc.join("aliases");
    fs::remove_file(&text).expect("removed");
    assert!(watch.look(&house.instance(), false).tables.is_empty());
    assert_eq!(house.value(Table::Aliases, "root"), found("ann", 1));
    house.write("aliases", "root: bob\n");
    assert_eq!(watch.look(&house.instance(), false).tables.len(), 1);
    assert_eq!(house.value(Table::Aliases, "root"), found("bob", 1));
    fs::remove_file(&text).expect("removed");
    let report = watch.look(&house.instance(), true);
    assert_eq!(report_of(&report, Table::Aliases).fate, Fate::Removed);
    assert_eq!(house.value(Table::Aliases, "root"), Ok(None));
}

#[test]
fn lists_are_read_with_the_lists_that_they_name() {
    let house = House::new();
    let at = |name: &str| house.0.path().join(name).display().to_string();
    put(
        at("one"),
        format!(
            "joe, ann@x.y # no\n\"B\" <b@x.y>\n|prog\n:include:{}\n",
            at("two")
        ),
    );
    put(at("two"), format!("carl\n:include:{}\n", at("one")));
    house.write(
        "aliases",
        &format!("list: :include:{}\nother: :include:/no/such\n", at("one")),
    );
    let report = report_of(&compile(&house.instance(), false), Table::Aliases);
    assert_eq!(report.fate, Fate::Compiled);
    let files: Vec<_> = report
        .problems
        .iter()
        .map(|problem| problem.file.as_str())
        .collect();
    assert_eq!(
        files,
        [at("one").as_str(), at("one").as_str(), "aliases"],
        "{report:?}"
    );
    let tables = Tables::open(&house.instance());
    let list = tables
        .include(Path::new(&at("one")))
        .expect("read")
        .expect("there");
    assert_eq!(list.value, format!("b@x.y\n\":include:{}\"", at("two")));
    let two = tables
        .include(Path::new(&at("two")))
        .expect("read")
        .expect("there");
    assert!(two.value.starts_with("carl\n"));
    let reason = tables.include(Path::new("/no/such")).expect_err("later");
    assert!(reason.contains("unable to read the list"), "{reason}");
}

#[test]
fn a_list_that_is_too_long_waits_and_is_never_cut_short() {
    let house = House::new();
    let list = house.0.path().join("list");
    put(&list, "joe\n".repeat(crate::target::ITEM_LIMIT + 1));
    house.write("aliases", &format!("list: :include:{}\n", list.display()));
    let report = report_of(&compile(&house.instance(), false), Table::Aliases);
    assert_eq!(report.problems.len(), 1, "{report:?}");
    let tables = Tables::open(&house.instance());
    let reason = tables.include(&list).expect_err("later");
    assert!(reason.contains("more than 100000 addresses"), "{reason}");
}

#[test]
fn a_watch_notices_texts_and_lists() {
    let house = House::new();
    let list = house.0.path().join("list");
    put(&list, "joe\n");
    house.write("aliases", &format!("list: :include:{}\n", list.display()));
    let mut watch = Watch::new();
    assert_eq!(watch.look(&house.instance(), false).tables.len(), 5);
    assert_eq!(watch.look(&house.instance(), false).tables, []);
    put(&list, "joe, ann\n");
    let report = watch.look(&house.instance(), false);
    assert_eq!(report_of(&report, Table::Aliases).fate, Fate::Compiled);
    house.write("aliases", "bad\n");
    let report = watch.look(&house.instance(), false);
    assert_eq!(report_of(&report, Table::Aliases).fate, Fate::Kept);
    assert_eq!(watch.look(&house.instance(), false).tables, [], "told once");
    fs::remove_file(house.instance().tables().join("aliases.cdb")).expect("removed");
    let report = watch.look(&house.instance(), false);
    assert_eq!(report_of(&report, Table::Aliases).fate, Fate::Partly);
    assert_eq!(watch.look(&house.instance(), true).tables.len(), 5);
}

#[test]
fn what_is_no_file_is_reported_and_keeps_nobody_waiting() {
    let house = House::new();
    let made = std::process::Command::new("mkfifo")
        .arg(house.instance().etc.join("aliases"))
        .status();
    assert!(made.expect("mkfifo").success());
    assert_eq!(house.fate(Table::Aliases), Fate::Failed);
    std::os::unix::fs::symlink("/no/such", house.instance().etc.join("access")).expect("linked");
    assert_eq!(house.fate(Table::Access), Fate::Failed);
    assert!(house.value(Table::Access, "10").is_err());
}

#[test]
fn tinycdb_reads_what_we_write() {
    let house = House::new();
    house.write("aliases", "root: joe, \"|prog, with comma\"\n");
    assert_eq!(house.fate(Table::Aliases), Fate::Compiled);
    let asked = std::process::Command::new("cdb")
        .arg("-q")
        .arg(house.instance().tables().join("aliases.cdb"))
        .arg("root")
        .output();
    match asked {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Named in tests/packages, so that tests/run has it.
            eprintln!("SKIPPED: tinycdb is not installed");
        }
        asked => {
            let asked = asked.expect("cdb ran");
            assert!(asked.status.success());
            assert_eq!(asked.stdout, b"joe, \"|prog, with comma\"");
        }
    }
}
