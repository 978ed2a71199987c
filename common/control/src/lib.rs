//! Typed settings from control files, and the accounts they name.
//!
//! [`Instance`] says where things are, [`Control`] reads the files, [`Settings`] gives them types and defaults, [`SETTINGS`] is the list of
//! them as data, from which control.5 and [`check`] are made, and [`Accounts`] says whose a local-part is.
//!
//! # Guarantees
//! Everything has a working default. A bad line never spoils a good one, and a mistake never stops a program: it becomes a [`Problem`],
//! which the program logs. Nothing here panics on any bytes, and sizes are bounded.
//!
//! # What it trusts
//! Whoever may write the files decides over the mail; what they may not do is make a program crash.
#![forbid(unsafe_code)]

mod account;
mod assign;
mod check;
mod control;
mod domain_set;
#[cfg(test)]
mod fixture;
mod hostname;
mod instance;
mod manual;
mod network;
mod problem;
mod route;
mod setting;
mod setting_list;
mod settings;
mod value;

pub use account::{Account, Accounts, Lookup};
pub use assign::{Assign, parse_assign};
pub use check::check;
pub use control::{Control, FILE_LIMIT, LINE_LIMIT, Line, parse_lines};
pub use domain_set::{DomainSet, Pattern, parse_pattern};
pub use instance::Instance;
pub use manual::manual;
pub use network::{Network, Networks, parse_network};
pub use problem::{Mistake, Problem};
pub use route::{RelayHost, Route, Routes, parse_route};
pub use setting::{Kind, Setting, find};
pub use setting_list::SETTINGS;
pub use settings::Settings;
pub use value::{parse_address, parse_flag, parse_number};
