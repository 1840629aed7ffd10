//! An activity of UiTdatabank: when it is on, what it costs, and when its points can be saved.
//! Source: counter manual, "Punt toekennen"; UiTdatabank's calendar types.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::calendar::{self, Period};
use crate::ids::{ActivityId, CardSystemId, CounterId, DistributionKeyId};
use crate::limit::Limit;
use crate::values::euro::Price;
use crate::values::place::Municipality;
use crate::values::text::Text;

#[derive(Debug, Clone)]
pub enum Command {
    /// What UiTdatabank says; the same again is no news.
    Import {
        description: Box<Description>,
        at: DateTime<Utc>,
    },
    ChangeSettings {
        settings: Settings,
        at: DateTime<Utc>,
    },
    /// Which card systems take part, each with the keys switched on by hand.
    ChooseCardSystems {
        card_systems: CardSystems,
        at: DateTime<Utc>,
    },
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    Published { description: Box<Description>, at: DateTime<Utc> },
    Revised { description: Box<Description>, at: DateTime<Utc> },
    SettingsChanged { settings: Settings, at: DateTime<Utc> },
    CardSystemsChosen { card_systems: CardSystems, at: DateTime<Utc> },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this activity is not known")]
    Unknown,
    #[error("an activity is worth at most {POINTS_MAX} points")]
    TooManyPoints,
}

/// Card systems that take part in an activity, with the keys switched on by hand in each.
pub type CardSystems = BTreeMap<CardSystemId, BTreeSet<DistributionKeyId>>;

/// What UiTdatabank tells of an activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    pub title: Text<300>,
    pub organizer: CounterId,
    pub calendar: Calendar,
    /// Empty: no price information, hence no UiTPAS activity (R-CHK-04). A price of 0.00 is free.
    pub prices: Vec<NamedPrice>,
    /// False when UiTdatabank says that it is cancelled or unavailable.
    pub available: bool,
    /// Rejected or deleted in UiTdatabank.
    pub withdrawn: bool,
    pub audience: Audience,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Labels of UiTdatabank's terms: event type and theme.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<Text<120>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPrice {
    pub name: Text<120>,
    pub price: Price,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub name: Text<200>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub municipality: Option<Municipality>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Audience {
    Everyone,
    /// Hidden in public lists, shown at the counter (R-CTR-08).
    Members,
    Education,
}

/// When it is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calendar {
    Single(Occurrence),
    Multiple(Vec<Occurrence>),
    Periodic { from: NaiveDate, until: NaiveDate, hours: Vec<OpeningHours> },
    Permanent { hours: Vec<OpeningHours> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    pub start: DateTime<Utc>,
    /// Absent: until 23:59 of the start day, in Brussels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<DateTime<Utc>>,
    pub available: bool,
}

/// Hours on the given weekdays, Brussels wall time. Closing at or before opening is after midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningHours {
    pub days: Vec<Weekday>,
    pub opens: NaiveTime,
    pub closes: NaiveTime,
}

/// What a KSB or organizer sets for one activity; absent limits are the default (R-CHK-03).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Points of one participation, 0 to 100.
    pub check_in_points: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_in_limit: Option<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_limit: Option<Limit>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { check_in_points: 1, check_in_limit: None, ticket_limit: None }
    }
}

/// Source: our choice; the sources give only 1 as an example.
const POINTS_MAX: u32 = 100;

/// The activity as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Absent until UiTdatabank has told of it.
    pub description: Option<Box<Description>>,
    pub settings: Settings,
    /// Absent: every card system of the organizer, with no key switched on by hand.
    pub card_systems: Option<CardSystems>,
}

aggregate!(Activity, "activity", ActivityId, Command, Event, Refused);

impl Activity {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        match command {
            Command::Import { description, at } => Ok(match &self.description {
                None => vec![Event::Published { description, at }],
                Some(known) if *known == description => vec![],
                Some(_) => vec![Event::Revised { description, at }],
            }),
            Command::ChangeSettings { settings, at } => {
                self.known()?;
                if settings.check_in_points > POINTS_MAX {
                    return Err(Refused::TooManyPoints);
                }
                let news = settings != self.settings;
                Ok(if news { vec![Event::SettingsChanged { settings, at }] } else { vec![] })
            }
            Command::ChooseCardSystems { card_systems, at } => {
                self.known()?;
                let news = self.card_systems.as_ref() != Some(&card_systems);
                Ok(if news { vec![Event::CardSystemsChosen { card_systems, at }] } else { vec![] })
            }
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match event {
            Event::Published { description, .. } | Event::Revised { description, .. } => {
                self.description = Some(description);
            }
            Event::SettingsChanged { settings, .. } => self.settings = settings,
            Event::CardSystemsChosen { card_systems, .. } => self.card_systems = Some(card_systems),
        }
    }

    fn known(&self) -> Result<&Description, Refused> {
        self.description.as_deref().ok_or(Refused::Unknown)
    }

    /// Once ever where it takes place once, once a day otherwise (R-CHK-03).
    pub fn default_limit(&self) -> Limit {
        match self.description.as_deref().map(|known| &known.calendar) {
            Some(Calendar::Single(_)) | None => Limit { volume: 1, period: Period::Absolute },
            Some(_) => Limit { volume: 1, period: Period::Day },
        }
    }

    pub fn check_in_limit(&self) -> Limit {
        self.settings.check_in_limit.unwrap_or_else(|| self.default_limit())
    }

    pub fn ticket_limit(&self) -> Limit {
        self.settings.ticket_limit.unwrap_or_else(|| self.default_limit())
    }
}

/// How long before its start and after its end an activity gives points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Margins {
    pub minutes_before: u32,
    pub after: After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    Minutes(u32),
    /// Calendar months at the same Brussels wall time, clamped to the month's end.
    Months(u32),
}

/// With staff present: from three hours before the start to three months after the end (R-CHK-02).
pub const AT_THE_COUNTER: Margins = Margins { minutes_before: 180, after: After::Months(3) };

/// Without staff, by QR code or app: one hour on either side (R-CHK-10).
pub const WITHOUT_STAFF: Margins = Margins { minutes_before: 60, after: After::Minutes(60) };

/// Whether points can be saved at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    Open,
    /// Not yet, or not at this moment: it opens (again) at this instant.
    OpensAt(DateTime<Utc>),
    /// No more; absent where there never was an occurrence.
    ClosedSince(Option<DateTime<Utc>>),
}

impl Margins {
    fn window(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let opens = start - TimeDelta::minutes(i64::from(self.minutes_before));
        let closes = match self.after {
            After::Minutes(minutes) => end + TimeDelta::minutes(i64::from(minutes)),
            After::Months(months) => calendar::months_later(end, months),
        };
        (opens, closes)
    }
}

impl Calendar {
    /// Whether points can be saved at `at` (R-CHK-02). Both ends are inclusive.
    pub fn window(&self, at: DateTime<Utc>, margins: Margins) -> Window {
        let mut opens_next = None::<DateTime<Utc>>;
        let mut closed_last = None::<DateTime<Utc>>;
        for (start, end) in self.openings_around(at) {
            let (opens, closes) = match self {
                // A permanent activity is open within its hours, neither sooner nor later.
                Calendar::Permanent { .. } => (start, end),
                _ => margins.window(start, end),
            };
            if at < opens {
                opens_next = Some(opens_next.map_or(opens, |next| next.min(opens)));
            } else if at > closes {
                closed_last = Some(closed_last.map_or(closes, |last| last.max(closes)));
            } else {
                return Window::Open;
            }
        }
        match opens_next {
            Some(opens) => Window::OpensAt(opens),
            None => Window::ClosedSince(closed_last),
        }
    }

    /// Whether something of it is on during this Brussels day.
    pub fn is_on(&self, day: NaiveDate) -> bool {
        let (from, until) = (calendar::start_of_day(day), calendar::end_of_day(day));
        match self {
            Calendar::Single(_) | Calendar::Multiple(_) => self
                .occurrences()
                .any(|occurrence| occurrence.start <= until && occurrence.end() >= from),
            Calendar::Periodic { from, until, hours } => {
                (*from..=*until).contains(&day) && openings_on(day, hours).next().is_some()
            }
            Calendar::Permanent { hours } => openings_on(day, hours).next().is_some(),
        }
    }

    pub(crate) fn occurrences(&self) -> impl Iterator<Item = &Occurrence> {
        let occurrences = match self {
            Calendar::Single(occurrence) => std::slice::from_ref(occurrence),
            Calendar::Multiple(occurrences) => occurrences.as_slice(),
            Calendar::Periodic { .. } | Calendar::Permanent { .. } => &[],
        };
        occurrences.iter().filter(|occurrence| occurrence.available)
    }

    /// Start and end of every occurrence that can matter at `at`.
    pub(crate) fn openings_around(&self, at: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let today = calendar::day_in_belgium(at);
        match self {
            Calendar::Single(_) | Calendar::Multiple(_) => {
                self.occurrences().map(|occurrence| (occurrence.start, occurrence.end())).collect()
            }
            Calendar::Periodic { from, until, hours } => {
                // The last opening before and the first after a moment lie within a week of it, of
                // the first day or of the last day.
                // Not `clamp`, which panics where UiTdatabank has the days the wrong way round.
                let centre = today.max(*from).min(*until);
                days_around(centre)
                    .filter(|day| (*from..=*until).contains(day))
                    .flat_map(|day| openings_on(day, hours))
                    .collect()
            }
            Calendar::Permanent { hours } => {
                days_around(today).flat_map(|day| openings_on(day, hours)).collect()
            }
        }
    }
}

fn days_around(day: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    let first = day - Days::new(8);
    (0..17).map(move |offset| first + Days::new(offset))
}

/// The openings that start on a day; without any hours at all it is open all day.
fn openings_on(
    day: NaiveDate,
    hours: &[OpeningHours],
) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
    let all_day =
        hours.is_empty().then(|| (calendar::start_of_day(day), calendar::end_of_day(day)));
    let by_hours = hours.iter().filter(move |open| open.days.contains(&day.weekday()));
    let by_hours = by_hours.map(move |open| {
        let closing_day = if open.closes > open.opens { day } else { day + Days::new(1) };
        (calendar::at_brussels(day, open.opens), calendar::at_brussels(closing_day, open.closes))
    });
    all_day.into_iter().chain(by_hours)
}

impl Occurrence {
    /// The end, or 23:59 of the start day in Brussels.
    pub fn end(&self) -> DateTime<Utc> {
        let until_2359 = NaiveTime::from_hms_opt(23, 59, 0).expect("23:59 is a time");
        self.end.unwrap_or_else(|| {
            calendar::at_brussels(calendar::day_in_belgium(self.start), until_2359)
        })
    }
}
