//! What servers say.

use stafette_smtp::peer_reply::WORDS_MAX;
use stafette_smtp::{Extensions, PeerMisbehaved, PeerReply, ReplyParser};

use crate::cut::cuts;

fn read(pieces: &[&[u8]]) -> (Vec<PeerReply>, Option<PeerMisbehaved>) {
    let mut parser = ReplyParser::new();
    let mut replies = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            match parser.feed(rest) {
                Err(error) => return (replies, Some(error)),
                Ok((used, reply)) => {
                    assert!(used > 0);
                    replies.extend(reply);
                    rest = rest.get(used..).expect("no more than there was");
                }
            }
        }
    }
    (replies, None)
}

/// The same replies come out however the stream is cut, each within its bounds and with a status of its class.
pub fn replies_ignore_cuts(data: &[u8]) {
    let [whole, cut @ ..] = cuts(data);
    let seen = read(&whole);
    for pieces in cut {
        assert_eq!(read(&pieces), seen);
    }
    for reply in &seen.0 {
        assert!((200..600).contains(&reply.code));
        assert!(reply.words.len() <= WORDS_MAX && reply.lines > 0);
        assert_eq!(reply.status_or_class().class(), reply.class());
        assert!(!reply.one_line().contains(&b'\n'));
    }
}

/// Whatever a server offers, what is kept of it is bounded.
pub fn ehlo_replies_are_bounded(data: &[u8]) {
    let offered = Extensions::parse(data);
    assert!(offered.auth.len() <= 20);
    assert!(offered.auth.iter().all(|m| m.len() <= 20));
    assert!(offered.size_limit() != Some(0));
    if !data.contains(&b'\n') {
        assert_eq!(
            offered,
            Extensions::default(),
            "the greeting offers nothing"
        );
    }
}
