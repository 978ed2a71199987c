//! A small file system of its own, which can be filled to the last block.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use stafette_tests::skip;

/// What kind of file system.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// In memory.
    Tmpfs,
    /// With a journal, on a loop device.
    Ext4,
}

/// Mounted on a directory. Dropping it unmounts it.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    at: PathBuf,
    _image: Option<tempfile::NamedTempFile>,
}

impl SmallDisk {
    /// Mounts one of so many KiB on a directory, which is made; none, said loudly, where that is not possible.
    pub(crate) fn on(at: &Path, kind: Kind, kib: u64) -> Option<Self> {
        if !skip::unless_root() {
            return None;
        }
        std::fs::create_dir_all(at).expect("a directory to mount on");
        let image = match kind {
            Kind::Tmpfs => None,
            Kind::Ext4 => Some(image(kib)?),
        };
        let mut mount = Command::new("mount");
        match &image {
            None => mount.args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={kib}k,mode=755"),
                "none",
            ]),
            Some(image) => mount.args(["-o", "loop"]).arg(image.path()),
        };
        let mounted = mount.arg(at).output().expect("mount");
        let why = String::from_utf8_lossy(&mounted.stderr).into_owned();
        if !skip::unless(
            mounted.status.success(),
            &format!("mounting of {kind:?}: {why}"),
        ) {
            return None;
        }
        Some(Self {
            at: at.to_owned(),
            _image: image,
        })
    }

    /// Fills it until nothing more goes in.
    pub(crate) fn fill(&self) {
        self.fill_but(0);
    }

    /// Fills it until at most so many octets are free.
    pub(crate) fn fill_but(&self, leave: u64) {
        let mut filler = File::create(self.filler()).expect("a file to fill the disk with");
        for piece in [64 * 1024, 4096, 1] {
            let zeros = vec![0; piece];
            while leave == 0 || self.free() > leave {
                if filler.write_all(&zeros).is_err() {
                    break;
                }
            }
        }
        // What is only in memory has its blocks by now, or has not and never will.
        drop(filler.sync_all());
    }

    /// Takes every file that can be had.
    pub(crate) fn fill_with_files(&self) {
        let many = self.at.join("many");
        std::fs::create_dir(&many).expect("a directory to fill the disk with");
        let mut number = 0;
        while File::create(many.join(format!("{number}"))).is_ok() {
            number += 1;
        }
        assert!(number > 0, "no file could be made at all");
    }

    /// Gives all of that back.
    pub(crate) fn make_room(&self) {
        drop(std::fs::remove_file(self.filler()));
        drop(std::fs::remove_dir_all(self.at.join("many")));
    }

    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }

    fn free(&self) -> u64 {
        let output = Command::new("stat")
            .args(["-f", "-c", "%a %S"])
            .arg(&self.at)
            .output();
        let text = String::from_utf8(output.expect("stat").stdout).expect("numbers");
        text.split_whitespace()
            .filter_map(|word| word.parse::<u64>().ok())
            .product()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: when a test fails, programs still work there.
        drop(Command::new("umount").arg("-l").arg(&self.at).status());
    }
}

/// A file with an empty file system in it, where mkfs.ext4 is.
fn image(kib: u64) -> Option<tempfile::NamedTempFile> {
    if !skip::unless_installed("mkfs.ext4") {
        return None;
    }
    let image = tempfile::NamedTempFile::new().expect("a file");
    image.as_file().set_len(kib * 1024).expect("its length");
    let made = Command::new("mkfs.ext4")
        .args(["-q", "-F", "-m", "0"])
        .arg(image.path())
        .status();
    assert!(made.is_ok_and(|status| status.success()), "mkfs.ext4");
    Some(image)
}
