//! Sets of domains: exact names, and `.suffix` for every name below one. The most specific entry is the one that counts.

use crate::problem::Mistake;
use stafette_addr::Domain;
use std::collections::HashSet;

/// What a list says about domains.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// The domain of exactly this name, or this address literal.
    Exact(String),
    /// Every domain below this one, which is written with a dot in front.
    Suffix(String),
}

/// One entry: `example.org`, `.example.org`, `[192.0.2.1]`. Names are compared as the DNS spells them.
///
/// # Errors
/// What is wrong with it.
pub fn parse_pattern(text: &str) -> Result<Pattern, Mistake> {
    let wrong = |error: stafette_addr::AddrError| {
        Mistake::new(
            format!("not a domain: {error}"),
            "write a domain such as example.org, or .example.org for all below it",
        )
    };
    match text.strip_prefix('.') {
        None => Domain::parse(text.as_bytes())
            .map(|domain| Pattern::Exact(key(&domain)))
            .map_err(wrong),
        Some(rest) => match Domain::parse(rest.as_bytes()) {
            Ok(domain) if domain.is_literal() => Err(wrong(stafette_addr::AddrError::BadDomain)),
            Ok(domain) => Ok(Pattern::Suffix(format!(".{}", key(&domain)))),
            Err(error) => Err(wrong(error)),
        },
    }
}

/// How a domain is spelled in sets and routes: A-labels in lower case, or the literal.
pub(crate) fn key(domain: &Domain) -> String {
    domain
        .to_ascii()
        .unwrap_or_else(|| domain.as_str().to_owned())
}

/// The spellings under which `key` may stand in a list, the most specific first: itself, then `.suffix` from the longest.
pub(crate) fn spellings(key: &str) -> impl Iterator<Item = &str> {
    let is_literal = key.starts_with('[');
    let suffixes = key
        .match_indices('.')
        .filter(move |_| !is_literal)
        .filter_map(|(at, _)| key.get(at..));
    std::iter::once(key).chain(suffixes)
}

/// A set of domains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DomainSet(HashSet<String>);

impl DomainSet {
    /// Whether the set has `domain`, by name or by a suffix.
    #[must_use]
    pub fn contains(&self, domain: &Domain) -> bool {
        spellings(&key(domain)).any(|spelling| self.0.contains(spelling))
    }

    /// Whether it has no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries as they are compared, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromIterator<Pattern> for DomainSet {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        Self(
            patterns
                .into_iter()
                .map(|pattern| match pattern {
                    Pattern::Exact(name) | Pattern::Suffix(name) => name,
                })
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn has(entries: &[&str], domain: &str) -> bool {
        let set: DomainSet = entries
            .iter()
            .map(|entry| parse_pattern(entry).expect("an entry"))
            .collect();
        set.contains(&Domain::parse(domain.as_bytes()).expect("a domain"))
    }

    #[test]
    fn a_name_means_itself_alone_and_a_suffix_what_is_below() {
        assert!(has(&["Example.org"], "example.ORG"));
        assert!(!has(&["example.org"], "mx.example.org"));
        assert!(has(&[".example.org"], "a.b.example.org"));
        assert!(!has(&[".example.org"], "example.org"));
        assert!(!has(&[".example.org"], "badexample.org"));
    }

    #[test]
    fn both_spellings_of_an_international_name_are_one() {
        assert!(has(&["b\u{fc}cher.example"], "xn--bcher-kva.example"));
        assert!(has(&["xn--bcher-kva.example"], "b\u{fc}cher.example"));
    }

    #[test]
    fn a_literal_is_no_suffix() {
        assert!(has(&["[192.0.2.1]"], "[192.0.2.1]"));
        assert!(!has(&["[192.0.2.1]"], "[192.0.2.2]"));
        for text in [
            "",
            ".",
            "a b",
            "-x.example",
            ".[192.0.2.1]",
            "a..b",
            "user@example.org",
        ] {
            assert!(parse_pattern(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_harm(text: String) {
            drop(parse_pattern(&text));
        }
    }
}
