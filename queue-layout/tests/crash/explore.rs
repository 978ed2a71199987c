//! Loss of power before every operation of a script, and everything that could then be found.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use stafette_queue_layout::recover;
use stafette_queue_layout::sim::{Breadth, Flaw, SimDisk};

use crate::post::{send_all, take};
use crate::world::{NOW, World};

/// So much later whatever was never accepted may be removed.
const LATER: i64 = NOW + 48 * 3600;

/// So often recovery is cut short before it may come to its end.
pub(crate) const INTERRUPTIONS: u32 = 2;

/// What a test does.
pub(crate) type Script = fn(&SimDisk, &mut World);

/// What went wrong, and where power was lost.
#[derive(Debug)]
#[expect(dead_code, reason = "printed when a test fails")]
pub(crate) struct Violation {
    operation: u64,
    what: String,
    files: Vec<String>,
}

/// A disk that was never used.
fn fresh(flaw: Option<&Flaw>) -> SimDisk {
    let disk = SimDisk::new();
    disk.set_clock(NOW);
    disk.set_flaw(flaw.cloned());
    disk
}

/// Runs `script` with power lost before each operation in turn, and after it, and with `flaw` in the disk all the while.
/// The first violation, or how many disks were looked at.
pub(crate) fn explore(script: Script, flaw: Option<&Flaw>) -> Result<usize, Violation> {
    explore_on(script, flaw, flaw)
}

/// The same with a disk that has the defect only while the script runs.
pub(crate) fn explore_with(script: Script, flaw: &Flaw) -> Result<usize, Violation> {
    explore_on(script, Some(flaw), None)
}

fn explore_on(
    script: Script,
    flaw: Option<&Flaw>,
    later: Option<&Flaw>,
) -> Result<usize, Violation> {
    let mut judge = Judge::new(later);
    for operation in 1.. {
        let mut is_over = true;
        for crash in [SimDisk::crash_at, SimDisk::crash_after] {
            let (disk, mut world) = (fresh(flaw), World::default());
            crash(&disk, operation);
            script(&disk, &mut world);
            is_over &= !disk.is_dead();
            for found in disk.crashes(Breadth::Full) {
                judge
                    .judge(&found, &world, INTERRUPTIONS)
                    .map_err(|what| Violation {
                        operation,
                        what,
                        files: found.paths(),
                    })?;
            }
        }
        if is_over {
            break;
        }
    }
    Ok(judge.count())
}

/// Judges disks that were found after a crash, each once.
#[derive(Default)]
pub(crate) struct Judge {
    seen: HashSet<u64>,
    flaw: Option<Flaw>,
}

impl Judge {
    pub(crate) fn new(flaw: Option<&Flaw>) -> Self {
        Self {
            seen: HashSet::new(),
            flaw: flaw.cloned(),
        }
    }

    /// How many disks were looked at.
    pub(crate) fn count(&self) -> usize {
        self.seen.len()
    }

    /// Checks a disk: as it was found, after recovery was cut short at every operation, that as often as `interruptions` says, and at the end.
    pub(crate) fn judge(
        &mut self,
        found: &SimDisk,
        world: &World,
        interruptions: u32,
    ) -> Result<(), String> {
        let mut hasher = DefaultHasher::new();
        (found.contents(), world, interruptions).hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return Ok(());
        }
        world.check_found(found)?;
        finish(&found.killed(), world.clone())?;
        if interruptions == 0 {
            return Ok(());
        }
        for operation in 1.. {
            let disk = found.killed();
            disk.set_flaw(self.flaw.clone());
            disk.crash_at(operation);
            recover(&disk, LATER);
            for again in disk.crashes(Breadth::Narrow) {
                let cut = |what| format!("{what}, after recovery was cut short at {operation}");
                self.judge(&again, world, interruptions - 1).map_err(cut)?;
            }
            // A killed program leaves what it did, flushed or not.
            finish(&disk.killed(), world.clone())?;
            if !disk.is_dead() {
                break;
            }
        }
        Ok(())
    }
}

/// Recovers, takes in, sends everything, and looks at what came.
pub(crate) fn finish(disk: &SimDisk, mut world: World) -> Result<(), String> {
    recover(disk, LATER);
    take(disk, &mut world).map_err(|error| error.to_string())?;
    send_all(disk, &mut world);
    recover(disk, LATER);
    let left = disk.paths();
    if !left.is_empty() {
        return Err(format!("left over: {left:?}"));
    }
    world.check_end()
}

/// Explores a script on a sound disk, where no promise may be broken.
pub(crate) fn assert_holds(script: Script) {
    match explore(script, None) {
        // A script that does nothing would hold as well.
        Ok(count) => assert!(count > 10, "only {count} disks were looked at"),
        Err(violation) => panic!("{violation:#?}"),
    }
}
