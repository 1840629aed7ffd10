//! Days, instants and periods as they are given on the command line: within the years that the other
//! doors let in.

use chrono::{DateTime, NaiveDate, Utc};
use uitpas_domain::calendar;

use super::Failure;
use crate::actions::audit::AsOf;

/// A day, in Brussels.
pub fn day(text: &str) -> Result<NaiveDate, Failure> {
    let day: NaiveDate = text.parse().map_err(|_| "no such day; one is written as 2026-03-31")?;
    Ok(calendar::date(day)?)
}

pub fn instant(text: &str) -> Result<DateTime<Utc>, Failure> {
    let at = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "no such instant; one is written as 2026-03-31T12:00:00+02:00")?;
    Ok(calendar::instant(at)?)
}

/// A position, an instant, or the end of a day.
pub fn as_of(text: &str) -> Result<AsOf, Failure> {
    let as_of: AsOf = text.parse()?;
    if let AsOf::Instant(at) = as_of {
        calendar::instant(at.fixed_offset())?;
    }
    Ok(as_of)
}

pub fn demand_in_order(from: NaiveDate, until: NaiveDate) -> Result<(), Failure> {
    if until < from {
        return Err(format!("the period ends on {until}, before it begins on {from}").into());
    }
    Ok(())
}

/// Nobody is told that nothing happened where the log has not come yet.
pub fn demand_reached(position: u64, head: u64) -> Result<(), Failure> {
    if position > head {
        return Err(format!("the log ends at position {head}, before position {position}").into());
    }
    Ok(())
}

/// For people: as the clocks in Brussels show it.
pub fn shown(at: DateTime<Utc>) -> String {
    at.with_timezone(&chrono_tz::Europe::Brussels).format("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
}
