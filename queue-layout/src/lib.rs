#![doc = include_str!("../FORMAT.md")]
#![forbid(unsafe_code)]

mod attempt;
mod commit;
mod damage;
mod disk;
mod draft;
mod envelope;
mod event;
mod head;
mod journal;
mod limit;
mod line;
mod message;
mod number;
mod numbers;
mod place;
mod publish;
mod real;
mod record;
mod recover;
mod scan;
#[cfg(feature = "sim")]
pub mod sim;
mod stamp;
mod state;
mod story;
mod take_in;

pub use attempt::{Attempt, Verdict};
pub use commit::{commit, drop_in, prepare_children};
pub use damage::Damage;
pub use disk::{Access, Disk, DiskFile, Status};
pub use draft::{Draft, Sealed};
pub use envelope::Envelope;
pub use event::{ChildKind, Event, TooLong};
pub use head::{HEAD_OCTETS, Head};
pub use journal::{Journal, ReadError, RecipientState, Standing};
pub use limit::{ENVELOPE_LIMIT, FORWARDS_LIMIT, LINE_LIMIT, MAX_RECIPIENTS, REPLY_LIMIT};
pub use message::{Message, OpenError, decode};
pub use place::Place;
pub use real::{RealDisk, RealFile, RealNames};
pub use record::{Record, RecordError, Recorder};
pub use recover::{Recovery, recover};
pub use scan::{Found, Scan};
pub use stafette_wire::clean::Then;
pub use state::{STATES, State};
pub use take_in::{Admission, Offer, TakeIn, take_in};
