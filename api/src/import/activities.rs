//! Activities as UiTdatabank publishes them, in JSON-LD. Fields that mean nothing to us are not
//! looked at. Source: UiTdatabank's event format.

use std::io::BufRead;

use chrono::{DateTime, NaiveTime, Utc, Weekday};
use rust_decimal::Decimal;
use uitpas_domain::activity::{
    Audience, Calendar, Description, Location, NamedPrice, Occurrence, OpeningHours,
};
use uitpas_domain::calendar;
use uitpas_domain::ids::ActivityId;
use uitpas_domain::values::euro::Price;
use uitpas_domain::values::place::{Country, Municipality};
use uitpas_domain::values::text::Text;

pub use super::fields::Wrong;
use super::fields::{Field, Object};
use super::records::Records;

/// What a file tells of one activity. Without prices it is no UiTPAS activity (R-CHK-04): one that
/// is known is revised, another is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where it begins in the file, from 1.
    pub line: u64,
    pub id: ActivityId,
    pub description: Description,
}

/// A record that is not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Broken {
    /// Where it begins in the file, from 1.
    pub line: u64,
    pub id: Option<ActivityId>,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It cannot be read as JSON at all.
    #[error("{0}")]
    Unreadable(String),
    #[error("no organizer: no UiTPAS activity")]
    NoOrganizer,
    #[error(transparent)]
    Field(#[from] Wrong),
}

/// The name of a base price that has none.
const BASE_PRICE: &str = "Basistarief";

/// Reads one object, a list, one object a line, or a search answer, one record at a time.
pub fn read(source: impl BufRead) -> impl Iterator<Item = Result<Record, Broken>> {
    Records::new(source).map(|cut| {
        let line = cut.line;
        let broken = |id, reason| Broken { line, id, reason };
        let unreadable = |why: String| broken(None, Reason::Unreadable(why));

        let text = cut.text.map_err(|why| unreadable(why.to_string()))?;
        let text = std::str::from_utf8(&text)
            .map_err(|_| unreadable("the record is not UTF-8".to_owned()))?;
        let record = Object::record(text).map_err(|error| {
            let line = line + (error.line() as u64).saturating_sub(1);
            unreadable(match error.is_data() {
                true => "the record is not an object".to_owned(),
                false => format!("this is not JSON, in line {line}"),
            })
        })?;

        let id: ActivityId = record
            .must("@id")
            .and_then(|id| id.last_path_part())
            .map_err(|wrong| broken(None, wrong.into()))?;
        match description(&record) {
            Ok(description) => Ok(Record { line, id, description }),
            Err(reason) => Err(broken(Some(id), reason)),
        }
    })
}

fn description(record: &Object) -> Result<Description, Reason> {
    let main_language = match record.get("mainLanguage") {
        Some(language) => language.text()?,
        None => "nl".to_owned(),
    };
    let organizer = record.get_in("organizer", "@id")?.ok_or(Reason::NoOrganizer)?;
    let withdrawn = record.get("workflowStatus").map(|status| {
        status.one_of(&[
            ("DRAFT", false),
            ("READY_FOR_VALIDATION", false),
            ("APPROVED", false),
            ("REJECTED", true),
            ("DELETED", true),
        ])
    });
    let audience = record.get_in("audience", "audienceType")?.map(|audience| {
        audience.one_of(&[
            ("everyone", Audience::Everyone),
            ("members", Audience::Members),
            ("education", Audience::Education),
        ])
    });
    Ok(Description {
        title: record.must("name")?.in_language(&main_language)?,
        organizer: organizer.last_path_part()?,
        calendar: calendar(record)?,
        prices: prices(record, &main_language)?,
        available: is_available(record)?,
        withdrawn: withdrawn.transpose()?.unwrap_or(false),
        audience: audience.transpose()?.unwrap_or(Audience::Everyone),
        location: location(record, &main_language)?,
        terms: terms(record)?,
    })
}

/// Of the whole activity or of one occurrence: only what is available gives points or tariffs.
fn is_available(object: &Object) -> Result<bool, Wrong> {
    let status = object.get_in("status", "type")?;
    let available = status.map(|status| {
        status.one_of(&[
            ("Available", true),
            ("TemporarilyUnavailable", false),
            ("Unavailable", false),
        ])
    });
    Ok(available.transpose()?.unwrap_or(true))
}

#[derive(Clone, Copy)]
enum CalendarType {
    Single,
    Multiple,
    Periodic,
    Permanent,
}

fn calendar(record: &Object) -> Result<Calendar, Wrong> {
    let kind = record.must("calendarType")?.one_of(&[
        ("single", CalendarType::Single),
        ("multiple", CalendarType::Multiple),
        ("periodic", CalendarType::Periodic),
        ("permanent", CalendarType::Permanent),
    ])?;
    match kind {
        CalendarType::Single => match sub_events(record)?.as_slice() {
            [] => {
                // The status of the activity as a whole is judged apart.
                let (start, end) = span(record)?;
                Ok(Calendar::Single(Occurrence { start, end, available: true }))
            }
            [only] => Ok(Calendar::Single(only.clone())),
            _ => Err(record.must("subEvent")?.wrong("has more than the one of a single activity")),
        },
        CalendarType::Multiple => {
            let occurrences = sub_events(record)?;
            if occurrences.is_empty() {
                return Err(record.must("subEvent")?.wrong("is empty"));
            }
            Ok(Calendar::Multiple(occurrences))
        }
        CalendarType::Periodic => {
            let (start, end) = span(record)?;
            // Without an end this names the field that is missing.
            let end = end.map_or_else(|| instant(&record.must("endDate")?), Ok)?;
            Ok(Calendar::Periodic {
                from: calendar::day_in_belgium(start),
                until: calendar::day_in_belgium(end),
                hours: opening_hours(record)?,
            })
        }
        CalendarType::Permanent => Ok(Calendar::Permanent { hours: opening_hours(record)? }),
    }
}

fn sub_events(record: &Object) -> Result<Vec<Occurrence>, Wrong> {
    items(record, "subEvent")?
        .iter()
        .map(|occurrence| {
            let occurrence = occurrence.object()?;
            let (start, end) = span(&occurrence)?;
            Ok(Occurrence { start, end, available: is_available(&occurrence)? })
        })
        .collect()
}

/// When something starts and ends.
fn span(object: &Object) -> Result<(DateTime<Utc>, Option<DateTime<Utc>>), Wrong> {
    let start = instant(&object.must("startDate")?)?;
    let Some(field) = object.get("endDate") else { return Ok((start, None)) };
    let end = instant(&field)?;
    if end < start {
        return Err(field.wrong("lies before startDate"));
    }
    Ok((start, Some(end)))
}

/// Older records write the offset as `+0100`.
fn instant(field: &Field) -> Result<DateTime<Utc>, Wrong> {
    let text = field.text()?;
    let at = DateTime::parse_from_rfc3339(&text)
        .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%z"))
        .map_err(|_| field.wrong("is not an instant such as 2026-03-04T20:00:00+01:00"))?;
    calendar::instant(at).map_err(|why| field.wrong(why))
}

fn opening_hours(record: &Object) -> Result<Vec<OpeningHours>, Wrong> {
    items(record, "openingHours")?
        .iter()
        .map(|hours| {
            let hours = hours.object()?;
            let days = hours.must("dayOfWeek")?;
            let mut weekdays: Vec<Weekday> =
                days.items()?.iter().map(weekday).collect::<Result<_, _>>()?;
            if weekdays.is_empty() {
                return Err(days.wrong("is empty"));
            }
            weekdays.sort_by_key(Weekday::num_days_from_monday);
            weekdays.dedup();
            let (opens, closes) = (time(&hours.must("opens")?)?, time(&hours.must("closes")?)?);
            Ok(OpeningHours { days: weekdays, opens, closes })
        })
        .collect()
}

fn weekday(field: &Field) -> Result<Weekday, Wrong> {
    field.one_of(&[
        ("monday", Weekday::Mon),
        ("tuesday", Weekday::Tue),
        ("wednesday", Weekday::Wed),
        ("thursday", Weekday::Thu),
        ("friday", Weekday::Fri),
        ("saturday", Weekday::Sat),
        ("sunday", Weekday::Sun),
    ])
}

/// Brussels wall time: `9:00` or `09:00`.
fn time(field: &Field) -> Result<NaiveTime, Wrong> {
    let text = field.text()?;
    let number = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse::<u32>().ok(),
        false => None,
    };
    let time = text.split_once(':').and_then(|(hour, minute)| {
        let written = (1..=2).contains(&hour.len()) && minute.len() == 2;
        let (hour, minute) = (number(hour)?, number(minute)?);
        written.then(|| NaiveTime::from_hms_opt(hour, minute, 0)).flatten()
    });
    time.ok_or_else(|| field.wrong("is not a time such as 9:00 or 20:30"))
}

/// The base price first, then the tariffs as they are listed. Nothing at all where nothing is said.
fn prices(record: &Object, main_language: &str) -> Result<Vec<NamedPrice>, Wrong> {
    #[derive(Clone, Copy)]
    enum Category {
        Base,
        Tariff,
        Computed,
    }
    let items = items(record, "priceInfo")?;
    let mut base = None;
    let mut tariffs = vec![];
    for item in &items {
        let item = item.object()?;
        let category = item.must("category")?;
        match category.one_of(&[
            ("base", Category::Base),
            ("tariff", Category::Tariff),
            ("uitpas", Category::Computed),
        ])? {
            Category::Base if base.is_some() => return Err(category.wrong("is base once more")),
            Category::Base => base = Some(named_price(&item, main_language, Some(BASE_PRICE))?),
            Category::Tariff => tariffs.push(named_price(&item, main_language, None)?),
            Category::Computed => {}
        }
    }
    match base {
        Some(base) => Ok([base].into_iter().chain(tariffs).collect()),
        None if items.is_empty() => Ok(vec![]),
        None => Err(record.must("priceInfo")?.wrong("has no base price")),
    }
}

fn named_price(
    item: &Object,
    main_language: &str,
    unnamed: Option<&str>,
) -> Result<NamedPrice, Wrong> {
    if let Some(currency) = item.get("priceCurrency") {
        currency.one_of(&[("EUR", ())])?;
    }
    let field = item.must("price")?;
    let price = price(field.number()?).ok_or_else(|| {
        field.wrong("is not an amount from 0 to 9999.99 with at most two decimals")
    })?;
    let name = match (item.get("name"), unnamed) {
        (None, Some(unnamed)) => unnamed.parse().map_err(|why| field.wrong(why))?,
        _ => item.must("name")?.in_language(main_language)?,
    };
    Ok(NamedPrice { name, price })
}

/// A JSON number, judged by value: 12.5, 12.50 and 1.25e1 are the same price.
fn price(number: &str) -> Option<Price> {
    let exact = match number.split_once(['e', 'E']) {
        // The mantissa is read exactly first: the other reader rounds what is too long for it.
        Some((mantissa, _)) => {
            Decimal::from_str_exact(mantissa).and_then(|_| Decimal::from_scientific(number))
        }
        None => Decimal::from_str_exact(number),
    };
    exact.ok()?.try_into().ok()
}

/// The municipality only where there is a Belgian one: what happens online or abroad has none.
fn location(record: &Object, main_language: &str) -> Result<Option<Location>, Wrong> {
    let Some(place) = record.get("location") else { return Ok(None) };
    let place = place.object()?;
    let Some(name) = place.get("name") else { return Ok(None) };
    let name = name.in_language(main_language)?;
    let addresses = match place.get("address") {
        Some(address) => address.object()?.by_preference(main_language),
        None => vec![],
    };
    let municipality = match addresses.first() {
        Some(address) => municipality(&address.object()?)?,
        None => None,
    };
    Ok(Some(Location { name, municipality }))
}

fn municipality(address: &Object) -> Result<Option<Municipality>, Wrong> {
    let text = |name| address.get(name).map(|field| field.text()).transpose();
    let country = text("addressCountry")?.map_or(Ok(Country::BELGIUM), |text| text.parse());
    let (Some(postal_code), Some(locality)) = (text("postalCode")?, text("addressLocality")?)
    else {
        return Ok(None);
    };
    Ok(match (country, postal_code.parse(), locality.parse()) {
        (Ok(Country::BELGIUM), Ok(postal_code), Ok(name)) => {
            Some(Municipality { postal_code, name })
        }
        _ => None,
    })
}

/// The labels of event type and theme; what facilities a place has is not ours.
fn terms(record: &Object) -> Result<Vec<Text<120>>, Wrong> {
    let mut labels = vec![];
    for term in items(record, "terms")? {
        let term = term.object()?;
        let domain = term.get("domain").map(|domain| domain.text()).transpose()?;
        if let Some("eventtype" | "theme") = domain.as_deref() {
            labels.push(term.must("label")?.parse()?);
        }
    }
    Ok(labels)
}

/// The items of a list; none where there is no list.
fn items<'a>(object: &Object<'a>, name: &str) -> Result<Vec<Field<'a>>, Wrong> {
    object.get(name).map_or(Ok(vec![]), |list| list.items())
}
