//! Giving up rights for good: one function, one order, for every program.
//!
//! [`confine`] works through the layers in a fixed order: an empty root directory, the user (supplementary groups, group, user), the
//! capabilities (effective, permitted, inheritable, ambient, bounding), a check that none of it can be undone, no new privileges, not
//! dumpable, resource limits, Landlock. No layer counts on another. What root must be able to do and cannot is an error; what the
//! kernel lacks is said in the [`Report`], and the rest goes on. A process that is not root stays the user it is.
//!
//! Open before it what the program needs later and will not be able to open: listening sockets, logs, the zone file.
//! Landlock does not govern connecting to Unix sockets by path; the permission bits of their directories do.
//! Call it before starting threads: the layers bind the calling thread and what it starts, so several threads are refused.

mod capability;
mod paths;
mod report;

pub use crate::limits::Limits;
pub use caps::Capability;
pub use report::{Layer, Report, State};

use std::io;
use std::path::PathBuf;

use nix::sys::prctl;
use nix::unistd::{Gid, Uid, chdir, chroot, setgroups, setresgid, setresuid};

use crate::user;

/// What the C library reads when it looks up a user, a group or a zone. For the `read` list of programs that do.
pub const ACCOUNT_DATABASE: [&str; 9] = [
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/ld.so.cache",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/var/lib/sss",
];

/// What TCP a process may still do, as far as the kernel (6.7 or newer) can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// No TCP at all. Sockets that are open or handed over keep working.
    #[default]
    None,
    /// Connect, but bind no port.
    Connect,
    /// Everything.
    Open,
}

/// What a program needs when it is at work; everything else is taken away.
#[derive(Clone, Debug, Default)]
pub struct Needs<'a> {
    /// The user to become if started as root; `None` stays root, with no supplementary groups and only `keep_caps`:
    /// without CAP_DAC_OVERRIDE among them, files of others are out of reach where their permission bits say so.
    pub user: Option<&'a str>,
    /// An empty directory to make the root directory, if started as root. Paths below are then looked up in it, and
    /// forking is refused as there is no /proc.
    pub root: Option<PathBuf>,
    /// The capabilities to keep if started with them.
    pub keep_caps: &'a [Capability],
    /// The process starts programs of users, which may be set-id themselves: no new privileges, the bounding set and
    /// Landlock are left out, since they would bind those programs, too.
    pub runs_programs_of_users: bool,
    /// Files, and directories with all below, that can be read.
    pub read: Vec<PathBuf>,
    /// Files, and directories with all below, that can be read, changed, created, renamed and removed.
    pub write: Vec<PathBuf>,
    /// Files, and directories with all below, that can be read and executed.
    pub execute: Vec<PathBuf>,
    /// What TCP is needed for.
    pub network: Network,
    /// Resource limits.
    pub limits: Limits,
}

/// Takes away all that `needs` does not name, for good, and tells which layers are in force.
/// After an error the process may be half confined: it must end.
pub fn confine(needs: &Needs<'_>) -> io::Result<Report> {
    crate::fork::require_single_thread()?;
    let mut report = Report::default();
    // What is looked up in files is looked up before the root directory and the paths change.
    let target = if user::is_root() {
        needs.user.map(find).transpose()?
    } else {
        None
    };
    let clock = crate::clock::directory();
    crate::fork::keeping_death_signal(|| {
        change_root(needs, &mut report)?;
        change_user(target.as_ref(), &mut report)?;
        report.add(
            "capabilities",
            capability::keep_only(needs, target.is_some())?,
        );
        check_final(needs, target.as_ref())
    })?;
    if needs.runs_programs_of_users {
        report.add(
            "no-new-privileges",
            State::Left("programs of users are run".to_owned()),
        );
    } else {
        prctl::set_no_new_privs()?;
        report.add("no-new-privileges", State::InForce("yes".to_owned()));
    }
    hide()?;
    report.add("not-dumpable", State::InForce("yes".to_owned()));
    needs.limits.apply()?;
    report.add("limits", State::InForce(report::limits(&needs.limits)));
    report.add("landlock", paths::restrict(needs, clock));
    Ok(report)
}

/// From now on no other process of the same user can trace this one or look into it; neither can what it forks, until
/// that executes a file.
pub fn hide() -> io::Result<()> {
    Ok(prctl::set_dumpable(false)?)
}

fn change_root(needs: &Needs<'_>, report: &mut Report) -> io::Result<()> {
    let Some(root) = &needs.root else {
        return Ok(());
    };
    if !user::is_root() {
        report.add(
            "root-directory",
            State::Left("not started as root".to_owned()),
        );
        return Ok(());
    }
    chroot(root)?;
    chdir("/")?;
    report.add("root-directory", State::InForce(root.display().to_string()));
    Ok(())
}

fn change_user(target: Option<&Target>, report: &mut Report) -> io::Result<()> {
    if !user::is_root() {
        report.add(
            "user",
            State::Left(format!(
                "not started as root, stays user {}",
                user::effective_uid()
            )),
        );
        return Ok(());
    }
    let Some(target) = target else {
        let state = match setgroups(&[]) {
            Ok(()) => State::InForce("root, no supplementary groups".to_owned()),
            Err(error) => State::Left(format!("root with the groups it had: {error}")),
        };
        report.add("user", state);
        return Ok(());
    };
    setgroups(&target.groups)?;
    setresgid(target.gid, target.gid, target.gid)?;
    prctl::set_keepcaps(true)?;
    setresuid(target.uid, target.uid, target.uid)?;
    prctl::set_keepcaps(false)?;
    report.add("user", State::InForce(target.name.clone()));
    Ok(())
}

/// The user to become, as the account database had it.
struct Target {
    name: String,
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

fn find(name: &str) -> io::Result<Target> {
    let account = user::by_name(name)?.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("there is no user {name}"))
    })?;
    let groups = account.groups()?;
    if account.uid == 0 || account.gid == 0 || groups.contains(&0) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("user {name} is root or in root's group"),
        ));
    }
    let groups = groups.into_iter().map(Gid::from_raw).collect();
    Ok(Target {
        name: account.name,
        uid: Uid::from_raw(account.uid),
        gid: Gid::from_raw(account.gid),
        groups,
    })
}

/// Fails if root's rights could be taken back, unless the right to change users was to be kept.
fn check_final(needs: &Needs<'_>, target: Option<&Target>) -> io::Result<()> {
    let changes_users =
        |kept: &Capability| matches!(kept, Capability::CAP_SETUID | Capability::CAP_SETGID);
    match target {
        Some(target) if !needs.keep_caps.iter().any(changes_users) => {
            user::check_became(target.uid, target.gid)
        }
        _ => Ok(()),
    }
}
