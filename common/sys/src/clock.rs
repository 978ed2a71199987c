//! The only wall clock: seconds and microseconds since 1970, which a test can move.
//!
//! If the environment variable `STAFETTE_CLOCK` names a file, that file holds a decimal number of seconds (a sign and
//! a fraction are allowed) which is added to the real time. It is read again when it was last read more than 20 ms ago.
//! What cannot be read or understood leaves the last known offset in force. A set-id program ignores the variable.
//! Programs that sleep until a moment of this clock must wake every 50 ms while [`is_moved`] is true.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

/// The name of the variable that moves the clock.
pub const VARIABLE: &str = "STAFETTE_CLOCK";

/// How often a program that waits for a moment must look again while the clock can be moved.
pub const MOVED_STEP: Duration = Duration::from_millis(50);

const FRESH_MILLIS: u64 = 20;

struct Offset {
    directory: File,
    name: OsString,
    started: Instant,
    read_at: AtomicU64,
    micros: AtomicI64,
}

static OFFSET: OnceLock<Option<Offset>> = OnceLock::new();

/// Seconds since 1970 by this clock.
#[must_use]
pub fn now() -> i64 {
    i64::try_from(now_micros() / 1_000_000).unwrap_or(i64::MAX)
}

/// Microseconds since 1970 by this clock.
#[must_use]
pub fn now_micros() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let real = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    offset().map_or(real, |offset| real.saturating_add_signed(offset.current()))
}

/// Seconds since 1970 by the clock that file systems put into files, which no test moves: for the age of a file only.
#[must_use]
pub fn of_files() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Whether this process's clock follows a file, so that time may jump at any moment.
#[must_use]
pub fn is_moved() -> bool {
    offset().is_some()
}

/// How long to sleep at most, of a wish to sleep for `wanted`, so that a moved clock is noticed.
#[must_use]
pub fn nap(wanted: Duration) -> Duration {
    if is_moved() {
        wanted.min(MOVED_STEP)
    } else {
        wanted
    }
}

/// The open directory of the clock's file, which a confined process must still be able to read.
pub(crate) fn directory() -> Option<&'static File> {
    offset().map(|offset| &offset.directory)
}

fn offset() -> Option<&'static Offset> {
    OFFSET.get_or_init(open).as_ref()
}

fn open() -> Option<Offset> {
    if crate::inherit::is_set_id() {
        return None;
    }
    let path = PathBuf::from(std::env::var_os(VARIABLE)?);
    let name = path.file_name()?.to_owned();
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = File::open(parent.unwrap_or_else(|| Path::new("."))).ok()?;
    Some(Offset {
        directory,
        name,
        started: Instant::now(),
        read_at: AtomicU64::new(0),
        micros: AtomicI64::new(0),
    })
}

impl Offset {
    fn current(&self) -> i64 {
        let elapsed = self.started.elapsed().as_millis();
        let now = u64::try_from(elapsed)
            .unwrap_or(u64::MAX)
            .saturating_add(FRESH_MILLIS);
        if now.saturating_sub(self.read_at.load(Ordering::Relaxed)) >= FRESH_MILLIS {
            self.read_at.store(now, Ordering::Relaxed);
            if let Some(micros) = self.read() {
                self.micros.store(micros, Ordering::Relaxed);
            }
        }
        self.micros.load(Ordering::Relaxed)
    }

    fn read(&self) -> Option<i64> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let file = openat(&self.directory, self.name.as_os_str(), flags, Mode::empty()).ok()?;
        let mut text = String::new();
        File::from(file).take(64).read_to_string(&mut text).ok()?;
        parse_offset(text.trim())
    }
}

/// Microseconds of a decimal number of seconds such as `-3`, `86400` or `0.5`.
fn parse_offset(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let kept: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let micros = whole
        .parse::<i64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(kept.parse().ok()?)?;
    Some(if negative { -micros } else { micros })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_has_a_sign_and_a_fraction() {
        assert_eq!(parse_offset("86400"), Some(86_400_000_000));
        assert_eq!(parse_offset("-3"), Some(-3_000_000));
        assert_eq!(parse_offset("+0.5"), Some(500_000));
        assert_eq!(parse_offset("1.1234567"), Some(1_123_456));
    }

    #[test]
    fn what_is_no_number_is_no_offset() {
        for text in [
            "",
            "-",
            "x",
            "1e3",
            "1.x",
            "99999999999999999999",
            "--1",
            "1.-5",
        ] {
            assert_eq!(parse_offset(text), None, "{text}");
        }
    }

    #[test]
    fn without_the_variable_the_clock_is_the_systems() {
        assert!(!is_moved());
        let system = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        assert!(u64::try_from(now()).unwrap().abs_diff(system) <= 1);
    }
}
