//! What is known of destinations, for hoststat and purgestat.

use stafette_wire::operator::{Bytes, HostEntry};

use super::Scheduler;
use crate::schedule::Channel;

impl Scheduler {
    /// The hosts that were tried lately, or that something waits for, by name.
    pub(crate) fn hosts(&self) -> Vec<HostEntry> {
        let mut hosts: Vec<HostEntry> = self
            .lines
            .ids()
            .into_iter()
            .filter_map(|id| self.lines.get(id))
            .filter(|line| line.channel() == Channel::Remote)
            .filter(|line| line.last.tried > 0 || line.waiting() > 0)
            .map(|line| HostEntry {
                destination: line.name.to_string(),
                relay: line.last.relay.clone(),
                tried: line.last.tried,
                dead_until: if line.health.is_dead(self.now) {
                    line.health.until()
                } else {
                    0
                },
                waiting: line.recipients_waiting(),
                reply: Bytes(line.last.reply.clone()),
            })
            .collect();
        hosts.sort_by(|one, other| one.destination.cmp(&other.destination));
        hosts
    }

    /// Forgets all of that.
    pub(crate) fn forget_hosts(&mut self) {
        self.lines.forget_deaths(None);
        self.lines.forget_last();
    }
}
