//! What a report gives back of the original (RFC 3461 section 4.3, RFC 3462, RFC 6533 section 5).

/// The most octets of a header section that are given back; the rest is left out at a field's end.
pub const HEADER_LIMIT: usize = 64 * 1024;

/// The most octets of a whole message that are given back; of a longer one, the header section is.
pub const FULL_LIMIT: usize = 1024 * 1024;

/// What is given back.
#[derive(Debug, Clone, Copy)]
pub enum Original<'a> {
    /// The header section of these octets, which may end anywhere.
    Headers(&'a [u8]),
    /// The whole message, added header fields included.
    Full(&'a [u8]),
}

/// The third part.
pub(super) struct Part {
    pub(super) kind: &'static str,
    pub(super) description: &'static str,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn part(original: &Original<'_>, global: bool) -> Part {
    match original {
        Original::Full(content) if content.len() <= FULL_LIMIT => {
            let header = section(content);
            let international = global || (!header.is_ascii() && str::from_utf8(header).is_ok());
            let mut bytes = content.to_vec();
            end_line(&mut bytes);
            Part {
                kind: if international {
                    "message/global"
                } else {
                    "message/rfc822"
                },
                description: "Original message",
                bytes,
            }
        }
        Original::Full(content) | Original::Headers(content) => {
            let header = bounded(section(content));
            let international = !header.is_ascii() && str::from_utf8(header).is_ok();
            let mut bytes = header.to_vec();
            end_line(&mut bytes);
            Part {
                kind: if international {
                    "message/global-headers"
                } else {
                    "text/rfc822-headers"
                },
                description: "Header section of the original message",
                bytes,
            }
        }
    }
}

fn end_line(bytes: &mut Vec<u8>) {
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
}

/// All before the first empty line.
fn section(content: &[u8]) -> &[u8] {
    if content.first() == Some(&b'\n') {
        return b"";
    }
    match content.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => content.get(..=end).unwrap_or(content),
        None => content,
    }
}

/// At most [`HEADER_LIMIT`] octets, ended where a field ends.
fn bounded(header: &[u8]) -> &[u8] {
    let Some(kept) = header.get(..HEADER_LIMIT) else {
        return header;
    };
    let ends = |at: &usize| {
        kept.get(*at) == Some(&b'\n') && !matches!(header.get(at + 1), Some(b' ' | b'\t'))
    };
    match (0..kept.len()).rev().find(ends) {
        Some(end) => kept.get(..=end).unwrap_or_default(),
        None => b"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_header_section_is_given_back() {
        let part = part(&Original::Headers(b"A: b\n c\nD: e\n\nbody\n"), false);
        assert_eq!(part.bytes, b"A: b\n c\nD: e\n");
        assert_eq!(part.kind, "text/rfc822-headers");
    }

    #[test]
    fn a_long_header_section_ends_at_the_end_of_a_field() {
        let mut content = b"A: b\n c\n".to_vec();
        content.extend_from_slice(&[b"X: ", [b'x'; HEADER_LIMIT].as_slice()].concat());
        assert_eq!(
            part(&Original::Headers(&content), false).bytes,
            b"A: b\n c\n"
        );
    }

    #[test]
    fn a_message_over_the_limit_comes_back_as_its_header_section() {
        let mut content = b"A: b\n\n".to_vec();
        content.resize(FULL_LIMIT + 1, b'x');
        assert_eq!(part(&Original::Full(&content), false).bytes, b"A: b\n");
    }
}
