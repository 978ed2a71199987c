//! The parameters of MAIL and RCPT (RFC 5321 section 4.1.2; each extension's own RFC).

use stafette_addr::{Mailbox, xtext_decode};

use super::CommandError;

/// The most octets of an ENVID, and of an ORCPT (RFC 3461 section 5.4).
const ENVELOPE_ID_MAX: usize = 100;
const ORIGINAL_RECIPIENT_MAX: usize = 500;

/// What MAIL said beside the reverse-path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailParams {
    /// SIZE: how many octets the message will have (RFC 1870 section 6).
    pub size: Option<u64>,
    /// BODY (RFC 6152 section 2).
    pub body: Option<Body>,
    /// SMTPUTF8: addresses or header fields in other scripts (RFC 6531 section 3.4).
    pub smtputf8: bool,
    /// RET: what a report about a failure holds of the message (RFC 3461 section 4.3).
    pub ret: Option<Ret>,
    /// ENVID: the sender's name of this envelope (RFC 3461 section 4.4).
    pub envid: Option<EnvelopeId>,
    /// AUTH: who handed it in, as the client says; nobody for `<>` (RFC 4954 section 5).
    pub auth: Option<Option<Mailbox>>,
}

/// What RCPT said beside the recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RcptParams {
    /// NOTIFY: when to report; None is the usual, failures and perhaps delays (RFC 3461 section 4.1).
    pub notify: Option<Notify>,
    /// ORCPT: the recipient as the sender named it (RFC 3461 section 4.2).
    pub orcpt: Option<OriginalRecipient>,
}

/// The value of BODY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// 7BIT
    SevenBit,
    /// 8BITMIME
    EightBitMime,
}

/// The value of RET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// The whole message.
    Full,
    /// Its header section.
    Headers,
}

/// The value of NOTIFY; all false is NEVER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// Report the delivery.
    pub success: bool,
    /// Report the failure.
    pub failure: bool,
    /// Report a delay.
    pub delay: bool,
}

/// The value of ENVID, decoded: at most 100 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnvelopeId(Box<str>);

/// The value of ORCPT, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginalRecipient {
    kind: Box<str>,
    address: Box<str>,
}

impl MailParams {
    pub(super) fn parse(words: &str) -> Result<Self, CommandError> {
        let mut params = Self::default();
        let mut smtputf8 = None;
        for word in words.split(' ').filter(|w| !w.is_empty()) {
            let (keyword, value) = split_word(word);
            match keyword.to_ascii_uppercase().as_str() {
                "SIZE" => once(&mut params.size, value.and_then(parse_digits)),
                "BODY" => once(&mut params.body, value.and_then(Body::parse)),
                "SMTPUTF8" => once(&mut smtputf8, value.is_none().then_some(())),
                "RET" => once(&mut params.ret, value.and_then(Ret::parse)),
                "ENVID" => once(&mut params.envid, value.and_then(EnvelopeId::parse)),
                "AUTH" => once(&mut params.auth, value.and_then(parse_auth)),
                _ => Err(CommandError::PARAM_UNKNOWN),
            }?;
        }
        params.smtputf8 = smtputf8.is_some();
        Ok(params)
    }
}

impl RcptParams {
    pub(super) fn parse(words: &str) -> Result<Self, CommandError> {
        let mut params = Self::default();
        for word in words.split(' ').filter(|w| !w.is_empty()) {
            let (keyword, value) = split_word(word);
            match keyword.to_ascii_uppercase().as_str() {
                "NOTIFY" => once(&mut params.notify, value.and_then(Notify::parse)),
                "ORCPT" => once(&mut params.orcpt, value.and_then(OriginalRecipient::parse)),
                _ => Err(CommandError::PARAM_UNKNOWN),
            }?;
        }
        Ok(params)
    }
}

fn split_word(word: &str) -> (&str, Option<&str>) {
    match word.split_once('=') {
        Some((keyword, value)) => (keyword, Some(value)),
        None => (word, None),
    }
}

fn once<T>(place: &mut Option<T>, value: Option<T>) -> Result<(), CommandError> {
    if place.is_some() {
        return Err(CommandError::PARAM_TWICE);
    }
    *place = Some(value.ok_or(CommandError::PARAM_VALUE)?);
    Ok(())
}

/// One to twenty digits; more than fits is as much as fits, which is too much anyway.
pub(super) fn parse_digits(digits: &str) -> Option<u64> {
    let good = (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    good.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn parse_auth(value: &str) -> Option<Option<Mailbox>> {
    let decoded = xtext_decode(value.as_bytes())?;
    match decoded.as_slice() {
        b"<>" => Some(None),
        mailbox => Mailbox::parse(mailbox).ok().map(Some),
    }
}

impl Body {
    fn parse(value: &str) -> Option<Self> {
        match value.to_ascii_uppercase().as_str() {
            "7BIT" => Some(Self::SevenBit),
            "8BITMIME" => Some(Self::EightBitMime),
            _ => None,
        }
    }
}

impl Ret {
    /// Parses `FULL` or `HDRS`.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        match value.to_ascii_uppercase().as_str() {
            "FULL" => Some(Self::Full),
            "HDRS" => Some(Self::Headers),
            _ => None,
        }
    }
}

impl Notify {
    /// Parses `NEVER`, or words of `SUCCESS`, `FAILURE` and `DELAY` with commas between them.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut notify = Self::default();
        if value.eq_ignore_ascii_case("NEVER") {
            return Some(notify);
        }
        for word in value.split(',') {
            match word.to_ascii_uppercase().as_str() {
                "SUCCESS" => notify.success = true,
                "FAILURE" => notify.failure = true,
                "DELAY" => notify.delay = true,
                _ => return None,
            }
        }
        Some(notify)
    }

    /// Whether it is NEVER.
    #[must_use]
    pub fn is_never(self) -> bool {
        self == Self::default()
    }
}

impl EnvelopeId {
    /// Parses xtext whose decoded value is printable ASCII (RFC 3461 section 4.4).
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        Self::from_decoded(&xtext_decode(value.as_bytes())?)
    }

    /// Takes a decoded value.
    #[must_use]
    pub fn from_decoded(decoded: &[u8]) -> Option<Self> {
        let good = (1..=ENVELOPE_ID_MAX).contains(&decoded.len())
            && decoded.iter().all(|b| (0x20..=0x7e).contains(b));
        let text = std::str::from_utf8(decoded).ok()?;
        good.then(|| Self(text.into()))
    }

    /// The decoded value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OriginalRecipient {
    /// Parses `type;address`, the address in the encoding of its type.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (kind, encoded) = value.split_once(';')?;
        if value.len() > ORIGINAL_RECIPIENT_MAX {
            return None;
        }
        let address = if kind.eq_ignore_ascii_case("utf-8") {
            decode_utf8_address(encoded)?
        } else {
            String::from_utf8(xtext_decode(encoded.as_bytes())?).ok()?
        };
        Self::new(kind, &address)
    }

    /// Takes a type and a decoded address; only the type `utf-8` may hold more than ASCII.
    #[must_use]
    pub fn new(kind: &str, address: &str) -> Option<Self> {
        let atom = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let utf8 = kind.eq_ignore_ascii_case("utf-8");
        let printable = |c: char| match c {
            ' '..='~' => true,
            other => utf8 && !other.is_control() && !matches!(other, '\u{2028}' | '\u{2029}'),
        };
        let good = (1..=64).contains(&kind.len())
            && kind.bytes().all(atom)
            && (1..=ORIGINAL_RECIPIENT_MAX).contains(&address.len())
            && address.chars().all(printable);
        good.then(|| Self {
            kind: kind.to_ascii_lowercase().into(),
            address: address.into(),
        })
    }

    /// The address type, in lower case: `rfc822` for mail.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The decoded address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// RFC 6533 section 3: characters as they are, or as `\x{HEX}`. `+HEX` is taken as well, as xtext has it.
fn decode_utf8_address(encoded: &str) -> Option<String> {
    let mut address = String::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some(c) = rest.chars().next() {
        let (decoded, length) = match c {
            '\\' => {
                let digits = rest.strip_prefix("\\x{")?.split_once('}')?.0;
                let good = (1..=6).contains(&digits.len())
                    && digits.bytes().all(|b| b.is_ascii_hexdigit());
                let value = u32::from_str_radix(digits, 16).ok().filter(|_| good)?;
                (char::from_u32(value)?, digits.len() + 4)
            }
            '+' => {
                let octet = xtext_decode(rest.get(..3)?.as_bytes())?;
                let ascii = octet.first().copied().filter(u8::is_ascii)?;
                (char::from(ascii), 3)
            }
            '=' => return None,
            other => (other, other.len_utf8()),
        };
        address.push(decoded);
        rest = rest.get(length..)?;
    }
    Some(address)
}
