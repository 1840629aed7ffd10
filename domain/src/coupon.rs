//! A coupon (kortingsbon): what a KSB lays down about it. Its uses stand with the passholder.
//! Source: KSB manual, "Kortingsbonnen"; R-CPN.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::calendar::DayRange;
use crate::distribution::{InvalidKey, Shares, WHOLE, half_up, hundredths, percent};
use crate::ids::{ActivityId, CardSystemId, CounterId, CouponId, GroupPassId};
use crate::limit::Limit;
use crate::offering::Offering;
use crate::values::euro::{Euro, Price};
use crate::values::place::{Municipality, PostalCode};
use crate::values::text::{Lines, Text};

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
    #[error("this coupon is not known")]
    Unknown,
    #[error("this coupon exists already")]
    AlreadyExists,
    #[error("the period ends before it begins")]
    ReversedPeriod,
    #[error("the highest age is below the lowest")]
    ReversedAges,
    #[error("a coupon stays with the card system that defined it")]
    OwnerIsFixed,
}

/// What a KSB lays down (R-CPN-01).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub name: Text<200>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Lines<4000>>,
    pub owner: CardSystemId,
    /// How often one passholder uses it; absent: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    pub validity: DayRange,
    /// Empty: every activity.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub only_activities: BTreeSet<ActivityId>,
    /// Empty: those of every counter.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub only_at_counters: BTreeSet<CounterId>,
    /// Of the activities. Empty: that of the owner alone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub card_systems: BTreeSet<CardSystemId>,
    pub granted_to: GrantedTo,
    pub effect: Effect,
    /// Who pays the municipality's share; absent: where the passholder lives (R-CPN-05).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<Municipality>,
}

/// Whom it is granted to, judged at each use (R-CPN-02).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantedTo {
    Everyone,
    /// All with a valid social status.
    SocialStatus,
    Segment(Segment),
    GroupPass(GroupPassId),
}

/// Passholders by municipality, age and status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Empty: wherever one lives.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub inhabitants_of: BTreeSet<PostalCode>,
    /// Years, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_age: Option<u16>,
    /// Years, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_age: Option<u16>,
    pub with_social_status: bool,
}

impl Segment {
    /// Apart from the status. Of someone whose age cannot be read any more, an age is not held.
    pub fn holds(&self, home: Option<&Municipality>, age: Option<u16>) -> bool {
        let lives_there = self.inhabitants_of.is_empty()
            || home.is_some_and(|home| self.inhabitants_of.contains(&home.postal_code));
        let any_age = self.from_age.is_none() && self.until_age.is_none();
        let is_of_age = age.is_some_and(|age| {
            self.from_age.is_none_or(|from| from <= age)
                && self.until_age.is_none_or(|until| age <= until)
        });
        lives_there && (any_age || is_of_age)
    }
}

/// What a coupon does to a price. Only effects that add up exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Terms", into = "Terms")]
pub struct Effect(Split);

/// The terms of an effect as they are set, stored and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Terms {
    /// Percents of the price, of at most two decimals, 100 together; each may be 0.
    Percentages { passholder: Decimal, organizer: Decimal, municipality: Decimal },
    /// Percents off; the others bear them in this ratio.
    PercentOff { percent: Decimal, organizer_part: u32, municipality_part: u32 },
    /// An amount off, at most the price.
    AmountOff { amount: Euro, organizer_part: u32, municipality_part: u32 },
}

/// The same in whole numbers; percents in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Split {
    Percentages { passholder: i64, organizer: i64, municipality: i64 },
    PercentOff { percent: i64, organizer_part: u32, municipality_part: u32 },
    AmountOff { amount: Euro, organizer_part: u32, municipality_part: u32 },
}

/// What is wrong with an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEffect {
    #[error(transparent)]
    Share(#[from] InvalidKey),
    #[error("a coupon takes something off")]
    NothingOff,
    #[error("someone bears what is taken off")]
    NobodyBears,
}

impl Effect {
    pub fn terms(&self) -> Terms {
        (*self).into()
    }

    /// Splits a price once, when the ticket is sold: amounts half up to the cent, the organizer bears
    /// what is left (R-CPN-01). The passholder may pay nothing.
    pub fn split(&self, price: Price) -> Shares {
        let price = price.as_cents();
        let (passholder, municipality) = match self.0 {
            Split::Percentages { passholder, municipality, .. } => {
                (half_up(price * passholder, WHOLE), half_up(price * municipality, WHOLE))
            }
            Split::PercentOff { percent, organizer_part, municipality_part } => {
                let off = half_up(price * percent, WHOLE);
                (price - off, part(off, organizer_part, municipality_part))
            }
            Split::AmountOff { amount, organizer_part, municipality_part } => {
                let off = amount.as_cents().min(price);
                (price - off, part(off, organizer_part, municipality_part))
            }
        };
        let municipality = municipality.min(price - passholder);
        Shares {
            passholder: Euro::cents(passholder),
            organizer: Euro::cents(price - passholder - municipality),
            municipality: Euro::cents(municipality),
        }
    }

    /// Whether a municipality pays anything of any price (R-CPN-05).
    pub fn has_municipality_share(&self) -> bool {
        match self.0 {
            Split::Percentages { municipality, .. } => municipality > 0,
            Split::PercentOff { municipality_part, .. }
            | Split::AmountOff { municipality_part, .. } => municipality_part > 0,
        }
    }
}

/// The municipality's part of what is taken off.
fn part(off: i64, organizer_part: u32, municipality_part: u32) -> i64 {
    let parts = i64::from(organizer_part) + i64::from(municipality_part);
    half_up(off * i64::from(municipality_part), parts)
}

impl TryFrom<Terms> for Effect {
    type Error = InvalidEffect;

    fn try_from(terms: Terms) -> Result<Self, InvalidEffect> {
        let hundredths = |percent| hundredths(percent).ok_or(InvalidKey::Share);
        let borne =
            |organizer_part: u32, municipality_part: u32| match (organizer_part, municipality_part)
            {
                (0, 0) => Err(InvalidEffect::NobodyBears),
                _ => Ok(()),
            };
        match terms {
            Terms::Percentages { passholder, organizer, municipality } => {
                let (passholder, organizer, municipality) =
                    (hundredths(passholder)?, hundredths(organizer)?, hundredths(municipality)?);
                let sum = passholder + organizer + municipality;
                if sum != WHOLE {
                    return Err(InvalidKey::Sum(percent(sum)).into());
                }
                if passholder == WHOLE {
                    return Err(InvalidEffect::NothingOff);
                }
                Ok(Self(Split::Percentages { passholder, organizer, municipality }))
            }
            Terms::PercentOff { percent, organizer_part, municipality_part } => {
                borne(organizer_part, municipality_part)?;
                match hundredths(percent)? {
                    0 => Err(InvalidEffect::NothingOff),
                    percent => {
                        Ok(Self(Split::PercentOff { percent, organizer_part, municipality_part }))
                    }
                }
            }
            Terms::AmountOff { amount, organizer_part, municipality_part } => {
                borne(organizer_part, municipality_part)?;
                match amount > Euro::ZERO {
                    true => {
                        Ok(Self(Split::AmountOff { amount, organizer_part, municipality_part }))
                    }
                    false => Err(InvalidEffect::NothingOff),
                }
            }
        }
    }
}

impl From<Effect> for Terms {
    fn from(effect: Effect) -> Terms {
        match effect.0 {
            Split::Percentages { passholder, organizer, municipality } => Terms::Percentages {
                passholder: percent(passholder),
                organizer: percent(organizer),
                municipality: percent(municipality),
            },
            Split::PercentOff { percent: off, organizer_part, municipality_part } => {
                Terms::PercentOff { percent: percent(off), organizer_part, municipality_part }
            }
            Split::AmountOff { amount, organizer_part, municipality_part } => {
                Terms::AmountOff { amount, organizer_part, municipality_part }
            }
        }
    }
}

/// The coupon as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Coupon {
    /// Absent until it is defined.
    pub definition: Option<Box<Definition>>,
}

aggregate!(Coupon, "coupon", CouponId, Command, Event, Refused);

impl Coupon {
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
                let known = self.definition.as_deref().ok_or(Refused::Unknown)?;
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
}

/// Why a coupon is not to be had, whoever asks (R-CPN-02).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("this coupon is not known")]
    Unknown,
    #[error("this coupon is valid from {0}")]
    NotYet(NaiveDate),
    #[error("this coupon was valid until {0}")]
    Over(NaiveDate),
    #[error("this coupon is for other activities")]
    OtherActivity,
}

impl Definition {
    fn check(&self) -> Result<(), Refused> {
        if self.validity.is_reversed() {
            return Err(Refused::ReversedPeriod);
        }
        match &self.granted_to {
            GrantedTo::Segment(Segment {
                from_age: Some(from), until_age: Some(until), ..
            }) if until < from => Err(Refused::ReversedAges),
            GrantedTo::Everyone
            | GrantedTo::SocialStatus
            | GrantedTo::Segment(_)
            | GrantedTo::GroupPass(_) => Ok(()),
        }
    }

    /// Whether it is for activities of this card system.
    pub fn is_of(&self, card_system: CardSystemId) -> bool {
        match self.card_systems.is_empty() {
            true => card_system == self.owner,
            false => self.card_systems.contains(&card_system),
        }
    }

    pub fn on(&self, day: NaiveDate) -> Result<(), Unusable> {
        match (self.validity.from, self.validity.until) {
            (Some(from), _) if day < from => Err(Unusable::NotYet(from)),
            (_, Some(until)) if day > until => Err(Unusable::Over(until)),
            _ => Ok(()),
        }
    }

    /// The card system in which it can be used at an activity: the lowest that takes part.
    pub fn card_system_at(&self, offering: &Offering) -> Result<CardSystemId, Unusable> {
        let activity =
            self.only_activities.is_empty() || self.only_activities.contains(&offering.id);
        let counter = self.only_at_counters.is_empty()
            || offering.organizer().is_some_and(|id| self.only_at_counters.contains(id));
        let card_system = offering.taking_part().map(|(id, _)| id).find(|id| self.is_of(*id));
        card_system.filter(|_| activity && counter).ok_or(Unusable::OtherActivity)
    }
}
