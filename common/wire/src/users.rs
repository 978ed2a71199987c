//! What smtpd and send ask users.

use stafette_addr::Mailbox;

packets! {
    /// To users.
    pub enum ToUsers {
        /// Whose is this address?
        b'L' Lookup { /// Chosen by the asker, given back with the answer.
            seq: u32, /// The address.
            mailbox: Mailbox },
        /// Are you there?
        b'P' Ping {},
    }
}

packets! {
    /// From users.
    pub enum FromUsers {
        /// The domain is ours and the account is there.
        b'L' Local { /// As asked.
            seq: u32,
            /// Names the account: mail for equal keys is delivered by one worker. The line's user name, or the account's.
            account: String },
        /// The domain is not ours.
        b'R' Remote { /// As asked.
            seq: u32,
            /// The domain stands in rcpthosts: strangers may send to it through us.
            in_rcpthosts: bool },
        /// The domain is ours, and nobody has that name.
        b'N' NoSuchUser { /// As asked.
            seq: u32 },
        /// The account database did not answer: ask again later. Never a reason to refuse.
        b'T' Later { /// As asked.
            seq: u32,
            /// For the log.
            reason: String },
        /// I am here.
        b'P' Pong {},
    }
}
