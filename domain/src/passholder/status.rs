//! Extending, suspending and blocking social status. Source: counter manual, "Kansenstatuut
//! verlengen"; R-SOC-01, R-SOC-02.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::registration::{AskedSocialStatus, NewSocialStatus, RegistrationRefused};
use super::{Event, Holder, Membership, Reason, Refused};
use crate::calendar::day_in_belgium;
use crate::card_system::CardSystem;
use crate::counter::{Authority, NotAllowed, Task};
use crate::ids::CardSystemId;
use crate::sealed::Sealed;
use crate::social_status::SocialStatus;
use crate::values::place::Municipality;

#[derive(Debug, Clone)]
pub struct Extend {
    pub by: Authority,
    pub card_system: CardSystemId,
    pub system: Arc<CardSystem>,
    pub until: NaiveDate,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct Suspend {
    pub by: Authority,
    pub card_system: CardSystemId,
    /// The first day on which it counts again.
    pub until: NaiveDate,
    pub reason: Sealed<Reason>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct LiftSuspension {
    pub by: Authority,
    pub card_system: CardSystemId,
    pub reason: Sealed<Reason>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct BlockMembership {
    pub by: Authority,
    pub card_system: CardSystemId,
    pub reason: Sealed<Reason>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatusRefused {
    #[error("the passholder is no member of this card system")]
    NoMembership,
    #[error("this membership is blocked")]
    MembershipBlocked,
    #[error("the passholder has no social status in this card system")]
    None,
    #[error("the social status runs until {0} already; an extension moves it on")]
    NotLater(NaiveDate),
    #[error("the date must lie in the future")]
    NotInFuture,
    #[error("the social status is not suspended")]
    NotSuspended,
    #[error("the social status ended on {0}")]
    Expired(NaiveDate),
    /// Another card system would lift the suspension by granting anew.
    #[error("the social status is suspended until {0}")]
    Suspended(NaiveDate),
    #[error("this membership exists already")]
    IdenticalMembership,
}

impl Holder {
    /// Moves only the end date (R-CRD-07); the same date again is no news.
    pub(super) fn extend_social_status(&self, extend: Extend) -> Result<Vec<Event>, Refused> {
        let Extend { by, card_system, system, until, at } = extend;
        by.demand_in(card_system, Task::SocialStatus)?;
        let (_, status) = self.status_in(card_system)?;
        if until == status.until {
            return Ok(vec![]);
        }
        if until <= day_in_belgium(at) {
            return Err(StatusRefused::NotInFuture.into());
        }
        if until < status.until {
            return Err(StatusRefused::NotLater(status.until).into());
        }
        // Whoever moved away after it expired is no inhabitant any more (R-SOC-05).
        self.demand_inhabitant(&system)?;
        Ok(vec![Event::SocialStatusExtended { card_system, until, at }])
    }

    pub(super) fn suspend_social_status(&self, suspend: Suspend) -> Result<Vec<Event>, Refused> {
        let Suspend { by, card_system, until, reason, at } = suspend;
        demand_ksb(&by, card_system)?;
        let (_, status) = self.status_in(card_system)?;
        if status.suspended_until == Some(until) {
            return Ok(vec![]);
        }
        if until <= day_in_belgium(at) {
            return Err(StatusRefused::NotInFuture.into());
        }
        Ok(vec![Event::SocialStatusSuspended { card_system, until, reason, at }])
    }

    pub(super) fn lift_suspension(&self, lift: LiftSuspension) -> Result<Vec<Event>, Refused> {
        let LiftSuspension { by, card_system, reason, at } = lift;
        demand_ksb(&by, card_system)?;
        let (_, status) = self.status_in(card_system)?;
        if status.suspended_until.is_none_or(|until| until <= day_in_belgium(at)) {
            return Err(StatusRefused::NotSuspended.into());
        }
        Ok(vec![Event::SuspensionLifted { card_system, reason, at }])
    }

    pub(super) fn block_membership(&self, block: BlockMembership) -> Result<Vec<Event>, Refused> {
        let BlockMembership { by, card_system, reason, at } = block;
        demand_ksb(&by, card_system)?;
        let membership = self.memberships.get(&card_system).ok_or(StatusRefused::NoMembership)?;
        if membership.blocked {
            return Err(StatusRefused::MembershipBlocked.into());
        }
        Ok(vec![Event::MembershipBlocked { card_system, reason, at }])
    }

    /// Social status is only for inhabitants of the card system (R-SOC-05).
    pub(super) fn demand_inhabitant(&self, system: &CardSystem) -> Result<(), RegistrationRefused> {
        demand_inhabitant(self.home.as_ref(), system)
    }

    /// Granted in one card system, it ends wherever else the passholder has it; that membership is
    /// to be blocked there (R-CRD-09).
    pub(super) fn grant_social_status(
        &self,
        by: &Authority,
        card_system: CardSystemId,
        asked: AskedSocialStatus,
        at: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refused> {
        let today = day_in_belgium(at);
        let NewSocialStatus { until, proof } = asked.check(today)?;
        let mut events = Vec::new();
        if let Some((elsewhere, _, status)) = self.social_status()
            && elsewhere != card_system
        {
            let suspended = status.suspended_until.filter(|until| today < *until);
            if let Some(until) = suspended.filter(|_| !by.is_ksb_of(card_system)) {
                return Err(StatusRefused::Suspended(until).into());
            }
            events.extend([
                Event::SocialStatusEnded { card_system: elsewhere, at },
                Event::MembershipSuperseded { card_system: elsewhere, by: card_system, at },
            ]);
        }
        events.push(Event::SocialStatusGranted { card_system, until, proof, at });
        Ok(events)
    }

    fn status_in(
        &self,
        card_system: CardSystemId,
    ) -> Result<(&Membership, &SocialStatus), StatusRefused> {
        let membership = self.memberships.get(&card_system).ok_or(StatusRefused::NoMembership)?;
        if membership.blocked {
            return Err(StatusRefused::MembershipBlocked);
        }
        let status = membership.social_status.as_ref().ok_or(StatusRefused::None)?;
        Ok((membership, status))
    }
}

pub(super) fn demand_inhabitant(
    home: Option<&Municipality>,
    system: &CardSystem,
) -> Result<(), RegistrationRefused> {
    match home.is_some_and(|home| system.has_inhabitants_of(&home.postal_code)) {
        true => Ok(()),
        false => Err(RegistrationRefused::OutsideCardSystem),
    }
}

/// Only a KSB admin suspends, lifts and blocks (R-SOC-02).
fn demand_ksb(by: &Authority, card_system: CardSystemId) -> Result<(), NotAllowed> {
    if by.is_ksb_of(card_system) { Ok(()) } else { Err(NotAllowed::OnlyKsb) }
}
