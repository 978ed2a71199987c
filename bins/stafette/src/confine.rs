//! What each command needs, given up beforehand is everything else: the files of the instance, no network, no new privileges.
//!
//! The operator may be root, whose queue belongs to somebody else: the rights to read it and to become its owner are kept.

use stafette_control::Instance;
use stafette_sys::confine::{ACCOUNT_DATABASE, Capability, Needs};

use crate::command::{Command, QueueCommand};
use crate::failure::Failure;

/// Kept by root alone: reading what is others', giving a setting the owner it had, becoming the queue's owner.
const KEPT: [Capability; 5] = [
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_CHOWN,
    Capability::CAP_FOWNER,
    Capability::CAP_SETUID,
    Capability::CAP_SETGID,
];

/// Confines this process for `command`.
pub(crate) fn confine(command: &Command, instance: &Instance) -> Result<(), Failure> {
    stafette_message::date::load_zone();
    // What compiles tables is another program, which confines itself.
    if matches!(command, Command::Maps) {
        return Ok(());
    }
    let mut needs = Needs {
        keep_caps: &KEPT,
        read: vec![
            instance.etc.clone(),
            instance.spool.clone(),
            instance.run.clone(),
            "/proc/self".into(),
        ],
        ..Needs::default()
    };
    needs.read.extend(ACCOUNT_DATABASE.map(Into::into));
    match command {
        Command::Pause { .. } | Command::Resume { .. } => needs.write.push(instance.etc.clone()),
        Command::Queue {
            command: QueueCommand::List { .. } | QueueCommand::Show { .. },
        }
        | Command::Hosts { .. }
        | Command::Maps
        | Command::Version => {}
        Command::Route { .. } => needs.read.push("/etc/aliases".into()),
        // Lists that tables include may be anywhere.
        Command::Check { .. } => needs.read.push("/".into()),
        // The other system's files, and ours.
        Command::Import { to, dry_run, .. } => {
            needs.read.push("/".into());
            if !dry_run {
                let etc = to.as_ref().unwrap_or(&instance.etc);
                needs.write.push(etc.clone());
            }
        }
        Command::Queue { .. } => needs.write.push(instance.queue()),
    }
    match stafette_sys::confine::confine(&needs) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Later(format!(
            "unable to give up rights that are not needed: {error}"
        ))),
    }
}
