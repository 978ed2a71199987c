//! Real clients hand in mail as people and cron use them, and it arrives as they wrote it.

use std::path::Path;
use std::process::Command;

use stafette_tests::instance::{Instance, feed};
use stafette_tests::maildir::split;
use stafette_tests::skip;

const BODY: &[u8] = b"first line\n.dot\n.\n\xc3\xbc, last line\n";

/// For clients that end their input at a lone dot by themselves, as if it were typed.
const OF_A_TERMINAL: &[u8] = b"first line\n.dot\n\xc3\xbc, last line\n";

/// An instance with a mailbox for the recipient, one for the blind copy, and the path of its `sendmail`.
fn instance() -> (Instance, String) {
    let instance = Instance::started(&["--mailbox", "demo", "--mailbox", "blind"]);
    let sendmail = instance.path().join("bin/sendmail").display().to_string();
    (instance, sendmail)
}

/// Runs a client that has to succeed and say nothing wrong.
fn succeed(command: &mut Command, input: &[u8]) {
    let output = feed(command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC"), input);
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// The one message in a mailbox: its header section and its body.
fn arrived(instance: &Instance, name: &str) -> (String, Vec<u8>) {
    let mail = instance.wait_for_mail(name, 1);
    instance.wait_until_empty();
    assert_eq!(instance.mail(name).len(), 1);
    let (fields, body) = split(mail.first().map_or(b"", Vec::as_slice));
    let count = |name: &str| {
        fields
            .lines()
            .filter(|line| line.to_lowercase().starts_with(name))
            .count()
    };
    for name in [
        "return-path: ",
        "delivered-to: ",
        "received: ",
        "from: ",
        "to: ",
        "date: ",
        "message-id: ",
    ] {
        assert_eq!(count(name), 1, "{name} in\n{fields}");
    }
    assert_eq!(count("bcc"), 0, "{fields}");
    (fields, body)
}

fn has(fields: &str, field: &str) {
    assert!(
        fields.contains(&format!("{field}\n")),
        "no {field:?} in\n{fields}"
    );
}

#[test]
fn mail_from_mutt_arrives() {
    if !skip::unless_installed("mutt") {
        return;
    }
    let (instance, sendmail) = instance();
    let mut mutt = Command::new("mutt");
    mutt.env("HOME", instance.path())
        .args(["-n", "-F", "/dev/null"]);
    for setting in [
        "from=joe@example.org",
        "use_from=yes",
        "use_envelope_from=yes",
        "copy=no",
        "charset=utf-8",
        "send_charset=utf-8",
    ] {
        mutt.args(["-e", &format!("set {setting}")]);
    }
    mutt.args([
        "-e",
        &format!("set sendmail='{sendmail} -oem -oi'"),
        "-s",
        "from mutt",
        "-b",
        "blind@stafette.test",
        "demo@stafette.test",
    ]);
    succeed(&mut mutt, BODY);
    for name in ["demo", "blind"] {
        let (fields, body) = arrived(&instance, name);
        has(&fields, "Return-Path: <joe@example.org>");
        has(&fields, "Subject: from mutt");
        assert_eq!(body, BODY);
    }
}

#[test]
fn mail_from_s_nail_arrives_through_sendmail_and_over_smtp() {
    if !skip::unless_installed("s-nail") {
        return;
    }
    let smtp = |instance: &Instance| format!("smtp://{}", instance.smtp());
    for over_smtp in [false, true] {
        let (instance, sendmail) = instance();
        let mta = if over_smtp { smtp(&instance) } else { sendmail };
        let mut nail = Command::new("s-nail");
        nail.args([
            "-:/",
            "-Sv15-compat",
            "-Ssmtp-auth=none",
            "-Ssmtp-config=none",
            "-Sfrom=joe@example.org",
            "-Ssendcharsets=utf-8",
        ]);
        nail.args([
            "-Smime-encoding=8b",
            &format!("-Smta={mta}"),
            "-s",
            "from s-nail",
            "-b",
            "blind@stafette.test",
            "demo@stafette.test",
        ]);
        succeed(&mut nail, BODY);
        for name in ["demo", "blind"] {
            let (fields, body) = arrived(&instance, name);
            has(&fields, "Subject: from s-nail");
            has(&fields, "From: joe@example.org");
            assert_eq!(body, BODY);
        }
    }
}

#[test]
fn mail_from_mailutils_arrives() {
    if !skip::unless_installed("mail.mailutils") {
        return;
    }
    let (instance, sendmail) = instance();
    let mut mail = Command::new("mail.mailutils");
    mail.args([
        "--no-config",
        "-E",
        &format!("set sendmail=\"sendmail:{sendmail}\""),
        "-s",
        "from mail",
        "-r",
        "joe@example.org",
    ]);
    succeed(
        mail.args(["-a", "Bcc: blind@stafette.test", "demo@stafette.test"]),
        OF_A_TERMINAL,
    );
    for name in ["demo", "blind"] {
        let (fields, body) = arrived(&instance, name);
        has(&fields, "Subject: from mail");
        has(&fields, "Return-Path: <joe@example.org>");
        assert_eq!(body, OF_A_TERMINAL);
    }
}

#[test]
fn mail_from_bsd_mailx_arrives() {
    if !skip::unless_installed("bsd-mailx") {
        return;
    }
    let (instance, sendmail) = instance();
    let settings = instance.path().join("mailrc");
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's file needs no durability"
    )]
    std::fs::write(&settings, format!("set sendmail={sendmail}\n")).expect("a file");
    let mut mail = Command::new("bsd-mailx");
    mail.env("MAILRC", settings).args([
        "-n",
        "-s",
        "from bsd-mailx",
        "-b",
        "blind@stafette.test",
        "demo@stafette.test",
    ]);
    succeed(&mut mail, OF_A_TERMINAL);
    for name in ["demo", "blind"] {
        let (fields, body) = arrived(&instance, name);
        has(&fields, "Subject: from bsd-mailx");
        assert_eq!(body, OF_A_TERMINAL);
    }
}

#[test]
fn what_cron_reports_arrives() {
    let (instance, sendmail) = instance();
    let letter = b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> /bin/job\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n\n.\n\xc3\xbc job's output\n.\nno line end";
    let mut cron = Command::new(&sendmail);
    // As cron calls it: hardly any environment, and no way to tell anybody.
    cron.env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/");
    cron.args(["-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root"]);
    succeed(&mut cron, letter);
    let (fields, body) = arrived(&instance, "demo");
    has(&fields, "Delivered-To: root@stafette.test");
    has(&fields, "From: root@stafette.test (Cron Daemon)");
    has(&fields, "Subject: Cron <root@host> /bin/job");
    has(&fields, "X-Cron-Env: <SHELL=/bin/sh>");
    assert_eq!(body, b".\n\xc3\xbc job's output\n.\nno line end");
}

/// Runs git in a repository, with settings and nothing of this user's.
fn git(repository: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(repository)
        .env("HOME", repository)
        .env("GIT_CONFIG_NOSYSTEM", "1");
    git.args([
        "-c",
        "user.name=Joe Doe",
        "-c",
        "user.email=joe@example.org",
        "-c",
        "init.defaultBranch=main",
    ]);
    git
}

/// Whether this git can send mail.
fn git_can_send() -> bool {
    let path = Command::new("git")
        .arg("--exec-path")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let found = path.is_some_and(|path| Path::new(path.trim()).join("git-send-email").exists());
    skip::unless(found, "git send-email")
}

#[test]
fn patches_from_git_send_email_arrive_and_apply() {
    if !git_can_send() {
        return;
    }
    let (instance, sendmail) = instance();
    let (server, port) = (
        instance.smtp().ip().to_string(),
        instance.smtp().port().to_string(),
    );
    let by_sendmail = format!("--smtp-server={sendmail}");
    let by_command = format!("--sendmail-cmd={sendmail}");
    let by_smtp = [
        format!("--smtp-server={server}"),
        format!("--smtp-server-port={port}"),
    ];
    let ways: [&[String]; 3] = [&[by_sendmail], &by_smtp, &[by_command]];
    for (number, way) in ways.iter().enumerate() {
        let repository = instance.path().join(format!("git{number}"));
        std::fs::create_dir(&repository).expect("a folder");
        succeed(git(&repository).args(["init", "-q"]), b"");
        succeed(
            git(&repository).args(["commit", "-q", "--allow-empty", "-m", "start"]),
            b"",
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "a test's file needs no durability"
        )]
        std::fs::write(repository.join("file"), b"first\n.\nFrom here\n..\nlast").expect("a file");
        succeed(git(&repository).args(["add", "file"]), b"");
        succeed(
            git(&repository).args([
                "commit",
                "-q",
                "-m",
                &format!("add file {number}\n\nWith dots.\n.\nEnd."),
            ]),
            b"",
        );
        let mut send = git(&repository);
        send.args([
            "send-email",
            "--quiet",
            "--confirm=never",
            "--suppress-cc=all",
            "--from=Joe Doe <joe@example.org>",
        ]);
        send.args([
            "--envelope-sender=joe@example.org",
            "--to=demo@stafette.test",
            "--8bit-encoding=UTF-8",
        ]);
        succeed(send.args(*way).arg("-1"), b"");
        let mail = instance.wait_for_mail("demo", number + 1);
        let subject = format!("\nSubject: [PATCH] add file {number}\n");
        let patch = mail
            .iter()
            .find(|message| String::from_utf8_lossy(message).contains(&subject));
        let patch = patch.expect("the patch");
        assert!(patch.starts_with(b"Return-Path: <joe@example.org>\n"));
        // What arrived is the commit: applied in its place it gives the same tree.
        succeed(
            git(&repository).args(["checkout", "-q", "-b", "other", "HEAD~1"]),
            b"",
        );
        succeed(git(&repository).args(["am", "-q"]), patch);
        succeed(
            git(&repository).args(["diff", "--exit-code", "main", "other"]),
            b"",
        );
    }
}
