use stafette_addr::{Mailbox, ReversePath};
use stafette_wire::QueueId;
use stafette_wire::delivery::{Bytes, Content, Job};
use stafette_wire::envelope::Body;

use super::sim::{Mutant, Plan, Sim, Tree};
use super::*;

const MAIL: [&[u8]; 2] = [b"Subject: one\n\nfirst\n", b"Subject: two\n\nsecond\n"];

fn job(which: usize) -> Job {
    Job {
        job: 1,
        id: QueueId::new(1_700_000_000_000, [u8::try_from(which).unwrap(); 9]),
        from: ReversePath::Null,
        recipients: Vec::new(),
        next_hop: None,
        body: Body::EightBit,
        smtputf8: false,
        ret: None,
        envid: None,
        content: Content {
            offset: 0,
            octets: MAIL[which].len() as u64,
            crc32: crc32fast::hash(MAIL[which]),
            crlf_octets: 0,
        },
        add: vec![Bytes(b"Received: by x".to_vec())],
    }
}

fn letter(which: usize) -> Letter<&'static [u8]> {
    let to = Mailbox::parse(b"joe@example.org").unwrap();
    Letter::open(&job(which), &to, MAIL[which], 100).unwrap()
}

fn stem(which: usize) -> Stem {
    Stem::new(job(which).id, 0)
}

fn whole(which: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let taken = letter(which).pieces(|piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    });
    taken.unwrap();
    bytes
}

/// For the mutant that takes a name for proof.
pub(super) fn checksum_of(name: &str) -> u32 {
    let which = (0..MAIL.len()).find(|which| stem(*which).is_of(name.as_bytes()));
    which.map_or(0, |which| crc32fast::hash(&whole(which)))
}

/// One life of a worker: which letters it called delivered before it crashed.
fn live_once(sim: &Sim, wanted: &[usize], may_be_there: bool) -> Vec<usize> {
    let letters: Vec<_> = wanted.iter().map(|which| letter(*which)).collect();
    let letters: Vec<_> = wanted
        .iter()
        .zip(&letters)
        .map(|(which, letter)| Addressed {
            letter,
            stem: stem(*which),
            may_be_there,
        })
        .collect();
    let verdicts = deliver(sim, &mut Namer::new("mx", 7), &letters);
    assert_eq!(verdicts.len(), wanted.len());
    if sim.has_crashed() {
        return Vec::new();
    }
    let done = wanted
        .iter()
        .zip(verdicts)
        .filter(|(_, verdict)| verdict.is_delivered());
    done.map(|(which, _)| *which).collect()
}

/// Exactly one good copy of each of `wanted`, and nothing else that a reader would see.
fn require(tree: &Tree, wanted: &[usize], exactly: bool) -> Result<(), String> {
    let mail = tree.mail();
    for which in wanted {
        let copies = mail.iter().filter(|bytes| **bytes == whole(*which)).count();
        if copies != 1 {
            return Err(format!(
                "{copies} copies of {which} in {:?}",
                tree.names.keys()
            ));
        }
    }
    if exactly && mail.len() != wanted.len() {
        return Err(format!("{} files for {} letters", mail.len(), wanted.len()));
    }
    Ok(())
}

/// The next life, after a reader has perhaps come by; it is cut at `crash` and must then be followed by another.
fn recover(
    tree: &Tree,
    done: &[usize],
    reader: bool,
    crash: Option<usize>,
    mutant: Mutant,
) -> Result<(), String> {
    let missing: Vec<usize> = (0..MAIL.len())
        .filter(|which| !done.contains(which))
        .collect();
    let sim = Sim::new(
        tree.clone(),
        Plan {
            crash,
            ..Plan::default()
        },
        mutant,
    );
    if reader {
        sim.read_mail();
    }
    let now_done = live_once(&sim, &missing, true);
    if crash.is_none() && now_done != missing {
        return Err(format!("not delivered: {missing:?} but {now_done:?}"));
    }
    if now_done == missing {
        for tree in sim.after_power_failure() {
            require(&tree, &[0, 1], true)?;
        }
        return require(&sim.live(), &[0, 1], true);
    }
    for tree in [sim.live(), sim.after_power_failure().remove(0)] {
        recover(&tree, done, !reader, None, mutant)?;
    }
    Ok(())
}

/// Every crash at every operation, with a reader at every other one, and every recovery from it.
fn crash_everywhere(mutant: Mutant) -> Result<(), String> {
    let whole_run = Sim::new(Tree::default(), Plan::default(), mutant);
    assert_eq!(live_once(&whole_run, &[0, 1], false), [0, 1]);
    let last = whole_run.steps();
    for crash in 0..=last {
        for reader in std::iter::once(None).chain((0..crash).map(Some)) {
            let plan = Plan {
                crash: Some(crash),
                reader,
                ..Plan::default()
            };
            let sim = Sim::new(Tree::default(), plan, mutant);
            let done = live_once(&sim, &[0, 1], false);
            let mut trees = sim.after_power_failure();
            trees.push(sim.live());
            for (which, tree) in trees.into_iter().enumerate() {
                require(&tree, &done, false)?;
                for reader in [false, true] {
                    recover(&tree, &done, reader, None, mutant)?;
                }
                if reader.is_none() && which % 7 == crash % 7 {
                    for again in 0..last + 6 {
                        recover(&tree, &done, true, Some(again), mutant)?;
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn no_crash_loses_a_copy_or_makes_a_second_one() {
    assert_eq!(crash_everywhere(Mutant::None), Ok(()));
}

#[test]
fn every_step_left_out_is_noticed() {
    for mutant in [
        Mutant::NoFileFlush,
        Mutant::NoFolderFlush,
        Mutant::NoLookIntoCur,
    ] {
        assert!(crash_everywhere(mutant).is_err(), "{mutant:?}");
    }
}

/// A file of another message that has our name by accident or malice.
fn with_foreign_file(mutant: Mutant) -> Result<(), String> {
    let sim = Sim::new(Tree::default(), Plan::default(), mutant);
    let name = stem(0).name(0, "mx", whole(0).len() as u64);
    let mut draft = sim.create("x").unwrap();
    sim.write(&mut draft, &vec![b'z'; whole(0).len()]).unwrap();
    sim.publish("x", &name).unwrap();
    for may_be_there in [false, true] {
        assert_eq!(live_once(&sim, &[0, 1], may_be_there), [0, 1]);
        require(&sim.live(), &[0, 1], false)?;
        if sim.live().mail().len() != 3 {
            return Err("the foreign file is gone, or a copy was made twice".to_owned());
        }
    }
    Ok(())
}

#[test]
fn what_merely_has_the_name_is_no_copy_and_is_not_replaced() {
    assert_eq!(with_foreign_file(Mutant::None), Ok(()));
    assert!(with_foreign_file(Mutant::Replaces).is_err());
    assert!(with_foreign_file(Mutant::NameIsProof).is_err());
}

#[test]
fn any_operation_that_fails_defers_and_the_next_attempt_delivers_once() {
    const ENOSPC: i32 = 28;
    const EIO: i32 = 5;
    for number in [ENOSPC, EIO] {
        for at in 0..12 {
            let plan = Plan {
                fault: Some((at, number)),
                ..Plan::default()
            };
            let sim = Sim::new(Tree::default(), plan, Mutant::None);
            let done = live_once(&sim, &[0, 1], false);
            for tree in sim.after_power_failure().into_iter().chain([sim.live()]) {
                require(&tree, &done, false).unwrap();
                recover(&tree, &done, false, None, Mutant::None).unwrap();
                recover(&tree, &done, true, None, Mutant::None).unwrap();
            }
        }
    }
}
