//! Domains as the DNS knows them.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// A domain name in lower-case A-labels (RFC 5890 section 2.3.2.1), or none if no name of the DNS can be made of it.
/// Names that are ASCII already stay as they are, underscores and all.
#[must_use]
pub fn to_ascii(domain: &str) -> Option<String> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if domain.is_ascii() {
        let fits = domain.len() < 254
            && domain
                .split('.')
                .all(|label| (1..64).contains(&label.len()));
        let plain = domain
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        return (fits && plain).then(|| domain.to_ascii_lowercase());
    }
    let lower: String = domain.chars().flat_map(char::to_lowercase).collect();
    let idna = Uts46::new();
    let ascii = idna
        .to_ascii(
            lower.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .ok()?
        .to_ascii_lowercase();
    // A label that would be mapped to another one is no U-label (RFC 5890 section 2.3.2.1), and must not lead elsewhere than it says.
    let (back, verdict) = idna.to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    let same = lower
        .split('.')
        .zip(back.split('.'))
        .all(|(said, meant)| said.is_ascii() || said == meant);
    (verdict.is_ok() && same).then_some(ascii)
}

#[cfg(test)]
mod tests {
    use super::to_ascii;

    #[test]
    fn the_dns_is_asked_for_a_labels() {
        assert_eq!(
            to_ascii("Bücher.Example").as_deref(),
            Some("xn--bcher-kva.example")
        );
        assert_eq!(
            to_ascii("_x.Example.ORG.").as_deref(),
            Some("_x.example.org")
        );
    }

    #[test]
    fn a_name_that_only_looks_like_another_is_none() {
        // Full-width letters, a decomposed letter, a ligature: each would be mapped to a different name.
        for text in ["ｅxample.org", "bu\u{308}cher.example", "oﬃce.example"] {
            assert_eq!(to_ascii(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_none() {
        for text in ["", ".", "a..b", "a b", "a\0b", "ü..a", "[1.2.3.4]"] {
            assert_eq!(to_ascii(text), None, "{text:?}");
        }
        assert_eq!(to_ascii(&"x".repeat(64)), None);
    }
}
