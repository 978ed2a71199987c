use stafette_addr::ReversePath;
use stafette_wire::QueueId;
use stafette_wire::delivery::{Bytes, Fate};
use stafette_wire::envelope::Body;

use super::*;

impl Source for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self
            .get(usize::try_from(offset).unwrap()..)
            .unwrap_or_default();
        // Short reads, as a kernel may give them.
        let count = rest.len().min(buffer.len()).min(70_001);
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

fn job(content: &[u8]) -> Job {
    Job {
        job: 1,
        id: QueueId::new(1, [1; 9]),
        from: ReversePath::Null,
        recipients: Vec::new(),
        next_hop: None,
        body: Body::EightBit,
        smtputf8: false,
        ret: None,
        envid: None,
        content: Content {
            offset: 3,
            octets: content.len() as u64,
            crc32: crc32fast::hash(content),
            crlf_octets: 0,
        },
        add: vec![Bytes(b"Received: by x".to_vec())],
    }
}

fn joe() -> Mailbox {
    Mailbox::parse(b"joe@example.org").unwrap()
}

fn read(content: &[u8], spoil: impl FnOnce(&mut Vec<u8>)) -> Result<Vec<u8>, Verdict> {
    let mut file = b"###".to_vec();
    file.extend_from_slice(content);
    file.extend_from_slice(b"journal");
    spoil(&mut file);
    let letter = Letter::open(&job(content), &joe(), file.as_slice(), 100)?;
    let mut taken = Vec::new();
    letter
        .pieces(|piece| {
            taken.extend_from_slice(piece);
            Ok(())
        })
        .map_err(|broken| broken.verdict(Path::new("x")))?;
    Ok(taken)
}

const FRONT: &[u8] = b"Return-Path: <>\nDelivered-To: joe@example.org\nReceived: by x\n";

#[test]
fn the_recipients_fields_stand_before_the_content_which_is_not_changed() {
    for length in [0, 10, FIRST_PIECE, FIRST_PIECE + 1, 3 * PIECE + 17] {
        let content: Vec<u8> = (0..length)
            .map(|at| u8::try_from(at % 128).unwrap() | 0x80)
            .collect();
        let taken = read(&content, |_| ()).unwrap();
        assert_eq!(&taken[..FRONT.len()], FRONT);
        assert!(taken[FRONT.len()..] == content, "{length}");
    }
}

#[test]
fn content_that_changed_in_any_octet_or_ends_early_is_damaged() {
    for length in [10, FIRST_PIECE, FIRST_PIECE + 1, 2 * PIECE] {
        let content = vec![b'a'; length];
        for at in [0, length / 2, length - 1] {
            let verdict = read(&content, |file| file[3 + at] ^= 4).unwrap_err();
            assert!(
                verdict.damaged && verdict.fate == Fate::Deferred,
                "{length} {at}"
            );
        }
        let verdict = read(&content, |file| file.truncate(3 + length - 1)).unwrap_err();
        assert!(verdict.damaged, "{length}");
    }
}

#[test]
fn a_taker_that_fails_ends_the_letter_with_its_own_error() {
    let content = b"a\n";
    let file = b"###a\n".as_slice();
    let letter = Letter::open(&job(content), &joe(), file, 100).unwrap();
    let broken = letter
        .pieces(|_| Err(io::Error::from(io::ErrorKind::StorageFull)))
        .unwrap_err();
    assert_eq!(broken.verdict(Path::new("x")).status, "4.3.1");
}
