//! Mistakes that the crash tests must notice: a flush left out, an answer or a record before its flush, a wrong order.

use stafette_queue_layout::sim::{Flaw, SimDisk};
use stafette_queue_layout::{Disk, DiskFile, Message, Place, Recorder, Scan, Then};
use stafette_wire::QueueId;

use crate::explore::{Script, explore, explore_with};
use crate::post::{accept, bounce, leave, promise, record, sealed, send_all, take};
use crate::world::World;

fn assert_noticed(script: Script, flaw: Option<&Flaw>) {
    assert!(explore(script, flaw).is_err(), "nobody noticed {flaw:?}");
}

fn life(disk: &SimDisk, world: &mut World) {
    accept(disk, world, &[("one", &["ok", "late", "fail"])]);
    send_all(disk, world);
}

fn drops(disk: &SimDisk, world: &mut World) {
    leave(disk, world, "one", &["ok"]);
    drop(take(disk, world));
    send_all(disk, world);
}

#[test]
fn a_file_flush_left_out_is_noticed() {
    assert_noticed(
        |disk, world| accept(disk, world, &[("one", &["ok"])]),
        Some(&Flaw::Flush),
    );
    assert_noticed(life, Some(&Flaw::Flush));
}

#[test]
fn a_flush_of_new_left_out_is_noticed() {
    assert_noticed(
        |disk, world| accept(disk, world, &[("one", &["ok"])]),
        Some(&Flaw::SyncDir("new")),
    );
}

#[test]
fn a_flush_of_tmp_left_out_is_noticed() {
    assert_noticed(life, Some(&Flaw::SyncDir("tmp")));
    assert_noticed(drops, Some(&Flaw::SyncDir("tmp")));
}

#[test]
fn a_flush_of_cur_left_out_is_noticed() {
    assert_noticed(life, Some(&Flaw::SyncDir("cur")));
}

#[test]
fn a_flush_of_drop_left_out_is_noticed() {
    assert_noticed(drops, Some(&Flaw::SyncDir("drop")));
}

#[test]
fn a_flush_of_hold_left_out_is_noticed() {
    assert_noticed(
        |disk, world| {
            accept(disk, world, &[("one", &["late"])]);
            let Some(id) = only(disk) else { return };
            if record(world, &mut Recorder::new(disk), id, Vec::new(), Then::Hold).is_some() {
                world.placed.insert(id, crate::world::Wanted::Held);
            }
        },
        Some(&Flaw::SyncDir("hold")),
    );
}

/// The flushes of a script, by number, that nobody misses.
fn unneeded(script: Script) -> Vec<u64> {
    let disk = SimDisk::new();
    script(&disk, &mut World::default());
    (1..=disk.flushes())
        .filter(|number| explore_with(script, &Flaw::Nth(*number)).is_ok())
        .collect()
}

#[test]
fn each_flush_of_a_life_is_needed() {
    assert_eq!(unneeded(life), []);
}

/// The sixth flush is of drop/, for file systems that could bring a name back which a flushed rename took away: no journal does.
#[test]
fn each_flush_of_a_drop_is_needed_but_one() {
    assert_eq!(unneeded(drops), [6]);
}

/// The one message that lives.
fn only(disk: &SimDisk) -> Option<QueueId> {
    Some(Scan::living(disk).next()?.ok()?.id)
}

#[test]
fn an_answer_before_the_flush_is_noticed() {
    assert_noticed(
        |disk, world| {
            if sealed(disk, world, "one", &["ok"]).is_ok() {
                promise(world, "one", &["ok"]);
            }
            accept(disk, world, &[("one", &["ok"])]);
        },
        None,
    );
}

/// Copies the one message in `from` to `to`, unflushed, as a program would that moves before it flushes.
fn renamed_first(disk: &SimDisk, world: &mut World) {
    let Ok(sealed) = sealed(disk, world, "one", &["ok"]) else {
        return;
    };
    let id = sealed.id();
    let (from, to) = (Place::Tmp.path(id), Place::New.path(id));
    let commit = || -> std::io::Result<()> {
        disk.rename(&from, &to)?;
        disk.sync_dir(Place::New.name())?;
        disk.open(&to, stafette_queue_layout::Access::Write)?
            .flush()
    };
    if commit().is_ok() {
        promise(world, "one", &["ok"]);
    }
}

#[test]
fn a_rename_before_the_flush_is_noticed() {
    assert_noticed(renamed_first, None);
}

#[test]
fn a_record_before_its_flush_is_noticed() {
    assert_noticed(
        |disk, world| {
            accept(disk, world, &[("one", &["ok", "late"])]);
            let Some(id) = only(disk) else { return };
            // Noted as recorded before the recorder was asked.
            world.recorded.entry(id).or_default().insert(0);
            let done = vec![crate::post::attempt(
                0,
                stafette_queue_layout::Verdict::Delivered,
            )];
            record(world, &mut Recorder::new(disk), id, done, Then::Keep);
        },
        None,
    );
}

#[test]
fn a_child_published_before_it_is_named_is_noticed() {
    assert_noticed(
        |disk, world| {
            accept(disk, world, &[("one", &["fail", "late"])]);
            send_all_but_bounces(disk, world);
            let Some(id) = only(disk) else { return };
            let Some(stafette_queue_layout::Event::Child { id: child, .. }) =
                bounce(disk, world, id, "one", vec![0])
            else {
                return;
            };
            drop(disk.rename(&Place::Tmp.path(child), &Place::New.path(child)));
            drop(disk.sync_dir(Place::New.name()));
            send_all(disk, world);
        },
        None,
    );
}

/// Records the failure, and nothing else.
fn send_all_but_bounces(disk: &SimDisk, world: &mut World) {
    let Some(id) = only(disk) else { return };
    let failed = vec![crate::post::attempt(
        0,
        stafette_queue_layout::Verdict::Failed,
    )];
    record(world, &mut Recorder::new(disk), id, failed, Then::Keep);
}

#[test]
fn a_parent_removed_before_its_child_is_published_is_noticed() {
    assert_noticed(
        |disk, world| {
            accept(disk, world, &[("one", &["fail"])]);
            send_all_but_bounces(disk, world);
            let Some(id) = only(disk) else { return };
            let Some(stafette_queue_layout::Event::Child { id: child, .. }) =
                bounce(disk, world, id, "one", vec![0])
            else {
                return;
            };
            world.removing.insert(id);
            let place = Message::open(disk, id).map(|message| message.place);
            let Ok(place) = place else { return };
            drop(disk.remove(&place.path(id)));
            drop(disk.sync_dir(&place.directory(id)));
            drop(disk.rename(&Place::Tmp.path(child), &Place::New.path(child)));
            drop(disk.sync_dir(Place::New.name()));
        },
        None,
    );
}

#[test]
fn a_drop_removed_before_its_copy_is_published_is_noticed() {
    assert_noticed(
        |disk, world| {
            leave(disk, world, "one", &["ok"]);
            let Some(path) = disk
                .paths()
                .into_iter()
                .find(|path| path.starts_with("drop/"))
            else {
                return;
            };
            let Ok(copy) = sealed(disk, world, "one", &["ok"]) else {
                return;
            };
            drop(disk.remove(&path));
            drop(disk.sync_dir(Place::Drop.name()));
            drop(stafette_queue_layout::commit(disk, &mut [copy]));
        },
        None,
    );
}

#[test]
fn a_drop_removed_after_its_copy_was_published_without_a_mark_is_noticed() {
    assert_noticed(
        |disk, world| {
            leave(disk, world, "one", &["ok"]);
            let Some(path) = disk
                .paths()
                .into_iter()
                .find(|path| path.starts_with("drop/"))
            else {
                return;
            };
            let Ok(copy) = sealed(disk, world, "one", &["ok"]) else {
                return;
            };
            drop(stafette_queue_layout::commit(disk, &mut [copy]));
            drop(disk.remove(&path));
            drop(disk.sync_dir(Place::Drop.name()));
        },
        None,
    );
}
