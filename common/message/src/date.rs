//! Dates as mail writes them.
//!
//! The zone of the machine is read once, at the first use or by [`load_zone`]: a program that confines itself calls that before.

use std::sync::OnceLock;

use jiff::{Timestamp, tz::TimeZone};

static ZONE: OnceLock<TimeZone> = OnceLock::new();

fn zone() -> &'static TimeZone {
    ZONE.get_or_init(TimeZone::system)
}

/// Reads the machine's zone now, while its files can still be read.
pub fn load_zone() {
    zone();
}

fn timestamp(unix_seconds: i64) -> Timestamp {
    Timestamp::from_second(unix_seconds).unwrap_or(if unix_seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// `Tue, 03 Nov 2026 10:15:00 +0100` in the machine's zone (RFC 5322 section 3.3). A time beyond what a calendar holds is its end.
#[must_use]
pub fn rfc5322(unix_seconds: i64) -> String {
    rfc5322_in(unix_seconds, zone())
}

fn rfc5322_in(unix_seconds: i64, zone: &TimeZone) -> String {
    let zoned = timestamp(unix_seconds).to_zoned(zone.clone());
    zoned.strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}

/// `2026-11-03T09:15:00Z`, always in UTC (RFC 3339 section 5.6).
#[must_use]
pub fn rfc3339(unix_seconds: i64) -> String {
    timestamp(unix_seconds)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// `3 Nov 2026 09:15:00`, always in UTC: the form of `qmail-qread`.
#[must_use]
pub fn qmail(unix_seconds: i64) -> String {
    timestamp(unix_seconds)
        .strftime("%-d %b %Y %H:%M:%S")
        .to_string()
}

/// `Tue Nov  3 10:15:00` in the machine's zone: the form of `mailq`.
#[must_use]
pub fn listing(unix_seconds: i64) -> String {
    let zoned = timestamp(unix_seconds).to_zoned(zone().clone());
    zoned.strftime("%a %b %e %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_form_of_mail() {
        assert_eq!(
            rfc5322_in(0, &TimeZone::UTC),
            "Thu, 01 Jan 1970 00:00:00 +0000"
        );
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(
            rfc5322_in(1_793_697_300, &berlin),
            "Tue, 03 Nov 2026 10:15:00 +0100"
        );
        assert_eq!(rfc3339(1_793_697_300), "2026-11-03T09:15:00Z");
    }

    #[test]
    fn a_time_that_no_calendar_holds_is_still_printed() {
        assert!(rfc5322_in(i64::MAX, &TimeZone::UTC).contains("9999"));
        assert!(!rfc5322(i64::MIN).is_empty());
        assert_eq!(listing(0).len(), 19);
    }
}
