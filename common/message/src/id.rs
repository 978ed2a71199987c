//! Message-IDs (RFC 5322 section 3.6.4).

use std::fmt::Write as _;

/// Random octets in an ID.
const CHANCE: usize = 12;

/// `<TIME.CHANCE@domain>`, with its angle brackets: 96 random bits make it unlike every other, wherever it is made.
///
/// Should the kernel give no chance, time to the microsecond and the process stand in.
#[must_use]
pub fn message_id(domain: &str) -> String {
    let mut chance = [0u8; CHANCE];
    let micros = stafette_sys::clock::now_micros();
    if stafette_sys::random::fill(&mut chance).is_err() {
        let process = std::process::id();
        for (to, from) in chance.iter_mut().zip(
            process
                .to_le_bytes()
                .into_iter()
                .chain(micros.to_le_bytes()),
        ) {
            *to = from;
        }
    }
    let mut id = format!("<{micros}.");
    for byte in chance {
        // Writing into a String does not fail.
        write!(id, "{byte:02x}").unwrap_or_default();
    }
    id.push('@');
    id.extend(
        domain.chars().filter(|c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':')
        }),
    );
    id.push('>');
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ids_differ_and_name_the_domain() {
        let (one, two) = (message_id("mx.example.org"), message_id("mx.example.org"));
        assert_ne!(one, two);
        assert!(
            one.starts_with('<') && one.ends_with("@mx.example.org>"),
            "{one}"
        );
        assert!(message_id("a b>\n").ends_with("@ab>"));
    }
}
