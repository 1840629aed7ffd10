//! The yearly renewal of social status, from a list of verdicts per INSZ. Source: FAQ "Automatische
//! verlenging van kansenstatuten"; R-SOC-03.

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{Event, Holder, Refused};
use crate::calendar::day_in_belgium;
use crate::card_system::CardSystem;
use crate::ids::CardSystemId;
use crate::social_status::OnDay;

/// The month in which it runs, and in which a social status ends.
const APRIL: u32 = 4;
/// First and last day of that month on which it runs.
const FROM: u32 = 15;
const UNTIL: u32 = 30;

/// What the list says of somebody's right to social status.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString, strum::VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Verdict {
    Positive,
    Negative,
}

#[derive(Debug, Clone)]
pub struct Renew {
    pub card_system: CardSystemId,
    pub system: Arc<CardSystem>,
    /// Absent: the list does not name this passholder, or nobody knows his INSZ.
    pub verdict: Option<Verdict>,
    pub at: DateTime<Utc>,
}

/// Why a social status was not renewed.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Withheld {
    NotInList,
    Negative,
}

/// What the renewal of a year came to. A later list of the same year only makes it better: it may
/// be the answer for other people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renewal {
    Withheld(Withheld),
    Renewed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenewalRefused {
    #[error("social status is renewed from {from} to {until}")]
    OutsideSeason { from: NaiveDate, until: NaiveDate },
    #[error("no municipality of this card system agreed to the renewal")]
    NoAgreement,
    #[error("the social status is not up for renewal")]
    NoCandidate,
}

/// Refuses a day outside 15 to 30 April, and a card system without an agreement on that day.
pub fn demand_season(system: &CardSystem, day: NaiveDate) -> Result<(), RenewalRefused> {
    let of_april = |of_month| {
        NaiveDate::from_ymd_opt(day.year(), APRIL, of_month).expect("April has thirty days")
    };
    let (from, until) = (of_april(FROM), of_april(UNTIL));
    if !(from..=until).contains(&day) {
        return Err(RenewalRefused::OutsideSeason { from, until });
    }
    match system.enrolled_on(day).next() {
        Some(_) => Ok(()),
        None => Err(RenewalRefused::NoAgreement),
    }
}

/// The day to which a social status is renewed: 30 April of the next year.
fn renewed_until(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year() + 1, APRIL, UNTIL).unwrap_or(NaiveDate::MAX)
}

impl Holder {
    /// Positive: the end date moves on, and never back. Else nothing changes but that it is known
    /// why. The same again is no news.
    pub(super) fn renew_social_status(&self, renew: Renew) -> Result<Vec<Event>, Refused> {
        let Renew { card_system, system, verdict, at } = renew;
        let today = day_in_belgium(at);
        demand_season(&system, today)?;
        let membership = self.memberships.get(&card_system).ok_or(RenewalRefused::NoCandidate)?;
        let status = membership.social_status.as_ref().ok_or(RenewalRefused::NoCandidate)?;
        let state = status.on(today, system.settings.grace_days, membership.blocked);
        let lives_there = self.home.as_ref().is_some_and(|home| {
            system.enrolled_on(today).any(|postal_code| postal_code == home.postal_code)
        });
        if !matches!(state, OnDay::Active | OnDay::Grace) || !lives_there {
            return Err(RenewalRefused::NoCandidate.into());
        }
        let outcome = match verdict {
            Some(Verdict::Positive) => Renewal::Renewed,
            Some(Verdict::Negative) => Renewal::Withheld(Withheld::Negative),
            None => Renewal::Withheld(Withheld::NotInList),
        };
        let known = membership.renewal.filter(|(year, _)| *year == today.year());
        if known.is_some_and(|(_, known)| known >= outcome) {
            return Ok(vec![]);
        }
        Ok(vec![match outcome {
            Renewal::Renewed => {
                let until = renewed_until(today).max(status.until);
                Event::SocialStatusRenewed { card_system, until, at }
            }
            Renewal::Withheld(why) => Event::RenewalWithheld { card_system, why, at },
        }])
    }

    pub(super) fn on_renewal(&mut self, card_system: CardSystemId, of: Renewal, at: DateTime<Utc>) {
        if let Some(membership) = self.memberships.get_mut(&card_system) {
            membership.renewal = Some((day_in_belgium(at).year(), of));
        }
    }
}
