use std::fs;

use proptest::prelude::*;

use super::*;
use crate::compile;
use crate::fixture::put;

struct House {
    folder: tempfile::TempDir,
    instance: Instance,
}

impl House {
    fn new(aliases: &str) -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let at = |name| folder.path().join(name);
        let instance = Instance {
            etc: at("etc"),
            spool: at("spool"),
            run: at("run"),
        };
        fs::create_dir(&instance.etc).expect("etc");
        let house = Self { folder, instance };
        house.write(aliases);
        house
    }

    fn write(&self, aliases: &str) {
        put(self.instance.etc.join("aliases"), aliases);
        drop(compile(&self.instance, true));
    }

    fn cdb(&self) -> PathBuf {
        self.instance.tables().join("aliases.cdb")
    }
}

fn value(tables: &Tables, key: &str) -> Option<String> {
    let entry = tables.get(Table::Aliases, key).expect("an answer");
    entry.map(|entry| entry.value)
}

#[test]
fn a_replaced_table_is_seen_at_the_next_look_and_not_before() {
    let house = House::new("root: joe\n");
    let mut tables = Tables::open(&house.instance);
    house.write("root: ann\n");
    assert_eq!(value(&tables, "root").as_deref(), Some("joe"));
    assert!(tables.refresh_now());
    assert_eq!(value(&tables, "root").as_deref(), Some("ann"));
    assert!(!tables.refresh_now());
}

#[test]
fn a_text_that_comes_and_goes_is_noticed() {
    let house = House::new("root: joe\n");
    let mut tables = Tables::open(&house.instance);
    fs::remove_file(house.instance.etc.join("aliases")).expect("removed");
    assert!(!tables.refresh_now());
    assert_eq!(value(&tables, "root").as_deref(), Some("joe"));
    drop(compile(&house.instance, false));
    assert!(tables.refresh_now());
    assert!(!tables.is_there(Table::Aliases));
    assert_eq!(value(&tables, "root"), None);
    put(house.instance.etc.join("access"), "10 OK\n");
    assert!(tables.refresh_now());
    assert!(tables.get(Table::Access, "10").is_err());
    drop(compile(&house.instance, false));
    assert!(tables.refresh_now());
    assert!(matches!(tables.get(Table::Access, "10"), Ok(Some(_))));
    assert_eq!(tables.file_name(Table::Access), "access");
}

#[test]
fn a_key_with_nul_finds_nothing() {
    let house = House::new("root: joe\n");
    let tables = Tables::open(&house.instance);
    assert_eq!(value(&tables, "root\0"), None);
    assert_eq!(value(&tables, key::MADE_FROM), None);
}

#[test]
fn a_cut_table_is_an_error_and_not_an_empty_one() {
    let house = House::new("root: joe\nann: bob\n");
    let whole = fs::read(house.cdb()).expect("read");
    for length in [0, 1, 100, 2047, 2048, whole.len() / 2, whole.len() - 1] {
        fs::remove_file(house.cdb()).expect("removed");
        put(house.cdb(), &whole[..length.min(whole.len())]);
        let tables = Tables::open(&house.instance);
        assert!(tables.get(Table::Aliases, "root").is_err(), "{length}");
    }
    assert!(house.folder.path().exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_table_never_stops_a_program(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let house = House::new("root: joe\nann: bob\nlist: a, b, c\n");
        let mut bytes = fs::read(house.cdb()).expect("read");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fs::remove_file(house.cdb()).expect("removed");
        put(house.cdb(), &bytes);
        let tables = Tables::open(&house.instance);
        for key in ["root", "ann", "list", "nobody"] {
            drop(tables.get(Table::Aliases, key));
        }
    }
}
