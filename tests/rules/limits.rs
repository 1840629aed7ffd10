//! How often something may be had in a calendar period.

use chrono::NaiveDate;
use uitpas_domain::calendar::Period;
use uitpas_domain::limit::Limit;

/// R-CHK-03, R-TAR-05, R-RWD-04
#[test]
fn only_uses_of_the_same_calendar_period_count() {
    // A Wednesday; the week is 29 June to 5 July, across a quarter's end.
    let today = day("2026-07-01");
    for (period, used, left) in [
        (Period::Absolute, "1999-01-01", 1),
        (Period::Day, "2026-07-01", 1),
        (Period::Day, "2026-06-30", 2),
        (Period::Day, "2026-07-02", 2),
        (Period::Week, "2026-06-28", 2),
        (Period::Week, "2026-06-29", 1),
        (Period::Week, "2026-07-05", 1),
        (Period::Week, "2026-07-06", 2),
        (Period::Month, "2026-06-30", 2),
        (Period::Month, "2026-07-31", 1),
        (Period::Month, "2025-07-01", 2),
        (Period::Quarter, "2026-06-30", 2),
        (Period::Quarter, "2026-09-30", 1),
        (Period::Quarter, "2026-10-01", 2),
        (Period::Year, "2025-12-31", 2),
        (Period::Year, "2026-01-01", 1),
        (Period::Year, "2026-12-31", 1),
        (Period::Year, "2027-01-01", 2),
    ] {
        let limit = Limit { volume: 2, period };
        assert_eq!(limit.left([day(used)].into_iter(), today), left, "{period} {used}");
    }
}

/// R-CHK-03, R-TAR-05, R-RWD-04: weeks are whole over new year, and every quarter has its ends.
#[test]
fn periods_end_where_the_calendar_ends_them() {
    for (period, used, today, same) in [
        // Monday 28 December to Sunday 3 January.
        (Period::Week, "2026-12-28", "2027-01-03", true),
        (Period::Week, "2026-12-27", "2026-12-28", false),
        (Period::Week, "2027-01-03", "2027-01-04", false),
        (Period::Week, "2026-01-01", "2027-01-01", false),
        (Period::Year, "2026-12-31", "2027-01-01", false),
        (Period::Month, "2026-01-15", "2027-01-15", false),
        (Period::Month, "2028-02-29", "2028-03-01", false),
        (Period::Month, "2028-02-01", "2028-02-29", true),
        (Period::Quarter, "2026-01-01", "2026-03-31", true),
        (Period::Quarter, "2026-03-31", "2026-04-01", false),
        (Period::Quarter, "2026-04-01", "2026-06-30", true),
        (Period::Quarter, "2026-06-30", "2026-07-01", false),
        (Period::Quarter, "2026-09-30", "2026-10-01", false),
        (Period::Quarter, "2026-10-01", "2026-12-31", true),
        (Period::Quarter, "2026-12-31", "2027-01-01", false),
        (Period::Quarter, "2026-02-15", "2027-02-15", false),
        // The days of the clock changes are days like others.
        (Period::Day, "2026-03-29", "2026-03-29", true),
        (Period::Day, "2026-10-25", "2026-10-26", false),
    ] {
        let limit = Limit { volume: 1, period };
        let left = limit.left([day(used)].into_iter(), day(today));
        assert_eq!(left, u32::from(!same), "{period} {used} {today}");
    }
}

/// R-CHK-03
#[test]
fn a_limit_that_was_lowered_below_the_uses_leaves_nothing() {
    let today = day("2026-07-01");
    let limit = Limit { volume: 3, period: Period::Day };
    for (uses, left) in [(0, 3), (2, 1), (3, 0), (4, 0)] {
        assert_eq!(limit.left(std::iter::repeat_n(today, uses), today), left);
    }
}

/// R-CHK-03
#[test]
fn by_default_a_point_is_given_once_ever_or_once_a_day() {
    let (yesterday, today) = (day("2026-06-30"), day("2026-07-01"));
    assert_eq!(Limit::ONCE_EVER.left([yesterday].into_iter(), today), 0);
    assert_eq!(Limit::ONCE_A_DAY.left([yesterday].into_iter(), today), 1);
    assert_eq!(Limit::ONCE_A_DAY.left([today].into_iter(), today), 0);
}

#[test]
fn a_period_is_written_as_in_the_contract() {
    let limit = Limit { volume: 1, period: Period::Quarter };
    assert_eq!(serde_json::to_string(&limit).unwrap(), r#"{"volume":1,"period":"QUARTER"}"#);
    assert_eq!("ABSOLUTE".parse::<Period>().unwrap(), Period::Absolute);
}

fn day(date: &str) -> NaiveDate {
    date.parse().unwrap()
}
