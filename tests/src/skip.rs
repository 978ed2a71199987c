//! Tests that cannot run here say so, loudly, and in CI they fail.

use std::path::Path;

/// Whether a test may go on: `have` says that what it needs is there. Otherwise prints `SKIPPED` with the
/// reason; with `STAFETTE_TESTS_MAY_SKIP=no`, as in CI, the test fails instead.
#[must_use]
pub fn unless(have: bool, need: &str) -> bool {
    if !have {
        assert!(
            std::env::var_os("STAFETTE_TESTS_MAY_SKIP").is_none_or(|value| value != "no"),
            "this test may not be skipped here, but there is no {need}"
        );
        eprintln!("SKIPPED: no {need}");
    }
    have
}

/// [`unless`] a program is installed.
#[must_use]
pub fn unless_installed(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/sbin".into()])
            .any(|directory| directory.join(program).exists())
    });
    unless(found, &format!("program {program}"))
}

/// [`unless`] the tests run as root.
#[must_use]
pub fn unless_root() -> bool {
    unless(is_root(), "root")
}

/// Whether the tests run as root.
#[must_use]
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self")
        .metadata()
        .is_ok_and(|me| me.uid() == 0)
}
