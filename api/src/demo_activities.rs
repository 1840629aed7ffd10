//! The activities of the demo: made up, of four made-up organizers, and always around today.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta};
use chrono_tz::Europe::Brussels;
use serde_json::Value;
use uitpas_domain::calendar::{self, OutOfRange};

const SHIPPED: &str = include_str!("../demo/activities.json");

/// The day in the shipped file that becomes the day of the demo.
const SHIPPED_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 3, 4).expect("a day in March");

/// The shipped file with its dates moved so many whole days that it is about this day. The time on
/// the clock in Brussels stays the same, and so do the days of the week of opening hours.
pub fn around(day: NaiveDate) -> Result<String, OutOfRange> {
    let days = calendar::date(day)? - SHIPPED_DAY;
    let mut activities =
        serde_json::from_str(SHIPPED).expect("a test reads the shipped file as JSON");
    shift(&mut activities, days);
    Ok(activities.to_string())
}

fn shift(value: &mut Value, days: TimeDelta) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| shift(item, days)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "startDate" || name == "endDate" => {
                        *text = shifted(text, days);
                    }
                    field => shift(field, days),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn shifted(instant: &str, days: TimeDelta) -> String {
    let shown = DateTime::parse_from_rfc3339(instant)
        .expect("a test reads each date of the shipped file")
        .with_timezone(&Brussels)
        .naive_local();
    let at = calendar::at_brussels(shown.date() + days, shown.time());
    at.with_timezone(&Brussels).to_rfc3339_opts(SecondsFormat::Secs, false)
}
