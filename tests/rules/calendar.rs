//! The Belgian calendar: clock changes, month ends, leap days and quarters.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use proptest::prelude::*;
use uitpas_domain::calendar::*;

#[test]
fn a_day_begins_and_ends_in_belgium() {
    for (at, expected) in [
        // Winter: midnight is 23:00 UTC.
        ("2026-01-15T22:59:59.999999Z", "2026-01-15"),
        ("2026-01-15T23:00:00Z", "2026-01-16"),
        // Summer: midnight is 22:00 UTC.
        ("2026-06-01T21:59:59.999999Z", "2026-06-01"),
        ("2026-06-01T22:00:00Z", "2026-06-02"),
    ] {
        assert_eq!(day_in_belgium(utc(at)), day(expected), "{at}");
    }
    assert_eq!(start_of_day(day("2026-06-02")), utc("2026-06-01T22:00:00Z"));
    assert_eq!(end_of_day(day("2026-06-02")), utc("2026-06-02T21:59:59.999999Z"));
}

#[test]
fn days_of_the_clock_changes_last_23_and_25_hours() {
    for (changed, hours) in [("2026-03-29", 23), ("2026-03-30", 24), ("2026-10-25", 25)] {
        let begin = start_of_day(day(changed));
        let end = end_of_day(day(changed)) + TimeDelta::microseconds(1);
        assert_eq!(end - begin, TimeDelta::hours(hours), "{changed}");
    }
}

#[test]
fn a_time_that_is_left_out_moves_on_and_one_that_comes_twice_is_its_first_coming() {
    for (date, time, expected) in [
        ("2026-03-29", "01:59:59", "2026-03-29T00:59:59Z"),
        ("2026-03-29", "02:00:00", "2026-03-29T01:00:00Z"),
        ("2026-03-29", "02:30:00", "2026-03-29T01:30:00Z"),
        ("2026-03-29", "03:00:00", "2026-03-29T01:00:00Z"),
        ("2026-10-25", "01:59:59", "2026-10-24T23:59:59Z"),
        ("2026-10-25", "02:00:00", "2026-10-25T00:00:00Z"),
        ("2026-10-25", "02:59:59", "2026-10-25T00:59:59Z"),
        ("2026-10-25", "03:00:00", "2026-10-25T02:00:00Z"),
        // The clocks once changed at midnight: that day began at one.
        ("1916-05-01", "00:00:00", "1916-04-30T23:00:00Z"),
        ("1916-05-01", "01:00:00", "1916-04-30T23:00:00Z"),
    ] {
        assert_eq!(at_brussels(day(date), time.parse().unwrap()), utc(expected), "{date} {time}");
    }
}

#[test]
fn every_day_of_the_allowed_years_is_held_by_its_own_first_and_last_instant() {
    let mut today = day("1900-01-01");
    while today.year() <= 2200 {
        let (begin, end) = (start_of_day(today), end_of_day(today));
        assert_eq!(day_in_belgium(begin), today);
        assert_eq!(day_in_belgium(end), today);
        assert_eq!(day_in_belgium(begin - TimeDelta::microseconds(1)), today.pred_opt().unwrap());
        today = today.succ_opt().unwrap();
    }
}

/// R-REG-03
#[test]
fn age_grows_on_the_birthday() {
    for (birth, today, age) in [
        ("2010-06-15", "2026-06-14", 15),
        ("2010-06-15", "2026-06-15", 16),
        ("2012-02-29", "2028-02-28", 15),
        ("2012-02-29", "2028-02-29", 16),
        ("2012-02-29", "2027-02-28", 14),
        ("2012-02-29", "2027-03-01", 15),
        ("2026-06-15", "2026-06-15", 0),
        ("2026-06-16", "2026-06-15", 0),
        ("1908-01-01", "2026-01-01", 118),
    ] {
        assert_eq!(age_on(day(birth), day(today)), age, "{birth} on {today}");
    }
}

/// R-CHK-02
#[test]
fn months_later_is_the_same_time_on_the_clock_clamped_to_the_end_of_the_month() {
    for (at, months, expected) in [
        // From winter into summer and back: 20:00 in Brussels stays 20:00.
        ("2026-01-15T19:00:00Z", 3, "2026-04-15T18:00:00Z"),
        ("2026-08-15T18:00:00Z", 3, "2026-11-15T19:00:00Z"),
        ("2026-11-30T19:00:00Z", 3, "2027-02-28T19:00:00Z"),
        ("2027-11-30T19:00:00Z", 3, "2028-02-29T19:00:00Z"),
        ("2026-01-31T19:00:00Z", 1, "2026-02-28T19:00:00Z"),
        // 00:30 on the first in Brussels, though still the 31st in UTC.
        ("2026-08-31T22:30:00Z", 1, "2026-09-30T22:30:00Z"),
        // Into the hour that is left out, and into the one that comes twice.
        ("2026-02-28T01:30:00Z", 1, "2026-03-28T01:30:00Z"),
        ("2026-01-29T01:30:00Z", 2, "2026-03-29T01:30:00Z"),
        ("2026-07-25T00:30:00Z", 3, "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:30:00Z", 0, "2026-10-25T01:30:00Z"),
        ("2026-12-31T22:59:59.999999Z", 12, "2027-12-31T22:59:59.999999Z"),
    ] {
        assert_eq!(months_later(utc(at), months), utc(expected), "{at} + {months}");
    }
}

/// R-CHK-03
#[test]
fn calendar_periods_have_a_first_and_a_last_day() {
    for (period, today, first, last) in [
        (Period::Day, "2026-07-01", "2026-07-01", "2026-07-01"),
        (Period::Week, "2026-07-01", "2026-06-29", "2026-07-05"),
        (Period::Week, "2026-06-29", "2026-06-29", "2026-07-05"),
        (Period::Week, "2026-07-05", "2026-06-29", "2026-07-05"),
        (Period::Week, "2027-01-01", "2026-12-28", "2027-01-03"),
        (Period::Month, "2026-02-14", "2026-02-01", "2026-02-28"),
        (Period::Month, "2028-02-29", "2028-02-01", "2028-02-29"),
        (Period::Month, "2026-12-31", "2026-12-01", "2026-12-31"),
        (Period::Quarter, "2026-01-01", "2026-01-01", "2026-03-31"),
        (Period::Quarter, "2026-03-31", "2026-01-01", "2026-03-31"),
        (Period::Quarter, "2026-04-01", "2026-04-01", "2026-06-30"),
        (Period::Quarter, "2026-09-30", "2026-07-01", "2026-09-30"),
        (Period::Quarter, "2026-12-31", "2026-10-01", "2026-12-31"),
        (Period::Year, "2026-07-01", "2026-01-01", "2026-12-31"),
    ] {
        assert_eq!(period.days(day(today)), Some((day(first), day(last))), "{period} {today}");
    }
    assert_eq!(Period::Absolute.days(day("2026-07-01")), None);
    assert!(Period::Absolute.same(day("1900-01-01"), day("2200-12-31")));
}

/// R-NOTE-03
#[test]
fn completed_quarters_come_newest_first_and_the_running_one_is_not_among_them() {
    let quarters = |today| completed_quarters(day(today), 3);
    let first = (day("2026-01-01"), day("2026-03-31"));
    let last = (day("2025-10-01"), day("2025-12-31"));
    let third = (day("2025-07-01"), day("2025-09-30"));
    let second = (day("2025-04-01"), day("2025-06-30"));
    assert_eq!(quarters("2026-03-31"), [last, third, second]);
    assert_eq!(quarters("2026-04-01"), [first, last, third]);
    assert_eq!(completed_quarters(day("2026-04-01"), 0), []);
    assert_eq!(quarter_of(day("2026-02-15")), first);
}

/// R-SOC-02, R-SOC-03
#[test]
fn social_status_ends_on_30_april_of_the_next_year() {
    for (today, end) in [
        ("2026-01-01", "2027-04-30"),
        ("2026-04-15", "2027-04-30"),
        ("2026-05-01", "2027-04-30"),
        ("2026-12-31", "2027-04-30"),
    ] {
        assert_eq!(next_30_april(day(today)), day(end), "{today}");
    }
}

/// R-RWD-03
#[test]
fn both_ends_of_a_range_belong_to_it_and_an_absent_end_is_open() {
    let (from, until) = (Some(day("2026-03-01")), Some(day("2026-03-31")));
    for (range, today, held) in [
        (DayRange { from, until }, "2026-02-28", false),
        (DayRange { from, until }, "2026-03-01", true),
        (DayRange { from, until }, "2026-03-31", true),
        (DayRange { from, until }, "2026-04-01", false),
        (DayRange { from, until: None }, "2026-02-28", false),
        (DayRange { from, until: None }, "2200-12-31", true),
        (DayRange { from: None, until }, "1900-01-01", true),
        (DayRange { from: None, until }, "2026-04-01", false),
        (DayRange::default(), "1900-01-01", true),
        (DayRange { from: until, until: from }, "2026-03-15", false),
    ] {
        assert_eq!(range.holds(day(today)), held, "{range:?} {today}");
    }
    assert!(DayRange { from: until, until: from }.is_reversed());
    assert!(!DayRange { from, until: from }.is_reversed());
}

#[test]
fn what_lies_before_1900_or_after_2200_stays_outside() {
    for (at, allowed) in [
        ("1899-12-31T23:59:59Z", false),
        ("1900-01-01T00:00:00Z", true),
        ("2200-12-31T23:59:59Z", true),
        ("2201-01-01T00:00:00Z", false),
        // The year is that of UTC.
        ("1900-01-01T00:30:00+01:00", false),
        ("2201-01-01T00:30:00+01:00", true),
    ] {
        assert_eq!(instant(at.parse().unwrap()).is_ok(), allowed, "{at}");
    }
    for (today, allowed) in [
        ("1899-12-31", false),
        ("1900-01-01", true),
        ("2200-12-31", true),
        ("2201-01-01", false),
        ("-9999-01-01", false),
    ] {
        assert_eq!(date(day(today)).is_ok(), allowed, "{today}");
    }
    let extremes = [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC];
    assert!(extremes.iter().all(|at| instant(at.fixed_offset()).is_err()));
}

const PERIODS: [Period; 6] =
    [Period::Absolute, Period::Day, Period::Week, Period::Month, Period::Quarter, Period::Year];

prop_compose! {
    fn any_day()(days in 0_u64..109_938) -> NaiveDate {
        day("1900-01-01") + Days::new(days)
    }
}

prop_compose! {
    /// Any second of the day, and often one near a clock change.
    fn any_time()(seconds in prop_oneof![0_u32..86_400, 3_600_u32..14_400]) -> NaiveTime {
        NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).unwrap()
    }
}

prop_compose! {
    /// Days on which the clocks change: the last Sundays of March and October.
    fn day_of_a_clock_change()(year in 1996_i32..2100, month in prop::sample::select(vec![3, 10]))
        -> NaiveDate
    {
        let last = NaiveDate::from_ymd_opt(year, month, 31).unwrap();
        last - Days::new(last.weekday().num_days_from_sunday().into())
    }
}

proptest! {
    #[test]
    fn a_time_on_the_clock_is_shown_on_that_clock(
        today in prop_oneof![any_day(), day_of_a_clock_change()], time in any_time(),
    ) {
        let at = at_brussels(today, time);
        let shown = at.with_timezone(&chrono_tz::Europe::Brussels).naive_local();
        let skipped = shown - today.and_time(time);
        prop_assert!([0, 1, 2].map(TimeDelta::hours).contains(&skipped));
        // What comes twice is its first coming.
        let earlier = (at - TimeDelta::hours(1)).with_timezone(&chrono_tz::Europe::Brussels);
        prop_assert!(earlier.naive_local() != shown);
    }

    #[test]
    fn later_on_the_clock_is_never_earlier_in_time_by_more_than_the_change(
        today in day_of_a_clock_change(), a in any_time(), b in any_time(),
    ) {
        let (first, second) = (at_brussels(today, a.min(b)), at_brussels(today, a.max(b)));
        prop_assert!(second - first > TimeDelta::hours(-1));
        prop_assert!(second - first <= (a.max(b) - a.min(b)) + TimeDelta::hours(1));
    }

    /// R-CHK-02
    #[test]
    fn months_later_falls_in_that_month_on_that_day_or_its_last(
        today in any_day(), time in any_time(), months in 1_u32..60,
    ) {
        let at = at_brussels(today, time);
        let shown = day_in_belgium(at);
        let later = day_in_belgium(months_later(at, months));
        let count = |day: NaiveDate| day.year() * 12 + day.month0() as i32;
        prop_assert_eq!(count(later) - count(shown), months as i32);
        let last = later.with_day(1).unwrap() + chrono::Months::new(1) - Days::new(1);
        prop_assert_eq!(later.day(), shown.day().min(last.day()));
    }

    /// R-CHK-03
    #[test]
    fn a_period_holds_its_day_and_borders_on_the_next(today in any_day()) {
        for period in PERIODS {
            let Some((first, last)) = period.days(today) else { continue };
            prop_assert!(first <= today && today <= last);
            prop_assert!(period.same(first, last));
            prop_assert!(!period.same(last, last.succ_opt().unwrap()));
            prop_assert!(!period.same(first, first.pred_opt().unwrap()));
        }
    }

    /// R-NOTE-03
    #[test]
    fn completed_quarters_leave_no_gap(today in any_day(), count in 1_usize..12) {
        let quarters = completed_quarters(today, count);
        prop_assert_eq!(quarters.len(), count);
        prop_assert_eq!(quarters[0].1.succ_opt().unwrap(), quarter_of(today).0);
        for pair in quarters.windows(2) {
            prop_assert_eq!(pair[1].1.succ_opt().unwrap(), pair[0].0);
        }
    }

    #[test]
    fn nothing_stumbles_over_distant_years(
        days in -4_000_000_i64..3_650_000, time in any_time(), months in any::<u32>(),
    ) {
        let today = day("0000-01-01") + TimeDelta::days(days.max(-3_650_000));
        let at = at_brussels(today, time);
        months_later(at, months);
        day_in_belgium(start_of_day(today));
        day_in_belgium(end_of_day(today));
        age_on(today, day("2026-01-01"));
        age_on(day("2026-01-01"), today);
        next_30_april(today);
        completed_quarters(today, 4);
        for period in PERIODS {
            prop_assert!(period.same(today, today));
        }
    }
}

fn utc(at: &str) -> DateTime<Utc> {
    at.parse().unwrap()
}

fn day(date: &str) -> NaiveDate {
    date.parse().unwrap()
}
