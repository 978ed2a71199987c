use std::io::Write as _;

use super::*;

fn stored(text: &[u8]) -> (File, Content) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"head\n").unwrap();
    file.write_all(text).unwrap();
    file.write_all(b"journal\n").unwrap();
    let octets = text.len() as u64;
    let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
    let content = Content {
        offset: 5,
        octets,
        crc32: crc32fast::hash(text),
        crlf_octets: octets + lines,
    };
    (file, content)
}

fn all(outgoing: &mut Outgoing<'_>) -> Result<Vec<u8>, Damage> {
    let mut wire = Vec::new();
    while let Some(piece) = outgoing.next()? {
        wire.extend_from_slice(piece);
    }
    Ok(wire)
}

#[test]
fn a_small_message_is_one_piece_with_added_fields_and_dots_doubled() {
    let (file, content) = stored(b"Subject: x\n\n.dot\n");
    let add = [Bytes::from("Received: a\n\tb")];
    let mut buffers = Buffers::default();
    let mut outgoing = Outgoing::new(&file, &content, &add, &mut buffers).unwrap();
    let wire = b"Received: a\r\n\tb\r\nSubject: x\r\n\r\n..dot\r\n.\r\n";
    assert_eq!(outgoing.size(), wire.len() as u64 - 4);
    assert_eq!(outgoing.next().unwrap().unwrap(), wire);
    assert!(outgoing.next().unwrap().is_none());
    outgoing.rewind().unwrap();
    assert_eq!(all(&mut outgoing).unwrap(), wire);
}

#[test]
fn an_empty_message_is_a_dot() {
    let (file, content) = stored(b"");
    let mut buffers = Buffers::default();
    let mut outgoing = Outgoing::new(&file, &content, &[], &mut buffers).unwrap();
    assert_eq!(all(&mut outgoing).unwrap(), b".\r\n");
}

#[test]
fn a_large_message_comes_out_as_it_went_in_also_the_second_time() {
    let text = b"0123456789abcdef\n".repeat(50_000);
    let (file, content) = stored(&text);
    let mut buffers = Buffers::default();
    let mut outgoing = Outgoing::new(&file, &content, &[], &mut buffers).unwrap();
    let mut wanted = b"0123456789abcdef\r\n".repeat(50_000);
    wanted.extend_from_slice(b".\r\n");
    for _ in 0..2 {
        assert_eq!(all(&mut outgoing).unwrap(), wanted);
        outgoing.rewind().unwrap();
    }
}

#[test]
fn the_final_dot_of_damaged_content_is_never_given_out() {
    for text in [b"small\n".to_vec(), b"large\n".repeat(100_000)] {
        let (file, mut content) = stored(&text);
        content.crc32 ^= 1;
        let mut buffers = Buffers::default();
        let outcome = Outgoing::new(&file, &content, &[], &mut buffers)
            .and_then(|mut outgoing| all(&mut outgoing));
        assert!(matches!(outcome, Err(Damage::Checksum)));
    }
}

#[test]
fn content_that_is_cut_off_is_damaged() {
    let (file, mut content) = stored(b"text\n");
    content.octets = 1_000;
    let mut buffers = Buffers::default();
    let outcome = Outgoing::new(&file, &content, &[], &mut buffers);
    assert!(matches!(outcome, Err(Damage::Checksum)));
}

#[test]
fn only_the_header_section_needs_smtputf8() {
    for (text, wanted) in [
        ("Subject: x\n\nä\n", false),
        ("Subject: ä\n\nx\n", true),
        ("\nä", false),
    ] {
        let (file, content) = stored(text.as_bytes());
        let mut buffers = Buffers::default();
        let outgoing = Outgoing::new(&file, &content, &[], &mut buffers).unwrap();
        assert_eq!(outgoing.has_utf8_header(), wanted, "{text}");
    }
}

/// Another name for the sender, of another length.
fn renamed(header: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(header).unwrap();
    text.contains("@in.test")
        .then(|| text.replace("@in.test", "@visible.example").into_bytes())
}

#[test]
fn another_header_section_goes_out_in_place_of_the_old_one() {
    let long = format!("X: {}\n", "x".repeat(70)).repeat(5_000);
    for (between, body) in [
        (String::new(), "hello @in.test\n".to_owned()),
        (String::new(), ".\n@in.test\n".repeat(100_000)),
        (long.clone(), "hello @in.test\n".to_owned()),
        (long, ".\n@in.test\n".repeat(100_000)),
    ] {
        let text = format!("To: a@b.test\n{between}From: u@in.test\n\n{body}");
        let (file, content) = stored(text.as_bytes());
        let add = [Bytes::from("Resent-From: u@in.test"), Bytes::from("X: y")];
        let mut buffers = Buffers::default();
        let mut outgoing = Outgoing::new(&file, &content, &add, &mut buffers).unwrap();
        outgoing.edit(renamed).unwrap();
        let wanted = format!(
            "Resent-From: u@visible.example\r\nX: y\r\nTo: a@b.test\r\n{}From: u@visible.example\r\n\r\n",
            between.replace('\n', "\r\n")
        );
        let size = wanted.len() + body.len() + body.matches('\n').count();
        assert_eq!(outgoing.size(), size as u64);
        let body = body.replace("\n", "\r\n").replace(".\r\n@", "..\r\n@");
        let wanted = format!("{wanted}{body}.\r\n");
        for _ in 0..2 {
            assert!(all(&mut outgoing).unwrap() == wanted.as_bytes());
            outgoing.rewind().unwrap();
        }
    }
}

#[test]
fn an_endless_header_section_stays_as_it_is() {
    let text = b"From: u@in.test\n".repeat(100_000);
    let (file, content) = stored(&text);
    let mut buffers = Buffers::default();
    let mut outgoing = Outgoing::new(&file, &content, &[], &mut buffers).unwrap();
    outgoing.edit(renamed).unwrap();
    assert!(
        all(&mut outgoing)
            .unwrap()
            .starts_with(b"From: u@in.test\r\n")
    );
}

#[test]
fn content_that_is_damaged_is_found_with_another_header_section_too() {
    let text = format!("From: u@in.test\n\n{}", "body\n".repeat(100_000));
    let (file, mut content) = stored(text.as_bytes());
    content.crc32 ^= 1;
    let mut buffers = Buffers::default();
    let mut outgoing = Outgoing::new(&file, &content, &[], &mut buffers).unwrap();
    outgoing.edit(renamed).unwrap();
    assert!(matches!(all(&mut outgoing), Err(Damage::Checksum)));
}
