//! Lists of domains with the line of each entry, so that an operator can be told which one counted.

use std::collections::HashMap;

use stafette_addr::Domain;
use stafette_control::Pattern;

use crate::Decision;

/// What stands at an entry.
#[derive(Debug, Clone)]
pub(crate) struct Listed<T> {
    /// Where.
    pub(crate) decision: Decision,
    /// What it means.
    pub(crate) value: T,
}

/// Entries by domain, `.suffix`, or nothing for all the rest. The most specific one counts, of equal ones the first.
#[derive(Debug, Clone)]
pub(crate) struct List<T>(HashMap<String, Listed<T>>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> List<T> {
    /// Adds an entry, unless there is one for the same.
    pub(crate) fn add(&mut self, pattern: Option<Pattern>, decision: Decision, value: T) {
        let spelling = match pattern {
            Some(Pattern::Exact(name) | Pattern::Suffix(name)) => name,
            None => String::new(),
        };
        self.0.entry(spelling).or_insert(Listed { decision, value });
    }

    /// The entry that counts for `domain`.
    pub(crate) fn find(&self, domain: &Domain) -> Option<&Listed<T>> {
        let key = key(domain);
        spellings(&key).find_map(|spelling| self.0.get(spelling))
    }
}

/// How a domain is spelled in lists: A-labels in lower case, or the literal.
pub(crate) fn key(domain: &Domain) -> String {
    domain
        .to_ascii()
        .unwrap_or_else(|| domain.as_str().to_owned())
}

/// Itself, `.suffix` from the longest, and nothing.
fn spellings(key: &str) -> impl Iterator<Item = &str> {
    let is_literal = key.starts_with('[');
    let suffixes = key
        .match_indices('.')
        .filter(move |_| !is_literal)
        .filter_map(|(at, _)| key.get(at..));
    std::iter::once(key)
        .chain(suffixes)
        .chain(std::iter::once(""))
}

#[cfg(test)]
mod tests {
    use stafette_control::parse_pattern;

    use super::*;

    #[test]
    fn the_most_specific_entry_counts_and_of_equal_ones_the_first() {
        let mut list = List::default();
        for (line, text) in [(1, ".example"), (2, "a.example"), (3, "A.example")] {
            let decision = Decision {
                file: "locals".to_owned(),
                line,
                text: text.to_owned(),
            };
            list.add(parse_pattern(text).ok(), decision, ());
        }
        let line = |domain: &[u8]| {
            let found = list.find(&Domain::parse(domain).unwrap());
            found.map(|listed| listed.decision.line)
        };
        assert_eq!(line(b"a.example"), Some(2));
        assert_eq!(line(b"b.a.example"), Some(1));
        assert_eq!(line(b"example"), None);
    }
}
