//! Drops: left while no service ran, taken in once.

use stafette_queue_layout::sim::SimDisk;
use stafette_queue_layout::{Admission, Damage, Place, TakeIn, take_in};
use stafette_wire::QueueId;

use crate::explore::assert_holds;
use crate::post::{leave, send_all, take};
use crate::world::World;

#[test]
fn a_message_that_was_left_survives_any_crash() {
    assert_holds(|disk, world| {
        leave(disk, world, "one", &["ok"]);
        leave(disk, world, "two", &["ok"]);
    });
}

#[test]
fn a_drop_is_taken_in_exactly_once() {
    assert_holds(|disk, world| {
        leave(disk, world, "one", &["ok"]);
        leave(disk, world, "two", &["ok", "fail"]);
        drop(take(disk, world));
        send_all(disk, world);
        drop(take(disk, world));
    });
}

/// A drop with one byte changed.
fn damaged(position: usize) -> (SimDisk, QueueId) {
    let (good, mut world) = (SimDisk::new(), World::default());
    leave(&good, &mut world, "content", &["ok"]);
    let path = good.paths().pop().unwrap();
    let mut bytes = good.read(&path).unwrap();
    *bytes.get_mut(position).unwrap() ^= 0x10;
    let disk = SimDisk::new();
    disk.put(&path, &bytes);
    let name = path.rsplit_once('/').unwrap().1;
    (disk, QueueId::parse(name.as_bytes()).unwrap())
}

#[test]
fn a_damaged_drop_is_set_aside_and_not_deleted() {
    let (disk, name) = damaged(0);
    let length = disk.read(&Place::Drop.path(name)).unwrap().len();
    for position in 0..length - 1 {
        let (disk, name) = damaged(position);
        let before = disk.read(&Place::Drop.path(name));
        let report = take(&disk, &mut World::default()).unwrap();
        assert!(
            matches!(report[..], [TakeIn::Refused { .. }]),
            "byte {position}: {report:?}"
        );
        assert_eq!(disk.read(&format!("bad/drop-{name}")), before);
        assert_eq!(disk.paths().len(), 1);
    }
}

#[test]
fn what_the_service_refuses_is_set_aside_and_what_it_delays_stays() {
    let (disk, mut world) = (SimDisk::new(), World::default());
    leave(&disk, &mut world, "content", &["ok"]);
    let mut new_id = || world.new_id();
    let report = take_in(&disk, &mut new_id, &mut |_| Admission::Later).unwrap();
    assert!(report.is_empty() && disk.paths()[0].starts_with("drop/"));
    let refuse =
        &mut |_: &stafette_queue_layout::Offer<'_>| Admission::Refuse(Damage::Content.to_string());
    let report = take_in(&disk, &mut new_id, refuse).unwrap();
    assert!(matches!(&report[..], [TakeIn::Refused { .. }]));
    assert!(disk.paths()[0].starts_with("bad/drop-"));
}

#[test]
fn the_owner_of_the_file_is_the_sender_whatever_it_says() {
    let (disk, mut world) = (SimDisk::new(), World::default());
    disk.set_user(1234);
    leave(&disk, &mut world, "content", &["ok"]);
    let mut seen = None;
    let admit = &mut |offer: &stafette_queue_layout::Offer<'_>| {
        seen = Some(offer.uid);
        Admission::Later
    };
    take_in(&disk, &mut || world.new_id(), admit).unwrap();
    assert_eq!(seen, Some(1234));
}

#[test]
fn a_drop_cannot_take_the_name_of_a_message() {
    let (disk, mut world) = (SimDisk::new(), World::default());
    leave(&disk, &mut world, "content", &["ok"]);
    let name = disk.paths().pop().unwrap();
    let name = name.strip_prefix("drop/").unwrap();
    disk.put(&format!("new/{name}"), b"somebody else's");
    let report = take(&disk, &mut world).unwrap();
    assert!(matches!(report[..], [TakeIn::Taken { .. }]));
    assert_eq!(
        disk.read(&format!("new/{name}")).unwrap(),
        b"somebody else's"
    );
}
