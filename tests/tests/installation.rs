//! Installations as an operator makes them: by init/install and as a package, under each supervisor, held against the manifest.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use stafette_tests::machine::{HOST, Machine, text};
use stafette_tests::{file, skip, tree, wait};

const DROP: &str = "/var/spool/stafette/queue/drop";

/// How many messages wait in drop/.
fn dropped(machine: &Machine) -> usize {
    std::fs::read_dir(machine.path(DROP))
        .expect("drop/")
        .count()
}

/// A message is handed in while nothing runs; then the programs are started and it arrives, as does one after it.
fn comes_up(machine: &Machine, start: impl FnOnce()) {
    machine.sendmail("down");
    assert_eq!(dropped(machine), 1);
    start();
    let mail = machine.wait_for("down");
    assert!(
        mail.starts_with(&format!("Return-Path: <alice@{HOST}>\n")),
        "{mail}"
    );
    machine.sendmail("up");
    machine.wait_for("up");
    wait::until_true("an empty drop/", || dropped(machine) == 0);
}

#[test]
fn an_installation_in_a_folder_is_what_the_manifest_says() {
    let Some(machine) = Machine::start() else {
        return;
    };
    machine.must(". init/lib/users.sh; make_users init/users");
    machine
        .must("init/install --dry-run --prefix /var/tree --supervisor runit && ! [ -e /var/tree ]");
    machine.must("mkdir -p /var/tree/etc && echo mail.example.org >/var/tree/etc/mailname");
    machine.must("init/install --prefix /var/tree --supervisor runit");
    let check = "/var/tree/usr/libexec/stafette/stafette check --permissions=/var/tree";
    assert_eq!(machine.must(check), "no problems\n");
    let modes = machine.must("stat -c '%a %U:%G' /var/tree/var/spool/stafette/queue/drop /var/tree/usr/libexec/stafette/stafette-queue");
    assert_eq!(modes, "3730 stafq:stafdrop\n2755 root:stafdrop\n");
    let set_id = machine.must("find /var/tree -type f -perm /6000");
    assert_eq!(set_id, "/var/tree/usr/libexec/stafette/stafette-queue\n");
    let me = machine.must("cat /var/tree/etc/stafette/me");
    assert_eq!(me, "mail.example.org\n");
    // What is wrong is named.
    machine.must(
        "cd /var/tree/usr && chmod g+w libexec/stafette/stafette-send && ln -sf true bin/mailq && touch libexec/stafette/more",
    );
    let output = machine.run(check, b"");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let said = text(&output);
    for problem in [
        "stafette-send: mode 0775; chmod 0755\n",
        "/usr/bin/mailq: leads to true, not to ../libexec/stafette/stafette-inject\n",
        "/libexec/stafette/more: not in the manifest\n",
        "\n3 problems\n",
    ] {
        assert!(said.contains(problem), "{problem}: {said}");
    }
    // A second installation mends files and leaves settings alone; --uninstall leaves what is the operator's.
    machine.must("echo other.example.org >/var/tree/etc/stafette/me; rm /var/tree/usr/bin/mailq /var/tree/usr/libexec/stafette/more");
    machine.must("init/install --prefix /var/tree --supervisor runit");
    assert_eq!(machine.must(check), "no problems\n");
    let me = machine.must("cat /var/tree/etc/stafette/me");
    assert_eq!(me, "other.example.org\n");
    machine.must("init/install --prefix /var/tree --uninstall");
    let left = machine.must("cd /var/tree && find . -name '*stafette*' | sort");
    assert_eq!(
        left,
        "./etc/stafette\n./var/log/stafette\n./var/spool/stafette\n"
    );
}

#[test]
fn under_daemontools_mail_of_users_is_taken_up_and_down_and_another_system_comes_back() {
    if !skip::unless_installed("svscan") {
        return;
    }
    let Some(machine) = Machine::start() else {
        return;
    };
    let other = machine.must("ls -l /usr/sbin/sendmail /usr/bin/mailq");
    let refused = machine.run("init/install --supervisor daemontools", b"");
    assert!(!refused.status.success(), "{}", text(&refused));
    assert!(text(&refused).contains("/usr/sbin/sendmail\n"));
    machine.must("init/install --replace --supervisor daemontools");
    comes_up(&machine, || machine.spawn("exec svscan /etc/service"));
    assert_eq!(
        machine.must("stafette check --permissions"),
        "no problems\n"
    );
    let check = machine.must("stafette check");
    assert_eq!(check.matches(": answers\n").count(), 10, "{check}");
    // Every program under its own user: local alone is root.
    let users = machine
        .must("ps -eo user:9,args | sed -n 's|/usr/libexec/stafette/stafette-||p' | sort -u");
    for row in [
        "root      local",
        "stafd     smtpd service",
        "stafq     clean",
        "stafq     queue service",
        "stafr     remote",
        "stafs     send",
        "staft     tables",
        "stafu     users",
        "stafn     resolve",
    ] {
        assert!(users.contains(&format!("{row}\n")), "{row}: {users}");
    }
    assert!(
        machine
            .must("cat /var/log/stafette/send/current")
            .contains("message-removed")
    );
    machine.must("cp -P /etc/service/* /run/; rm /etc/service/*; svc -dx /run/stafette-*/ /run/stafette-*/log");
    machine.must("init/install --uninstall --supervisor daemontools");
    assert_eq!(
        machine.must("ls -l /usr/sbin/sendmail /usr/bin/mailq"),
        other
    );
}

#[test]
fn runit_and_s6_run_the_same_directories() {
    for (supervisor, start) in [
        ("runit", "runsvdir /run/service"),
        ("s6", "s6-svscan /run/service"),
    ] {
        let program = start.split(' ').next().unwrap_or_default();
        if !skip::unless_installed(program) {
            continue;
        }
        let Some(machine) = Machine::start() else {
            return;
        };
        machine.must(&format!(
            "init/install --replace --no-start --supervisor {supervisor}"
        ));
        machine.must("mkdir /run/service && ln -s /var/lib/stafette/service/* /run/service/");
        comes_up(&machine, || machine.spawn(&format!("exec {start}")));
    }
}

#[test]
fn the_package_installs_upgrades_with_mail_in_the_queue_and_goes() {
    if !(skip::unless_installed("dpkg-deb") && skip::unless_installed("lintian")) {
        return;
    }
    let Some(machine) = Machine::start() else {
        return;
    };
    machine.must("init/package /var/tmp/package");
    let lintian = machine.must("lintian --fail-on error /var/tmp/package/*.deb 2>&1");
    assert!(!lintian.contains("E: "), "{lintian}");
    // bsd-mailx and others want a mail-transport-agent, which we are.
    let others = "for p in $(dpkg-query -W -f '${Package} ${Provides}\\n' | sed -n 's/ .*mail-transport-agent.*//p'); do dpkg --force-depends --remove $p; done";
    machine.must(others);
    let install = "dpkg --install /var/tmp/package/*.deb 2>&1";
    machine.must(install);
    assert_eq!(
        machine.must("stafette check --permissions"),
        "no problems\n"
    );
    machine.must("echo other.stafette.test >>/etc/stafette/locals");
    comes_up(&machine, || {
        machine.must("/etc/init.d/stafette start");
    });
    assert_eq!(
        machine
            .must("/etc/init.d/stafette status")
            .matches(" runs\n")
            .count(),
        9
    );
    machine.must("/etc/init.d/stafette reload");
    machine.must("/etc/init.d/stafette stop");
    let status = machine.run("/etc/init.d/stafette status", b"");
    assert_eq!(status.status.code(), Some(3), "{}", text(&status));
    machine.sendmail("upgrade");
    machine.must(install);
    assert_eq!(dropped(&machine), 1);
    assert!(
        machine
            .must("cat /etc/stafette/locals")
            .contains("other.stafette.test")
    );
    machine.must("/etc/init.d/stafette restart");
    machine.wait_for("upgrade");
    machine.must("/etc/init.d/stafette stop");
    machine.sendmail("kept");
    machine.must("dpkg --force-depends --purge stafette 2>&1");
    let left = machine.must("find /etc /usr /var/spool -name '*stafette*'");
    assert_eq!(left, "/var/spool/stafette\n");
    assert_eq!(dropped(&machine), 1);
}

#[test]
fn systemd_finds_the_units_clean_and_each_but_local_below_two() {
    if !skip::unless_installed("systemd-analyze") {
        return;
    }
    let Some(machine) = Machine::start() else {
        return;
    };
    machine.must("init/install --replace --no-start --supervisor systemd");
    let units = "/lib/systemd/system/stafette*";
    let verified = machine.must(&format!("systemd-analyze verify {units}"));
    assert_eq!(verified, "");
    let mut count = 0;
    for unit in tree::files("init/systemd", ".service") {
        let name = tree::name(&unit);
        let name = Path::new(&name)
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let said = machine.must(&format!(
            "systemd-analyze security --offline=true --no-pager /lib/systemd/system/{name}"
        ));
        let level: f32 = said
            .rsplit("service: ")
            .next()
            .and_then(|rest| rest.split(' ').next())
            .and_then(|number| number.parse().ok())
            .expect("a number");
        count += 1;
        assert!(level < 2.0 || name == "stafette-local.service", "{said}");
    }
    assert_eq!(count, 10);
}

#[test]
fn the_services_are_what_the_lists_make_and_scripts_parse() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = Command::new(tree::root().join("init/lib/make-services"))
        .arg(folder.path())
        .status();
    assert!(made.expect("make-services").success());
    for part in ["systemd", "daemontools"] {
        let output = Command::new("diff")
            .arg("-r")
            .arg(tree::root().join("init").join(part))
            .arg(folder.path().join(part))
            .output()
            .expect("diff");
        assert!(output.status.success(), "{}", text(&output));
    }
    let mut scripts = tree::files("init/daemontools", "run");
    for name in ["sysv/stafette", "freebsd/stafette", "lib/stafette-layout"] {
        scripts.push(tree::root().join("init").join(name));
    }
    assert_eq!(scripts.len(), 21);
    for script in scripts {
        let output = Command::new("sh").arg("-n").arg(&script).output();
        let output = output.expect("sh");
        assert!(output.status.success(), "{}", text(&output));
        assert!(
            file::read(&script).starts_with("#!/bin/sh\n#"),
            "{}",
            script.display()
        );
    }
}

/// The system calls of a set such as `@system-service`, or the one that is named.
fn calls_of(set: &str) -> BTreeSet<String> {
    if !set.starts_with('@') {
        return [set.to_owned()].into();
    }
    let output = Command::new("systemd-analyze")
        .args(["syscall-filter", "--no-pager", set])
        .output()
        .expect("systemd-analyze");
    text(&output)
        .lines()
        .skip(1)
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .flat_map(calls_of)
        .collect()
}

/// What a unit's lines of `SystemCallFilter` allow together.
fn allowed_by(unit: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for filter in unit
        .lines()
        .filter_map(|line| line.strip_prefix("SystemCallFilter="))
    {
        let sets = filter.trim_start_matches('~').split(' ').flat_map(calls_of);
        if filter.starts_with('~') {
            for call in sets {
                allowed.remove(&call);
            }
        } else {
            allowed.extend(sets);
        }
    }
    allowed
}

#[test]
fn as_its_unit_starts_it_each_program_does_its_work_within_the_units_system_calls() {
    if !(skip::unless_installed("systemd-analyze") && skip::unless_installed("strace")) {
        return;
    }
    let Some(machine) = Machine::start() else {
        return;
    };
    machine.must("init/install --replace --no-start --supervisor systemd");
    machine.must("echo 127.0.0.1:2525 >/etc/stafette/smtplisten; mkdir /run/calls");
    let mut filters = Vec::new();
    for path in tree::files("init/systemd", ".service") {
        let unit = file::read(&path);
        let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key));
        let start = value("ExecStart=").expect("a program");
        let name = path.file_stem().expect("a name").to_string_lossy();
        if let Some(user) = value("User=") {
            // strace opens its file before the program becomes anybody.
            machine.spawn(&format!("cd / && exec strace -f -qq -o /run/calls/{name} setpriv --reuid={user} --regid={user} --init-groups --no-new-privs --inh-caps=-all --bounding-set=-all {start}"));
            filters.push((name.into_owned(), allowed_by(&unit)));
        } else if name == "stafette-local" {
            machine.spawn(&format!("cd / && exec {start}"));
        }
    }
    assert_eq!(filters.len(), 8);
    wait::until_true("all programs", || {
        text(&machine.run("stafette check", b""))
            .matches(": answers\n")
            .count()
            == 10
    });
    machine.sendmail("first");
    machine.wait_for("first");
    let smtp = machine.run(
        "swaks --server 127.0.0.1 --port 2525 --from joe@example.org --to alice@host.stafette.test --header 'Subject: second'",
        b"",
    );
    assert!(smtp.status.success(), "{}", text(&smtp));
    machine.wait_for("second");
    let mut refused = Vec::new();
    for (name, allowed) in &filters {
        let trace = file::read(&machine.path(&format!("/run/calls/{name}")));
        let used: BTreeSet<_> = trace
            .lines()
            // From its own start on: before that it was setpriv.
            .skip_while(|line| !line.contains(&format!("execve(\"/usr/libexec/stafette/{name}\"")))
            .filter_map(|line| line.split_whitespace().nth(1)?.split_once('('))
            .map(|(call, _)| call.to_owned())
            .collect();
        assert!(used.len() > 20, "{name}: {used:?}");
        refused.extend(
            used.difference(allowed)
                .map(|call| format!("{name}: {call}")),
        );
    }
    tree::none(&refused);
}
