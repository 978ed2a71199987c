//! Stamps of time as RFC 3339 writes them, in UTC.

/// `2026-11-22T15:04:05.123456Z` of so many microseconds since 1970.
#[must_use]
pub fn rfc3339(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    let (year, month, day) = civil_date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z",
        micros % 1_000_000
    )
}

/// Year, month and day of a number of days since 1970-01-01.
///
/// Counted in years that begin in March, so that the leap day is a year's last, and in eras of 400 years, which all have the same length.
fn civil_date(days: u64) -> (u64, u64, u64) {
    const DAYS_FROM_MARCH_OF_YEAR_0: u64 = 719_468;
    const DAYS_OF_ERA: u64 = 146_097;
    let days = days + DAYS_FROM_MARCH_OF_YEAR_0;
    let (era, day_of_era) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants_are_written_as_everybody_writes_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(rfc3339(seconds * 1_000_000), text);
        }
        assert_eq!(rfc3339(1_000_042), "1970-01-01T00:00:01.000042Z");
    }

    #[test]
    fn days_follow_one_another_for_eight_centuries() {
        let mut last = civil_date(0);
        for day in 1..292_194 {
            let next = civil_date(day);
            let is_next_day = next == (last.0, last.1, last.2 + 1);
            let is_next_month = next.2 == 1
                && (next.1 == last.1 + 1 || (last.1 == 12 && next == (last.0 + 1, 1, 1)));
            assert!(is_next_day || is_next_month, "{last:?} {next:?}");
            assert!(next.2 <= 31);
            last = next;
        }
    }

    #[test]
    fn the_end_of_time_is_written_without_harm() {
        assert!(rfc3339(u64::MAX).ends_with('Z'));
    }
}
