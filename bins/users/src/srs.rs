//! SRS: addresses of ours for senders of others, so that a forward passes the SPF check of the next host.
//!
//! ```text
//! SRS0=HHHHHHHH=TT=example.org=joe@ours            for joe@example.org
//! SRS1=HHHHHHHH=first.example==hhhh=tt=example.org=joe@ours    for what first.example made of it already
//! ```
//!
//! H is a signature in base32: 40 bits of HMAC-SHA256. The usual four letters are 20 bits, which a client of a fast link guesses in a day
//! and can then use us to reach anybody as a relay; eight letters last. TT is the day, modulo 1024. What a report comes back to is
//! compared without regard to case, since some hosts change it. All of it is pure; strangers write what [`Srs::reverse`] reads.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use stafette_addr::{Domain, LocalPart, Mailbox};

/// Days for which an address is taken back.
const LIFETIME: i64 = 21;
/// Days are counted modulo this: two letters.
const CYCLE: i64 = 1024;
/// Bytes of the signature.
const HASH: usize = 5;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A secret: any bytes.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// From the bytes of its file.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// Never what it is.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Signs with the first secret, and takes back what any of them signed.
#[derive(Debug, Clone)]
pub struct Srs {
    domain: Domain,
    secrets: Vec<Secret>,
}

/// Why an address that looks like one of ours leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Parts are missing, or hold what no address has.
    Form,
    /// We did not sign it.
    Signature,
    /// It is too old.
    Old,
}

/// For the reply.
impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not a complete SRS address",
            Self::Signature => "an SRS address that was not made here",
            Self::Old => "an SRS address that is too old",
        })
    }
}

impl Srs {
    /// For addresses at `domain`; the newest secret first.
    #[must_use]
    pub fn new(domain: Domain, secrets: Vec<Secret>) -> Self {
        Self { domain, secrets }
    }

    /// The domain of the addresses.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// An address of ours that leads back to `sender`; none if it would be too long, or no secret is there.
    #[must_use]
    pub fn forward(&self, sender: &Mailbox, now: i64) -> Option<Mailbox> {
        let secret = self.secrets.first()?;
        let local = sender.local().as_str();
        let domain = spelled(sender.domain());
        let rewritten = match kind(local) {
            Some(Kind::First) => {
                let rest = local.get(4..)?;
                let hash = sign(secret, &[b"1", domain.as_bytes(), rest.as_bytes()])?;
                format!("SRS1={hash}={domain}={rest}")
            }
            // What another host made of it already: the first forwarder stays the one it leads to.
            Some(Kind::Further) if leads_somewhere(local) => {
                let (_, first, rest) = further(local)?;
                let hash = sign(secret, &[b"1", first.as_bytes(), rest.as_bytes()])?;
                format!("SRS1={hash}={first}={rest}")
            }
            _ => {
                let stamp = day_letters(now.div_euclid(86_400));
                let parts = [b"0", stamp.as_bytes(), domain.as_bytes(), local.as_bytes()];
                let hash = sign(secret, &parts)?;
                format!("SRS0={hash}={stamp}={domain}={local}")
            }
        };
        let local = LocalPart::from_unquoted(rewritten.as_bytes()).ok()?;
        Some(Mailbox::new(local, self.domain.clone()))
    }

    /// Where an address of ours leads back to; none if it is not one.
    #[must_use]
    pub fn reverse(&self, recipient: &Mailbox, now: i64) -> Option<Result<Mailbox, Wrong>> {
        if spelled(recipient.domain()) != spelled(&self.domain) {
            return None;
        }
        let local = recipient.local().as_str();
        Some(match kind(local)? {
            Kind::First => self.reverse_first(local, now),
            Kind::Further => self.reverse_further(local),
        })
    }

    fn reverse_first(&self, text: &str, now: i64) -> Result<Mailbox, Wrong> {
        let mut parts = text.get(5..).ok_or(Wrong::Form)?.splitn(4, '=');
        let mut next = || {
            parts
                .next()
                .filter(|part| !part.is_empty())
                .ok_or(Wrong::Form)
        };
        let (hash, stamp, domain, local) = (next()?, next()?, next()?, next()?);
        let signed = [b"0", stamp.as_bytes(), domain.as_bytes(), local.as_bytes()];
        self.check(hash, &signed)?;
        let day = letters_day(stamp).ok_or(Wrong::Form)?;
        let age = (now.div_euclid(86_400) - day).rem_euclid(CYCLE);
        if age > LIFETIME {
            return Err(Wrong::Old);
        }
        mailbox(local, domain)
    }

    fn reverse_further(&self, text: &str) -> Result<Mailbox, Wrong> {
        let (hash, domain, rest) = further(text).ok_or(Wrong::Form)?;
        self.check(hash, &[b"1", domain.as_bytes(), rest.as_bytes()])?;
        mailbox(&format!("SRS0{rest}"), domain)
    }

    fn check(&self, hash: &str, parts: &[&[u8]]) -> Result<(), Wrong> {
        let hash = from_base32(hash).ok_or(Wrong::Signature)?;
        let is_signed = self.secrets.iter().any(|secret| {
            mac(secret, parts).is_some_and(|mac| mac.verify_truncated_left(&hash).is_ok())
        });
        is_signed.then_some(()).ok_or(Wrong::Signature)
    }
}

/// Which form a local-part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    First,
    Further,
}

fn kind(local: &str) -> Option<Kind> {
    let (tag, rest) = local.split_at_checked(4)?;
    if !rest.starts_with(['=', '+', '-']) {
        return None;
    }
    match tag.to_ascii_uppercase().as_str() {
        "SRS0" => Some(Kind::First),
        "SRS1" => Some(Kind::Further),
        _ => None,
    }
}

/// Signature, first forwarder, and what that one's address has behind `SRS0`.
fn further(text: &str) -> Option<(&str, &str, &str)> {
    let (hash, rest) = text.get(5..)?.split_once('=')?;
    let (domain, rest) = rest.split_once('=')?;
    (!domain.is_empty() && rest.starts_with(['=', '+', '-'])).then_some((hash, domain, rest))
}

/// Whether what claims to come from a first forwarder names one: else it is a sender like any other.
fn leads_somewhere(text: &str) -> bool {
    further(text).is_some_and(|(_, domain, rest)| mailbox(&format!("SRS0{rest}"), domain).is_ok())
}

fn mailbox(local: &str, domain: &str) -> Result<Mailbox, Wrong> {
    let local = LocalPart::from_unquoted(local.as_bytes()).map_err(|_| Wrong::Form)?;
    let domain = Domain::parse(domain.as_bytes()).map_err(|_| Wrong::Form)?;
    Ok(Mailbox::new(local, domain))
}

fn spelled(domain: &Domain) -> String {
    domain
        .to_ascii()
        .unwrap_or_else(|| domain.as_str().to_owned())
}

/// Each part in lower case with its length in front, so that no two lists of parts are signed alike.
fn mac(secret: &Secret, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).ok()?;
    for part in parts {
        mac.update(&u64::try_from(part.len()).ok()?.to_be_bytes());
        mac.update(&part.to_ascii_lowercase());
    }
    Some(mac)
}

fn sign(secret: &Secret, parts: &[&[u8]]) -> Option<String> {
    let hash = mac(secret, parts)?.finalize().into_bytes();
    hash.get(..HASH).map(to_base32)
}

/// Five bits a letter (RFC 4648 section 6), the highest first.
fn to_base32(bytes: &[u8]) -> String {
    let number = bytes
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let count = bytes.len() * 8 / 5;
    (0..count)
        .rev()
        .map(|at| letter(number >> (5 * at)))
        .collect()
}

fn from_base32(text: &str) -> Option<[u8; HASH]> {
    if text.len() != HASH * 8 / 5 {
        return None;
    }
    let mut number = 0_u64;
    for byte in text.bytes() {
        number = number << 5 | u64::try_from(value(byte)?).ok()?;
    }
    let [_, _, _, rest @ ..] = number.to_be_bytes();
    Some(rest)
}

fn letter(number: u64) -> char {
    let at = usize::try_from(number & 31).unwrap_or(0);
    ALPHABET.get(at).copied().map_or('A', char::from)
}

fn value(byte: u8) -> Option<i64> {
    let byte = byte.to_ascii_uppercase();
    let at = ALPHABET.iter().position(|letter| *letter == byte)?;
    i64::try_from(at).ok()
}

fn day_letters(day: i64) -> String {
    let day = u64::try_from(day.rem_euclid(CYCLE)).unwrap_or(0);
    [letter(day >> 5), letter(day)].into_iter().collect()
}

fn letters_day(text: &str) -> Option<i64> {
    match text.as_bytes() {
        [high, low] => Some(value(*high)? << 5 | value(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
