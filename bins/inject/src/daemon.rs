//! `-bd`: starts the service of an instance in a folder, whose supervisor is there; elsewhere the service manager starts it.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use stafette_control::Instance;
use stafette_sys::packet::Socket;
use stafette_sys::{fork, user};
use stafette_wire::exit::SysExit;

use crate::failure::Failure;

/// The programs that run all the time, in the order in which they are started, with what they are told; init/run says the same.
const SERVICES: [&str; 9] = [
    "tables",
    "resolve",
    "users",
    "clean",
    "queue,service",
    "local",
    "remote",
    "send",
    "smtpd,service",
];
/// How long a program may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts the service and waits until all of it answers, or stays with it.
pub(crate) fn run(instance: &Instance, stays: bool) -> Result<(), Failure> {
    if is_up(instance) {
        drop(writeln!(std::io::stderr(), "the service runs already"));
        return Ok(());
    }
    let folder = folder(instance).ok_or_else(|| {
        Failure::new(
            SysExit::Unavailable,
            "the service is started by the service manager, such as systemctl start stafette; here is no supervisor to start",
        )
    })?;
    let owner = std::fs::metadata(&folder).map_or(0, |data| data.uid());
    if !user::is_root() && user::effective_uid() != owner {
        return Err(Failure::new(
            SysExit::NoPerm,
            format!(
                "only root and the owner of {} may start the service",
                folder.display()
            ),
        ));
    }
    let mut command = supervisor(&folder);
    if stays {
        let error = command.exec();
        return Err(unable(&folder, &error));
    }
    start(&folder, command)
}

/// Whether all programs of the service that can be seen from here are there.
fn is_up(instance: &Instance) -> bool {
    ["smtpd", "send", "inject"]
        .iter()
        .all(|name| Socket::connect_timeout(&instance.socket(name), PATIENCE).is_ok())
}

/// The folder of the instance, if it is one with its supervisor.
fn folder(instance: &Instance) -> Option<PathBuf> {
    let folder = instance.etc.parent()?;
    let is_one = instance.etc == folder.join("etc")
        && instance.spool == folder.join("spool")
        && instance.run == folder.join("run")
        && folder.join("libexec/staf-supervise").exists();
    is_one.then(|| folder.to_owned())
}

fn supervisor(folder: &Path) -> Command {
    let programs = folder.join("libexec");
    let mut command = Command::new(programs.join("staf-supervise"));
    command.arg(folder);
    for service in SERVICES {
        let name = service.split(',').next().unwrap_or(service);
        if programs.join(format!("stafette-{name}")).exists() {
            command.arg(service);
        }
    }
    command
}

/// Runs the supervisor in a session of its own, and waits for its word that all programs answer.
fn start(folder: &Path, mut command: Command) -> Result<(), Failure> {
    let (reader, writer) = std::io::pipe().map_err(|error| unable(folder, &error))?;
    let log = folder.join("log/supervise");
    let log = OpenOptions::new().append(true).create(true).open(log);
    let errors = log.map_or_else(|_| Stdio::null(), Stdio::from);
    command.stdin(Stdio::null()).stdout(writer).stderr(errors);
    command.current_dir("/");
    fork::fork_child(move || {
        if fork::new_session().is_err() {
            return 1;
        }
        drop(command.exec());
        1
    })
    .map_err(|error| unable(folder, &error))?;
    for line in BufReader::new(reader).lines() {
        match line {
            Ok(line) if line.starts_with("ready") => return Ok(()),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Err(Failure::new(
        SysExit::Unavailable,
        format!(
            "the service did not start: see {}",
            folder.join("log").display()
        ),
    ))
}

fn unable(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        SysExit::OsErr,
        format!(
            "unable to run {}: {error}",
            folder.join("libexec/staf-supervise").display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_run_starts_the_same_programs_in_the_same_order() {
        let text = include_str!("../../../init/lib/instance.sh");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("SERVICES='"))
            .unwrap();
        let there: Vec<_> = line.trim_end_matches('\'').split(' ').collect();
        assert_eq!(there, SERVICES);
    }

    #[test]
    fn an_instance_that_is_no_folder_has_no_supervisor_here() {
        let instance = Instance {
            etc: "/x/etc".into(),
            spool: "/var/spool/x".into(),
            run: "/x/run".into(),
        };
        assert_eq!(folder(&instance), None);
    }
}
