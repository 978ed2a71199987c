//! Programs that call the system's sendmail, each as its Debian package has it, and what they send arrives.

use std::path::Path;
use std::process::Command;

use stafette_tests::instance::{Instance, feed};
use stafette_tests::maildir::split;
use stafette_tests::namespace::{self, Namespace};
use stafette_tests::{file, skip};

/// An instance with mailboxes for a recipient and for blind copies, and a namespace in which its sendmail is the system's.
fn instance() -> (Instance, Namespace) {
    let instance = Instance::started(&["--mailbox", "demo", "--mailbox", "blind"]);
    let namespace = Namespace::with_sendmail(&instance);
    (instance, namespace)
}

/// Runs a program that has to succeed.
fn succeed(command: &mut Command, input: &[u8]) -> String {
    let output = feed(command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC"), input);
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The one message in a mailbox: its header section and its body.
fn arrived(instance: &Instance, name: &str) -> (String, Vec<u8>) {
    let mail = instance.wait_for_mail(name, 1);
    assert_eq!(mail.len(), 1, "{name}");
    split(mail.first().map_or(b"", Vec::as_slice))
}

fn has(fields: &str, field: &str) {
    assert!(
        fields.contains(&format!("{field}\n")),
        "no {field:?} in\n{fields}"
    );
}

/// A file of 1 MB in lines, with all that a lone dot and `From ` can do.
fn megabyte() -> Vec<u8> {
    let block = "A line like any other, with some length to it.\n..\n.dot\nFrom here on\n~.\n\n";
    block.repeat(1_048_576 / block.len() + 1).into_bytes()
}

#[test]
fn a_signed_key_from_caff_arrives() {
    if !namespace::unless_possible() || !skip::unless_installed("caff") {
        return;
    }
    let (instance, namespace) = instance();
    let home = instance.path().join("signer");
    for directory in ["", ".gnupg", "other"] {
        file::directory(&home.join(directory), 0o700);
    }
    let gpg = |keyring: &str, arguments: &[&str]| {
        let mut gpg = Command::new("gpg");
        gpg.env("HOME", &home)
            .arg("--homedir")
            .arg(home.join(keyring));
        gpg.args(["--batch", "--quiet", "--pinentry-mode", "loopback"]);
        succeed(gpg.args(["--passphrase", ""]).args(arguments), b"")
    };
    let mut keys = Vec::new();
    for (keyring, name) in [
        (".gnupg", "Signer <joe@stafette.test>"),
        ("other", "Other <demo@stafette.test>"),
    ] {
        gpg(
            keyring,
            &[
                "--quick-gen-key",
                name,
                "future-default",
                "default",
                "never",
            ],
        );
        let listing = gpg(keyring, &["--with-colons", "--list-keys"]);
        let line = listing
            .lines()
            .find_map(|line| line.strip_prefix("fpr:::::::::"));
        keys.push(
            line.map(|line| line.trim_end_matches(':').to_owned())
                .expect("a fingerprint"),
        );
    }
    let [signer, other] = keys.as_slice() else {
        return;
    };
    let public = gpg("other", &["--armor", "--export"]);
    file::put(&home.join("other.asc"), public);
    let long = signer.get(signer.len() - 16..).expect("a fingerprint");
    file::put(
        &home.join(".caffrc"),
        format!(
            "$CONFIG{{'owner'}} = 'Signer';\n$CONFIG{{'email'}} = 'joe@stafette.test';\n$CONFIG{{'keyid'}} = [ qw{{{long}}} ];\n"
        ),
    );
    // It wants a terminal, on which somebody signs.
    let call = format!(
        "caff --no-download --key-file {}/other.asc --mail yes {other}",
        home.display()
    );
    let mut caff = namespace.command("script");
    caff.env("HOME", &home)
        .env("LOGNAME", "root")
        .args(["-qefc", &call, "/dev/null"]);
    succeed(&mut caff, b"y\nsave\n");
    let (fields, body) = arrived(&instance, "demo");
    for keyring in [".gnupg", "other", ".caff/gnupghome"] {
        let mut end = Command::new("gpgconf");
        succeed(
            end.arg("--homedir")
                .arg(home.join(keyring))
                .args(["--kill", "all"]),
            b"",
        );
    }
    has(&fields, "From: =?UTF-8?Q?Signer?= <joe@stafette.test>");
    assert!(fields.contains("Your_signed_PGP_key"), "{fields}");
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains("-----BEGIN PGP MESSAGE-----"), "{body}");
}

#[test]
fn what_a_job_of_cron_says_arrives() {
    if !namespace::unless_possible() || !skip::unless_installed("cron") {
        return;
    }
    let (instance, namespace) = instance();
    // Jobs for the start of the system: cron runs them at once.
    let table = instance.path().join("ours/crontab");
    file::put(
        &table,
        "SHELL=/bin/sh\nMAILTO=blind@stafette.test,root\n@reboot root printf 'first\\n.\\nlast\\n'\n",
    );
    let namespace = namespace
        .with(&table, "/etc/crontab")
        .with_directory(&instance, "/etc/cron.d", 0o755)
        .with_directory(&instance, "/var/spool/cron/crontabs", 0o700)
        .with_directory(&instance, "/run", 0o755);
    let cron = namespace.start("cron", &["-f"]);
    for name in ["blind", "demo"] {
        let (fields, body) = arrived(&instance, name);
        assert!(
            fields.contains("\nFrom: root@stafette.test (Cron Daemon)\n"),
            "{fields}"
        );
        assert!(fields.contains("\nSubject: Cron <root@"), "{fields}");
        assert_eq!(body, b"first\n.\nlast\n");
    }
    drop(cron);
}

#[test]
fn mail_of_phps_function_arrives() {
    if !skip::unless_installed("php") {
        return;
    }
    let (instance, _) = instance();
    let sendmail = instance.path().join("bin/sendmail");
    let mut php = Command::new("php");
    php.args([
        "-d",
        &format!("sendmail_path={} -t -i", sendmail.display()),
        "-r",
    ]);
    php.arg(
        r#"$ok = mail("demo@stafette.test", "from PHP", "first\n.\nlast\n",
            ["From" => "Joe <joe@stafette.test>", "Bcc" => "blind@stafette.test"], "-fbounces@stafette.test");
        exit($ok ? 0 : 1);"#,
    );
    succeed(&mut php, b"");
    for name in ["demo", "blind"] {
        let (fields, body) = arrived(&instance, name);
        has(&fields, "Return-Path: <bounces@stafette.test>");
        has(&fields, "From: Joe <joe@stafette.test>");
        has(&fields, "Subject: from PHP");
        assert!(!fields.to_lowercase().contains("\nbcc"), "{fields}");
        assert_eq!(body.trim_ascii_end(), b"first\n.\nlast");
    }
}

#[test]
fn mail_with_a_megabyte_by_pipe_arrives_from_each_mail_program() {
    if !namespace::unless_possible() {
        return;
    }
    let (instance, namespace) = instance();
    let sent = megabyte();
    let calls: [(&str, &[&str]); 4] = [
        ("mail.mailutils", &["--no-config"]),
        ("bsd-mailx", &["-n"]),
        ("s-nail", &["-:/", "-Sv15-compat", "-Smime-encoding=8b"]),
        (
            "mutt",
            &["-n", "-F", "/dev/null", "-e", "set copy=no use_domain=no"],
        ),
    ];
    for (count, (program, arguments)) in calls.iter().enumerate() {
        if !skip::unless_installed(program) {
            continue;
        }
        let mut mail = namespace.command(Path::new(program));
        mail.env("HOME", instance.path().join("mail"))
            .args(*arguments)
            .args(["-s", program, "root"]);
        succeed(&mut mail, &sent);
        let mail = instance.wait_for_mail("demo", count + 1);
        let subject = format!("\nSubject: {program}\n");
        let found = mail.iter().map(|message| split(message));
        let found = found
            .into_iter()
            .find(|(fields, _)| fields.contains(&subject));
        let (fields, body) = found.expect("the message");
        assert!(
            fields.contains("\nTo: ") && fields.contains("root@stafette.test"),
            "{program}: {fields}"
        );
        assert!(
            body == sent,
            "{program}: {} octets came for {}",
            body.len(),
            sent.len()
        );
    }
}

#[test]
fn a_patch_by_git_send_email_goes_through_the_systems_sendmail() {
    let path = succeed(Command::new("git").arg("--exec-path"), b"");
    let has_it = Path::new(path.trim()).join("git-send-email").exists();
    if !namespace::unless_possible() || !skip::unless(has_it, "git send-email") {
        return;
    }
    let (instance, namespace) = instance();
    let home = instance.path().join("repository");
    file::directory(&home, 0o755);
    let git = |arguments: &[&str]| {
        let mut git = namespace.command("git");
        git.env("HOME", &home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(&home);
        git.args(["-c", "user.name=Joe", "-c", "user.email=joe@stafette.test"]);
        succeed(git.args(arguments), b"")
    };
    git(&["init", "-q", "-b", "main"]);
    file::put(&home.join("file"), "first\n.\nlast\n");
    git(&["add", "file"]);
    git(&["commit", "-q", "-m", "add a file"]);
    git(&[
        "send-email",
        "--quiet",
        "--confirm=never",
        "--suppress-cc=all",
        "--to=demo",
        "-1",
        "--root",
    ]);
    let (fields, body) = arrived(&instance, "demo");
    has(&fields, "Subject: [PATCH] add a file");
    has(&fields, "To: demo@stafette.test");
    assert!(String::from_utf8_lossy(&body).contains("+first\n+.\n+last\n"));
}
