use super::*;
use std::io::Read;
use std::path::PathBuf;

/// A directory of this test's own, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!(
            "stafette-sys-{:x}",
            crate::random::number().unwrap()
        ));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        create_new(&path, 0o600)
            .unwrap()
            .write_all(content.as_bytes())
            .unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_rename_never_replaces() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.file("one", "1"), scratch.file("two", "2"));
    let error = rename_noreplace(&one, &two).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(
        link(&one, &two).unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
    rename_noreplace(&one, &scratch.0.join("three")).unwrap();
    assert_eq!(std::fs::read(scratch.0.join("three")).unwrap(), b"1");
    sync_dir(&scratch.0).unwrap();
}

#[test]
fn the_detour_without_renameat2_never_replaces_either() {
    let scratch = Scratch::new();
    let (one, two) = (scratch.file("one", "1"), scratch.file("two", "2"));
    assert_eq!(
        link_and_remove(&one, &two).unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
    link_and_remove(&one, &scratch.0.join("three")).unwrap();
    assert!(!one.exists());
}

#[test]
fn an_open_file_can_be_given_a_new_name() {
    let scratch = Scratch::new();
    let path = scratch.file("one", "1");
    let file = open_nofollow(&path).unwrap();
    link_open(&file, &scratch.0.join("two")).unwrap();
    assert_eq!(std::fs::read(scratch.0.join("two")).unwrap(), b"1");
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let scratch = Scratch::new();
    let (real, name) = (scratch.file("real", "x"), scratch.0.join("name"));
    std::os::unix::fs::symlink(&real, &name).unwrap();
    assert_eq!(
        open_nofollow(&name).unwrap_err().raw_os_error(),
        Some(libc::ELOOP)
    );
    assert_eq!(
        open_write_nofollow(&name).unwrap_err().raw_os_error(),
        Some(libc::ELOOP)
    );
    assert_eq!(
        append_nofollow(&name, Some(0o600))
            .unwrap_err()
            .raw_os_error(),
        Some(libc::ELOOP)
    );
    assert_eq!(
        create_new(&name, 0o600).unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
    assert!(open_directory(&real).is_err());
}

#[test]
fn preallocation_leaves_the_length_alone() {
    let scratch = Scratch::new();
    let file = open_write_nofollow(&scratch.file("file", "abc")).unwrap();
    preallocate(&file, 3, 100_000).unwrap();
    start_writeback(&file, 0, 0).unwrap();
    sync_file_system(&file).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 3);
}

#[test]
fn there_is_some_room_left() {
    let space = available(&std::env::temp_dir()).unwrap();
    assert!(space.bytes > 0 && space.inodes > 0);
}

#[test]
fn a_lock_excludes_another_opening_of_the_file() {
    let scratch = Scratch::new();
    let path = scratch.file("file", "");
    let (one, two) = (
        open_write_nofollow(&path).unwrap(),
        open_write_nofollow(&path).unwrap(),
    );
    lock(&one).unwrap();
    assert!(!try_lock(&two).unwrap());
    drop(one);
    assert!(try_lock(&two).unwrap());
}

#[test]
fn a_record_lock_excludes_another_opening_of_the_file() {
    let scratch = Scratch::new();
    let path = scratch.file("file", "");
    let (one, two) = (
        open_write_nofollow(&path).unwrap(),
        open_write_nofollow(&path).unwrap(),
    );
    lock_record(&one).unwrap();
    assert!(!try_lock_record(&two).unwrap());
    unlock_record(&one).unwrap();
    assert!(try_lock_record(&two).unwrap());
}

#[test]
fn a_sealed_file_can_be_read_but_not_written() {
    let mut file = sealed("test", b"content").unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "content");
    assert!(file.write_all(b"x").is_err());
    assert!(file.set_len(0).is_err());
}
