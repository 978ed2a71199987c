//! What `init/run` promises to the person who starts it: readiness, restarts, stopping, and what becomes of the folder.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "supervision/run.rs"]
mod run;

use std::time::{Duration, Instant};

use stafette_tests::client::Client;
use stafette_tests::instance::{Instance, signal};
use stafette_tests::peer::{Act, Peer};
use stafette_tests::settle::{self, Clock};
use stafette_tests::{process, skip, wait};

use run::{Run, copy_of_what_is_built, folder};

const LETTER: &[u8] = b"Subject: hello\n\nIt works.\n";
const PROGRAMS: [&str; 9] = [
    "tables", "resolve", "users", "clean", "queue", "local", "remote", "send", "smtpd",
];
/// How long stopping may take.
const STOP: Duration = Duration::from_secs(5);

/// Nothing of this instance runs any more.
fn no_process_is_left(instance: &Instance) {
    let left = process::of_folder(instance.path());
    assert!(left.is_empty(), "still there: {left:?}");
}

#[test]
fn ready_is_the_last_line_on_standard_output() {
    let folder = folder();
    let mut run = Run::start(folder.path(), &[]);
    assert!(run.ready().starts_with("ready"), "{run:?}");
    run.signal("TERM");
    let (code, rest) = run.end();
    assert_eq!(code, Some(0));
    assert_eq!(rest, "", "nothing may follow the line ready");
}

#[test]
fn a_program_killed_ten_times_in_a_row_is_back_within_a_second_each_time() {
    let instance = Instance::started(&[]);
    for program in PROGRAMS {
        for time in 1..=10 {
            let old = wait::until("the program", || {
                process::running(&instance).get(program).copied()
            });
            let start = Instant::now();
            signal(old, "KILL");
            wait::until(&format!("{program} to be back"), || {
                process::running(&instance)
                    .get(program)
                    .copied()
                    .filter(|new| *new != old)
            });
            let away = start.elapsed();
            assert!(
                away < Duration::from_secs(1),
                "{program} was away for {away:?} the {time}. time"
            );
        }
    }
    wait::until_true("mail to be taken again", || {
        instance
            .run("sendmail", &["demo@stafette.test"], LETTER)
            .status
            .success()
    });
    assert_eq!(instance.wait_for_mail("demo", 1).len(), 1);
}

#[test]
fn each_program_has_its_name_and_absolute_paths_and_as_root_a_user_of_its_own() {
    let instance = Instance::started(&[]);
    let users = [
        ("smtpd", "stafd"),
        ("queue", "stafq"),
        ("clean", "stafq"),
        ("send", "stafs"),
        ("users", "stafu"),
        ("remote", "stafr"),
        ("resolve", "stafn"),
        ("tables", "staft"),
        ("local", "root"),
    ];
    let running = process::running(&instance);
    assert_eq!(running.len(), PROGRAMS.len(), "{running:?}");
    for (program, user) in users {
        let pid = running[program];
        let executable = std::fs::read_link(format!("/proc/{pid}/exe")).expect("an executable");
        assert_eq!(
            executable,
            instance
                .path()
                .join("libexec")
                .join(format!("stafette-{program}"))
        );
        let environment = std::fs::read(format!("/proc/{pid}/environ")).expect("an environment");
        let environment = String::from_utf8_lossy(&environment).into_owned();
        for (name, directory) in [("ETC", "etc"), ("SPOOL", "spool"), ("RUN", "run")] {
            let wanted = format!(
                "STAFETTE_{name}={}",
                instance.path().join(directory).display()
            );
            assert!(
                environment.split('\0').any(|word| word == wanted),
                "{program}: no {wanted}"
            );
        }
        let uid = process::status(pid, "Uid").expect("a user");
        if skip::is_root() {
            let name = std::process::Command::new("id")
                .args(["-u", user])
                .output()
                .expect("id");
            let id = String::from_utf8_lossy(&name.stdout).trim().to_owned();
            assert!(
                uid.split_whitespace().all(|one| one == id),
                "{program} runs as {uid}, not as {user}"
            );
        }
    }
    let own =
        std::fs::read_to_string(format!("/proc/{}/comm", instance.supervisor())).expect("a name");
    assert!(!own.starts_with("stafette-"), "{own}");
}

/// Stops a busy instance with a signal; then starts it again and sees its mail through.
fn stopped_by(name: &str) {
    let peer = Peer::with(|command, seen| {
        let is_first = || seen.commands.iter().filter(|one| *one == command).count() < 2;
        match command {
            "RCPT TO:<later@far.test>" if is_first() => {
                Some(Act::Say("451 4.7.1 later".to_owned()))
            }
            "RCPT TO:<hang@far.test>" if is_first() => Some(Act::Hang),
            _ => None,
        }
    });
    let mut instance = Instance::started(&["--route", &peer.route("far.test")]);
    instance.sendmail(&["later@far.test"], LETTER);
    instance.sendmail(&["hang@far.test"], LETTER);
    wait::until_true("both to be tried", || {
        let seen = peer.seen().commands;
        ["later", "hang"]
            .iter()
            .all(|name| seen.contains(&format!("RCPT TO:<{name}@far.test>")))
    });
    let session = Client::ehlo(instance.smtp());
    let start = Instant::now();
    signal(instance.supervisor(), name);
    instance.stop();
    assert!(
        start.elapsed() < STOP,
        "stopping took {:?}",
        start.elapsed()
    );
    no_process_is_left(&instance);
    drop(session);
    assert_eq!(
        settle::waiting(&instance).len(),
        2,
        "the queue keeps its mail"
    );
    let queue = instance.mailq();
    assert!(
        queue.contains("later@far.test") && queue.contains("hang@far.test"),
        "{queue}"
    );
    instance.start();
    settle::drain(&instance, &mut Clock::default());
    let mut came: Vec<_> = peer
        .seen()
        .taken
        .into_iter()
        .flat_map(|taken| taken.recipients)
        .collect();
    came.sort();
    assert_eq!(came, ["<hang@far.test>", "<later@far.test>"]);
}

#[test]
fn sigterm_stops_all_within_five_seconds_and_the_next_start_goes_on() {
    stopped_by("TERM");
}

#[test]
fn sigint_does_the_same() {
    stopped_by("INT");
}

#[test]
fn a_killed_supervisor_takes_its_programs_along_and_the_next_start_goes_on() {
    let folder = folder();
    let mut run = Run::start(folder.path(), &[]);
    run.ready();
    run.signal("KILL");
    run.end();
    wait::until_true("the programs to go", || {
        process::of_folder(folder.path()).is_empty()
    });
    let mut run = Run::start(folder.path(), &[]);
    assert!(run.ready().starts_with("ready"), "{run:?}");
}

#[test]
fn options_win_over_what_is_in_etc_and_stay() {
    let mut instance = Instance::new(&["--domain", "new.test"]);
    instance.set("me", "old.test");
    instance.set("locals", "old.test");
    instance.set("databytes", "12345");
    instance.start();
    let mut client = Client::ehlo(instance.smtp());
    client.expect("MAIL FROM:<>", "250");
    client.expect("RCPT TO:<demo@new.test>", "250");
    client.expect("RCPT TO:<demo@old.test>", "250"); // No longer ours, but loopback may relay.
    instance.stop();
    let setting = |name: &str| {
        std::fs::read_to_string(instance.path().join("etc").join(name)).expect("a setting")
    };
    assert_eq!(
        (setting("me"), setting("locals")),
        ("new.test\n".into(), "new.test\n".into())
    );
    assert_eq!(
        setting("databytes"),
        "12345\n",
        "what no option names stays"
    );
    let mut run = Run::start(instance.path(), &[]);
    assert!(run.ready().starts_with("ready"));
    assert_eq!(setting("me"), "new.test\n", "without the option it stays");
}

#[test]
fn naming_mailboxes_replaces_demo_and_touches_nobodys_mail() {
    let folder = folder();
    let mut run = Run::start(folder.path(), &[]);
    run.ready();
    run.sendmail("demo@stafette.test", LETTER);
    let demo = folder.path().join("mail/demo/Maildir");
    wait::until_true("demo's mail", || {
        stafette_tests::maildir::files(&demo).len() == 1
    });
    run.signal("TERM");
    run.end();
    let mut run = Run::start(folder.path(), &["--mailbox", "ann", "--mailbox", "bob"]);
    run.ready();
    let mut client = Client::ehlo(run.smtp());
    client.expect("MAIL FROM:<>", "250");
    client.expect("RCPT TO:<demo@stafette.test>", "550 5.1.1");
    client.expect("RCPT TO:<bob@stafette.test>", "250");
    run.sendmail("postmaster@stafette.test", LETTER);
    let ann = folder.path().join("mail/ann/Maildir");
    wait::until_true("ann's mail", || {
        stafette_tests::maildir::files(&ann).len() == 1
    });
    assert_eq!(
        stafette_tests::maildir::files(&demo).len(),
        1,
        "demo's mail stays"
    );
    run.signal("TERM");
    run.end();
    let mut run = Run::start(folder.path(), &[]);
    run.ready();
    let mut client = Client::ehlo(run.smtp());
    client.expect("MAIL FROM:<>", "250");
    client.expect("RCPT TO:<ann@stafette.test>", "250");
    client.expect("RCPT TO:<demo@stafette.test>", "550 5.1.1");
}

#[test]
fn a_second_start_on_the_same_folder_is_refused_and_changes_nothing() {
    let folder = folder();
    let mut first = Run::start(folder.path(), &[]);
    first.ready();
    let mut second = Run::start(
        folder.path(),
        &["--domain", "other.test", "--mailbox", "eve"],
    );
    assert_eq!(second.ready(), "", "it must not be ready");
    let said = second.errors();
    let (code, _) = second.end();
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    assert!(said.contains("already running"), "{said}");
    let me = std::fs::read_to_string(folder.path().join("etc/me")).expect("etc/me");
    assert_eq!(me, "stafette.test\n");
    first.sendmail("demo@stafette.test", LETTER);
    let demo = folder.path().join("mail/demo/Maildir");
    wait::until_true("demo's mail", || {
        stafette_tests::maildir::files(&demo).len() == 1
    });
}

#[test]
fn a_folder_with_other_files_keeps_them() {
    let folder = folder();
    let other = [
        ("notes", "mine\n"),
        ("bin/tool", "#!/bin/sh\n"),
        ("mail/old/letter", "dear\n"),
    ];
    for (name, text) in other {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        run::put(&file, text);
    }
    let mut run = Run::start(folder.path(), &[]);
    assert!(run.ready().starts_with("ready"));
    for (name, text) in other {
        let now = std::fs::read_to_string(folder.path().join(name)).expect("the file");
        assert_eq!(now, text, "{name}");
    }
}

#[test]
fn a_folder_that_the_programs_users_cannot_reach_is_refused_by_name() {
    if !skip::unless_root() {
        return;
    }
    let closed = folder();
    run::set_mode(closed.path(), 0o700);
    let mut run = Run::start(&closed.path().join("instance"), &[]);
    assert_eq!(run.ready(), "");
    let said = run.errors();
    assert_ne!(run.end().0, Some(0));
    assert!(
        said.contains(&format!("cannot enter {}", closed.path().display())),
        "{said}"
    );
}

#[test]
fn any_user_can_run_it_and_then_every_program_is_that_user() {
    if !skip::unless_root() || !skip::unless_installed("setpriv") {
        return;
    }
    const NOBODY: u32 = 65534;
    let checkout = copy_of_what_is_built();
    let folder = folder();
    std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("chown");
    let mut run = Run::as_user(NOBODY, checkout.path(), folder.path());
    assert!(run.ready().starts_with("ready"), "{}", run.errors());
    assert!(
        run.errors().contains("not root"),
        "it says so: {}",
        run.errors()
    );
    let processes = process::of_folder(folder.path());
    assert!(processes.len() > PROGRAMS.len(), "{processes:?}");
    for (pid, line) in processes {
        let uid = process::status(pid, "Uid").unwrap_or_default();
        assert!(
            uid.split_whitespace().all(|one| one == NOBODY.to_string()),
            "{line} runs as {uid}"
        );
    }
    run.sendmail("demo@stafette.test", LETTER);
    run.sendmail_as(NOBODY, "demo@stafette.test", LETTER);
    let demo = folder.path().join("mail/demo/Maildir");
    wait::until_true("the mail", || {
        stafette_tests::maildir::files(&demo).len() == 2
    });
    let start = Instant::now();
    run.signal("TERM");
    assert_eq!(run.end().0, Some(0));
    assert!(start.elapsed() < STOP);
    assert!(process::of_folder(folder.path()).is_empty());
}

#[test]
fn every_user_can_hand_in_mail_whether_it_is_up_or_down() {
    if !skip::unless_root() || !skip::unless_installed("setpriv") {
        return;
    }
    let folder = folder();
    let mut run = Run::start(folder.path(), &[]);
    run.ready();
    run.sendmail_as(65534, "demo@stafette.test", LETTER);
    run.signal("TERM");
    run.end();
    let mut run = Run::down(folder.path());
    run.sendmail_as(65534, "demo@stafette.test", LETTER);
    run.sendmail("demo@stafette.test", LETTER);
    run = Run::start(folder.path(), &[]);
    run.ready();
    let demo = folder.path().join("mail/demo/Maildir");
    wait::until_true("the mail", || {
        stafette_tests::maildir::files(&demo).len() == 3
    });
}
