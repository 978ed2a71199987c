use super::*;
use crate::Verdict;
use proptest::prelude::*;

fn numbers() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::btree_set(0u32..1000, 1..60).prop_map(|set| set.into_iter().collect())
}

fn time() -> impl Strategy<Value = i64> {
    0..=253_402_300_799i64
}

fn attempts() -> impl Strategy<Value = Event> {
    let verdict = prop_oneof![
        Just(Verdict::Delivered),
        Just(Verdict::Deferred),
        Just(Verdict::Failed)
    ];
    let words = (".{0,40}", "[245]\\.[0-9]\\.[0-9]", any::<Vec<u8>>());
    (time(), verdict, numbers(), words, any::<(bool, bool)>()).prop_map(
        |(at, verdict, to, (relay, status, reply), (from_peer, peer_reports))| {
            Event::Attempt(Attempt {
                at,
                verdict,
                to,
                relay,
                status,
                reply,
                from_peer,
                peer_reports,
            })
        },
    )
}

fn events() -> impl Strategy<Value = Event> {
    let id = any::<(u64, [u8; 9])>().prop_map(|(time, chance)| QueueId::new(time, chance));
    let kind = (0..ChildKind::ALL.len()).prop_map(|number| ChildKind::ALL[number]);
    prop_oneof![
        attempts(),
        (time(), time(), numbers()).prop_map(|(at, next, to)| Event::Due { at, next, to }),
        (
            time(),
            proptest::collection::vec(id.clone(), 1..=FORWARDS_LIMIT),
            ".{1,20}",
            numbers()
        )
            .prop_map(|(at, ids, relay, to)| Event::Forwarded { at, ids, relay, to }),
        (time(), id, kind, numbers()).prop_map(|(at, id, kind, to)| Event::Child {
            at,
            id,
            kind,
            to
        }),
        (time(), numbers(), ".{0,60}").prop_map(|(at, to, reason)| Event::Settled {
            at,
            to,
            reason
        }),
        (time(), any::<u32>()).prop_map(|(at, by)| Event::Held { at, by }),
        (time(), any::<u32>()).prop_map(|(at, by)| Event::Released { at, by }),
    ]
}

proptest! {
    #[test]
    fn an_event_is_read_as_it_was_written(event in events()) {
        let words = event.encode().unwrap();
        prop_assert!(words.iter().all(|byte| (0x20..=0x7e).contains(byte)));
        prop_assert_eq!(Event::parse(&words), Some(event));
    }

    #[test]
    fn any_words_are_read_without_harm(words: Vec<u8>) {
        prop_assert!(Event::parse(&words).is_none_or(|event| event.encode().is_ok()));
    }

    #[test]
    fn what_is_read_fits_a_line_when_it_is_written_again(words in "(held|due|child|failed) at=2026-11-22T15:12:50Z( [a-z]{2,5}=[0-9a-z,-]{1,30}){0,6}") {
        if let Some(event) = Event::parse(words.as_bytes()) {
            prop_assert!(event.encode().is_ok());
        }
    }
}

#[test]
fn the_longest_words_of_a_peer_and_a_thousand_recipients_fit_a_line() {
    let attempt = Attempt {
        at: 0,
        verdict: Verdict::Failed,
        to: (0..1000).step_by(2).collect(),
        relay: "\u{1}".repeat(5000),
        status: "5.1.1".to_owned(),
        reply: vec![0; 100_000],
        from_peer: true,
        peer_reports: true,
    };
    assert!(Event::Attempt(attempt).encode().unwrap().len() <= LINE_LIMIT);
}

#[test]
fn more_recipients_than_fit_a_line_are_an_error_and_no_loss() {
    let to = (0..10_000).step_by(2).collect();
    let reason = String::new();
    assert_eq!(Event::Settled { at: 0, to, reason }.encode(), Err(TooLong));
}

#[test]
fn an_event_of_a_later_version_is_none_of_ours_and_a_later_key_does_not_matter() {
    assert_eq!(Event::parse(b"signed at=2026-11-22T15:12:50Z"), None);
    let held = Event::Held {
        at: 1_795_360_370,
        by: 0,
    };
    assert_eq!(
        Event::parse(b"held at=2026-11-22T15:12:50Z by=0 why=later"),
        Some(held)
    );
}
