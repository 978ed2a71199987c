//! `stafette import` on directories of other mail systems.

use std::fs::create_dir_all;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use crate::instance::Instance;

fn put(instance: &Instance, path: &str, text: &str) {
    let path = instance.path(path);
    create_dir_all(path.parent().expect("a directory")).expect("directories");
    let mut file = std::fs::File::create(path).expect("a file");
    file.write_all(text.as_bytes()).expect("a file");
}

fn postfix(instance: &Instance) -> String {
    put(
        instance,
        "old/etc/postfix/main.cf",
        "myhostname = other.stafette.test\nmydestination = mail.stafette.test, localhost\nmynetworks = 127.0.0.0/8\n\
         alias_maps = hash:/etc/aliases\nvirtual_alias_maps = hash:/etc/postfix/virtual\ntransport_maps = hash:/etc/postfix/transport\n\
         relayhost = [relay.stafette.test]:587\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nhome_mailbox = Maildir/\n",
    );
    put(
        instance,
        "old/etc/postfix/master.cf",
        "smtp inet n - y - - smtpd\n",
    );
    put(
        instance,
        "old/etc/postfix/sasl_passwd",
        "[relay.stafette.test]:587 user:secret\n",
    );
    put(
        instance,
        "old/etc/postfix/transport",
        "hub.test smtp:[inner.test]\n",
    );
    put(
        instance,
        "old/etc/postfix/virtual",
        "info@v.test joe\nv.test x\n",
    );
    put(
        instance,
        "old/etc/aliases",
        "postmaster: root\nmailer-daemon: root\nroot: joe\n",
    );
    let path = instance.path("old/etc/postfix");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_postfix_is_imported_and_check_finds_nothing_wrong() {
    let instance = Instance::new();
    let directory = postfix(&instance);
    // Nobody else has these names on any machine.
    instance.set(
        "users/assign",
        "=joe:demo:1001:1001:/srv/demo:::\n+:demo:1001:1001:/srv/demo:-::\n.\n",
    );
    let dry = instance.ends(0, &["import", "--dry-run", "postfix", &directory]);
    assert!(
        dry.contains("would write") && dry.contains(":relay.stafette.test:587"),
        "{dry}"
    );
    assert!(!instance.path("etc/smtproutes").exists());

    let said = instance.ends(0, &["import", "postfix", &directory]);
    assert!(
        said.contains("written  ") && said.contains("AUTH comes later"),
        "{said}"
    );
    // What was there stays, and what was found for it is told.
    assert!(
        said.contains("etc/me: it was there") && said.contains("other.stafette.test"),
        "{said}"
    );
    assert_eq!(instance.setting("me"), "mail.stafette.test\n");
    assert_eq!(instance.setting("smtproutes"), ":relay.stafette.test:587\n");
    assert_eq!(
        instance.setting("mailertable"),
        "hub.test\tsmtp:[inner.test]\n"
    );
    assert_eq!(
        instance.setting("aliases"),
        "postmaster: root\nmailer-daemon: root\nroot: joe\n"
    );
    for entry in std::fs::read_dir(instance.path("etc"))
        .expect("etc")
        .flatten()
    {
        if entry.path().is_file() {
            let text = std::fs::read_to_string(entry.path()).expect("a setting");
            assert!(!text.contains("secret"), "{entry:?}");
            let mode = entry.metadata().expect("data").permissions().mode() & 0o7777;
            assert_eq!(mode, 0o644, "{entry:?}");
        }
        assert!(
            !entry.file_name().to_string_lossy().starts_with('.'),
            "{entry:?}"
        );
    }
    let again = instance.ends(0, &["import", "postfix", &directory]);
    assert!(!again.contains("written  "), "{again}");
    compile(&instance);
    let checked = instance.ends(0, &["check"]);
    assert!(checked.ends_with("no problems\n"), "{checked}");
}

/// As the program tables does.
fn compile(instance: &Instance) {
    let instance = stafette_control::Instance {
        etc: instance.path("etc"),
        spool: instance.path("spool"),
        run: instance.path("run"),
    };
    create_dir_all(instance.tables()).expect("tables");
    drop(stafette_table::compile(&instance, true));
}

#[test]
fn settings_go_to_another_directory_if_it_is_named() {
    let instance = Instance::new();
    let directory = postfix(&instance);
    create_dir_all(instance.path("new")).expect("a directory");
    let new = instance.path("new");
    let new = new.to_str().expect("UTF-8");
    instance.ends(0, &["import", "--to", new, "postfix", &directory]);
    assert!(instance.path("new/me").exists() && !instance.path("etc/smtproutes").exists());
}

#[test]
fn what_is_not_there_is_not_imported() {
    let instance = Instance::new();
    let directory = postfix(&instance);
    for system in ["qmail", "sendmail", "exim", "nullmailer", "msmtp"] {
        let said = instance.ends(100, &["import", system, &directory]);
        assert!(said.contains("there are no such settings"), "{said}");
    }
    let said = instance.ends(
        100,
        &["import", "--to", "/nonexistent", "postfix", &directory],
    );
    assert!(said.contains("not a directory"), "{said}");
}
