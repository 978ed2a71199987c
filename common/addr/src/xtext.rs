//! xtext: any octets as one word of a command (RFC 3461 section 4).

/// Decodes xtext; None if the word is not xtext. The result may hold any octet: check it before it is used.
#[must_use]
pub fn xtext_decode(word: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(word.len());
    let mut bytes = word.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'+' => {
                let high = hex_digit(*bytes.next()?)?;
                let low = hex_digit(*bytes.next()?)?;
                decoded.push(high << 4 | low);
            }
            b'=' => return None,
            0x21..=0x7e => decoded.push(byte),
            _ => return None,
        }
    }
    Some(decoded)
}

/// Encodes octets as xtext.
#[must_use]
pub fn xtext_encode(bytes: &[u8]) -> String {
    let mut word = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'+' | b'=' => push_hex(&mut word, byte),
            0x21..=0x7e => word.push(char::from(byte)),
            _ => push_hex(&mut word, byte),
        }
    }
    word
}

fn push_hex(word: &mut String, byte: u8) {
    word.push('+');
    for nibble in [byte >> 4, byte & 0x0f] {
        let digit = char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        word.push(digit.to_ascii_uppercase());
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reserved_octets_travel_as_hex() {
        assert_eq!(xtext_encode(b"a+b=c d\n"), "a+2Bb+3Dc+20d+0A");
        assert_eq!(xtext_decode(b"a+2Bb+3dc"), Some(b"a+b=c".to_vec()));
    }

    #[test]
    fn what_is_not_xtext_is_refused() {
        for word in [
            &b"a=b"[..],
            b"a b",
            b"+",
            b"+4",
            b"+4G",
            b"++41",
            b"\0",
            b"\xc3\xbc",
        ] {
            assert_eq!(xtext_decode(word), None, "{word:?}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_survive(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let word = xtext_encode(&bytes);
            prop_assert!(word.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'='));
            prop_assert_eq!(xtext_decode(word.as_bytes()), Some(bytes));
        }
    }
}
