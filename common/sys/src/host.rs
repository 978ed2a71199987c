//! What this machine calls itself.

use std::io;

/// The host name as the kernel has it, which need not be a fully qualified domain.
pub fn name() -> io::Result<String> {
    let name = nix::unistd::gethostname()?;
    name.into_string()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the host name is not UTF-8"))
}

/// The kernel's release as numbers, `(6, 1)` for `6.1.0-40-amd64`; zeros where it does not say.
#[must_use]
pub fn kernel() -> (u32, u32) {
    let Ok(name) = nix::sys::utsname::uname() else {
        return (0, 0);
    };
    let release = name.release().to_string_lossy().into_owned();
    let mut numbers = release
        .split(|sign: char| !sign.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_is_not_older_than_landlock_on_any_machine_that_builds_us() {
        assert!(super::kernel() > (3, 0));
    }
}
