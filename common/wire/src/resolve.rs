//! What programs ask resolve.

use std::net::IpAddr;

packets! {
    /// To resolve. Names are fully qualified, in ASCII, without the last dot.
    pub enum ToResolve {
        /// Mail exchangers of a domain.
        b'M' Exchangers { /// Given back with the answer.
            seq: u32, /// The domain.
            domain: String },
        /// IPv4 and IPv6 addresses of a host.
        b'A' Addresses { /// Given back with the answer.
            seq: u32, /// The host.
            host: String },
        /// The name of a host: its PTR record, if the addresses of that name have this one among them.
        b'R' Name { /// Given back with the answer.
            seq: u32, /// The host's address.
            address: IpAddr },
        /// Are you there?
        b'P' Ping {},
    }
}

record! {
    /// One MX record.
    pub struct Exchanger {
        /// Preference, lower first (RFC 5321 section 5.1).
        pub preference: u16,
        /// Host name without the last dot; empty for the null MX (RFC 7505).
        pub host: String,
    }
}

packets! {
    /// From resolve.
    pub enum FromResolve {
        /// The mail exchangers; none: the domain exists without any.
        b'M' Exchangers { /// As asked.
            seq: u32, /// In no particular order.
            exchangers: Vec<Exchanger> },
        /// The addresses; none: the host exists without any.
        b'A' Addresses { /// As asked.
            seq: u32, /// In no particular order.
            addresses: Vec<IpAddr> },
        /// The name that leads to the address and back; none: there is no such name.
        b'R' Name { /// As asked.
            seq: u32, /// In lower case, without the last dot.
            name: Option<String> },
        /// The name does not exist.
        b'N' NoSuchName { /// As asked.
            seq: u32 },
        /// No answer now.
        b'T' Later { /// As asked.
            seq: u32,
            /// What the resolver said.
            reason: String },
        /// I am here.
        b'P' Pong {},
    }
}
