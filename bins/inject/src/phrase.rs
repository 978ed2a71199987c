//! A person's name as the display name of an address (RFC 5322 section 3.4, RFC 2047 section 5).

/// Octets of a name that are used.
const LIMIT: usize = 200;
/// Octets of a name in one encoded word: three times as many characters and the frame stay under 75.
const PER_WORD: usize = 18;

/// The name as an atom, a quoted string or encoded words; empty if there is nothing to print.
pub(crate) fn phrase(name: &[u8]) -> String {
    let text: String =
        String::from_utf8_lossy(name.get(..LIMIT.min(name.len())).unwrap_or_default())
            .chars()
            .filter(|c| *c != char::REPLACEMENT_CHARACTER)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
    let text = text.trim();
    if !text.is_ascii() {
        return encoded(text);
    }
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~ ".contains(c);
    if text.chars().all(is_atom) && !text.contains("=?") {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// The `Q` encoding, cut between characters.
fn encoded(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut used = 0;
    for c in text.chars() {
        if used + c.len_utf8() > PER_WORD {
            words.push(std::mem::take(&mut word));
            used = 0;
        }
        used += c.len_utf8();
        let mut octets = [0; 4];
        for byte in c.encode_utf8(&mut octets).bytes() {
            match byte {
                b' ' => word.push('_'),
                byte if byte.is_ascii_alphanumeric() => word.push(char::from(byte)),
                byte => word.push_str(&format!("={byte:02X}")),
            }
        }
    }
    words.push(word);
    let words: Vec<_> = words
        .iter()
        .map(|word| format!("=?utf-8?q?{word}?="))
        .collect();
    words.join(" ")
}

/// The full name in the fifth field of an account's line: up to the first comma, `&` being the login name with a capital.
pub(crate) fn of_account(gecos: &[u8], login: &str) -> Vec<u8> {
    let name = gecos.split(|byte| *byte == b',').next().unwrap_or_default();
    let mut full = Vec::with_capacity(name.len());
    for byte in name {
        if *byte == b'&' {
            let mut letters = login.chars();
            full.extend(
                letters
                    .next()
                    .map(|c| c.to_ascii_uppercase())
                    .into_iter()
                    .collect::<String>()
                    .bytes(),
            );
            full.extend(letters.as_str().bytes());
        } else {
            full.push(*byte);
        }
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_or_encoded_only_where_it_must_be() {
        assert_eq!(phrase(b"Joe Doe"), "Joe Doe");
        assert_eq!(phrase(b"Joe Q. \"X\" Doe"), "\"Joe Q. \\\"X\\\" Doe\"");
        assert_eq!(phrase("Jörg".as_bytes()), "=?utf-8?q?J=C3=B6rg?=");
        assert_eq!(phrase(b""), "");
    }

    #[test]
    fn a_name_cannot_leave_its_field() {
        assert_eq!(phrase(b"a\nBcc: b"), "\"a Bcc: b\"");
        assert_eq!(phrase(b"=?utf-8?q?x?="), "\"=?utf-8?q?x?=\"");
        let long = phrase("ü".repeat(500).as_bytes());
        assert!(long.split(' ').all(|word| word.len() <= 75), "{long}");
        assert!(!phrase(b"\xff\xfe").contains('\u{fffd}'));
    }

    #[test]
    fn an_account_s_name_ends_at_the_comma() {
        assert_eq!(of_account(b"Joe Doe,,,", "joe"), b"Joe Doe");
        assert_eq!(of_account(b"& Doe", "joe"), b"Joe Doe");
        assert_eq!(of_account(b"", "joe"), b"");
    }
}
