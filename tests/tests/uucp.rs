//! Two hosts that have only Taylor UUCP between them: `uux` on one side, `rmail` on the other, mail in both directions.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use stafette_tests::instance::{Instance, feed, signal};
use stafette_tests::namespace::{self, Namespace, enter};
use stafette_tests::{address, file, skip, wait};

const SPOOL: &str = "/var/spool/uucp";

/// Lays out a host of this name that knows the other one, which calls or is called. It is not started yet.
fn host(name: &str, other: &str, calls: Option<std::net::Ipv4Addr>) -> Instance {
    let domain = format!("{name}.test");
    let mut instance = Instance::new(&["--domain", &domain]);
    instance.set(
        "mailertable",
        &format!(
            "{other}.test uucp:{other}\n{other}.UUCP uucp-dom:{other}\n.behind.test uucp:{other}"
        ),
    );
    instance.set("rcpthosts", &format!("{other}.test"));
    let namespace = Namespace::with_sendmail(&instance)
        .with_command(&instance, "rmail")
        .with_directory(&instance, "/etc/uucp", 0o755)
        .with_directory(&instance, SPOOL, 0o755)
        .with_directory(&instance, "/var/log/uucp", 0o755)
        .with_directory(&instance, "/run/lock", 0o1777);
    let settings = instance.path().join("ours/_etc_uucp");
    file::put(&settings.join("config"), format!("nodename {name}\n"));
    let how = match calls {
        Some(address) => format!(
            "time any\nport tcp\naddress {address}\nchat \"\" \\r\\c ogin: \\L ssword: \\P\ncall-login U{name}\ncall-password secret\n"
        ),
        None => format!("time never\ncalled-login U{other}\n"),
    };
    file::put(&settings.join("sys"), format!("system {other}\n{how}"));
    file::put(&settings.join("port"), "port tcp\ntype tcp\nservice 5400\n");
    file::put(&settings.join("passwd"), format!("U{other} secret\n"));
    let status = Command::new("chown")
        .args(["-R", "uucp:uucp", "--"])
        .args(
            ["_etc_uucp", "_var_spool_uucp", "_var_log_uucp"]
                .map(|name| instance.path().join("ours").join(name)),
        )
        .status();
    assert!(status.is_ok_and(|status| status.success()));
    instance.run_in(namespace);
    instance
}

/// The called side: a getty for UUCP on a TCP port.
struct Listening(Child);

impl Listening {
    fn on(address: std::net::Ipv4Addr, instance: &Instance) -> Self {
        let child = enter(instance.supervisor(), "tcpserver")
            .args([
                "-RHl0",
                &address.to_string(),
                "5400",
                "/usr/sbin/uucico",
                "-l",
            ])
            .stdin(Stdio::null())
            .spawn()
            .expect("tcpserver");
        let listening = Self(child);
        wait::until_true("the called side to listen", || {
            std::net::TcpStream::connect((address, 5400)).is_ok()
        });
        listening
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        signal(self.0.id(), "TERM");
        drop(self.0.wait());
    }
}

fn run(instance: &Instance, program: &str, arguments: &[&str]) {
    let output = feed(enter(instance.supervisor(), program).args(arguments), b"");
    assert!(
        output.status.success(),
        "{program}: {output:?}\n{}",
        file::read(&instance.path().join("ours/_var_log_uucp/Log"))
    );
}

/// Waits until so many jobs wait for the other host.
fn wait_for_jobs(instance: &Instance, other: &str, count: usize) {
    wait::until_true(
        &format!("{count} jobs for {other}; logs:\n{}", instance.logs()),
        || {
            let jobs = instance
                .path()
                .join("ours/_var_spool_uucp")
                .join(other)
                .join("C.");
            std::fs::read_dir(jobs).map_or(0, Iterator::count) >= count
        },
    );
}

fn text(mail: &[u8]) -> String {
    String::from_utf8_lossy(mail).into_owned()
}

#[test]
fn mail_travels_between_two_hosts_by_uucp() {
    if !namespace::unless_possible()
        || !skip::unless_installed("uux")
        || !skip::unless_installed("tcpserver")
    {
        return;
    }
    let address = address::fresh();
    let (mut alpha, mut beta) = (
        host("alpha", "beta", Some(address)),
        host("beta", "alpha", None),
    );
    alpha.start();
    beta.start();
    let listening = Listening::on(address, &beta);
    let letter = |subject: &str| {
        format!("From: demo@alpha.test\nTo: you\nSubject: {subject}\n\nfirst\n.\nFrom here\nlast\n")
    };
    let ways = [
        "demo@beta.test",
        "beta!demo",
        "demo@beta.UUCP",
        "root@beta.test",
    ];
    for to in ways {
        alpha.sendmail(&["-i", "-f", "demo@alpha.test", to], letter(to).as_bytes());
    }
    alpha.sendmail(
        &["-i", "-f", "", "demo@beta.test"],
        letter("report").as_bytes(),
    );
    alpha.wait_until_empty();
    wait_for_jobs(&alpha, "beta", ways.len() + 1);
    // Mail in the other direction waits for the call.
    let answer = b"From: demo@beta.test\nSubject: answer\n\nbody\n";
    beta.sendmail(&["-f", "demo@beta.test", "demo@alpha.test"], answer);
    wait_for_jobs(&beta, "alpha", 1);
    run(&alpha, "/usr/sbin/uucico", &["-s", "beta", "-f"]);
    for instance in [&alpha, &beta] {
        run(instance, "/usr/sbin/uuxqt", &[]);
    }
    drop(listening);
    let mail = beta.wait_for_mail("demo", ways.len() + 1);
    for subject in ways.iter().chain(&["report"]) {
        let field = format!("\nSubject: {subject}\n");
        let found = mail
            .iter()
            .map(|mail| text(mail))
            .find(|mail| mail.contains(&field));
        let found = found.expect("a letter for each way");
        assert!(
            found.ends_with("\n\nfirst\n.\nFrom here\nlast\n"),
            "{found}"
        );
        let from = found.lines().next().unwrap_or_default();
        if *subject == "report" {
            assert_eq!(from, "Return-Path: <>");
        } else {
            assert!(from == "Return-Path: <demo@alpha.test>", "{found}");
        }
    }
    let answer = text(&alpha.wait_for_mail("demo", 1).remove(0));
    assert!(
        answer.starts_with("Return-Path: <demo@beta.test>\n"),
        "{answer}"
    );
    assert!(answer.contains("\nSubject: answer\n"), "{answer}");
    for (instance, count) in [(&alpha, 1), (&beta, ways.len() + 1)] {
        instance.wait_until_empty();
        assert_eq!(instance.mail("demo").len(), count);
        let left = instance.path().join("ours/_var_spool_uucp");
        assert!(!any_file(&left), "jobs are left in {}", left.display());
    }
}

/// Whether a job or its data is left below.
fn any_file(directory: &Path) -> bool {
    std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .any(|path| {
            let is_job = |name: &str| {
                ["C.", "D.", "X."]
                    .iter()
                    .any(|kind| name.starts_with(kind) && name.len() > 2)
            };
            if path.is_dir() {
                any_file(&path)
            } else {
                path.file_name()
                    .and_then(|name| name.to_str())
                    .is_some_and(is_job)
            }
        })
}
