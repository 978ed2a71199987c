//! Replies of servers as they are, broken ones among them.

use proptest::prelude::*;

use super::*;

fn read(pieces: &[&[u8]]) -> Result<Vec<PeerReply>, PeerMisbehaved> {
    let mut parser = ReplyParser::new();
    let mut replies = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let (used, reply) = parser.feed(rest)?;
            assert!(parser.words.len() <= WORDS_MAX);
            replies.extend(reply);
            rest = &rest[used..];
        }
    }
    Ok(replies)
}

fn one(stream: &str) -> PeerReply {
    let replies = read(&[stream.as_bytes()]).unwrap_or_else(|e| panic!("{stream:?}: {e}"));
    assert_eq!(replies.len(), 1, "{stream:?}");
    replies.into_iter().next().unwrap()
}

#[test]
fn a_reply_is_code_status_and_words() {
    let reply = one("550 5.1.1 no such user\r\n");
    assert_eq!(reply.code, 550);
    assert_eq!(reply.status, Some(Status::permanent(1, 1)));
    assert_eq!(reply.words, b"5.1.1 no such user");
    assert_eq!(reply.one_line(), b"550 5.1.1 no such user");
    assert_eq!(reply.class(), Class::Permanent);
}

#[test]
fn the_lines_of_a_reply_belong_together() {
    let reply = one("250-host greets you\r\n250-SIZE 10\r\n250 DSN\r\n");
    assert_eq!(reply.words, b"host greets you\nSIZE 10\nDSN");
    assert_eq!(reply.lines, 3);
    assert_eq!(reply.one_line(), b"250 host greets you SIZE 10 DSN");
}

#[test]
fn pipelined_replies_come_one_by_one() {
    let replies = read(&[b"250 a\r\n250-b\r\n250 c\r\n354 d\r\n"]).unwrap();
    let words: Vec<_> = replies.iter().map(|r| r.words.clone()).collect();
    assert_eq!(words, [&b"a"[..], b"b\nc", b"d"]);
}

#[test]
fn sloppy_servers_are_understood() {
    for (stream, code, words) in [
        ("250 ok\n", 250, "ok"),
        ("250-a\n250 b\n", 250, "a\nb"),
        ("220\r\n", 220, ""),
        ("220\n", 220, ""),
        ("220 \r\n", 220, ""),
        ("250-\r\n250\r\n", 250, "\n"),
        ("250 a\rb\r\r\n", 250, "a\rb\r"),
        ("250 \u{fc}\0\r\n", 250, "\u{fc}\0"),
    ] {
        let reply = one(stream);
        assert_eq!(
            (reply.code, reply.words),
            (code, words.as_bytes().to_vec()),
            "{stream:?}"
        );
    }
}

#[test]
fn a_status_of_another_class_is_not_believed() {
    assert_eq!(one("450 5.1.1 well\r\n").status, None);
    assert_eq!(
        one("450 5.1.1 well\r\n").status_or_class(),
        Status::transient(0, 0)
    );
    assert_eq!(
        one("250-2.1.0 yes\r\n250 2.1.0 yes\r\n").status,
        Some(Status::success(1, 0))
    );
    assert_eq!(one("550 5.1.1\r\n").status, Some(Status::permanent(1, 1)));
    assert_eq!(one("550 5.1.1. well\r\n").status, None);
}

#[test]
fn what_is_no_reply_is_an_error() {
    for stream in [
        "\r\n",
        "hello\r\n",
        "25\r\n",
        "250x\r\n",
        "199 a\r\n",
        "600 a\r\n",
        "2500 a\r\n",
        " 250 a\r\n",
        "250\rx",
    ] {
        assert_eq!(
            read(&[stream.as_bytes()]),
            Err(PeerMisbehaved::NotAReply),
            "{stream:?}"
        );
    }
    assert_eq!(
        read(&[b"250-a\r\n550 b\r\n"]),
        Err(PeerMisbehaved::InconsistentCodes)
    );
}

#[test]
fn a_reply_of_a_thousand_lines_is_counted_and_its_first_words_are_kept() {
    let mut stream = "550-5.7.1 you are not welcome here\r\n".repeat(999);
    stream.push_str("550 5.7.1 bye\r\n");
    let reply = one(&stream);
    assert_eq!(reply.lines, 1000);
    assert_eq!(reply.words.len(), WORDS_MAX);
    assert_eq!(reply.words.len() as u64 + reply.dropped, 999 * 31 + 9);
    assert!(reply.one_line().ends_with(b" ..."));
    assert_eq!(reply.status, Some(Status::permanent(7, 1)));
}

#[test]
fn an_endless_reply_ends_at_a_bound() {
    let lines = b"250-a\r\n".repeat(LINES_MAX as usize);
    assert_eq!(read(&[&lines]), Err(PeerMisbehaved::TooLong));
    let mut parser = ReplyParser::new();
    parser.feed(b"250 ").unwrap();
    let octets = vec![b'x'; 65536];
    let end = (0..1000).find_map(|_| parser.feed(&octets).err());
    assert_eq!(end, Some(PeerMisbehaved::TooLong));
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_stream_is_cut(stream in "(250[- ][a\\r]{0,3}\\r?\\n){0,4}[2-5\\r\\n a-]{0,6}") {
        let stream = stream.as_bytes();
        let singly: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(read(&[stream]), read(&singly));
    }

    #[test]
    fn no_octets_upset_the_parser(stream in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(replies) = read(&[&stream]) {
            prop_assert!(replies.iter().all(|r| (200..600).contains(&r.code)));
        }
    }
}
