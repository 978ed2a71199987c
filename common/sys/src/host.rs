//! What this machine calls itself.

use std::io;

/// The host name as the kernel has it, which need not be a fully qualified domain.
pub fn name() -> io::Result<String> {
    let name = nix::unistd::gethostname()?;
    name.into_string()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the host name is not UTF-8"))
}
