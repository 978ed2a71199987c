//! Numbers of recipients as an event writes them: `0-3,7`, rising, none twice, one spelling each.

use crate::limit::MAX_RECIPIENTS;
use crate::number::decimal;

/// Writes `numbers` in rising order, each once.
pub(crate) fn encode(numbers: &[u32]) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut text = String::new();
    let mut rest = sorted.iter().copied().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.next_if(|next| Some(*next) == last.checked_add(1)) {
            last = next;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&first.to_string());
        if last > first {
            text.push_str(&format!("-{last}"));
        }
    }
    text
}

/// Reads what [`encode`] wrote; numbers that no recipient can have make it nothing.
pub(crate) fn parse(text: &[u8]) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    for part in text.split(|byte| *byte == b',') {
        let mut ends = part.splitn(2, |byte| *byte == b'-').map(recipient);
        let first = ends.next()??;
        let last = ends.next().unwrap_or(Some(first))?;
        if last < first || numbers.last().is_some_and(|previous| *previous >= first) {
            return None;
        }
        numbers.extend(first..=last);
    }
    (encode(&numbers).as_bytes() == text).then_some(numbers)
}

fn recipient(text: &[u8]) -> Option<u32> {
    let number = u32::try_from(decimal(text)?).ok()?;
    (usize::try_from(number).ok()? < MAX_RECIPIENTS).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_are_drawn_together() {
        assert_eq!(encode(&[7, 3, 2, 1, 0, 7]), "0-3,7");
        assert_eq!(parse(b"0-3,7"), Some(vec![0, 1, 2, 3, 7]));
    }

    #[test]
    fn a_second_spelling_and_a_number_out_of_reach_are_refused() {
        for bad in [
            "", "1,0", "0,1", "0-0", "3-1", "1,1", "0-", "-1", "10000", "0-99999", "a",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(mut numbers in proptest::collection::vec(0u32..10_000, 1..50)) {
            let text = encode(&numbers);
            numbers.sort_unstable();
            numbers.dedup();
            prop_assert_eq!(parse(text.as_bytes()), Some(numbers));
        }
    }
}
