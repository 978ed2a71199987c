//! Smuggling, transparency, and cuts at every place.

use proptest::prelude::*;

use super::*;

#[derive(Debug, PartialEq)]
struct Decoded {
    content: Vec<u8>,
    fault: Option<ContentFault>,
    ended: bool,
    size: u64,
    rest: Vec<u8>,
}

fn decode(pieces: &[&[u8]]) -> Decoded {
    let mut decoder = DataDecoder::new();
    let (mut content, mut rest) = (Vec::new(), Vec::new());
    for piece in pieces {
        let fed = decoder.feed(piece, &mut content);
        assert!(fed.ended || fed.used == piece.len());
        rest.extend_from_slice(&piece[fed.used..]);
    }
    Decoded {
        content,
        fault: decoder.fault(),
        ended: decoder.is_ended(),
        size: decoder.size(),
        rest,
    }
}

/// Decodes in every division into two and three pieces, and octet by octet, and insists that all agree.
fn decode_all_ways(stream: &[u8]) -> Decoded {
    let whole = decode(&[stream]);
    let singly: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(whole, decode(&singly), "{stream:?} octet by octet");
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            let (head, tail) = stream.split_at(second);
            let (a, b) = head.split_at(first);
            assert_eq!(
                whole,
                decode(&[a, b, tail]),
                "{stream:?} cut at {first} and {second}"
            );
        }
    }
    whole
}

#[test]
fn a_content_comes_out_with_lf_and_its_size_with_crlf() {
    let decoded = decode_all_ways(b"Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n");
    assert_eq!(decoded.content, b"Subject: x\n\nhello\n");
    assert_eq!(decoded.size, 21);
    assert_eq!(decoded.rest, b"QUIT\r\n");
    assert_eq!((decoded.fault, decoded.ended), (None, true));
}

#[test]
fn an_empty_content_ends_at_once() {
    let decoded = decode_all_ways(b".\r\nQUIT");
    assert_eq!(
        (decoded.content, decoded.size, decoded.ended),
        (Vec::new(), 0, true)
    );
}

#[test]
fn one_dot_at_the_start_of_a_line_is_transparency() {
    let decoded = decode_all_ways(b"..\r\n...a\r\n.b\r\nc.\r\n.. \r\n.\r\n");
    assert_eq!(decoded.content, b".\n..a\nb\nc.\n. \n");
    assert_eq!(decoded.fault, None);
    assert_eq!(decoded.size, 5 * 2 + 1 + 3 + 1 + 2 + 2);
}

#[test]
fn octets_of_any_value_and_lines_of_any_length_pass() {
    let mut stream: Vec<u8> = (0..=255).filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    stream.extend(std::iter::repeat_n(b'x', 100_000));
    stream.extend_from_slice(b"\r\n.\r\n");
    let decoded = decode(&[&stream]);
    assert_eq!(decoded.fault, None);
    assert_eq!(decoded.content.len(), 254 + 100_000 + 1);
}

/// Every way to write something that another server might take for the end of the content.
#[test]
fn nothing_but_crlf_dot_crlf_ends_the_content_and_everything_like_it_is_a_fault() {
    let ends: [&[u8]; 9] = [
        b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\0\n", b"\0\n", b"\0\r", b"\0",
    ];
    for before in ends {
        for after in ends {
            let fake = [before, b".", after].concat();
            if fake.windows(5).any(|w| w == b"\r\n.\r\n") {
                continue; // that is the end
            }
            let smuggled = b"MAIL FROM:<eve@example.org>\r\n";
            let stream = [b"a", fake.as_slice(), smuggled, b"\r\n.\r\nQUIT\r\n"].concat();
            let decoded = decode_all_ways(&stream);
            assert!(decoded.ended, "{fake:?}");
            assert_eq!(decoded.rest, b"QUIT\r\n", "{fake:?} ended the content");
            let bare = fake.split(|&b| b == b'.').any(|side| {
                let without = String::from_utf8_lossy(side).replace("\r\n", "");
                without.contains(['\r', '\n'])
            });
            assert_eq!(decoded.fault.is_some(), bare, "{fake:?}");
        }
    }
}

#[test]
fn a_fault_is_named_and_reading_goes_on_to_the_real_end() {
    for (stream, fault) in [
        (&b"a\nb\r\n.\r\n"[..], ContentFault::BareLf),
        (b"a\rb\r\n.\r\n", ContentFault::BareCr),
        (b"\n.\n\r\n.\r\n", ContentFault::BareLf),
        (b"\n\r\n.\r\n", ContentFault::BareLf),
        (b"\r\r\n.\r\n", ContentFault::BareCr),
        (b".\n\r\n.\r\n", ContentFault::BareLf),
        (b".\r.\r\n.\r\n", ContentFault::BareCr),
        (b".\r\r\n.\r\n", ContentFault::BareCr),
        (b".\r\r\r\n.\r\n", ContentFault::BareCr),
        (b".\rx\r\n.\r\n", ContentFault::BareCr),
        (b"a\r\n.\r\r\n.\r\n", ContentFault::BareCr),
    ] {
        let decoded = decode_all_ways(stream);
        assert_eq!(
            (decoded.fault, decoded.ended),
            (Some(fault), true),
            "{stream:?}"
        );
        assert_eq!(decoded.rest, b"", "{stream:?}");
    }
}

#[test]
fn an_end_that_has_not_come_is_not_taken_for_one() {
    for stream in [
        &b""[..],
        b".",
        b".\r",
        b"a\r\n.",
        b"a\r\n.\r",
        b"a.\r\n",
        b"a\n.\n",
        b"a\r\n..\r\n",
    ] {
        assert!(!decode_all_ways(stream).ended, "{stream:?}");
    }
}

#[test]
fn an_end_behind_a_line_end_with_one_cr_too_many_is_doubtful_wherever_the_stream_is_cut() {
    for (stream, doubtful) in [
        (&b"a\r\r\n.\r\n"[..], true),
        (b"\r\r\n.\r\n", true),
        (b"a\r\n.\r\r\n.\r\n", true),
        (b"a\r\r\r\n.\r\n", true),
        (b"a\r\n.\r\n", false),
        (b".\r\n", false),
        (b"a\r\r\nb\r\n.\r\n", false),
        (b"a\r\rb\r\n.\r\n", false),
        (b"a\rb\nc\r\n.\r\n", false),
        (b"a\r\r\n.\r", false),
    ] {
        for cut in 0..stream.len() {
            let (a, b) = stream.split_at(cut);
            let (mut decoder, mut output) = (DataDecoder::new(), Vec::new());
            decoder.feed(a, &mut output);
            decoder.feed(b, &mut output);
            assert_eq!(decoder.has_doubtful_end(), doubtful, "{stream:?} at {cut}");
        }
    }
}

#[test]
fn after_a_fault_nothing_more_is_given_out() {
    let decoded = decode(&[b"good\r\nbad\nmore and more\r\n.\r\n"]);
    assert_eq!(decoded.content, b"good\nbad");
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_stream_is_cut(
        stream in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), Just(b'a')], 0..24),
    ) {
        decode_all_ways(&stream);
    }

    #[test]
    fn a_content_without_fault_is_the_stream_with_other_line_ends(
        lines in proptest::collection::vec("[.a ]{0,5}", 0..8),
    ) {
        let mut stream = Vec::new();
        for line in &lines {
            if line.starts_with('.') {
                stream.push(b'.');
            }
            stream.extend_from_slice(line.as_bytes());
            stream.extend_from_slice(b"\r\n");
        }
        stream.extend_from_slice(b".\r\n");
        let expected: Vec<u8> = lines.iter().flat_map(|l| [l.as_bytes(), b"\n"].concat()).collect();
        let decoded = decode(&[&stream]);
        prop_assert_eq!(decoded.content, expected);
        prop_assert_eq!((decoded.fault, decoded.ended), (None, true));
    }
}
