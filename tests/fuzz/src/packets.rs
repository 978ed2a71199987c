//! What our programs say to one another, if one of them lies.

use stafette_wire::Packet;
use stafette_wire::clean::{FromClean, ToClean};
use stafette_wire::delivery::{FromDelivery, ToDelivery};
use stafette_wire::operator::{FromSend, ToSend};
use stafette_wire::resolve::{FromResolve, ToResolve};
use stafette_wire::submission::{FromQueue, ToQueue};
use stafette_wire::tables::{FromTables, ToTables};
use stafette_wire::users::{FromUsers, ToUsers};

/// What is read as a packet is written as one that reads the same.
fn canonical<P: Packet + PartialEq + std::fmt::Debug>(data: &[u8]) {
    if let Ok(packet) = P::decode(data) {
        assert_eq!(P::decode(&packet.encode()).as_ref(), Ok(&packet));
    }
}

/// Every packet of every socket has one reading.
pub fn packets_have_one_reading(data: &[u8]) {
    canonical::<ToQueue>(data);
    canonical::<FromQueue>(data);
    canonical::<ToUsers>(data);
    canonical::<FromUsers>(data);
    canonical::<ToDelivery>(data);
    canonical::<FromDelivery>(data);
    canonical::<ToClean>(data);
    canonical::<FromClean>(data);
    canonical::<ToSend>(data);
    canonical::<FromSend>(data);
    canonical::<ToResolve>(data);
    canonical::<FromResolve>(data);
    canonical::<ToTables>(data);
    canonical::<FromTables>(data);
}
