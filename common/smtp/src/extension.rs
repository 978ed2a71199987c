//! What a server offers in its reply to EHLO (RFC 5321 section 4.1.1.1).

/// The extensions of a server; none of them after HELO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 1870: the largest message it takes; 0 if it takes SIZE and names no limit.
    pub size: Option<u64>,
    /// RFC 6152.
    pub eightbitmime: bool,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 3030.
    pub chunking: bool,
    /// RFC 2034.
    pub enhancedstatuscodes: bool,
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 4954: the mechanisms, in capitals; only the first few are kept.
    pub auth: Vec<String>,
}

/// How many mechanisms of AUTH are kept.
const MECHANISMS_MAX: usize = 20;

impl Extensions {
    /// Reads the words of a reply to EHLO, as [`crate::PeerReply`] keeps them; its first line is only a greeting.
    #[must_use]
    pub fn parse(words: &[u8]) -> Self {
        let mut offered = Self::default();
        for line in words.split(|&b| b == b'\n').skip(1) {
            offered.parse_line(line);
        }
        offered
    }

    fn parse_line(&mut self, line: &[u8]) {
        // What is not text is no extension that we know.
        let Ok(line) = std::str::from_utf8(line) else {
            return;
        };
        let mut words = line.split_ascii_whitespace();
        let Some(keyword) = words.next() else { return };
        match keyword.to_ascii_uppercase().as_str() {
            "PIPELINING" => self.pipelining = true,
            "SIZE" => self.size = Some(words.next().map_or(0, |n| n.parse().unwrap_or(0))),
            "8BITMIME" => self.eightbitmime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "DSN" => self.dsn = true,
            "CHUNKING" => self.chunking = true,
            "ENHANCEDSTATUSCODES" => self.enhancedstatuscodes = true,
            "STARTTLS" => self.starttls = true,
            "AUTH" => self.parse_mechanisms(words),
            other => {
                // The form of a draft that old servers still offer beside the right one.
                if let Some(first) = other.strip_prefix("AUTH=") {
                    self.parse_mechanisms(std::iter::once(first).chain(words));
                }
            }
        }
    }

    fn parse_mechanisms<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        for word in words {
            let mechanism = word.to_ascii_uppercase();
            if self.auth.len() < MECHANISMS_MAX
                && mechanism.len() <= 20
                && !self.auth.contains(&mechanism)
            {
                self.auth.push(mechanism);
            }
        }
    }

    /// The largest message that the server says it takes.
    #[must_use]
    pub fn size_limit(&self) -> Option<u64> {
        self.size.filter(|&limit| limit > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_known_in_any_case() {
        let words = b"DSN is my name\nPIPELINING\nsize 52428800\n8bitmime\nSMTPUTF8\nCHUNKING\nEnhancedStatusCodes\nSTARTTLS\nAUTH plain LOGIN\nAUTH=LOGIN CRAM-MD5\nXYZZY\n\n\xff";
        let offered = Extensions::parse(words);
        let expected = Extensions {
            pipelining: true,
            size: Some(52_428_800),
            eightbitmime: true,
            smtputf8: true,
            dsn: false,
            chunking: true,
            enhancedstatuscodes: true,
            starttls: true,
            auth: vec!["PLAIN".into(), "LOGIN".into(), "CRAM-MD5".into()],
        };
        assert_eq!(offered, expected);
    }

    #[test]
    fn a_size_without_a_number_is_no_limit() {
        for words in [
            "h\nSIZE",
            "h\nSIZE 0",
            "h\nSIZE many",
            "h\nSIZE 99999999999999999999",
        ] {
            let offered = Extensions::parse(words.as_bytes());
            assert_eq!(
                (offered.size, offered.size_limit()),
                (Some(0), None),
                "{words:?}"
            );
        }
        assert_eq!(Extensions::parse(b"h\nSIZE 7").size_limit(), Some(7));
        assert_eq!(Extensions::parse(b"h").size, None);
    }
}
