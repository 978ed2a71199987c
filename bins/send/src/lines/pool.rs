//! What of a channel's concurrency is used, by what, and whose turn it is.

use std::collections::VecDeque;

use super::LineId;
use crate::health::Trust;
use crate::line::Class;

#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) total: u32,
    pub(super) used: u32,
    pub(super) used_bulk: u32,
    pub(super) used_suspect: u32,
    pub(super) used_unproven: u32,
    pub(super) rings: [VecDeque<LineId>; 2],
    pub(super) turn: u8,
}

impl Pool {
    pub(super) fn three_quarters(&self) -> u32 {
        (self.total - self.total / 4).max(1)
    }

    pub(super) fn has_room(&self, class: Class, trust: Trust) -> bool {
        let bulk = class == Class::Letter || self.used_bulk < self.three_quarters();
        let suspect = trust != Trust::Suspect || self.used_suspect < (self.total / 4).max(1);
        let unproven = trust == Trust::Proven || self.used_unproven < self.three_quarters();
        self.used < self.total && bulk && suspect && unproven
    }

    pub(super) fn count(&mut self, class: Class, trust: Trust, step: impl Fn(u32) -> u32) {
        self.used = step(self.used);
        if class == Class::Bulk {
            self.used_bulk = step(self.used_bulk);
        }
        if trust == Trust::Suspect {
            self.used_suspect = step(self.used_suspect);
        }
        if trust != Trust::Proven {
            self.used_unproven = step(self.used_unproven);
        }
    }

    pub(super) fn ring(&mut self, class: Class) -> &mut VecDeque<LineId> {
        let [letters, bulk] = &mut self.rings;
        match class {
            Class::Letter => letters,
            Class::Bulk => bulk,
        }
    }
}
