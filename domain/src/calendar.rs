//! The Belgian calendar. Instants are UTC; days, weeks and wall clocks are those of Brussels.
//!
//! Instants and dates from outside come in by [`instant`] and [`date`], which refuse what lies
//! beyond the years 1900 to 2200; the other functions are total far beyond those. The published
//! clock changes end in 2099; after that the winter time holds.

use chrono::{
    DateTime, Datelike, FixedOffset, MappedLocalTime, Months, NaiveDate, NaiveTime, Offset,
    TimeDelta, TimeZone, Utc, Weekday,
};
use chrono_tz::Europe::Brussels;
use serde::{Deserialize, Serialize};

/// The years in which an instant or a date from outside may lie.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the date lies before 1900 or after 2200")]
pub struct OutOfRange;

/// The door for instants from outside.
pub fn instant(at: DateTime<FixedOffset>) -> Result<DateTime<Utc>, OutOfRange> {
    let at = at.to_utc();
    if YEARS.contains(&at.year()) { Ok(at) } else { Err(OutOfRange) }
}

/// The door for dates from outside.
pub fn date(day: NaiveDate) -> Result<NaiveDate, OutOfRange> {
    if YEARS.contains(&day.year()) { Ok(day) } else { Err(OutOfRange) }
}

/// The date in Brussels at that instant.
pub fn day_in_belgium(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Brussels).date_naive()
}

/// The first instant of a day in Brussels.
pub fn start_of_day(day: NaiveDate) -> DateTime<Utc> {
    at_brussels(day, NaiveTime::MIN)
}

/// The last instant of a day in Brussels, in whole microseconds, as the log counts.
pub fn end_of_day(day: NaiveDate) -> DateTime<Utc> {
    start_of_day(day.succ_opt().unwrap_or(day)) - TimeDelta::microseconds(1)
}

/// The instant at which the clocks in Brussels show this. A time that comes twice, when the clocks
/// go back, is its first coming; one that is left out, when they go forward, is as long after the
/// change as it would have been without it: 02:30 is then 03:30.
pub fn at_brussels(day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let shown = day.and_time(time);
    match Brussels.from_local_datetime(&shown) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.to_utc(),
        MappedLocalTime::None => {
            // Read as UTC, three hours earlier is before the change: Brussels is never more than
            // two hours ahead.
            let before = Brussels.offset_from_utc_datetime(&(shown - TimeDelta::hours(3)));
            (shown - before.fix()).and_utc()
        }
    }
}

/// Age in whole years: one more on each birthday, for those born on 29 February on 1 March in years
/// without that day. Zero before birth.
pub fn age_on(birth: NaiveDate, day: NaiveDate) -> u16 {
    let years = day.years_since(birth).unwrap_or(0);
    u16::try_from(years).unwrap_or(u16::MAX)
}

/// So many calendar months later at the same time on the Brussels clock, on the last day of the
/// month where it has no such day.
pub fn months_later(at: DateTime<Utc>, months: u32) -> DateTime<Utc> {
    if months == 0 {
        return at;
    }
    let shown = at.with_timezone(&Brussels).naive_local();
    match shown.checked_add_months(Months::new(months)) {
        Some(later) => at_brussels(later.date(), later.time()),
        None => DateTime::<Utc>::MAX_UTC,
    }
}

/// A period of the Belgian calendar, within which uses are counted. Weeks begin on Monday.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Period {
    /// Ever.
    Absolute,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Period {
    /// First and last day of the period that holds this day; `None` where it has no ends.
    pub fn days(self, day: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        match self {
            Period::Absolute => None,
            Period::Day => Some((day, day)),
            Period::Week => {
                let week = day.week(Weekday::Mon);
                Some((week.first_day(), week.last_day()))
            }
            Period::Month => Some(months(day, day.month(), 1)),
            Period::Quarter => Some(quarter_of(day)),
            Period::Year => Some(months(day, 1, 12)),
        }
    }

    /// Whether two days lie in the same period.
    pub fn same(self, a: NaiveDate, b: NaiveDate) -> bool {
        self.days(a) == self.days(b)
    }
}

/// First and last day of `count` whole months, from this month of the day's year.
fn months(day: NaiveDate, month: u32, count: u32) -> (NaiveDate, NaiveDate) {
    let first = NaiveDate::from_ymd_opt(day.year(), month, 1)
        .expect("the first of a month exists in the year of an existing day");
    let next = first.checked_add_months(Months::new(count));
    (first, next.and_then(|next| next.pred_opt()).unwrap_or(NaiveDate::MAX))
}

/// First and last day of the calendar quarter that holds this day.
pub fn quarter_of(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    months(day, day.month0() / 3 * 3 + 1, 3)
}

/// The `count` last calendar quarters that were over before today, newest first (R-NOTE-03).
pub fn completed_quarters(today: NaiveDate, count: usize) -> Vec<(NaiveDate, NaiveDate)> {
    let previous = |quarter: &(NaiveDate, NaiveDate)| quarter.0.pred_opt().map(quarter_of);
    std::iter::successors(Some(quarter_of(today)), previous).skip(1).take(count).collect()
}

/// 30 April of the next year: where social status ends by default (R-SOC-02, R-SOC-03).
pub fn next_30_april(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year() + 1, 4, 30).unwrap_or(NaiveDate::MAX)
}

/// Days from one to another, both inclusive; an absent end is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct DayRange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

impl DayRange {
    pub fn holds(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// Whether it ends before it begins, and so holds no day at all.
    pub fn is_reversed(&self) -> bool {
        matches!((self.from, self.until), (Some(from), Some(until)) if until < from)
    }
}
