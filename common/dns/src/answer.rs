//! What the DNS can answer, and who can be asked.

use std::net::IpAddr;

use stafette_wire::resolve::Exchanger;

/// An answer, with the three cases that mail must tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// What there is; an empty list means that the name exists without any.
    Found(T),
    /// The name does not exist.
    NoSuchName,
    /// The DNS gave no answer now; it said this.
    Later(String),
    /// Our own resolve program could not be asked: nothing was learned.
    OutOfReach(String),
}

/// Someone who can be asked.
pub trait Ask {
    /// The mail exchangers of a domain (ASCII, no last dot), in no particular order.
    fn exchangers(&mut self, domain: &str) -> Answer<Vec<Exchanger>>;
    /// The addresses of a host (ASCII, no last dot), in no particular order.
    fn addresses(&mut self, host: &str) -> Answer<Vec<IpAddr>>;
}
