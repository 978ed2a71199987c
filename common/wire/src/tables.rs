//! What newaliases and `stafette maps` ask tables.

packets! {
    /// To tables, from anybody.
    pub enum ToTables {
        /// Compile what has changed; for root and the instance's owner, everything. `Line`*, then `Done`.
        b'C' Compile {},
        /// Are you there?
        b'P' Ping {},
    }
}

packets! {
    /// From tables.
    pub enum FromTables {
        /// One table, or one thing that is wrong, for a person.
        b'L' Line { /// Without line end.
            text: String },
        /// That was all.
        b'D' Done { /// What the texts say is in force.
            good: bool },
        /// I am here.
        b'P' Pong {},
    }
}
