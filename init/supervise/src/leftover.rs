//! Programs of this folder that an earlier, killed supervisor left behind.

use stafette_sys::fork::{self, Pid};
use stafette_sys::signal::Signal;

use crate::folder::Folder;

/// Ends them. Only processes whose executable lies in the folder's own libexec/ are touched, and the lock on the folder
/// says that no living supervisor owns them.
pub(crate) fn end(folder: &Folder) {
    let libexec = folder.directory("libexec");
    let own = Pid::own();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return;
    };
    for process in processes.flatten() {
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::new)
        else {
            continue;
        };
        let Ok(command) = std::fs::read(process.path().join("cmdline")) else {
            continue;
        };
        let program = command.split(|byte| *byte == 0).next().unwrap_or_default();
        let ours = program
            .strip_prefix(libexec.as_os_str().as_encoded_bytes())
            .is_some_and(|rest| rest.starts_with(b"/stafette-"));
        if ours && pid.number() != own.number() && fork::kill(pid, Signal::Kill).is_ok() {
            crate::say(&format!("ended process {} of an earlier run", pid.number()));
        }
    }
}
