//! What workers say: outcomes, and whether a session is open.

use std::io::ErrorKind;
use std::time::Instant;

use stafette_wire::Packet;
use stafette_wire::delivery::FromDelivery;

use super::{Parent, complain};
use crate::worker::KEPT;

impl Parent {
    /// Takes what a worker says until it says no more.
    pub(super) fn hear_worker(&mut self, token: u64) {
        while let Some(worker) = self.workers.get(&token) {
            match worker.socket.try_recv(&mut self.buffer) {
                Ok((0, _)) => return self.bury(token),
                Ok((length, _)) => {
                    if let Err(problem) = self.take_report(token, length) {
                        complain("worker killed", &problem);
                        return self.bury(token);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.bury(token),
            }
        }
    }

    fn take_report(&mut self, token: u64, length: usize) -> Result<(), String> {
        let report = self.buffer.get(..length).unwrap_or_default();
        let (first, packet) = report.split_first().ok_or("an empty report")?;
        let worker = self.workers.get_mut(&token).ok_or("an unknown worker")?;
        worker.since = Instant::now();
        if packet.is_empty() {
            worker.line = None;
            return Ok(());
        }
        let FromDelivery::Outcome { outcome } =
            FromDelivery::decode(packet).map_err(|error| error.to_string())?
        else {
            return Err("no outcome".to_owned());
        };
        let (job, _) = worker.job.ok_or("an outcome of no job")?;
        let brief = self.ledger.brief(job).ok_or("an outcome of no job")?;
        if !brief.fits(&outcome) {
            return Err("an outcome of another job".to_owned());
        }
        worker.job = None;
        worker.line = (*first == KEPT).then(|| brief.line.clone());
        self.deaths.remove(&outcome.id);
        self.ledger.end(outcome);
        Ok(())
    }
}
