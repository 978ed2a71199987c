//! Times as the journal writes them: `2026-11-22T15:12:50Z`, always UTC, always whole seconds, one spelling each.

/// Seconds of a day.
const DAY: i64 = 86_400;
/// The last second that has four digits of year.
const LAST: i64 = 253_402_300_799;

/// Writes Unix time `seconds`; what lies before 1970 or after 9999 becomes the nearest time that does not.
pub(crate) fn encode(seconds: i64) -> String {
    let seconds = seconds.clamp(0, LAST);
    let (days, second) = (seconds / DAY, seconds % DAY);
    let (year, month, day) = civil(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let second = second % 60;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads what [`encode`] wrote.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let digits = |from: usize, to: usize| {
        text.get(from..to)?.iter().try_fold(0i64, |sum, digit| {
            let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
            Some(sum * 10 + digit)
        })
    };
    let days = days(digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let second = digits(11, 13)? * 3600 + digits(14, 16)? * 60 + digits(17, 19)?;
    let seconds = days * DAY + second;
    (encode(seconds).as_bytes() == text).then_some(seconds)
}

/// Year, month and day of a day since 1970-01-01, by eras of 400 years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let january = i64::from(month <= 2);
    (
        era * 400 + year + january,
        month,
        day - (153 * march + 2) / 5 + 1,
    )
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times_are_written_as_everybody_writes_them() {
        assert_eq!(encode(0), "1970-01-01T00:00:00Z");
        assert_eq!(encode(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(encode(1_795_360_370), "2026-11-22T15:12:50Z");
        assert_eq!(encode(i64::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(encode(-5), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn a_time_that_is_none_is_refused() {
        for bad in [
            "",
            "2026-02-30T00:00:00Z",
            "2026-11-22 15:12:50Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T15:12:50",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_time_is_read_as_it_was_written(seconds in 0..=LAST) {
            prop_assert_eq!(parse(encode(seconds).as_bytes()), Some(seconds));
        }
        #[test]
        fn reading_any_bytes_ends_without_harm(bytes: Vec<u8>) {
            prop_assert!(parse(&bytes).is_none_or(|seconds| encode(seconds).as_bytes() == bytes));
        }
    }
}
