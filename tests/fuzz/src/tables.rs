//! The operator's tables, lists and `.forward` files.

use stafette_addr::Mailbox;
use stafette_table::target::{parse_lines, parse_list};
use stafette_table::{Reply, access, generic, mailer, virtual_user};

/// What is read as a target is written as one that reads the same; nothing else of a table has a way to go wrong but by a mistake.
pub fn targets_read_as_they_are_written(data: &[u8]) {
    for item in parse_list(data).unwrap_or_default() {
        let written = item.to_string();
        let again = parse_list(written.as_bytes());
        assert_eq!(again, Ok(vec![item]), "{written}");
    }
    if let Ok(lines) = parse_lines(data) {
        let most = data.iter().filter(|byte| **byte == b'\n').count() + 1;
        assert!(lines.into_iter().all(|(number, _)| number <= most));
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for line in text.lines() {
        drop((
            access::parse(line),
            mailer::parse(line),
            generic::parse(line),
        ));
        if let Ok(reply) = Reply::parse_error(line) {
            assert!(reply.status.starts_with('4') == reply.is_temporary());
            assert!(reply.text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        }
        for address in ["joe+ext@example.org", "\"a,b|c\"@example.org"] {
            if let Ok(mailbox) = Mailbox::parse(address.as_bytes()) {
                let count = virtual_user::parse(line).map_or(0, |items| items.len());
                let targets = virtual_user::targets(line, &mailbox);
                assert!(targets.is_err() || targets.is_ok_and(|items| items.len() == count));
            }
        }
    }
}
