use super::*;
use crate::fixture::Folder;

/// An account database with a user id for each of some names.
fn database(
    users: &'static [(&'static str, u32)],
) -> impl Fn(&str) -> io::Result<Option<stafette_sys::user::Account>> {
    move |name| {
        Ok(users
            .iter()
            .find(|user| user.0 == name)
            .map(|user| stafette_sys::user::Account {
                name: user.0.to_owned(),
                uid: user.1,
                gid: user.1,
                home: PathBuf::from("/home").join(user.0),
                shell: PathBuf::from("/bin/sh"),
            }))
    }
}

fn owner(lookup: Lookup) -> String {
    match lookup {
        Lookup::Found(account) => format!("{}{}{}", account.name, account.dash, account.ext),
        Lookup::NoSuchUser => "nobody".to_owned(),
        Lookup::Later(_) => "later".to_owned(),
    }
}

#[test]
fn the_table_comes_before_the_system() {
    let folder = Folder::new().with("users/assign", "=bob:virtual:2000:2000:/srv/bob:::\n.\n");
    let accounts = Accounts::load(&folder.settings());
    let users = database(&[("bob", 1001), ("carol", 1002)]);
    assert_eq!(owner(accounts.lookup_with("Bob", &users)), "virtual");
    assert_eq!(owner(accounts.lookup_with("carol", &users)), "carol");
    assert_eq!(owner(accounts.lookup_with("dave", &users)), "nobody");
}

#[test]
fn an_extension_follows_the_longest_user_name() {
    let accounts = Accounts::load(&Folder::new().settings());
    let users = database(&[("bob", 1001), ("bob-web", 1002)]);
    for (local, expected) in [
        ("bob", "bob"),
        ("bob-x-y", "bob-x-y"),
        ("bob+x", "bob-x"),
        ("bob-web", "bob-web"),
        ("bob-web+list", "bob-web-list"),
        ("bob-", "bob-"),
        ("-bob", "nobody"),
        ("bobby", "nobody"),
        ("+", "nobody"),
    ] {
        assert_eq!(
            owner(accounts.lookup_with(local, &users)),
            expected,
            "{local}"
        );
    }
    assert!(
        matches!(accounts.lookup_with("bob+x", &users), Lookup::Found(account) if account.ext == "x" && account.uid == 1001)
    );
}

#[test]
fn root_and_nobody_and_system_accounts_get_no_mail() {
    let accounts = Accounts::load(&Folder::new().settings());
    let users = database(&[
        ("root", 0),
        ("nobody", 65_534),
        ("www-data", 33),
        ("www", 1005),
        ("max", u32::MAX),
    ]);
    for local in ["root", "root-x", "nobody", "www-data", "max"] {
        assert_eq!(
            owner(accounts.lookup_with(local, &users)),
            "nobody",
            "{local}"
        );
    }
    let low = Accounts::load(&Folder::new().with("minuid", "1").settings());
    assert_eq!(owner(low.lookup_with("www-data", &users)), "www-data");
    assert_eq!(owner(low.lookup_with("root", &users)), "nobody");
}

#[test]
fn without_systemusers_only_the_table_counts() {
    let accounts = Accounts::load(&Folder::new().with("systemusers", "0").settings());
    assert_eq!(
        owner(accounts.lookup_with("bob", database(&[("bob", 1001)]))),
        "nobody"
    );
}

#[test]
fn a_database_that_does_not_answer_means_later() {
    let accounts = Accounts::load(&Folder::new().settings());
    assert_eq!(
        owner(accounts.lookup_with("bob", |_| Err(io::Error::other("no answer")))),
        "later"
    );
}

#[test]
fn a_table_that_cannot_be_read_means_later_for_everybody() {
    let folder = Folder::new().with("users/assign/x", "");
    let settings = folder.settings();
    let accounts = Accounts::load(&settings);
    assert_eq!(
        owner(accounts.lookup_with("bob", database(&[("bob", 1001)]))),
        "later"
    );
    assert!(settings.unreadable().is_some());
}

#[test]
fn an_address_full_of_hyphens_costs_few_questions() {
    let accounts = Accounts::load(&Folder::new().settings());
    let count = std::cell::Cell::new(0);
    let asked = |_: &str| {
        count.set(count.get() + 1);
        Ok(None)
    };
    assert_eq!(
        owner(accounts.lookup_with(&"a-".repeat(128), asked)),
        "nobody"
    );
    assert!(count.get() <= SPLIT_LIMIT + 1, "{}", count.get());
}

#[test]
fn a_changed_table_is_noticed() {
    let folder = Folder::new().with("systemusers", "0");
    let settings = folder.settings();
    let mut accounts = Accounts::load(&settings);
    assert!(!accounts.refresh(&settings));
    let _folder = folder.with("users/assign", "=bob:bob:1001:1001:/home/bob:::\n.\n");
    assert!(accounts.refresh(&settings));
    assert_eq!(
        owner(accounts.lookup(&LocalPart::parse(b"BOB").expect("a local-part"))),
        "bob"
    );
}
