//! An association (vereniging) whose memberships passholders carry on their card: what a KSB lays
//! down about it. The memberships stand with the passholder. Source: counter manual,
//! "Lidmaatschap toevoegen of verlengen"; R-ASC.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::ids::{AssociationId, CardSystemId, CounterId};
use crate::values::text::Text;

#[derive(Debug, Clone)]
pub enum Command {
    Define { definition: Box<Definition>, at: DateTime<Utc> },
    Change { definition: Box<Definition>, at: DateTime<Utc> },
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    Defined { definition: Box<Definition>, at: DateTime<Utc> },
    Changed { definition: Box<Definition>, at: DateTime<Utc> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this association is not known")]
    Unknown,
    #[error("this association exists already")]
    AlreadyExists,
    #[error("an association stays with the card system that defined it")]
    OwnerIsFixed,
    #[error("the rule for the end date is of 1 to 120 months, or of a birthday of age 1 to 120")]
    RuleOutOfRange,
}

/// What a KSB lays down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub name: Text<200>,
    /// Its members are members of this card system.
    pub owner: CardSystemId,
    pub end_rule: EndRule,
    /// The counters that see the memberships.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub readers: BTreeSet<CounterId>,
    /// The counters that see them, and grant, renew and stop them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub registrars: BTreeSet<CounterId>,
}

/// How the end date of a membership is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndRule {
    /// Whoever registers says.
    ByHand,
    /// So many calendar months after the day of registration, clamped to the month's end.
    MonthsFromRegistration(u16),
    /// The day before the birthday of this age.
    DayBeforeBirthday(u16),
}

/// Months, and years of age, of a rule. Source: our choice.
const RULE: std::ops::RangeInclusive<u16> = 1..=120;

/// What a date by hand is filled in with: so many months later. Source: our choice, a year.
const PROPOSED_MONTHS: u16 = 12;

impl EndRule {
    /// The last day, inclusive; none where it is said by hand, or without a birth date to go by.
    pub fn end(self, registered: NaiveDate, birth: Option<NaiveDate>) -> Option<NaiveDate> {
        match self {
            EndRule::ByHand => None,
            EndRule::MonthsFromRegistration(months) => Some(months_after(registered, months)),
            EndRule::DayBeforeBirthday(age) => Some(birthday(birth?, age) - Days::new(1)),
        }
    }

    /// What a counter may fill in by hand: a year from today, or on from the present end.
    pub fn proposal(today: NaiveDate, until: Option<NaiveDate>) -> NaiveDate {
        months_after(until.map_or(today, |until| until.max(today)), PROPOSED_MONTHS)
    }

    fn is_sound(self) -> bool {
        match self {
            EndRule::ByHand => true,
            EndRule::MonthsFromRegistration(number) | EndRule::DayBeforeBirthday(number) => {
                RULE.contains(&number)
            }
        }
    }
}

fn months_after(day: NaiveDate, months: u16) -> NaiveDate {
    day.checked_add_months(Months::new(months.into())).unwrap_or(NaiveDate::MAX)
}

/// Those born on 29 February have it on 1 March in years without that day.
fn birthday(birth: NaiveDate, age: u16) -> NaiveDate {
    let year = birth.year() + i32::from(age);
    let same_day = birth.with_year(year);
    same_day.or_else(|| NaiveDate::from_ymd_opt(year, 3, 1)).unwrap_or(NaiveDate::MAX)
}

/// Whether a membership that ends on this day is about to: from one month before it (R-ASC-01).
pub fn ends_soon(until: NaiveDate, today: NaiveDate) -> bool {
    let from = until.checked_sub_months(Months::new(1)).unwrap_or(NaiveDate::MIN);
    (from..=until).contains(&today)
}

/// The association as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// Absent until it is defined.
    pub definition: Option<Box<Definition>>,
}

aggregate!(Association, "association", AssociationId, Command, Event, Refused);

impl Association {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        match command {
            Command::Define { definition, at } => {
                if self.definition.is_some() {
                    return Err(Refused::AlreadyExists);
                }
                definition.check()?;
                Ok(vec![Event::Defined { definition, at }])
            }
            Command::Change { definition, at } => {
                let known = self.known()?;
                definition.check()?;
                if definition.owner != known.owner {
                    return Err(Refused::OwnerIsFixed);
                }
                let news = *known != *definition;
                Ok(if news { vec![Event::Changed { definition, at }] } else { vec![] })
            }
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match event {
            Event::Defined { definition, .. } | Event::Changed { definition, .. } => {
                self.definition = Some(definition);
            }
        }
    }

    pub fn known(&self) -> Result<&Definition, Refused> {
        self.definition.as_deref().ok_or(Refused::Unknown)
    }
}

impl Definition {
    fn check(&self) -> Result<(), Refused> {
        if self.end_rule.is_sound() { Ok(()) } else { Err(Refused::RuleOutOfRange) }
    }

    pub fn is_seen_by(&self, counter: &CounterId) -> bool {
        self.readers.contains(counter) || self.is_registered_by(counter)
    }

    pub fn is_registered_by(&self, counter: &CounterId) -> bool {
        self.registrars.contains(counter)
    }
}
