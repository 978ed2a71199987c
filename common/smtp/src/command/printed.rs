//! Parameter values as they are written on the wire.

use std::fmt::{self, Write as _};

use stafette_addr::xtext_encode;

use super::{Body, EnvelopeId, Notify, OriginalRecipient, Ret};

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
        })
    }
}

impl fmt::Display for Ret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "FULL",
            Self::Headers => "HDRS",
        })
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_never() {
            return f.write_str("NEVER");
        }
        let words = [
            (self.success, "SUCCESS"),
            (self.failure, "FAILURE"),
            (self.delay, "DELAY"),
        ];
        let mut comma = "";
        for (_, word) in words.iter().filter(|(wanted, _)| *wanted) {
            write!(f, "{comma}{word}")?;
            comma = ",";
        }
        Ok(())
    }
}

/// As xtext.
impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&xtext_encode(self.as_str().as_bytes()))
    }
}

/// In the encoding of its type, in ASCII alone, so that any server with DSN can be told (RFC 6533 section 3).
impl fmt::Display for OriginalRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};", self.kind())?;
        if self.kind() != "utf-8" {
            return f.write_str(&xtext_encode(self.address().as_bytes()));
        }
        for c in self.address().chars() {
            match c {
                '+' | '=' | '\\' => write!(f, "\\x{{{:X}}}", u32::from(c))?,
                '!'..='~' => f.write_char(c)?,
                other => write!(f, "\\x{{{:X}}}", u32::from(other))?,
            }
        }
        Ok(())
    }
}
