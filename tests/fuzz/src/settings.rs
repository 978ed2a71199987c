//! Control files and users/assign.

use stafette_control::{
    parse_address, parse_assign, parse_flag, parse_lines, parse_network, parse_number,
    parse_pattern, parse_route,
};

/// Any bytes are lines and mistakes, each with its number, and never more than there are lines.
pub fn settings_are_lines_or_mistakes(data: &[u8]) {
    let most = data.iter().filter(|byte| **byte == b'\n').count() + 1;
    let mut last = 0;
    for line in parse_lines(data) {
        let number = match &line {
            Ok(line) => line.number,
            Err((number, _)) => *number,
        };
        assert!(number > last && number <= most);
        last = number;
        if let Ok(line) = line {
            assert!(!line.text.is_empty() && !line.text.contains('\n'));
            drop((
                parse_network(&line.text),
                parse_route(&line.text),
                parse_pattern(&line.text),
                parse_address(&line.text, 25),
            ));
            drop((parse_number(&line.text, 1, 9), parse_flag(&line.text)));
        }
    }
    let mut mistakes = 0;
    parse_assign(data, |number, _| {
        mistakes += 1;
        assert!(number <= most);
    });
    assert!(mistakes <= most + 1);
}
