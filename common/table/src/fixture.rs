//! Files of tests.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Writes a file in place.
pub(crate) fn put(path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
    let mut file = File::create(path).expect("a file");
    file.write_all(content.as_ref()).expect("written");
}
