//! Recovery: what it completes, what it removes, and above all what it leaves.

use stafette_queue_layout::sim::SimDisk;
use stafette_queue_layout::{Disk, DiskFile, Draft, Place, recover};

use crate::explore::finish;
use crate::post::{accept, bounce, leave, sealed};
use crate::world::{NOW, World};

const LATER: i64 = NOW + 48 * 3600;

fn disk() -> (SimDisk, World) {
    let disk = SimDisk::new();
    disk.set_clock(NOW);
    (disk, World::default())
}

#[test]
fn what_recovery_does_not_understand_it_leaves() {
    let (disk, mut world) = disk();
    let id = world.new_id();
    let strays = [
        "tmp/core".to_owned(),
        format!("tmp/{id}.old"),
        "tmp/.nfs0000".to_owned(),
        "drop/readme".to_owned(),
        format!("new/{id}.swp"),
        format!("bad/{id}"),
        "bad/drop-anything".to_owned(),
        "hold/note".to_owned(),
        "cur/lost+found".to_owned(),
    ];
    for path in &strays {
        disk.put(path, b"not of this queue");
    }
    accept(&disk, &mut world, &[("one", &["ok"])]);
    let recovery = recover(&disk, LATER);
    assert!(recovery.removed.is_empty() && recovery.failed.is_empty());
    assert_eq!(recovery.strays.len(), 4);
    for path in &strays {
        assert_eq!(
            disk.read(path).as_deref(),
            Some(&b"not of this queue"[..]),
            "{path}"
        );
    }
}

#[test]
fn a_file_that_is_still_being_written_is_left_however_old() {
    let (disk, mut world) = disk();
    let draft = Draft::create(&disk, world.new_id()).unwrap();
    assert!(recover(&disk, LATER).removed.is_empty());
    let left = disk.killed();
    drop(draft);
    // Its writer was killed: nobody holds the lock any more.
    assert_eq!(recover(&left, LATER).removed.len(), 1);
}

#[test]
fn a_young_file_is_left_though_nobody_writes_it() {
    let (disk, mut world) = disk();
    accept(&disk, &mut world, &[("one", &["fail"])]);
    let parent = disk.paths().pop().unwrap();
    let parent =
        stafette_wire::QueueId::parse(parent.strip_prefix("new/").unwrap().as_bytes()).unwrap();
    bounce(&disk, &mut world, parent, "one", vec![0]).unwrap();
    assert!(recover(&disk, NOW + 3600).removed.is_empty());
    assert_eq!(disk.paths().len(), 2);
}

#[test]
fn a_child_whose_parent_cannot_be_read_is_kept() {
    let (disk, mut world) = disk();
    let parent = world.new_id();
    bounce(&disk, &mut world, parent, "one", vec![0]).unwrap();
    disk.put(&Place::Bad.path(parent), b"damaged");
    assert!(recover(&disk, LATER).is_empty());
    let path = disk
        .paths()
        .into_iter()
        .find(|path| path.starts_with("tmp/"));
    assert!(path.is_some());
    // Nor is one whose parent is damaged where it lives.
    disk.rename(&Place::Bad.path(parent), &Place::New.path(parent))
        .unwrap();
    assert!(recover(&disk, LATER).is_empty());
}

#[test]
fn a_message_that_was_given_no_answer_may_be_there_or_not_but_never_torn() {
    let (disk, mut world) = disk();
    let one = sealed(&disk, &mut world, "one", &["ok"]).unwrap();
    for found in disk.crashes(stafette_queue_layout::sim::Breadth::Full) {
        finish(&found, world.clone()).unwrap();
    }
    drop(one);
    assert!(disk.paths().is_empty());
}

#[test]
fn a_part_of_a_drop_is_removed_when_it_is_old() {
    let (disk, mut world) = disk();
    leave(&disk, &mut world, "one", &["ok"]);
    let id = world.new_id();
    disk.put(&format!("drop/{id}.part"), b"half");
    assert!(recover(&disk, NOW).removed.is_empty());
    assert_eq!(recover(&disk, LATER).removed, [format!("drop/{id}.part")]);
    assert_eq!(disk.paths().len(), 1);
}

#[test]
fn recovery_with_nothing_to_do_writes_nothing() {
    let (disk, mut world) = disk();
    accept(&disk, &mut world, &[("one", &["ok"])]);
    let before = disk.operations();
    assert!(recover(&disk, LATER).is_empty());
    assert_eq!(disk.operations(), before);
    let file = disk
        .open(&disk.paths()[0], stafette_queue_layout::Access::Read)
        .unwrap();
    assert!(file.status().unwrap().octets > 128);
}
