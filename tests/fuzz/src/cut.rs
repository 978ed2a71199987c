//! Ways to cut a stream, chosen by the stream itself so that a finding can be repeated.

/// The stream whole, octet by octet, and in pieces of two sizes that depend on its octets.
pub fn cuts(stream: &[u8]) -> [Vec<&[u8]>; 4] {
    let sum = stream
        .iter()
        .fold(0_usize, |s, &b| s.wrapping_mul(31).wrapping_add(b.into()));
    let piece = |n: usize| stream.chunks(n).collect();
    [
        vec![stream],
        piece(1),
        piece(2 + sum % 5),
        piece(7 + sum % 61),
    ]
}
