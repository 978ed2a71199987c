//! Who is told of arrivals. Nobody here can make anybody wait: a socket that is full is told `Overflow` as soon as it has room.
//!
//! `Overflow` is also the first that a subscriber hears: whatever came into new/ before it is for a scan to find, and whatever comes
//! after it is told. A scan that begins earlier could miss a message that is being committed at that moment, and nobody would tell of it.

use std::io;
use std::sync::Arc;

use stafette_sys::packet::Socket;
use stafette_wire::submission::FromQueue;
use stafette_wire::{Packet, QueueId};

#[derive(Debug)]
struct Subscriber {
    socket: Arc<Socket>,
    /// An arrival was not told: `Overflow` comes before anything else.
    is_behind: bool,
}

/// The connections that said `Subscribe`.
#[derive(Debug, Default)]
pub(crate) struct Subscribers(Vec<Subscriber>);

impl Subscribers {
    /// One more.
    pub(crate) fn add(&mut self, socket: Arc<Socket>) {
        let mut subscriber = Subscriber {
            socket,
            is_behind: false,
        };
        if subscriber.overflow() {
            self.0.push(subscriber);
        }
    }

    /// Tells all of `ids`.
    pub(crate) fn tell(&mut self, ids: impl Iterator<Item = QueueId>) {
        if self.0.is_empty() {
            return;
        }
        for id in ids {
            let packet = FromQueue::Arrived { id }.encode();
            self.0.retain_mut(|subscriber| subscriber.tell(&packet));
        }
    }

    /// Whether somebody has still to hear `Overflow`.
    pub(crate) fn is_behind(&self) -> bool {
        self.0.iter().any(|subscriber| subscriber.is_behind)
    }

    /// Tries again to say `Overflow`.
    pub(crate) fn catch_up(&mut self) {
        self.0
            .retain_mut(|subscriber| !subscriber.is_behind || subscriber.overflow());
    }
}

impl Subscriber {
    /// False when the subscriber is gone.
    fn tell(&mut self, packet: &[u8]) -> bool {
        if self.is_behind && !self.overflow() {
            return false;
        }
        // One that is still behind is not told: the Overflow to come says it all.
        self.is_behind || self.push(packet)
    }

    fn overflow(&mut self) -> bool {
        self.is_behind = false;
        self.push(&FromQueue::Overflow {}.encode())
    }

    fn push(&mut self, packet: &[u8]) -> bool {
        match self.socket.try_send(packet, &[]) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.is_behind = true;
                true
            }
            Err(_) => {
                // It subscribes anew when it sees the end; it may be gone already.
                drop(self.socket.close());
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> QueueId {
        QueueId::new(number, [0; QueueId::CHANCE])
    }

    fn heard(socket: &Socket) -> Option<FromQueue> {
        let mut buffer = [0; 256];
        let (length, _) = socket.try_recv(&mut buffer).ok()?;
        FromQueue::decode(&buffer[..length]).ok()
    }

    #[test]
    fn a_full_socket_is_told_overflow_and_then_arrivals_again() {
        let (ours, theirs) = Socket::pair().unwrap();
        let mut subscribers = Subscribers::default();
        subscribers.add(Arc::new(ours));
        assert_eq!(heard(&theirs), Some(FromQueue::Overflow {}));
        let mut told = 0;
        while !subscribers.is_behind() {
            told += 1;
            subscribers.tell(std::iter::once(id(told)));
        }
        subscribers.catch_up();
        assert!(subscribers.is_behind(), "there is still no room");
        for number in 1..told {
            assert_eq!(heard(&theirs), Some(FromQueue::Arrived { id: id(number) }));
        }
        subscribers.tell(std::iter::once(id(99)));
        assert_eq!(heard(&theirs), Some(FromQueue::Overflow {}));
        assert_eq!(heard(&theirs), Some(FromQueue::Arrived { id: id(99) }));
    }

    #[test]
    fn one_who_is_gone_is_forgotten() {
        let (ours, theirs) = Socket::pair().unwrap();
        let mut subscribers = Subscribers::default();
        subscribers.add(Arc::new(ours));
        drop(theirs);
        subscribers.tell(std::iter::once(id(1)));
        assert!(subscribers.0.is_empty());
    }
}
