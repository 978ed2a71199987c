//! .qmail, .forward and aliases with the real program and a real shell.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the whole file is a test"
)]

mod place;

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use place::{Local, Mail, Place, is_root};
use stafette_wire::delivery::{Fate, Outcome};
use stafette_wire::envelope::Expanded;

fn result(outcome: &Outcome) -> (Fate, String, String) {
    let result = &outcome.results[0];
    let words = String::from_utf8(result.reply.0.clone()).unwrap();
    (result.fate, result.status.clone(), words)
}

fn deliver(local: &Local, to: &str) -> (Fate, String, String) {
    result(&local.deliver(&Mail::new(b"Subject: x\n\nhello\n").to(to)))
}

/// Where it goes on to, and from whom.
fn forward(outcome: &Outcome) -> (String, bool, Vec<String>) {
    let forward = outcome.forward.as_ref().unwrap();
    let to = forward.to.iter().map(ToString::to_string).collect();
    (forward.from.as_str().to_owned(), forward.verp, to)
}

#[test]
fn a_qmail_file_is_done_in_its_order_with_qmails_environment() {
    let place = Place::new();
    let local = place.start();
    place.put(
        "joe",
        ".qmail-a-default",
        "# mine\n|cat >input; env >environment; umask >mask; pwd >directory\n./Maildir/\n&jim@example.net\nann\n",
    );
    let mail = Mail::new(b"Subject: x\n\nhello\n").to("joe-a-b.C");
    let outcome = local.deliver(&mail);
    let (fate, status, words) = result(&outcome);
    assert_eq!(
        (fate, status.as_str()),
        (Fate::Delivered, "2.0.0"),
        "{words}"
    );
    assert_eq!(
        words,
        "program \"|cat >input; env >environment; umask >mask; pwd >directory\", delivered to ./Maildir/, forwarded to 2"
    );
    let (from, verp, to) = forward(&outcome);
    assert_eq!((from.as_str(), verp), ("jim@example.net", false));
    assert_eq!(to, ["jim@example.net", "ann@example.org"]);
    assert_eq!(
        place.get("joe", "input"),
        "Received: by test\nSubject: x\n\nhello\n"
    );
    assert_eq!(place.get("joe", "mask").trim(), "0077");
    assert_eq!(
        place.get("joe", "directory").trim(),
        place.home("joe").to_str().unwrap()
    );
    let environment = place.get("joe", "environment");
    for line in [
        "SENDER=jim@example.net",
        "NEWSENDER=jim@example.net",
        "RECIPIENT=joe-a-b.C@example.org",
        "USER=joe",
        "EXT=a-b.c",
        "EXT2=b.c",
        "DEFAULT=b.c",
        "HOST=example.org",
        "HOST2=example",
        "DTLINE=Delivered-To: joe-a-b.C@example.org",
        "RPLINE=Return-Path: <jim@example.net>",
    ] {
        assert!(
            environment.lines().any(|each| each == line),
            "{line}\n{environment}"
        );
    }
    assert!(environment.contains("UFLINE=From jim@example.net "));
    for absent in ["CARGO", "LD_LIBRARY_PATH"] {
        assert!(!environment.contains(absent), "{absent}\n{environment}");
    }
    assert!(
        environment.contains("STAFETTE_ETC="),
        "of a folder instance"
    );
}

#[test]
fn exit_codes_are_qmails_in_qmail_files_and_sysexits_in_forward_files() {
    let place = Place::new();
    let local = place.start();
    for (code, fate) in [
        (100, Fate::Failed),
        (111, Fate::Deferred),
        (77, Fate::Failed),
        (75, Fate::Deferred),
        (1, Fate::Deferred),
    ] {
        place.put(
            "joe",
            ".qmail",
            &format!("|echo why; exit {code}\n./Maildir/\n"),
        );
        let (is, _, words) = deliver(&local, "joe");
        assert_eq!(is, fate, "{code}");
        assert!(
            words.ends_with(&format!("exited with status {code}: why")),
            "{words}"
        );
    }
    assert_eq!(place.mail("joe", "new").len(), 0, "it stands behind");
    place.put(
        "joe",
        ".qmail",
        "&a@b.example\n|exit 99\n./Maildir/\n&c@d.example\n",
    );
    let outcome = local.deliver(&Mail::new(b"x\n").to("joe"));
    assert_eq!(outcome.results[0].fate, Fate::Delivered);
    assert_eq!(forward(&outcome).2, ["a@b.example"]);
    assert_eq!(place.mail("joe", "new").len(), 0);
    for (code, fate, status) in [
        (67, Fate::Failed, "5.1.1"),
        (75, Fate::Deferred, "4.3.0"),
        (99, Fate::Failed, "5.3.0"),
        (127, Fate::Failed, "5.3.0"),
    ] {
        place.put(
            "jim",
            ".forward",
            &format!("\"|exit {code}\", a@b.example\n"),
        );
        let outcome = local.deliver(&Mail::new(b"x\n").to("jim"));
        let (is, said, words) = result(&outcome);
        assert_eq!((is, said.as_str()), (fate, status), "{words}");
        assert_eq!(outcome.forward, None);
    }
}

#[test]
fn a_forward_file_with_a_program_and_the_own_mailbox() {
    let place = Place::new();
    let local = place.start();
    place.put(
        "joe",
        ".forward",
        "\\joe, \"|cat >input\", jim@example.net\n/dev/null\n",
    );
    let outcome = local.deliver(&Mail::new(b"Subject: x\n\nhello\n").to("joe"));
    assert_eq!(outcome.results[0].fate, Fate::Delivered, "{outcome:?}");
    assert_eq!(forward(&outcome).2, ["jim@example.net"]);
    assert_eq!(place.mail("joe", "new").len(), 1);
    let input = place.get("joe", "input");
    let (first, rest) = input.split_once('\n').unwrap();
    assert!(first.starts_with("From jim@example.net "), "{first}");
    assert_eq!(
        rest,
        "Return-Path: <jim@example.net>\nDelivered-To: joe@example.org\nReceived: by test\nSubject: x\n\nhello\n"
    );
    place.put("joe", ".forward+list", "ann\n");
    let outcome = local.deliver(&Mail::new(b"x\n").to("joe+list"));
    assert_eq!(forward(&outcome).2, ["ann@example.org"]);
    assert_eq!(deliver(&local, "joe-list").1, "5.1.1");
    // If both exist, .qmail wins.
    place.put("joe", ".qmail", "./box\n");
    assert_eq!(deliver(&local, "joe").0, Fate::Delivered);
    assert!(place.get("joe", "box").starts_with("From jim@example.net "));
}

#[test]
fn files_that_others_can_arrange_or_that_are_none_make_mail_wait() {
    let place = Place::new();
    let local = place.start();
    let file = place.put("joe", ".forward", "jim@example.net\n");
    let refused = |what: &str| {
        let (fate, _, words) = deliver(&local, "joe");
        assert_eq!(fate, Fate::Deferred, "{what}: {words}");
        assert!(words.contains(".forward"), "{what}: {words}");
        words
    };
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
    assert!(refused("writable").contains("chmod go-w"));
    std::fs::remove_file(&file).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&file)
            .status()
            .unwrap()
            .success()
    );
    let begin = Instant::now();
    refused("a pipe");
    assert!(begin.elapsed() < Duration::from_secs(5));
    for target in ["/dev/zero", "/dev/tty", "/etc"] {
        std::fs::remove_file(&file).unwrap();
        symlink(target, &file).unwrap();
        refused(target);
    }
    std::fs::remove_file(&file).unwrap();
    if is_root() {
        let other = place.put("jim", "list", "a@b.example\n");
        std::os::unix::fs::chown(&other, Some(54_999), None).unwrap();
        std::fs::set_permissions(place.home("jim"), PermissionsExt::from_mode(0o755)).unwrap();
        symlink(&other, &file).unwrap();
        assert!(refused("another user's").contains("owned by user 54999"));
        std::fs::remove_file(&file).unwrap();
    }
    symlink("nowhere", &file).unwrap();
    assert_eq!(deliver(&local, "joe").0, Fate::Delivered);
    let list = place.put("joe", ".qmail", "a@b.example\n|cat\n");
    std::fs::set_permissions(&list, PermissionsExt::from_mode(0o744)).unwrap();
    let (fate, _, words) = deliver(&local, "joe");
    assert!(fate == Fate::Deferred && words.contains("x bit"), "{words}");
}

#[test]
fn an_owner_file_makes_a_list() {
    let place = Place::new();
    let local = place.start();
    place.put("joe", ".qmail-list", "a@b.example\n");
    place.put("joe", ".qmail-list-owner", "joe\n");
    let sent = |from: &str| {
        let mail = Mail::new(b"x\n").to("joe-list").sent_by(from);
        forward(&local.deliver(&mail))
    };
    let to = || vec!["a@b.example".to_owned()];
    let owner = "joe-list-owner@example.org".to_owned();
    assert_eq!(sent("jim@example.net"), (owner, false, to()));
    assert_eq!(sent(""), (String::new(), false, to()));
    place.put("joe", ".qmail-list-owner-default", "joe\n");
    let owner = "joe-list-owner-@example.org".to_owned();
    assert_eq!(sent("jim@example.net"), (owner, true, to()));
}

#[test]
fn programs_that_misbehave_cost_nothing_but_a_delay() {
    let place = Place::new();
    place.set("timeoutprogram", "2\n");
    let local = place.start();
    let done = |command: &str| {
        place.put("joe", ".forward", &format!("\"|{command}\"\n"));
        deliver(&local, "joe")
    };
    assert_eq!(done("head -c 1000000000 /dev/zero").0, Fate::Delivered);
    assert_eq!(done("exec <&-; true").0, Fate::Delivered);
    let (fate, _, words) = done("kill -SEGV $$");
    assert!(
        fate == Fate::Deferred && words.contains("signal 11"),
        "{words}"
    );
    let (fate, _, words) = done("echo begun; sleep 600 & sleep 600");
    assert!(
        fate == Fate::Deferred && words.ends_with("was killed after 2 s: begun"),
        "{words}"
    );
    // What needs no program does not wait for one that hangs.
    place.put("joe", ".qmail-slow", "|sleep 600\n");
    place.put("joe", ".forward", "");
    for _ in 0..20 {
        local.give(&Mail::new(b"x\n").to("joe-slow"));
    }
    let begin = Instant::now();
    local.give(&Mail::new(b"x\n").to("joe"));
    local.give(&Mail::new(b"x\n").to("ann"));
    for _ in 0..2 {
        let outcome = local.outcome();
        assert_eq!(outcome.results[0].fate, Fate::Delivered, "{outcome:?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[test]
fn an_address_never_reaches_a_shell() {
    let place = Place::new();
    let local = place.start();
    place.put(
        "joe",
        ".qmail-default",
        "|printf '%s\\n%s\\n' \"$EXT\" \"$SENDER\" >said\n",
    );
    let evil = Mail::new(b"x\n")
        .to("\"joe-$(touch ${HOME}/evil);`id`|x\"")
        .sent_by("\"-oQ/tmp;'$(id)'\"@example.net");
    assert_eq!(local.deliver(&evil).results[0].fate, Fate::Delivered);
    assert_eq!(
        place.get("joe", "said"),
        "$(touch ${home}/evil);`id`|x\n\"-oQ/tmp;'$(id)'\"@example.net\n"
    );
    assert!(!place.home("joe").join("evil").exists());
    let path = Mail::new(b"x\n").to("\"joe-../../jim/x\"");
    assert_eq!(local.deliver(&path).results[0].fate, Fate::Delivered);
}

#[test]
fn programs_of_a_plain_user_cannot_see_the_queue_and_may_be_set_id() {
    let place = Place::new();
    let local = place.start();
    place.put(
        "joe",
        ".qmail",
        "|ls -l /proc/self/fd >fds; grep -E '^(NoNewPrivs|CapEff|CapBnd|SigIgn)' /proc/self/status >status; id -u >uid; readlink /proc/self/fd/0 >stdin; ls /proc/$PPID/fd >worker 2>&1; dd if=/dev/null of=/dev/stdin 2>/dev/null; ulimit -n >files\n",
    );
    let (fate, _, words) = deliver(&local, "joe");
    assert_eq!(fate, Fate::Delivered, "{words}");
    assert!(place.get("joe", "status").contains("NoNewPrivs:\t0"));
    assert!(
        place
            .get("joe", "status")
            .contains("CapEff:\t0000000000000000")
    );
    let status = place.get("joe", "status");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
    assert_eq!(
        ignored & 0x7fff_ffff,
        0,
        "those above are the C library's own"
    );
    let limit = Command::new("sh")
        .args(["-c", "ulimit -n"])
        .output()
        .unwrap();
    assert_eq!(place.get("joe", "files").into_bytes(), limit.stdout);
    assert!(place.get("joe", "stdin").starts_with("/memfd:message"));
    assert_eq!(place.get("joe", "uid").trim(), place::owner().0.to_string());
    let descriptors = place.get("joe", "fds");
    assert!(!descriptors.contains("socket:"), "{descriptors}");
    // The process that holds the queue's file has the same user id, and is out of reach all the same.
    let worker = place.get("joe", "worker");
    assert!(
        place::owner().0 == 0 || worker.contains("Permission denied"),
        "{worker}"
    );
}

#[test]
fn what_runs_no_program_can_run_none() {
    let place = Place::new();
    place.set("defaultdelivery", "./Mailbox\n");
    let lock = place.put("joe", "Mailbox.lock", "");
    let local = place.start();
    place.put("jim", ".qmail", "|sleep 600\n");
    local.give(&Mail::new(b"x\n").to("jim"));
    local.give(&Mail::new(b"x\n").to("joe"));
    // One or two that look up, one that waits for the mailbox, one that gave a message back; and one that runs the program.
    let begin = Instant::now();
    loop {
        let gained = local.statuses();
        let may = gained.iter().filter(|each| *each == "0").count();
        if may == 1 && gained.len() >= 4 {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(4), "{gained:?}");
        std::thread::yield_now();
    }
    std::fs::remove_file(lock).unwrap();
    assert_eq!(local.outcome().results[0].fate, Fate::Delivered);
}

#[test]
fn the_systems_mailbox_is_a_second_step() {
    let spool = std::path::Path::new("/var/mail");
    if !is_root() || !spool.is_dir() {
        return;
    }
    let prefix = format!("stafette-programs-{}-", std::process::id());
    let mailbox = spool.join(format!("{prefix}joe"));
    let place = Place::new();
    place.set("defaultdelivery", &format!("/var/mail/{prefix}%u\n"));
    let local = place.start();
    place.put(
        "joe",
        ".forward",
        "\\joe, \"|cat >input; id >groups\", a@b.example\n",
    );
    let outcome = local.deliver(&Mail::new(b"Subject: x\n\n").to("joe"));
    let (fate, _, words) = result(&outcome);
    assert_eq!(fate, Fate::Delivered, "{words}");
    assert_eq!(
        words,
        format!(
            "program \"|cat >input; id >groups\", forwarded to 1, delivered to /var/mail/{prefix}joe"
        )
    );
    assert_eq!(forward(&outcome).2, ["a@b.example"]);
    assert!(!place.get("joe", "groups").contains("mail"));
    // Something is in its way: nothing of it is called done.
    let lock = spool.join(format!("{prefix}joe.lock"));
    std::fs::File::create(&lock).unwrap();
    std::fs::remove_file(&mailbox).unwrap();
    std::fs::create_dir(&mailbox).unwrap();
    let outcome = local.deliver(&Mail::new(b"Subject: x\n\n").to("joe"));
    std::fs::remove_dir(&mailbox).unwrap();
    std::fs::remove_file(lock).unwrap();
    assert_eq!(outcome.results[0].fate, Fate::Deferred);
    assert_eq!(outcome.forward, None);
    place.put("joe", ".forward", "a@b.example\n");
    local.deliver(&Mail::new(b"Subject: x\n\n").to("joe"));
    assert!(!mailbox.exists(), "it was not asked for");
    place.put("joe", ".qmail", "");
    assert_eq!(deliver(&local, "joe").0, Fate::Delivered);
    let metadata = std::fs::metadata(&mailbox).unwrap();
    std::fs::remove_file(&mailbox).unwrap();
    assert_eq!(metadata.uid(), place::owner().0);
}

#[test]
fn a_program_line_of_the_mailertable_is_split_without_a_shell() {
    let place = Place::new();
    let home = alias_home(&place);
    place.set(
        "mailertable",
        "prog.example |/bin/sh -c 'cat >input; printf \"%s\\n\" \"$0\" \"$@\" >words' $u $h $f\nuucp.example uucp:far\n",
    );
    place.compile();
    let local = place.start();
    let mail = Mail::new(b"x\n")
        .at("\"a b;$(id)\"@prog.example")
        .sent_by("--x@y.example");
    let (fate, _, words) = result(&local.deliver(&mail));
    assert_eq!(fate, Fate::Delivered, "{words}");
    let words = std::fs::read_to_string(home.join("words")).unwrap();
    let lines: Vec<&str> = words.lines().collect();
    assert_eq!(lines.len(), 3, "{words}");
    assert!(lines[0].contains("a b;$(id)"), "{words}");
    assert_eq!(lines[1..], ["prog.example", "x@y.example"]);
    // Where there is no uux the message waits.
    let mail = Mail::new(b"x\n").at("joe@uucp.example");
    let (fate, _, words) = result(&local.deliver(&mail));
    assert!(fate == Fate::Deferred || words.contains("uux"), "{words}");
}

/// The home of the alias user, who is a user of the system.
fn alias_home(place: &Place) -> std::path::PathBuf {
    place.set("aliasuser", "mail");
    let home = place.path_of("spool/alias");
    if is_root() {
        std::fs::create_dir_all(&home).unwrap();
        let mail = stafette_sys::user::by_name("mail").unwrap().unwrap();
        std::os::unix::fs::chown(&home, Some(mail.uid), Some(mail.gid)).unwrap();
    }
    home
}

#[test]
fn mail_of_last_resort_goes_to_the_alias_users_maildir() {
    let place = Place::new();
    let home = alias_home(&place);
    let local = place.start();
    let outcome = local.deliver(&Mail::new(b"x\n").to("postmaster"));
    assert_eq!(outcome.results[0].fate, Fate::Delivered, "{outcome:?}");
    let new = std::fs::read_dir(home.join("Maildir/new")).unwrap();
    assert_eq!(new.count(), 1);
}

#[test]
fn programs_and_files_of_an_alias_run_as_the_alias_user() {
    let place = Place::new();
    let home = alias_home(&place);
    place.set(
        "aliases",
        &format!(
            "list: \"|cat >input; id -un >user\", {}/box, /dev/null, a@b.example\nsilent: /dev/null, \"|exit 67\"\n",
            home.display()
        ),
    );
    place.compile();
    let local = place.start();
    let mail = Mail::new(b"Subject: x\n\n")
        .to("list")
        .expanded(Expanded::Lines);
    let outcome = local.deliver(&mail);
    let (fate, _, words) = result(&outcome);
    assert_eq!(fate, Fate::Delivered, "{words}");
    assert_eq!(outcome.forward, None, "that is for send to do");
    let read = |name: &str| std::fs::read_to_string(home.join(name)).unwrap();
    if is_root() {
        assert_eq!(read("user").trim(), "mail");
    }
    assert!(read("input").starts_with("From jim@example.net "));
    assert!(read("box").contains("\nDelivered-To: list@example.org\n"));
    let whole = Mail::new(b"x\n").to("list");
    assert_eq!(local.deliver(&whole).results[0].fate, Fate::Deferred);
    let silent = Mail::new(b"x\n").to("silent").expanded(Expanded::Lines);
    assert_eq!(local.deliver(&silent).results[0].status, "5.1.1");
}

#[test]
fn no_command_of_a_table_runs_as_another_than_the_alias_user_of_the_start() {
    let place = Place::new();
    alias_home(&place);
    place.set("aliases", "list: \"|true\"\n");
    place.compile();
    let local = place.start();
    if !is_root() {
        return;
    }
    // As if the process that looks up said so by itself.
    place.set("aliasuser", "games");
    let mail = Mail::new(b"x\n").to("list").expanded(Expanded::Lines);
    let (fate, status, words) = result(&local.deliver(&mail));
    assert_eq!((fate, status.as_str()), (Fate::Deferred, "4.3.5"));
    assert!(words.contains("is not aliasuser"), "{words}");
}

#[test]
fn what_is_for_another_host_is_not_ours_whatever_send_says() {
    let place = Place::new();
    place.set("locals", "elsewhere.example\n");
    let (fate, _, words) = deliver(&place.start(), "joe");
    assert!(
        fate == Fate::Deferred && words.contains("asked again"),
        "{words}"
    );
}
