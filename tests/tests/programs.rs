//! Programs of users: each is its user with nothing of ours, and one that misbehaves gives a clear reason and loses nothing.

use stafette_tests::people::Town;
use stafette_tests::{file, wait};

const LETTER: &[u8] = b"From: demo@stafette.test\nTo: you\nSubject: hello\n\nbody\n";

#[test]
fn a_program_that_misbehaves_defers_or_fails_with_a_clear_reason_and_loses_nothing() {
    if !Town::possible() {
        return;
    }
    let mut town = Town::new(&["bob"], &[]);
    town.instance.set("timeoutprogram", "1");
    town.put("bob", ".qmail-hang", "|echo $$ >hanging; sleep 1000\n");
    town.put(
        "bob",
        ".qmail-stop",
        "|trap '' TERM HUP INT; while :; do sleep 1000; done\n",
    );
    town.put(
        "bob",
        ".qmail-core",
        "|ulimit -c unlimited; kill -SEGV $$\n",
    );
    town.put(
        "bob",
        ".qmail-full",
        "|exec 0<&-; echo my disk is full; exit 111\n",
    );
    town.put(
        "bob",
        ".qmail-babble",
        "|head -c 1G /dev/zero; echo; echo at last; exit 111\n",
    );
    town.put(
        "bob",
        ".qmail-early",
        "|exec 0<&-; echo done >early; exit 0\n",
    );
    town.put(
        "bob",
        ".qmail-daemon",
        "|sleep 1000 & echo $! >daemon; exit 0\n",
    );
    town.put("bob", ".qmail-never", "|echo go away; exit 100\n");
    town.instance.start();
    let mut large = LETTER.to_vec();
    large.extend(b"more of it\n".repeat(200_000));
    let waiting = [
        ("bob-hang", "was killed after 1 s"),
        ("bob-stop", "was killed after 1 s"),
        ("bob-core", "was killed by signal 11"),
        ("bob-full", "my disk is full"),
        ("bob-babble", "at last"),
    ];
    for to in waiting
        .map(|(to, _)| to)
        .iter()
        .chain(&["bob-early", "bob-daemon", "bob-never"])
    {
        town.instance
            .sendmail(&["-f", "demo@stafette.test", to], &large);
    }
    wait::until_true("the programs that end well", || {
        !town.read("bob", "early").is_empty() && !town.read("bob", "daemon").is_empty()
    });
    let report = town.instance.wait_for_mail("demo", 1).remove(0);
    assert!(String::from_utf8_lossy(&report).contains("go away"));
    let listing = wait::until(
        &format!("five deferrals; logs:\n{}", town.instance.logs()),
        || {
            let listing = town.instance.mailq();
            let all = waiting.iter().all(|(to, _)| listing.contains(to));
            (all && listing.matches('(').count() == waiting.len()).then_some(listing)
        },
    );
    for (to, reason) in waiting {
        let said: Vec<&str> = listing
            .lines()
            .filter(|line| line.contains(reason))
            .collect();
        assert!(!said.is_empty(), "{to}: no {reason:?} in {listing}");
        assert!(said.iter().all(|line| line.len() < 2000), "{listing}");
    }
    assert!(listing.ends_with(" in 5 Requests.\n"), "{listing}");
    // What hung is gone, children and all.
    let pid = town.read("bob", "hanging").trim().to_owned();
    assert!(
        !std::path::Path::new("/proc").join(&pid).exists(),
        "{pid} still runs"
    );
    for (to, _) in waiting {
        let name = to.replace("bob-", ".qmail-");
        town.put("bob", &name, "./Maildir/\n");
    }
    assert!(town.instance.run("sendmail", &["-q"], b"").status.success());
    let mail = town.wait_for_mail("bob", waiting.len());
    assert!(mail.iter().all(|mail| mail.ends_with("more of it\n")));
    town.instance.wait_until_empty();
    assert_eq!(town.mail("bob").len(), waiting.len());
    let daemon: u32 = town
        .read("bob", "daemon")
        .trim()
        .parse()
        .expect("a process id");
    stafette_tests::instance::signal(daemon, "KILL");
}

#[test]
fn a_program_is_its_user_with_nothing_of_ours() {
    if !Town::possible() {
        return;
    }
    let mut town = Town::new(&["bob", "carol"], &[]);
    let script = town.instance.path().join("ours/show");
    file::script(
        &script,
        "{ echo \"uid $(id -u) gid $(id -g) groups $(id -G)\"; for fd in /proc/$$/fd/*; do echo \"fd $(readlink $fd)\"; done; grep -E '^(NoNewPrivs|Seccomp|SigIgn|SigBlk|CapPrm|CapEff|CapAmb):' /proc/self/status; umask; pwd; env; echo end; } >shown",
    );
    let call = format!("|{}\n", script.display());
    town.put("bob", ".qmail", &call);
    town.put("carol", ".forward", &call);
    town.instance
        .set("aliases", &format!("program: \"{}\"", call.trim_end()));
    town.instance.start();
    let service = town.run_as("bob", "id", &["-u", "stafp"], b"");
    let service: u32 = String::from_utf8_lossy(&service.stdout)
        .trim()
        .parse()
        .expect("a user id");
    let alias = town.instance.path().join("spool/alias");
    for (to, home, uid) in [
        ("bob", town.home("bob"), town.uid("bob")),
        ("carol", town.home("carol"), town.uid("carol")),
        ("program", alias, service),
    ] {
        town.instance
            .sendmail(&["-f", "demo@stafette.test", to], LETTER);
        let shown = wait::until(
            &format!("what it shows; logs:\n{}", town.instance.logs()),
            || Some(file::read(&home.join("shown"))).filter(|shown| shown.ends_with("\nend\n")),
        );
        let has = |line: &str| shown.lines().any(|other| other == line);
        assert!(shown.starts_with(&format!("uid {uid} gid ")), "{shown}");
        let groups = shown
            .lines()
            .next()
            .and_then(|line| line.split(" groups ").nth(1));
        assert_eq!(
            groups.map(|groups| groups.split(' ').count()),
            Some(1),
            "{shown}"
        );
        for open in shown.lines().filter_map(|line| line.strip_prefix("fd ")) {
            // The shell's own are the script and what it writes; one that it had for a moment leads nowhere.
            let is_known = ["pipe:", "/memfd:"]
                .iter()
                .any(|start| open.starts_with(start))
                || ["", "/dev/null"].contains(&open)
                || ["/shown", "/show"].iter().any(|end| open.ends_with(end));
            assert!(is_known, "{open} is open: {shown}");
        }
        assert!(
            has(&format!("HOME={}", home.display())) && has(&home.display().to_string()),
            "{shown}"
        );
        for line in [
            "SigBlk:\t0000000000000000",
            "CapPrm:\t0000000000000000",
            "CapEff:\t0000000000000000",
        ] {
            assert!(has(line), "no {line:?} in {shown}");
        }
        for name in [
            "STAFETTE_CLOCK=",
            "CARGO",
            "RUST",
            "SUDO",
            "HOME=/root",
            "LD_",
            "BASH",
            "DEBIAN",
        ] {
            assert!(
                !shown.lines().any(|line| line.starts_with(name)),
                "{name} in {shown}"
            );
        }
    }
}
