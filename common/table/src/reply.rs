//! A refusal in the words of a table: reply code, enhanced status code (RFC 3463) and text.

use std::fmt;

use stafette_control::Mistake;

/// Longer text would not fit one line of a reply (RFC 5321 section 4.5.3.1.5).
const TEXT_LIMIT: usize = 400;

/// What a table says to the one who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// From 400 to 599.
    pub code: u16,
    /// `D.S.N`, of the same class as the code.
    pub status: String,
    /// Printable ASCII.
    pub text: String,
}

impl Reply {
    fn new(code: u16, status: &str, text: &str) -> Self {
        Self {
            code,
            status: status.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Whether it is to be tried again later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.code < 500
    }

    /// What stands behind `error:` in any table: `nouser TEXT`, `nohost TEXT`, `tempfail TEXT`, `D.S.N TEXT`, `D.S.N:NNN TEXT`,
    /// `D.S.N:TEXT`, `NNN TEXT`, `NNN D.S.N TEXT`; the text may stand in double quotes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_error(text: &str) -> Result<Self, Mistake> {
        let text = unquote(text.trim());
        let (word, rest) = split_word(text);
        let default = match word.to_ascii_lowercase().as_str() {
            "" | "nouser" => Some(Self::new(550, "5.1.1", "no such user here")),
            "nohost" => Some(Self::new(550, "5.1.2", "no such host")),
            "tempfail" => Some(Self::new(450, "4.7.1", "try again later")),
            "usage" => Some(Self::new(501, "5.5.4", "not possible that way")),
            "unavailable" => Some(Self::new(550, "5.7.1", "not available")),
            "config" | "protocol" => Some(Self::new(554, "5.3.5", "not configured")),
            _ => None,
        };
        if let Some(default) = default {
            return Self::parse_coded(rest).unwrap_or_else(|| Self::with_text(default, rest));
        }
        let status = text
            .split([' ', '\t', ':'])
            .next()
            .filter(|word| is_status(word));
        if let Some(status) = status {
            let rest = text.get(status.len()..).unwrap_or_default();
            let rest = unquote(rest.trim_start_matches(':').trim());
            let mut reply = Self::parse_coded(rest)
                .unwrap_or_else(|| Self::with_text(Self::new(550, "5.7.1", "refused"), rest))?;
            let is_temporary = status.starts_with('4');
            if !starts_with_code(rest) && is_temporary {
                reply.code = 450;
            }
            if is_temporary != reply.is_temporary() {
                return Err(mistake());
            }
            reply.status = status.to_owned();
            return Ok(reply);
        }
        Self::parse_coded(text).unwrap_or_else(|| Err(mistake()))
    }

    /// `NNN TEXT` or `NNN D.S.N TEXT`; none if no such number stands in front.
    pub(crate) fn parse_coded(text: &str) -> Option<Result<Self, Mistake>> {
        if !starts_with_code(text) {
            return None;
        }
        let (word, rest) = split_word(text);
        let code: u16 = word.parse().ok()?;
        if !(400..600).contains(&code) {
            return Some(Err(mistake()));
        }
        let (status, rest) = match split_word(rest) {
            (status, rest) if is_status(status) => (status, rest),
            _ => (if code < 500 { "4.7.1" } else { "5.7.1" }, rest),
        };
        if status.starts_with('4') != (code < 500) {
            return Some(Err(mistake()));
        }
        Some(Self::with_text(Self::new(code, status, "refused"), rest))
    }

    fn with_text(self, text: &str) -> Result<Self, Mistake> {
        let text = unquote(text.trim());
        if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Mistake::new(
                "the text of a reply with a sign that SMTP has not",
                "write it in printable ASCII",
            ));
        }
        if text.len() > TEXT_LIMIT {
            return Err(Mistake::new(
                "the text of a reply is too long",
                format!("at most {TEXT_LIMIT} letters"),
            ));
        }
        if text.is_empty() {
            return Ok(self);
        }
        let text = text.to_owned();
        Ok(Self { text, ..self })
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.code, self.status, self.text)
    }
}

fn mistake() -> Mistake {
    Mistake::new(
        "no reply that a server could give",
        "write a code from 400 to 599 and a text, such as 550 5.1.1 no such user, or nouser TEXT; 4 goes with 4.S.N, 5 with 5.S.N",
    )
}

fn starts_with_code(text: &str) -> bool {
    let word = split_word(text).0;
    word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// `D.S.N` of class 4 or 5.
pub(crate) fn is_status(word: &str) -> bool {
    let mut parts = word.split('.');
    let class = parts.next();
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    matches!(class, Some("4" | "5"))
        && is_number(parts.next())
        && is_number(parts.next())
        && parts.next().is_none()
}

pub(crate) fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// Without the double quotes around it, if it has both.
pub(crate) fn unquote(text: &str) -> &str {
    text.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        Reply::parse_error(text)
            .map_or_else(|mistake| mistake.to_string(), |reply| reply.to_string())
    }

    #[test]
    fn the_words_of_sendmail_are_codes() {
        assert_eq!(read("nouser No such user"), "550 5.1.1 No such user");
        assert_eq!(read("nouser 550 No such user"), "550 5.7.1 No such user");
        assert_eq!(read("nouser"), "550 5.1.1 no such user here");
        assert_eq!(read("nohost gone"), "550 5.1.2 gone");
        assert_eq!(read("tempfail"), "450 4.7.1 try again later");
        assert_eq!(read("5.7.0:550 Go away"), "550 5.7.0 Go away");
        assert_eq!(read("5.7.1:Go away"), "550 5.7.1 Go away");
        assert_eq!(read("4.2.1:Later"), "450 4.2.1 Later");
        assert_eq!(read("\"550 No, never\""), "550 5.7.1 No, never");
        assert_eq!(read("5.1.1:\"550 No\""), "550 5.1.1 No");
        assert_eq!(read("452 4.2.2 full"), "452 4.2.2 full");
    }

    #[test]
    fn what_no_server_could_say_is_a_mistake() {
        for text in [
            "250 fine",
            "5.1.1:450 later",
            "450 5.1.1 x",
            "fine",
            "2.0.0 ok",
            "999 x",
        ] {
            assert!(Reply::parse_error(text).is_err(), "{text}");
        }
        assert!(Reply::parse_error("550 \u{fc}ber").is_err());
        assert!(Reply::parse_error(&format!("550 {}", "x".repeat(500))).is_err());
    }
}
