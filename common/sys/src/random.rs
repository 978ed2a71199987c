//! Random bytes from the kernel, fit for keys and names that nobody may guess.

use std::io;

/// Fills `bytes` with random bytes. Fails only where the kernel has no random numbers at all.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        error.raw_os_error().map_or_else(
            || io::Error::other(error.to_string()),
            io::Error::from_raw_os_error,
        )
    })
}

/// A random number of 64 bits.
pub fn number() -> io::Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_random_numbers_differ() {
        assert_ne!(super::number().unwrap(), super::number().unwrap());
    }
}
