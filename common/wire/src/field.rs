//! How one field is written: fixed-width little-endian numbers, and lengths in front of bytes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use stafette_addr::{Domain, Mailbox, ReversePath};

/// Bytes of the largest packet. Unix sockets hand a packet over whole, so this is also what one `recv` needs.
pub const MAX_PACKET: usize = 128 * 1024;

/// Why bytes are not the packet they should be. The peer misbehaved: its connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireError {
    /// Over [`MAX_PACKET`].
    TooLong,
    /// The bytes end inside a field.
    Short,
    /// Bytes follow the last field.
    LeftOver,
    /// No packet or choice has this byte.
    UnknownKind(u8),
    /// A field holds what its type cannot be.
    BadValue(&'static str),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "packet over {MAX_PACKET} bytes"),
            Self::Short => f.write_str("packet ends inside a field"),
            Self::LeftOver => f.write_str("bytes after the last field"),
            Self::UnknownKind(kind) => write!(f, "unknown kind {kind}"),
            Self::BadValue(what) => write!(f, "not a valid {what}"),
        }
    }
}

impl std::error::Error for WireError {}

/// The rest of a packet that is being read.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts reading a packet.
    ///
    /// # Errors
    /// [`WireError::TooLong`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, WireError> {
        if bytes.len() > MAX_PACKET {
            Err(WireError::TooLong)
        } else {
            Ok(Self(bytes))
        }
    }

    /// Whether all was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(WireError::Short)?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(WireError::Short)?;
        self.0 = tail;
        Ok(*head)
    }

    fn counted(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(u32::take(self)?).map_err(|_| WireError::TooLong)?;
        self.bytes(length)
    }
}

/// A value that can be a field.
pub trait Wire: Sized {
    /// Appends the field.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads the field.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError>;
}

macro_rules! number {
    ($($ty:ty),*) => {$(
        impl Wire for $ty {
            fn put(&self, out: &mut Vec<u8>) { out.extend_from_slice(&self.to_le_bytes()); }
            fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> { reader.array().map(Self::from_le_bytes) }
        }
    )*};
}
number!(u8, u16, u32, u64, i64);

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        match u8::take(reader)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::BadValue("flag")),
        }
    }
}

/// Appends a length and the bytes. What is longer than a packet makes one that every reader refuses.
fn put_counted(bytes: &[u8], out: &mut Vec<u8>) {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).put(out);
    out.extend_from_slice(bytes);
}

/// Any bytes, length in front.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Bytes(pub Vec<u8>);

impl Wire for Bytes {
    fn put(&self, out: &mut Vec<u8>) {
        put_counted(&self.0, out);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.counted().map(|bytes| Self(bytes.to_vec()))
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_counted(self.as_bytes(), out);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::from_utf8(reader.counted()?.to_vec()).map_err(|_| WireError::BadValue("UTF-8 text"))
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if bool::take(reader)? {
            T::take(reader).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        u32::try_from(self.len()).unwrap_or(u32::MAX).put(out);
        for value in self {
            value.put(out);
        }
    }
    /// Grows as elements are really there: a false count costs nothing.
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = u32::take(reader)?;
        let mut values = Self::new();
        for _ in 0..count {
            if reader.is_empty() {
                return Err(WireError::Short);
            }
            values.push(T::take(reader)?);
        }
        Ok(values)
    }
}

impl Wire for IpAddr {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::V4(ip) => {
                out.push(4);
                out.extend_from_slice(&ip.octets());
            }
            Self::V6(ip) => {
                out.push(6);
                out.extend_from_slice(&ip.octets());
            }
        }
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        match u8::take(reader)? {
            4 => reader
                .array::<4>()
                .map(|octets| Self::V4(Ipv4Addr::from(octets))),
            6 => reader
                .array::<16>()
                .map(|octets| Self::V6(Ipv6Addr::from(octets))),
            _ => Err(WireError::BadValue("IP address")),
        }
    }
}

impl Wire for SocketAddr {
    fn put(&self, out: &mut Vec<u8>) {
        self.ip().put(out);
        self.port().put(out);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let ip = IpAddr::take(reader)?;
        Ok(Self::new(ip, u16::take(reader)?))
    }
}

impl Wire for Mailbox {
    fn put(&self, out: &mut Vec<u8>) {
        put_counted(self.as_str().as_bytes(), out);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::parse(reader.counted()?).map_err(|_| WireError::BadValue("mailbox"))
    }
}

impl Wire for Domain {
    fn put(&self, out: &mut Vec<u8>) {
        put_counted(self.as_str().as_bytes(), out);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::parse(reader.counted()?).map_err(|_| WireError::BadValue("domain"))
    }
}

impl Wire for ReversePath {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => put_counted(b"", out),
            Self::Mailbox(mailbox) => mailbox.put(out),
        }
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        match reader.counted()? {
            b"" => Ok(Self::Null),
            bytes => Mailbox::parse(bytes)
                .map(Self::Mailbox)
                .map_err(|_| WireError::BadValue("reverse-path")),
        }
    }
}
