use super::*;
use proptest::prelude::*;

/// A source that gives few bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl Source for Slow<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = buffer.len().min(self.1);
        Memory(self.0).read_at(&mut buffer[..count], offset)
    }
}

fn read(bytes: &[u8], step: usize) -> (Vec<String>, u64) {
    let source = Slow(bytes, step);
    let mut lines = Lines::new(&source, 0);
    let mut all = Vec::new();
    while let Some(line) = lines.next_line().unwrap() {
        all.push(line.to_owned());
    }
    (all, lines.skipped)
}

fn encoded(words: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for words in words {
        push(&mut out, words.as_bytes()).unwrap();
    }
    out
}

#[test]
fn a_damaged_line_hides_no_other() {
    let mut bytes = encoded(&["first line", "second line", "third line"]);
    let middle = bytes.windows(6).position(|part| part == b"second").unwrap();
    bytes[middle] ^= 1;
    assert_eq!(
        read(&bytes, 7),
        (vec!["first line".to_owned(), "third line".to_owned()], 1)
    );
}

#[test]
fn a_line_whose_end_is_missing_is_still_one() {
    let bytes = encoded(&["first", "second"]);
    let (lines, skipped) = read(&bytes[..bytes.len() - 1], 5);
    assert_eq!((lines.len(), skipped), (2, 0));
    let (lines, skipped) = read(&bytes[..bytes.len() - 2], 5);
    assert_eq!((lines.len(), skipped), (1, 1));
}

#[test]
fn a_stretch_without_line_ends_is_skipped_in_little_memory() {
    let mut bytes = vec![0u8; 3 << 20];
    bytes.push(b'\n');
    bytes.extend(encoded(&["after"]));
    let source = Memory(&bytes);
    let mut lines = Lines::new(&source, 0);
    assert_eq!(lines.next_line().unwrap(), Some("after"));
    assert_eq!(lines.skipped, 1);
    assert!(lines.buffer.capacity() < 8 * CHUNK);
}

#[test]
fn words_that_are_no_line_are_not_written() {
    let mut out = Vec::new();
    assert_eq!(push(&mut out, b""), None);
    assert_eq!(push(&mut out, b"two\nlines"), None);
    assert_eq!(push(&mut out, &[b'x'; LINE_LIMIT + 1]), None);
    assert!(out.is_empty());
    assert_eq!(push(&mut out, &[b'x'; LINE_LIMIT]), Some(()));
    assert_eq!(read(&out, 1000).0.len(), 1);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>, step in 1usize..40) {
        let (lines, _) = read(&bytes, step);
        prop_assert!(lines.len() <= bytes.len());
    }

    #[test]
    fn sound_lines_survive_any_bytes_between_them(noise: Vec<u8>, step in 1usize..40) {
        let mut bytes = encoded(&["before"]);
        bytes.extend(&noise);
        bytes.push(b'\n');
        bytes.extend(encoded(&["after"]));
        let (lines, _) = read(&bytes, step);
        prop_assert_eq!(lines.first().map(String::as_str), Some("before"));
        prop_assert_eq!(lines.last().map(String::as_str), Some("after"));
    }
}
