//! The secret that signs SRS addresses: made once, and only this program can read it.
//!
//! `srs-secret` in `spool/users` holds 32 random bytes in hexadecimal. Whoever replaces it keeps the one before as `srs-secret.old` for three
//! weeks, so that what was signed with it still comes back.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use stafette_sys::{fs, random};
use stafette_users::srs::Secret;

const NAME: &str = "srs-secret";
const OLD: &str = "srs-secret.old";
/// A longer file is no secret of ours.
const LIMIT: u64 = 4096;
/// A shorter one could be guessed.
const LEAST: usize = 16;

/// The secrets in `directory`, the newest first; makes the first if there is none.
pub(crate) fn load(directory: &Path) -> io::Result<Vec<Secret>> {
    let path = directory.join(NAME);
    let newest = match read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(directory)?;
            read(&path)?
        }
        result => result?,
    };
    let mut secrets = vec![newest];
    match read(&directory.join(OLD)) {
        Ok(old) => secrets.push(old),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(secrets)
}

fn read(path: &Path) -> io::Result<Secret> {
    let name =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LIMIT).read_to_end(&mut bytes))
        .map_err(name)?;
    let secret = bytes.trim_ascii();
    if secret.len() < LEAST {
        let short = format!("shorter than {LEAST} bytes: remove it, and a new one is made");
        return Err(name(io::Error::other(short)));
    }
    Ok(Secret::new(secret))
}

/// Whole and durable before it has its name: what it signed must not be forgotten.
fn make(directory: &Path) -> io::Result<()> {
    let mut bytes = [0; 32];
    random::fill(&mut bytes)?;
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.push('\n');
    let temporary = directory.join(format!(".{NAME}.new"));
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::create_new(&temporary, 0o600)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, &directory.join(NAME))?;
    fs::sync_dir(directory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use stafette_addr::{Domain, Mailbox};
    use stafette_users::srs::Srs;

    use super::*;

    fn srs(directory: &Path) -> Srs {
        Srs::new(
            Domain::parse(b"ours.example").unwrap(),
            load(directory).unwrap(),
        )
    }

    #[test]
    fn a_secret_is_made_once_and_the_one_before_is_still_taken() {
        let place = tempfile::tempdir().unwrap();
        let sender = Mailbox::parse(b"joe@example.org").unwrap();
        let made = srs(place.path()).forward(&sender, 0).unwrap();
        let path = place.path().join(NAME);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            srs(place.path()).reverse(&made, 0),
            Some(Ok(sender.clone()))
        );
        std::fs::rename(&path, place.path().join(OLD)).unwrap();
        assert_eq!(srs(place.path()).reverse(&made, 0), Some(Ok(sender)));
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let place = tempfile::tempdir().unwrap();
        File::create(place.path().join(NAME)).unwrap();
        assert!(load(place.path()).is_err());
    }
}
