//! Accepting.

use stafette_queue_layout::Draft;

use crate::explore::assert_holds;
use crate::post::{accept, send_all};
use crate::world::envelope;

#[test]
fn an_accepted_message_survives_any_crash() {
    assert_holds(|disk, world| accept(disk, world, &[("one", &["ok", "okay"])]));
}

#[test]
fn a_batch_that_was_accepted_survives_any_crash() {
    assert_holds(|disk, world| {
        accept(
            disk,
            world,
            &[("one", &["ok"]), ("two", &["ok"]), ("three", &["ok"])],
        );
    });
}

#[test]
fn messages_that_come_while_others_go_survive_any_crash() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("one", &["ok"]), ("two", &["ok"])]);
        send_all(disk, world);
        accept(disk, world, &[("three", &["ok"])]);
    });
}

#[test]
fn a_draft_that_is_given_up_leaves_nothing() {
    assert_holds(|disk, world| {
        accept(disk, world, &[("before", &["ok"])]);
        if let Ok(mut draft) = Draft::create(disk, world.new_id()) {
            drop(draft.write(b"never"));
        }
        if let Ok(mut draft) = Draft::create(disk, world.new_id()) {
            drop(draft.write(b"sealed, but not committed"));
            drop(draft.seal(&envelope("sender", &["ok"], None), 0));
        }
    });
}

#[test]
fn a_message_of_several_writes_survives_any_crash() {
    assert_holds(|disk, world| {
        let content = "line of a long message\n".repeat(12_000);
        accept(disk, world, &[(content.as_str(), &["ok"])]);
    });
}
