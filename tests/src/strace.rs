//! One program of a running instance under strace, which makes one system call of it fail or kills it there.
//!
//! The program's file is replaced by a script that puts the real one back and starts it under strace, and then the
//! running one is killed: so the supervisor starts it traced once, and as usual ever after. As soon as the fault was
//! made strace lets go, so that a program of many threads and children meets it once (strace counts for each thread
//! apart; a few that reach the same call at the same moment are hit together).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use stafette_sys::packet::Socket;

use crate::instance::{Instance, signal};
use crate::{process, wait};

/// Calls that change what is on a disk; those that this machine's architecture lacks are left out by strace itself.
pub const CALLS: [&str; 24] = [
    "open",
    "creat",
    "openat",
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "pwritev2",
    "copy_file_range",
    "sendfile",
    "splice",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "syncfs",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "ftruncate",
    "fallocate",
];
/// Those that change directories and owners.
const MORE_CALLS: [&str; 6] = ["mkdir", "mkdirat", "chmod", "fchmod", "fchmodat", "fchown"];

/// A system call of a thread: its name, and which of this name, from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Its name.
    pub call: String,
    /// Which one.
    pub nth: usize,
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blow {
    /// The program is killed before the call is done.
    Kill,
    /// The call is not done, and fails with this.
    Error(&'static str),
}

/// All blows that are tried.
pub const BLOWS: [Blow; 3] = [Blow::Kill, Blow::Error("EIO"), Blow::Error("ENOSPC")];

/// Arguments of strace before the program: what it traces into `log`, and the fault it makes.
#[must_use]
pub fn arguments(log: &Path, fault: Option<(&Point, Blow)>) -> Vec<String> {
    let calls: Vec<String> = CALLS
        .iter()
        .chain(&MORE_CALLS)
        .map(|call| format!("?{call}"))
        .collect();
    let mut arguments = vec![
        "-f".to_owned(),
        "-q".to_owned(),
        "-I2".to_owned(),
        "-o".to_owned(),
        log.display().to_string(),
        "-e".to_owned(),
        format!("trace={}", calls.join(",")),
    ];
    if let Some((point, blow)) = fault {
        let what = match blow {
            Blow::Kill => "signal=KILL".to_owned(),
            Blow::Error(name) => format!("error={name}"),
        };
        arguments.push("-e".to_owned());
        arguments.push(format!("inject={}:{what}:when={}", point.call, point.nth));
    }
    arguments
}

/// The points that a log shows: for openat and its kin only where a file may be created.
#[must_use]
pub fn points(log: &str) -> BTreeSet<Point> {
    let mut counts = std::collections::BTreeMap::new();
    let mut points = BTreeSet::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some((call, words)) = rest.trim_start().split_once('(') else {
            continue;
        };
        if !call
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            continue;
        }
        let nth: &mut usize = counts.entry((thread, call)).or_default();
        *nth += 1;
        if call.starts_with("open") && !words.contains("O_CREAT") {
            continue;
        }
        points.insert(Point {
            call: call.to_owned(),
            nth: *nth,
        });
    }
    points
}

/// Whether a log shows that the fault was made.
#[must_use]
pub fn shows_hit(log: &str, blow: Blow) -> bool {
    match blow {
        Blow::Kill => log.contains("+++ killed by SIGKILL"),
        Blow::Error(_) => log.contains("(INJECTED)"),
    }
}

/// A program that was started under strace. Dropping it lets the program go on without.
pub struct Traced {
    log: PathBuf,
    hit: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    watch: Option<JoinHandle<()>>,
}

impl Traced {
    /// Starts `program` of the instance anew under strace, and waits until it answers or the fault was made.
    #[must_use]
    pub fn restart(instance: &Instance, program: &str, fault: Option<(&Point, Blow)>) -> Self {
        let libexec = instance.path().join("libexec");
        let file = libexec.join(format!("stafette-{program}"));
        let log = instance
            .path()
            .join("log")
            .join(format!("strace-{program}"));
        drop(std::fs::remove_file(&log));
        let before = wait::until(&format!("{program} to run"), || {
            process::running(instance).get(program).copied()
        });
        install(&libexec, &file, &log, fault);
        signal(before, "KILL");
        let (hit, over) = (Arc::default(), Arc::default());
        let watch = fault.map(|(_, blow)| {
            let (log, hit, over) = (log.clone(), Arc::clone(&hit), Arc::clone(&over));
            std::thread::spawn(move || watch(&log, blow, &hit, &over))
        });
        let traced = Self {
            log,
            hit,
            over,
            watch,
        };
        wait::until_true(&format!("{program} to start under strace"), || {
            traced.was_hit() || (!traced.text().is_empty() && answers(instance, program, before))
        });
        traced
    }

    /// Whether the fault was made.
    #[must_use]
    pub fn was_hit(&self) -> bool {
        self.hit.load(Ordering::Relaxed)
    }

    /// What strace wrote so far.
    #[must_use]
    pub fn text(&self) -> String {
        read(&self.log)
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(watch) = self.watch.take() {
            drop(watch.join());
        }
        let_go(&self.log);
    }
}

/// Puts the script in the program's place.
fn install(libexec: &Path, file: &Path, log: &Path, fault: Option<(&Point, Blow)>) {
    use std::os::unix::fs::PermissionsExt;
    let name = file
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let kept = libexec.join(format!(".{name}.kept"));
    let script = libexec.join(format!(".{name}.script"));
    drop(std::fs::remove_file(&kept));
    std::fs::hard_link(file, &kept).expect("a second name for the program");
    let (file, kept) = (file.display(), kept.display());
    let words = arguments(log, fault).join("' '");
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's script needs no durability"
    )]
    std::fs::write(
        &script,
        format!("#!/bin/bash\nmv -f {kept} {file}\nexec strace -D '{words}' {file} \"$@\"\n"),
    )
    .expect("a script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    std::fs::rename(&script, libexec.join(name)).expect("the script in the program's place");
}

/// Whether another process than `before` runs as this program, and answers a ping.
fn answers(instance: &Instance, program: &str, before: u32) -> bool {
    let path = instance.path().join("run").join(program).join("socket");
    let limit = Duration::from_millis(200);
    if process::running(instance)
        .get(program)
        .is_none_or(|pid| *pid == before)
    {
        return false;
    }
    let Ok(socket) = Socket::connect_timeout(&path, limit) else {
        return false;
    };
    if socket.set_timeouts(Some(limit), Some(limit)).is_err() || socket.send(b"P", &[]).is_err() {
        return false;
    }
    let mut packet = vec![0; 128 * 1024];
    (0..4).any(|_| matches!(socket.recv(&mut packet), Ok((1, _)) if packet.first() == Some(&b'P')))
}

fn watch(log: &Path, blow: Blow, hit: &AtomicBool, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        if shows_hit(&read(log), blow) {
            hit.store(true, Ordering::Relaxed);
            let_go(log);
            return;
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Ends the strace that writes this log, and so leaves the program alone.
fn let_go(log: &Path) {
    let text = log.display().to_string();
    let tracers = || {
        let mut all = process::of_folder(log.parent().expect("a folder"));
        all.retain(|(_, line)| line.starts_with("strace ") && line.contains(&text));
        all
    };
    let mut asked = 0;
    wait::until_true("strace to let go", || {
        let tracers = tracers();
        for (pid, _) in &tracers {
            // One that is just being born may not hear the first time.
            signal(*pid, if asked < 100 { "TERM" } else { "KILL" });
        }
        asked += 1;
        tracers.is_empty()
    });
}

fn read(log: &Path) -> String {
    std::fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}
