//! Runs each test in a child, and what the tests share.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

use stafette_sys::fork::{Ended, fork_child, wait_for};

/// One test: its sentence, whether it needs root, and its body.
pub(crate) struct Test(pub(crate) &'static str, pub(crate) bool, pub(crate) fn());

/// Lists functions as tests, each under its own name.
macro_rules! tests {
    ($needs_root:expr; $($name:ident),* $(,)?) => { vec![$(crate::harness::Test(stringify!($name), $needs_root, $name)),*] };
}
pub(crate) use tests;

pub(crate) fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let root = stafette_sys::user::is_root();
    let base = base();
    let mut failed = 0;
    for Test(name, needs_root, body) in [
        crate::confined::all(),
        crate::inherited::all(),
        crate::processes::all(),
    ]
    .into_iter()
    .flatten()
    {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let verdict = if needs_root && !root {
            "passed over, needs root"
        } else {
            run(body)
        };
        println!("test {name} ... {verdict}");
        failed += u32::from(verdict == "FAILED");
    }
    std::fs::remove_dir_all(base).unwrap_or(());
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(body: fn()) -> &'static str {
    let child = fork_child(|| {
        body();
        0
    });
    match wait_for(child.unwrap()).unwrap() {
        Ended::Exited(0) => "ok",
        _ => "FAILED",
    }
}

/// A directory of one test's own, below one that [`main`] removes at the end, since a confined test cannot.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let path = base().join(format!("{:x}", stafette_sys::random::number().unwrap()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A directory that the user `nobody` may change.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir(&path).unwrap();
        std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap_or(());
        path
    }
}

fn base() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    BASE.get_or_init(|| std::env::temp_dir().join(format!("stafette-alone-{}", std::process::id())))
}

/// The user and group of nobody's files, as every Linux has them.
pub(crate) const NOBODY: u32 = 65534;

pub(crate) fn put(path: &Path, content: &str) {
    let mut file = stafette_sys::fs::create_new(path, 0o644).unwrap();
    std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
}

/// Runs `body` in a child and tells whether it went to its end.
pub(crate) fn succeeds(body: impl FnOnce()) -> bool {
    let child = fork_child(|| {
        body();
        0
    });
    wait_for(child.unwrap()).unwrap() == Ended::Exited(0)
}
