//! The words and signs of structured header fields (RFC 5322 section 3.2); comments and blanks are left out.

use std::ops::Range;

/// A word or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// An atom, or a quoted string as it is meant.
    Word(Vec<u8>),
    /// Brackets with what is in them.
    Literal(Vec<u8>),
    /// `.`
    Dot,
    /// `@`
    At,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `;`
    Semicolon,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// A sign without its partner, or a quoted string or comment without an end.
    Broken,
}

/// Tokens, each with the place where it begins and the one behind it.
#[derive(Debug)]
pub(crate) struct Tokens<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.body.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    /// Behind an opening parenthesis; false if the comment has no end.
    fn comment(&mut self) -> bool {
        let mut depth = 1usize;
        while let Some(byte) = self.byte() {
            match byte {
                b'\\' => {
                    self.byte();
                }
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return true;
            }
        }
        false
    }

    /// Behind an opening quote. Folds are no part of the string (RFC 5322 section 3.2.4).
    fn quoted(&mut self) -> Token {
        let mut meant = Vec::new();
        while let Some(byte) = self.byte() {
            match byte {
                b'"' => return Token::Word(meant),
                b'\\' => meant.extend(self.byte()),
                b'\n' => {}
                other => meant.push(other),
            }
        }
        Token::Broken
    }

    fn literal(&mut self) -> Token {
        let mut text = vec![b'['];
        while let Some(byte) = self.byte() {
            if !byte.is_ascii_whitespace() {
                text.push(byte);
            }
            if byte == b']' {
                return Token::Literal(text);
            }
        }
        Token::Broken
    }

    fn atom(&mut self) -> Token {
        let start = self.at.saturating_sub(1);
        if let Some(length) = self.body.get(start..).and_then(encoded_word) {
            self.at = start + length;
        }
        while self
            .body
            .get(self.at)
            .is_some_and(|byte| !is_special(*byte))
        {
            self.at += 1;
        }
        Token::Word(self.body.get(start..self.at).unwrap_or_default().to_vec())
    }
}

impl Iterator for Tokens<'_> {
    type Item = (Token, Range<usize>);

    fn next(&mut self) -> Option<(Token, Range<usize>)> {
        loop {
            let start = self.at;
            let token = match self.byte()? {
                b' ' | b'\t' | b'\n' | b'\r' => continue,
                b'(' if self.comment() => continue,
                b'(' | b')' | b']' | b'\\' => Token::Broken,
                b'"' => self.quoted(),
                b'[' => self.literal(),
                b'.' => Token::Dot,
                b'@' => Token::At,
                b',' => Token::Comma,
                b':' => Token::Colon,
                b';' => Token::Semicolon,
                b'<' => Token::Less,
                b'>' => Token::Greater,
                _ => self.atom(),
            };
            return Some((token, start..self.at));
        }
    }
}

/// The length of the encoded word at the start (RFC 2047 section 2). One with a comma in it is wrong there, and common.
fn encoded_word(text: &[u8]) -> Option<usize> {
    let inside = text.strip_prefix(b"=?")?;
    let end = inside
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(inside.len())
        .min(200);
    let mut marks = inside
        .iter()
        .take(end)
        .enumerate()
        .filter(|(_, byte)| **byte == b'?')
        .map(|(at, _)| at);
    let text_start = (marks.next()?, marks.next()?).1 + 1;
    let close = inside
        .get(text_start..end)?
        .windows(2)
        .position(|pair| pair == b"?=")?;
    Some(2 + text_start + close + 2)
}

fn is_special(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')'
            | b'<'
            | b'>'
            | b'['
            | b']'
            | b':'
            | b';'
            | b'@'
            | b'\\'
            | b','
            | b'.'
            | b'"'
            | b' '
            | b'\t'
            | b'\n'
            | b'\r'
    )
}
