//! A folder of settings for tests.

use crate::{Control, Settings};
use std::fs::{File, create_dir_all};
use std::io::Write as _;

/// Settings in a folder that goes away with the value.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// Without any file.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// With one more file.
    pub(crate) fn with(self, name: &str, text: &str) -> Self {
        let path = self.0.path().join(name);
        create_dir_all(path.parent().expect("parent")).expect("directory");
        File::create(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("written");
        self
    }

    /// A reader of it.
    pub(crate) fn control(&self) -> Control {
        Control::new(self.0.path())
    }

    /// The typed settings in it.
    pub(crate) fn settings(&self) -> Settings {
        Settings::new(self.control())
    }
}

/// The typed settings of a folder that lives as long as they do.
pub(crate) struct Held {
    settings: Settings,
    _folder: Folder,
}

impl Folder {
    /// The typed settings in it, with the folder.
    pub(crate) fn hold(self) -> Held {
        Held {
            settings: self.settings(),
            _folder: self,
        }
    }
}

impl std::ops::Deref for Held {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}
