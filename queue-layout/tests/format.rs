//! FORMAT.md runs: its examples are decoded and encoded again, its table of states is the code's, and what it says is small is small.

use std::collections::BTreeSet;
use std::error::Error;

use stafette_queue_layout::sim::SimDisk;
use stafette_queue_layout::{
    Damage, Draft, Event, HEAD_OCTETS, Head, Journal, LINE_LIMIT, MAX_RECIPIENTS, Place,
    REPLY_LIMIT, Record, Recorder, STATES, Then, commit, decode,
};
use stafette_wire::QueueId;

type Outcome = Result<(), Box<dyn Error>>;

const FORMAT: &str = include_str!("../FORMAT.md");

/// The text between the fences of the first block of this kind.
fn block(kind: &str) -> Result<&'static str, Box<dyn Error>> {
    let (_, rest) = FORMAT
        .split_once(&format!("\n```{kind}\n"))
        .ok_or("no such block")?;
    Ok(rest.split_once("```").ok_or("an open block")?.0)
}

fn file() -> Result<(Vec<u8>, Head, Journal), Box<dyn Error>> {
    let bytes = block("queue-file")?.as_bytes().to_vec();
    let (head, journal) = decode(&bytes)?;
    Ok((bytes, head, journal))
}

#[test]
fn the_example_file_is_what_this_code_writes() -> Outcome {
    let (bytes, head, journal) = file()?;
    let disk = SimDisk::new();
    let id = QueueId::new(1, [1; 9]);
    let mut draft = Draft::create(&disk, id)?;
    let content = usize::try_from(head.content())?..usize::try_from(head.journal())?;
    draft.write(bytes.get(content).ok_or("no content")?)?;
    let mut sealed = [draft.seal(&journal.envelope, head.crlf_octets)?];
    commit(&disk, &mut sealed).pop().ok_or("no result")??;
    let events = block("queue-file")?
        .lines()
        .filter_map(|line| Event::parse(line.as_bytes().get(14..)?))
        .collect::<Vec<_>>();
    assert_eq!(events.len(), 3);
    let then = Then::Keep;
    Recorder::new(&disk)
        .record(&[Record { id, events, then }])
        .pop()
        .ok_or("no result")??;
    let written = disk.read(&Place::Cur.path(id)).ok_or("no file")?;
    assert_eq!(String::from_utf8(written)?, block("queue-file")?);
    Ok(())
}

#[test]
fn the_example_of_a_first_line_is_what_this_code_writes() -> Outcome {
    let line = block("queue-head")?;
    assert_eq!(u64::try_from(line.len())?, HEAD_OCTETS);
    assert_eq!(line.as_bytes(), Head::encode_incomplete());
    assert_eq!(Head::decode(line.as_bytes()), Err(Damage::Incomplete));
    let (bytes, head, _) = file()?;
    assert_eq!(bytes.get(..128), Some(&head.encode()[..]));
    Ok(())
}

#[test]
fn each_example_of_an_event_is_what_this_code_writes() -> Outcome {
    let mut kinds = BTreeSet::new();
    for line in block("queue-events")?.lines() {
        let event = Event::parse(line.as_bytes()).ok_or(line)?;
        assert_eq!(String::from_utf8(event.encode()?)?, line);
        kinds.insert(line.split(' ').next());
    }
    assert_eq!(kinds.len(), 9, "an event without an example");
    Ok(())
}

#[test]
fn the_table_of_states_is_that_of_the_code() -> Outcome {
    let (_, rest) = FORMAT.split_once("\n| state | file |").ok_or("no table")?;
    let rows: Vec<Vec<&str>> = rest
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let expected: Vec<Vec<&str>> = STATES.iter().map(|(_, row)| row.to_vec()).collect();
    assert_eq!(rows, expected);
    Ok(())
}

#[test]
fn the_limits_in_words_are_those_of_the_code() {
    let thousands = |number: usize| format!("{},{:03}", number / 1000, number % 1000);
    assert!(FORMAT.contains(&format!(
        "at most\n{} octets of words",
        thousands(LINE_LIMIT)
    )));
    assert!(FORMAT.contains(&format!("at most {} recipients", thousands(MAX_RECIPIENTS))));
    assert!(FORMAT.contains(&format!(
        "at most {} octets of them",
        thousands(REPLY_LIMIT)
    )));
}

/// Every prefix and every changed byte of a file: nothing panics, and no recipient is ever missing without a word.
#[test]
fn a_file_that_was_cut_or_changed_is_whole_or_refused() -> Outcome {
    let (bytes, _, journal) = file()?;
    for length in 0..bytes.len() {
        if let Ok((_, read)) = decode(bytes.get(..length).unwrap_or_default()) {
            assert_eq!(read.envelope, journal.envelope, "cut to {length}");
        }
    }
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            if let Some(byte) = changed.get_mut(position) {
                *byte ^= 1 << bit;
            }
            if let Ok((_, read)) = decode(&changed) {
                assert_eq!(read.envelope, journal.envelope, "byte {position}");
                assert_eq!(
                    read.skipped > 0,
                    read.states != journal.states,
                    "byte {position}"
                );
            }
        }
    }
    Ok(())
}
