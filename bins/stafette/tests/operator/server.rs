//! Programs played by a test: a thread that answers each packet on a socket of the instance.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use stafette_sys::packet::Listener;
use stafette_wire::{MAX_PACKET, Packet};

/// Serves one connection after the other at `path`: `answer` gives the packets that answer one. What was asked is sent back.
pub(crate) fn serve<Asked, Answer>(
    path: &Path,
    mut answer: impl FnMut(&Asked) -> Vec<Answer> + Send + 'static,
) -> Receiver<Asked>
where
    Asked: Packet + Send + 'static,
    Answer: Packet,
{
    let listener = Listener::bind(path, 0o666).expect("a socket");
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; MAX_PACKET];
        while let Ok(socket) = listener.accept() {
            while let Ok((length @ 1.., _)) = socket.recv(&mut buffer) {
                let asked = Asked::decode(&buffer[..length]).expect("a packet");
                for packet in answer(&asked) {
                    socket.send(&packet.encode(), &[]).expect("a peer");
                }
                if sender.send(asked).is_err() {
                    return; // The test is over.
                }
            }
        }
    });
    receiver
}
