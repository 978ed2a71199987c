//! The form of every packet: a kind byte and the fields of its kind.

use crate::{Reader, WireError};

/// One message that fits one packet.
pub trait Packet: Sized {
    /// Writes the packet over what `out` held.
    fn encode_into(&self, out: &mut Vec<u8>);

    /// The packet as bytes.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.encode_into(&mut out);
        out
    }

    /// Reads exactly one packet.
    ///
    /// # Errors
    /// What is wrong with the bytes; nothing of them is then believed.
    fn decode(bytes: &[u8]) -> Result<Self, WireError>;
}

/// Reads all of `bytes` as the kind byte `kind` followed by fields: shared by the macro below.
pub(crate) fn finish<T>(value: T, reader: &Reader<'_>) -> Result<T, WireError> {
    if reader.is_empty() {
        Ok(value)
    } else {
        Err(WireError::LeftOver)
    }
}

/// Declares an enum of packets: `'K' Name { field: Type, … }`.
macro_rules! packets {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$vmeta:meta])* $kind:literal $variant:ident { $($(#[$fmeta:meta])* $field:ident: $ty:ty),* $(,)? }),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$vmeta])* $variant { $($(#[$fmeta])* $field: $ty),* }),*
        }
        impl crate::Packet for $name {
            fn encode_into(&self, out: &mut Vec<u8>) {
                out.clear();
                match self {
                    $(Self::$variant { $($field),* } => {
                        out.push($kind);
                        $(crate::Wire::put($field, out);)*
                    })*
                }
            }
            fn decode(bytes: &[u8]) -> Result<Self, crate::WireError> {
                let mut reader = crate::Reader::new(bytes)?;
                let kind: u8 = crate::Wire::take(&mut reader)?;
                match kind {
                    $($kind => {
                        $(let $field = crate::Wire::take(&mut reader)?;)*
                        crate::packet::finish(Self::$variant { $($field),* }, &reader)
                    })*
                    other => Err(crate::WireError::UnknownKind(other)),
                }
            }
        }
    };
}

/// Declares a struct that is a field of packets.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* pub $field:ident: $ty:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty),* }
        impl crate::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) { $(crate::Wire::put(&self.$field, out);)* }
            fn take(reader: &mut crate::Reader<'_>) -> Result<Self, crate::WireError> {
                $(let $field = crate::Wire::take(reader)?;)*
                Ok(Self { $($field),* })
            }
        }
    };
}

/// Declares an enum without fields, sent as one byte.
macro_rules! choice {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $kind:literal $variant:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant),* }
        impl crate::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) { out.push(match self { $(Self::$variant => $kind),* }); }
            fn take(reader: &mut crate::Reader<'_>) -> Result<Self, crate::WireError> {
                match u8::take(reader)? { $($kind => Ok(Self::$variant),)* other => Err(crate::WireError::UnknownKind(other)) }
            }
        }
    };
}
