//! Every option of sendmail(8) that software uses, as data: the parser, the manual page and its test read this table.

use crate::option::Arg::{Attached, None as Nothing, Word};

/// What follows an option's letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arg {
    /// Nothing: further letters may follow in the same word.
    None,
    /// The rest of the word, or the next word.
    Word,
    /// The rest of the word, which may be empty; never the next word.
    Attached,
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    /// Its letter.
    pub(crate) letter: u8,
    /// What follows.
    pub(crate) arg: Arg,
    /// Whether it changes anything here; the others are accepted because programs give them.
    pub(crate) effect: bool,
}

const fn acts(letter: u8, arg: Arg) -> Spec {
    Spec {
        letter,
        arg,
        effect: true,
    }
}

const fn ignored(letter: u8, arg: Arg) -> Spec {
    Spec {
        letter,
        arg,
        effect: false,
    }
}

/// All options, sorted by letter.
pub(crate) const OPTIONS: &[Spec] = &[
    ignored(b'A', Word),
    acts(b'B', Word),
    ignored(b'C', Word),
    ignored(b'E', Nothing),
    acts(b'F', Word),
    acts(b'G', Nothing),
    acts(b'I', Nothing),
    ignored(b'J', Nothing),
    ignored(b'L', Word),
    acts(b'N', Word),
    acts(b'O', Word),
    acts(b'R', Word),
    ignored(b'U', Nothing),
    acts(b'V', Word),
    acts(b'X', Word),
    acts(b'b', Word),
    ignored(b'c', Nothing),
    ignored(b'd', Attached),
    acts(b'e', Word),
    acts(b'f', Word),
    acts(b'h', Word),
    acts(b'i', Nothing),
    acts(b'j', Nothing),
    ignored(b'm', Nothing),
    ignored(b'n', Nothing),
    acts(b'o', Word),
    ignored(b'p', Word),
    acts(b'q', Attached),
    acts(b'r', Word),
    ignored(b's', Nothing),
    acts(b't', Nothing),
    acts(b'v', Nothing),
    ignored(b'x', Nothing),
];

/// The option with this letter.
pub(crate) fn find(letter: u8) -> Option<&'static Spec> {
    OPTIONS.iter().find(|spec| spec.letter == letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options that inject.8 explains: lines `.It Fl X …`, several letters as `.It Fl X , Fl Y`.
    fn in_manual(section: &str) -> Vec<(u8, bool)> {
        let manual = include_str!("../inject.8");
        let start = manual.find(section).unwrap();
        let text = &manual[start..];
        let text = &text[..text.find(".El").unwrap()];
        let mut letters = Vec::new();
        for line in text.lines().filter_map(|line| line.strip_prefix(".It ")) {
            for item in line.split(" , ") {
                let words: Vec<_> = item.split(' ').collect();
                assert_eq!(words[0], "Fl", "{line}");
                letters.push((
                    words[1].as_bytes()[0],
                    words
                        .iter()
                        .any(|word| *word == "Ar" || *word == "Cm" || *word == "Op"),
                ));
            }
        }
        letters.sort_unstable();
        letters.dedup_by_key(|(letter, _)| *letter);
        letters
    }

    #[test]
    fn the_manual_page_explains_exactly_the_options_of_the_table() {
        for (effect, section) in [
            (true, ".\\\" options that act"),
            (false, ".\\\" options that are ignored"),
        ] {
            let mut table: Vec<_> = OPTIONS
                .iter()
                .filter(|spec| spec.effect == effect)
                .map(|spec| (spec.letter, spec.arg != Arg::None))
                .collect();
            table.sort_unstable();
            assert_eq!(in_manual(section), table, "{section}");
        }
    }

    #[test]
    fn letters_are_sorted_and_stand_once() {
        assert!(OPTIONS.is_sorted_by(|a, b| a.letter < b.letter));
    }

    #[test]
    fn every_option_of_postfix_and_notqmail_is_known() {
        for letter in b"ABCFGILNORUVXbcefhimnopqrtvxEJ" {
            assert!(find(*letter).is_some(), "{}", char::from(*letter));
        }
    }
}
