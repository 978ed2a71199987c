//! Messages in their two forms, and what final delivery puts in front of them.

use crate::instance::Instance;

/// Content with LF as it goes over the wire: CRLF, dots doubled, without the final dot.
#[must_use]
pub fn to_wire(content: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(content.len() + content.len() / 50 + 2);
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        wire.extend_from_slice(b"\r\n");
    }
    wire
}

/// Content with LF as BDAT takes it: CRLF and nothing else.
#[must_use]
pub fn to_crlf(content: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(content.len() + content.len() / 50);
    for byte in content {
        if *byte == b'\n' {
            wire.push(b'\r');
        }
        wire.push(*byte);
    }
    wire
}

/// A delivered message without the fields that we add, which must be Return-Path, Delivered-To and one Received.
#[must_use]
pub fn as_it_came(delivered: &[u8]) -> &[u8] {
    let mut rest = delivered;
    for name in ["Return-Path: <", "Delivered-To: ", "Received: "] {
        assert!(
            rest.starts_with(name.as_bytes()),
            "no field {name:?} where it belongs in:\n{}",
            String::from_utf8_lossy(delivered.get(..2000).unwrap_or(delivered))
        );
        rest = after_line(rest);
        while rest.starts_with(b" ") || rest.starts_with(b"\t") {
            rest = after_line(rest);
        }
    }
    rest
}

fn after_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.and_then(|at| bytes.get(at + 1..)).unwrap_or_default()
}

/// Waits until the mailbox `name` has as many messages as `contents`, which must be these, each once and byte for byte.
pub fn expect_mail(instance: &Instance, name: &str, contents: &[Vec<u8>]) {
    let delivered = instance.wait_for_mail(name, contents.len());
    let mut left: Vec<&[u8]> = delivered
        .iter()
        .map(|message| as_it_came(message))
        .collect();
    for content in contents {
        let found = left.iter().position(|message| *message == content);
        let rest: Vec<String> = left.iter().map(|message| show(message)).collect();
        assert!(
            found.is_some(),
            "{}\ndid not arrive byte for byte; what did:\n{}",
            show(content),
            rest.join("\n")
        );
        found.map(|at| left.swap_remove(at));
    }
    assert!(left.is_empty(), "{} messages came besides", left.len());
}

/// The beginning of some octets, and how many there are.
#[must_use]
pub fn show(bytes: &[u8]) -> String {
    let start = bytes.get(..300).unwrap_or(bytes);
    format!("{} octets: {}", bytes.len(), start.escape_ascii())
}
