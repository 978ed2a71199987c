//! The running programs: started, restarted, stopped.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stafette_sys::fork::{self, Pid};
use stafette_sys::signal::Signal;

use crate::folder::Folder;

/// A program that dies is started again after this long: soon enough to be back within a second, and slow
/// enough that one which dies at once does not take the machine.
const PAUSE: Duration = Duration::from_millis(250);
/// How long one program is waited for when stopping, before the next is told.
const STOP_ONE: Duration = Duration::from_millis(500);
/// How long all together may take to stop before they are killed.
const STOP_ALL: Duration = Duration::from_millis(4000);

struct Member {
    name: String,
    arguments: Vec<String>,
    pid: Option<Pid>,
    /// When it was last started.
    started: Option<Instant>,
}

/// The programs of a folder, in their order.
pub(crate) struct Fleet<'a> {
    folder: &'a Folder,
    members: Vec<Member>,
}

impl<'a> Fleet<'a> {
    /// Programs as `NAME[,ARGUMENT]...`.
    pub(crate) fn new(folder: &'a Folder, programs: Vec<String>) -> Self {
        let members = programs
            .into_iter()
            .map(|program| {
                let mut words = program.split(',').map(str::to_owned);
                let name = words.next().unwrap_or_default();
                Member {
                    name,
                    arguments: words.collect(),
                    pid: None,
                    started: None,
                }
            })
            .collect();
        Self { folder, members }
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.members
            .iter()
            .map(|member| member.name.as_str())
            .collect()
    }

    /// Starts what does not run and whose pause is over.
    pub(crate) fn start_missing(&mut self) {
        for member in &mut self.members {
            if member.pid.is_some() || member.started.is_some_and(|at| at.elapsed() < PAUSE) {
                continue;
            }
            member.started = Some(Instant::now());
            match start(self.folder, member) {
                Ok(pid) => member.pid = pid,
                Err(error) => crate::say(&format!(
                    "unable to start {}: {error}",
                    self.folder.program(&member.name).display()
                )),
            }
        }
    }

    /// Takes note of ended children, ours and adopted ones.
    pub(crate) fn bury(&mut self) {
        while let Ok(Some((pid, ended))) = fork::reap() {
            if let Some(member) = self
                .members
                .iter_mut()
                .find(|member| member.pid == Some(pid))
            {
                member.pid = None;
                crate::say(&format!("{} ended ({ended:?})", member.name));
            }
        }
    }

    /// Sends a signal to all that run.
    pub(crate) fn signal_all(&self, signal: Signal) {
        for pid in self.members.iter().filter_map(|member| member.pid) {
            // One that has just ended needs no signal.
            drop(fork::kill(pid, signal));
        }
    }

    /// Stops all in the reverse order, and leaves no process behind.
    pub(crate) fn stop(&mut self) {
        let end = Instant::now() + STOP_ALL;
        for index in (0..self.members.len()).rev() {
            let Some(pid) = self.members.get(index).and_then(|member| member.pid) else {
                continue;
            };
            drop(fork::kill(pid, Signal::Term));
            let patience = end.min(Instant::now() + STOP_ONE);
            while self
                .members
                .get(index)
                .is_some_and(|member| member.pid.is_some())
                && Instant::now() < patience
            {
                self.bury_quietly();
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        while self.members.iter().any(|member| member.pid.is_some()) && Instant::now() < end {
            self.bury_quietly();
            std::thread::sleep(Duration::from_millis(2));
        }
        self.signal_all(Signal::Kill);
        // Workers whose parent was killed came to us; they go, too.
        let last = Instant::now() + Duration::from_millis(500);
        while Instant::now() < last && !self.kill_adopted() {
            self.bury_quietly();
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn bury_quietly(&mut self) {
        while let Ok(Some((pid, _))) = fork::reap() {
            for member in &mut self.members {
                member.pid = member.pid.filter(|own| *own != pid);
            }
        }
    }

    /// Kills every child that is left; whether there was none.
    fn kill_adopted(&self) -> bool {
        let own = Pid::own().number();
        let children =
            std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        let mut none = true;
        for pid in children
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .filter_map(Pid::new)
        {
            none = false;
            drop(fork::kill(pid, Signal::Kill));
        }
        none
    }
}

fn start(folder: &Folder, member: &Member) -> std::io::Result<Option<Pid>> {
    let mut command = Command::new(folder.program(&member.name));
    command
        .args(&member.arguments)
        .env("STAFETTE_ETC", folder.directory("etc"))
        .env("STAFETTE_SPOOL", folder.directory("spool"))
        .env("STAFETTE_RUN", folder.directory("run"))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(folder.log(&member.name)?);
    let child = fork::command_dies_with_parent(&mut command).spawn()?;
    Ok(i32::try_from(child.id()).ok().and_then(Pid::new))
}
