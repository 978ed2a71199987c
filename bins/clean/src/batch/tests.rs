use super::*;
use stafette_queue_layout::sim::SimDisk;
use stafette_wire::QueueId;
use stafette_wire::clean::{Bytes, Then};

fn request(seq: u64, events: Vec<Bytes>) -> ToClean {
    ToClean::Record {
        seq,
        id: QueueId::new(1, [1; 9]),
        events,
        then: Then::Keep,
    }
}

#[test]
fn a_request_with_what_is_no_event_is_refused_and_writes_nothing() {
    let mut batch = Batch::default();
    let bad = request(7, vec![Bytes::from("held at=yesterday by=0")]);
    let answer = batch.take(3, bad).unwrap();
    assert!(answer.is_lie);
    assert_eq!(answer.answer, refused(7, false, "not an event"));
    assert!(batch.record(&mut Recorder::new(&SimDisk::new())).is_empty());
}

#[test]
fn a_message_that_is_not_there_is_missing_and_no_lie() {
    let mut batch = Batch::default();
    let held = Bytes::from("held at=2026-11-22T15:12:50Z by=0");
    assert!(batch.take(3, request(8, vec![held])).is_none());
    let answers = batch.record(&mut Recorder::new(&SimDisk::new()));
    assert_eq!(answers[0].answer, refused(8, true, "no such message"));
    assert!(!answers[0].is_lie);
}

#[test]
fn a_ping_is_answered_at_once() {
    let answer = Batch::default().take(3, ToClean::Ping {}).unwrap();
    assert_eq!(answer.answer, FromClean::Pong {});
}
