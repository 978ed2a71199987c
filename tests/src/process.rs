//! The processes of an instance, as the kernel shows them.

use std::collections::BTreeMap;

use crate::instance::Instance;

/// Children of a process, of all its threads.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

/// Whether a process exists and is no zombie.
#[must_use]
pub fn lives(pid: u32) -> bool {
    status(pid, "State").is_some_and(|state| !state.starts_with('Z'))
}

/// A line of /proc/PID/status.
#[must_use]
pub fn status(pid: u32, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value.trim().to_owned())
}

/// Every process whose command line names a file in the instance's folder.
#[must_use]
pub fn of_folder(folder: &std::path::Path) -> Vec<(u32, String)> {
    let start = format!("{}/", folder.display());
    std::fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&words).replace('\0', " ");
            line.contains(&start).then_some((pid, line))
        })
        .collect()
}

/// The programs that the supervisor runs now, by name: each with its first process.
#[must_use]
pub fn running(instance: &Instance) -> BTreeMap<String, u32> {
    let start = format!("{}/libexec/stafette-", instance.path().display());
    children(instance.supervisor())
        .into_iter()
        .filter_map(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let first = words.split(|byte| *byte == 0).next()?;
            let name = std::str::from_utf8(first).ok()?.strip_prefix(&start)?;
            Some((name.to_owned(), pid))
        })
        .collect()
}
