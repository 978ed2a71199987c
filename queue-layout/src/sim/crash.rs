//! What can be found on the disk after power is lost.

use std::collections::BTreeSet;

use super::{Change, Image, SimDisk};

/// How many of the possible disks a test wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// None, all, each prefix, each one missing, each one alone, each write torn.
    Full,
    /// None, all, each one alone.
    Narrow,
}

impl SimDisk {
    /// Every disk that could be found if power were lost now, each once; this disk is not touched.
    #[must_use]
    pub fn crashes(&self, breadth: Breadth) -> Vec<Self> {
        let inner = self.inner();
        let changes: Vec<&Change> = inner
            .pending
            .iter()
            .map(|pending| &pending.change)
            .collect();
        let mut images = BTreeSet::new();
        let mut add = |chosen: &mut dyn Iterator<Item = &Change>| {
            let mut image = inner.durable.clone();
            chosen.for_each(|change| image.apply(change, inner.clock));
            image.tidy();
            images.insert(image);
        };
        add(&mut std::iter::empty());
        add(&mut changes.iter().copied());
        for (number, change) in changes.iter().enumerate() {
            add(&mut std::iter::once(*change));
            if breadth == Breadth::Narrow {
                continue;
            }
            add(&mut changes.iter().copied().take(number));
            let others = changes
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != number);
            add(&mut others.map(|(_, change)| *change));
            for torn in change.torn() {
                let with_torn = changes.iter().enumerate();
                add(&mut with_torn
                    .map(|(other, change)| if other == number { &torn } else { *change }));
            }
        }
        let clock = inner.clock;
        images
            .into_iter()
            .map(|image: Image| Self::of(image, clock))
            .collect()
    }

    /// The disk as programs see it, with power never lost: what a killed program leaves.
    #[must_use]
    pub fn killed(&self) -> Self {
        let inner = self.inner();
        let disk = Self::of(inner.live.clone(), inner.clock);
        let mut copy = disk.inner();
        copy.durable = inner.durable.clone();
        copy.pending = inner.pending.clone();
        copy.next_inode = inner.next_inode;
        drop(copy);
        disk
    }
}
