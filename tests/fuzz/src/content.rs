//! The content of messages, in and out.

use stafette_smtp::data::ContentFault;
use stafette_smtp::encode::{ChunkEncoder, DataEncoder};
use stafette_smtp::{ChunkDecoder, DataDecoder};

use crate::cut::cuts;

type Decoded = (Vec<u8>, Option<ContentFault>, u64, Option<usize>);

fn decode(pieces: &[&[u8]]) -> Decoded {
    let mut decoder = DataDecoder::new();
    let (mut content, mut taken) = (Vec::new(), 0);
    for piece in pieces {
        taken += decoder.feed(piece, &mut content).used;
    }
    let end = decoder.is_ended().then_some(taken);
    (content, decoder.fault(), decoder.size(), end)
}

fn decode_chunks(pieces: &[&[u8]]) -> Decoded {
    let mut decoder = ChunkDecoder::new();
    let mut content = Vec::new();
    for piece in pieces {
        decoder.feed(piece, &mut content);
    }
    let fault = decoder.finish();
    (content, fault, decoder.size(), None)
}

/// The same comes out however the stream is cut; DATA ends exactly behind the first CRLF.CRLF; a content without fault holds
/// every CR and LF of the stream as part of a line end.
pub fn data_decoding_ignores_cuts(data: &[u8]) {
    let [whole, cut @ ..] = cuts(data);
    let decoded = decode(&whole);
    let chunks = decode_chunks(&whole);
    for pieces in cut {
        assert_eq!(decode(&pieces), decoded);
        assert_eq!(decode_chunks(&pieces), chunks);
    }
    let led = [b"\r\n", data].concat();
    let end = led
        .windows(5)
        .position(|w| w == b"\r\n.\r\n")
        .map(|at| at + 3);
    assert_eq!(decoded.3, end);
    if let (None, Some(end)) = (decoded.1, end) {
        let stream = data.get(..end).expect("inside");
        assert!(!has_bare_line_end(stream));
        assert_eq!(
            decoded.2 as usize,
            decoded.0.len() + decoded.0.iter().filter(|&&b| b == b'\n').count()
        );
        assert!(!decoded.0.contains(&b'\r'));
    }
    assert_eq!(chunks.1.is_some(), has_bare_line_end(data));
    assert_eq!(chunks.2, data.len() as u64);
}

/// Any content at all is sent with one end, without a bare CR or LF, and is received as it was but for its CRs and the end of its
/// last line.
pub fn sent_content_holds_one_end(data: &[u8]) {
    let [whole, cut @ ..] = cuts(data);
    let (wire, chunk) = encode(&whole);
    for pieces in cut {
        assert_eq!(encode(&pieces), (wire.clone(), chunk.clone()));
    }
    assert!(!has_bare_line_end(&wire));
    assert!(!has_bare_line_end(&chunk));
    let (mut content, fault, _, end) = decode(&[&wire]);
    assert_eq!((fault, end), (None, Some(wire.len())));
    let (by_chunk, _, _, _) = decode_chunks(&[&chunk]);
    if !data.contains(&b'\r') {
        assert_eq!(by_chunk, data);
    }
    if by_chunk.last().is_some_and(|&b| b != b'\n') {
        assert_eq!(content.pop(), Some(b'\n'));
    }
    assert_eq!(content, by_chunk);
}

fn encode(pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
    let (mut wire, mut chunk) = (Vec::new(), Vec::new());
    let (mut data, mut bdat) = (DataEncoder::new(), ChunkEncoder::new());
    for piece in pieces {
        data.feed(piece, &mut wire);
        bdat.feed(piece, &mut chunk);
    }
    data.finish(&mut wire);
    bdat.finish(&mut chunk);
    (wire, chunk)
}

fn has_bare_line_end(stream: &[u8]) -> bool {
    stream.iter().enumerate().any(|(at, &b)| match b {
        b'\r' => stream.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || stream.get(at - 1) != Some(&b'\r'),
        _ => false,
    })
}
