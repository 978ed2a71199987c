//! Users and groups: looking them up, and becoming one.
//!
//! "There is no such user" (`Ok(None)`) and "the account database does not answer" (`Err`) are different answers: the
//! second means later, and never that the user does not exist. A look-up may read files and sockets of the name service.

use std::ffi::CString;
use std::io;
use std::path::PathBuf;

use nix::unistd::{
    Gid, Group, Uid, User, getegid, geteuid, getgrouplist, getresgid, getresuid, getuid, setgroups,
    setresgid, setresuid,
};

/// One line of the account database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
    /// Login shell.
    pub shell: PathBuf,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            home: user.dir,
            shell: user.shell,
        }
    }
}

impl Account {
    /// All groups of this account, the primary one included.
    pub fn groups(&self) -> io::Result<Vec<u32>> {
        let name = CString::new(self.name.as_str())?;
        Ok(getgrouplist(&name, Gid::from_raw(self.gid))?
            .into_iter()
            .map(Gid::as_raw)
            .collect())
    }
}

/// The account with this name. A name with a NUL or of more than 256 bytes belongs to nobody.
pub fn by_name(name: &str) -> io::Result<Option<Account>> {
    if name.is_empty() || name.len() > 256 || name.contains('\0') {
        return Ok(None);
    }
    Ok(User::from_name(name)?.map(Account::from))
}

/// The account with this user id.
pub fn by_uid(uid: u32) -> io::Result<Option<Account>> {
    Ok(User::from_uid(Uid::from_raw(uid))?.map(Account::from))
}

/// The id of the group with this name.
pub fn group_by_name(name: &str) -> io::Result<Option<u32>> {
    if name.is_empty() || name.len() > 256 || name.contains('\0') {
        return Ok(None);
    }
    Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
}

/// The name of the group with this id.
pub fn group_by_gid(gid: u32) -> io::Result<Option<String>> {
    Ok(Group::from_gid(Gid::from_raw(gid))?.map(|group| group.name))
}

/// The user whose rights this process has.
#[must_use]
pub fn effective_uid() -> u32 {
    geteuid().as_raw()
}

/// The group whose rights this process has.
#[must_use]
pub fn effective_gid() -> u32 {
    getegid().as_raw()
}

/// The user who started this process.
#[must_use]
pub fn real_uid() -> u32 {
    getuid().as_raw()
}

/// Whether this process has root's rights.
#[must_use]
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Turns this root process into user `uid` with group `gid` and supplementary `groups`, for good: it is checked that it
/// cannot be undone. User 0 and group 0 are refused. A wish to die with the parent stays.
pub fn become_user(uid: u32, gid: u32, groups: &[u32]) -> io::Result<()> {
    if uid == 0 || gid == 0 || groups.contains(&0) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "a root id is no user to become",
        ));
    }
    crate::fork::require_single_thread()?;
    let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    crate::fork::keeping_death_signal(|| {
        setgroups(&groups)?;
        setresgid(gid, gid, gid)?;
        setresuid(uid, uid, uid)?;
        check_became(uid, gid)
    })
}

/// Fails unless all ids are `uid` and `gid` and the way back to root is closed.
pub(crate) fn check_became(uid: Uid, gid: Gid) -> io::Result<()> {
    let (users, groups) = (getresuid()?, getresgid()?);
    let all = [users.real, users.effective, users.saved]
        .iter()
        .all(|each| *each == uid)
        && [groups.real, groups.effective, groups.saved]
            .iter()
            .all(|each| *each == gid);
    let root = (Uid::from_raw(0), Gid::from_raw(0));
    let back =
        setresuid(root.0, root.0, root.0).is_ok() || setresgid(root.1, root.1, root.1).is_ok();
    if all && !back {
        Ok(())
    } else {
        Err(io::Error::other("root's rights could be taken back"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_by_number() {
        let root = by_name("root").unwrap().unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(by_uid(0).unwrap().unwrap(), root);
        assert!(root.groups().unwrap().contains(&0));
    }

    #[test]
    fn a_user_who_does_not_exist_is_no_error() {
        assert_eq!(by_name("no-such-user-here").unwrap(), None);
        assert_eq!(by_name("").unwrap(), None);
        assert_eq!(by_name("a\0b").unwrap(), None);
        assert_eq!(by_name(&"x".repeat(5000)).unwrap(), None);
        assert_eq!(group_by_name("no-such-group-here").unwrap(), None);
    }

    #[test]
    fn nobody_becomes_root() {
        assert!(become_user(0, 1000, &[]).is_err());
        assert!(become_user(1000, 0, &[]).is_err());
        assert!(become_user(1000, 1000, &[1000, 0]).is_err());
    }
}
