//! Joining another card system ("upgrading"), and granting or ending social status by another card.
//! Source: counter manual, "UiTPAS upgraden"; R-CRD-07 to R-CRD-10.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::cards::{Block, BlockReason, CardRefused};
use super::registration::{
    AskedSocialStatus, NewCard, PersonalDetails, demand_card_digit, welcome,
};
use super::status::{StatusRefused, demand_inhabitant};
use super::{CardState, CardSystems, Event, Holder, Membership, Refused};
use crate::calendar::day_in_belgium;
use crate::card_system::{CardSystem, Occasion, VoucherCode, VoucherRefused};
use crate::counter::{Authority, NotAllowed, Task};
use crate::ids::{CardSystemId, RewardId};
use crate::reward::Reward;
use crate::sealed::Sealed;
use crate::values::place::Municipality;

/// A membership as it is to be from now on, with or without social status.
#[derive(Debug, Clone)]
pub struct TakeUpMembership {
    pub by: Authority,
    pub card_system: CardSystemId,
    pub system: Arc<CardSystem>,
    /// A new one, or, without social status, an active one of this passholder (R-CRD-08).
    pub card: NewCard,
    pub social_status: Option<AskedSocialStatus>,
    /// Given when the passholder moves on this occasion.
    pub moved: Option<Moved>,
    /// Of the passholder's memberships.
    pub card_systems: CardSystems,
    pub voucher: Option<VoucherCode>,
    /// The rewards that may be welcome rewards of this card system.
    pub welcome_rewards: Vec<(RewardId, Arc<Reward>)>,
    pub at: DateTime<Utc>,
}

/// The details with the new address.
#[derive(Debug, Clone)]
pub struct Moved {
    /// In clear for this decision only; what is recorded is `sealed`.
    pub details: PersonalDetails,
    pub sealed: Sealed<PersonalDetails>,
}

/// What taking up a membership comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change<'a> {
    /// The passholder joins the card system.
    New,
    /// Social status is granted, or the card that is missing is given.
    Replace(&'a Membership),
    /// Social status is ended.
    End(&'a Membership),
}

impl Change<'_> {
    pub fn occasion(self) -> Occasion {
        match self {
            Change::New => Occasion::Upgrade,
            Change::Replace(_) | Change::End(_) => Occasion::Replacement,
        }
    }
}

impl Holder {
    /// What it would come to, or why it may not be: the first part of the decision, which needs no
    /// card. The order of refusals: membership, identical, right, definitive block.
    pub fn membership_change(
        &self,
        by: &Authority,
        card_system: CardSystemId,
        with_social_status: bool,
    ) -> Result<Change<'_>, Refused> {
        let Some(membership) = self.memberships.get(&card_system) else {
            by.demand_registration(card_system, with_social_status, self.with_insz)?;
            if !by.may_serve_other_municipalities(card_system) {
                return Err(NotAllowed::OtherMunicipality.into());
            }
            // Nor does another region give one (R-CRD-06).
            for known in self.memberships.values() {
                known.demand_no_definitive_block(by, card_system)?;
            }
            return Ok(Change::New);
        };
        if membership.blocked {
            return Err(StatusRefused::MembershipBlocked.into());
        }
        let (task, change) = match (membership.social_status.is_some(), with_social_status) {
            (false, true) => (Task::ReplaceOtherDigit, Change::Replace(membership)),
            (true, false) => (Task::ReplaceOtherDigit, Change::End(membership)),
            (true, true) | (false, false) if membership.card.is_none() => {
                (Task::Replace, Change::Replace(membership))
            }
            (true, true) | (false, false) => {
                return Err(StatusRefused::IdenticalMembership.into());
            }
        };
        by.demand_in(card_system, task)?;
        membership.demand_no_definitive_block(by, card_system)?;
        Ok(change)
    }

    pub(super) fn take_up_membership(&self, take: TakeUpMembership) -> Result<Vec<Event>, Refused> {
        let TakeUpMembership { by, card_system, system, card, social_status, voucher, at, .. } =
            take;
        let with_social_status = social_status.is_some();
        let change = self.membership_change(&by, card_system, with_social_status)?;
        let today = day_in_belgium(at);
        let mut home = self.home.clone();
        let mut events = Vec::new();
        if let Some(Moved { details, sealed }) = take.moved {
            details.check(today)?;
            home = details.address.municipality();
            let with_insz = details.insz.is_some();
            let moved =
                Event::DetailsChanged { details: sealed, home: home.clone(), with_insz, at };
            events.push(moved);
        }
        let had_status = match change {
            Change::New => false,
            Change::Replace(membership) | Change::End(membership) => {
                membership.social_status.is_some()
            }
        };
        // Whoever keeps a social status stays where it counts (R-SOC-05).
        let keeps_status = with_social_status == had_status;
        if keeps_status && home != self.home {
            self.demand_no_upgrade(home.as_ref(), today, &take.card_systems)?;
        }
        if with_social_status && !had_status {
            demand_inhabitant(home.as_ref(), &system)?;
        }
        let taken = match change {
            Change::End(membership) => {
                membership.card.map(|card| (card, BlockReason::LostSocialStatus))
            }
            Change::Replace(membership) => {
                membership.card.map(|card| (card, BlockReason::GainedSocialStatus))
            }
            Change::New => None,
        };
        self.demand_card_for(card, card_system, change, with_social_status)?;
        if let Some((card, reason)) = taken {
            events.push(Event::CardBlocked { card, block: Block::of(reason), at });
        }
        if let Change::End(_) = change {
            events.push(Event::SocialStatusEnded { card_system, at });
        }
        let (number, digital) = (card.number, card.digital);
        events.push(Event::CardGiven { card_system, card: number, digital, at });
        match social_status {
            Some(asked) if !had_status => {
                events.extend(self.grant_social_status(&by, card_system, asked, at)?);
            }
            Some(_) | None => {}
        }
        events.extend(charged(&system, card_system, change.occasion(), voucher, at)?);
        if let Change::New = change {
            let news = take.welcome_rewards.into_iter();
            let news = news.filter(|(reward, _)| !self.welcome_rewards.contains(reward));
            events.extend(welcome(news.collect(), card_system, home.as_ref(), at));
        }
        Ok(events)
    }

    /// With social status always a new card; without it the same one will do (R-CRD-08). The digit
    /// of a card follows the social status of the passholder, wherever he has it.
    fn demand_card_for(
        &self,
        card: NewCard,
        card_system: CardSystemId,
        change: Change<'_>,
        with_social_status: bool,
    ) -> Result<(), Refused> {
        let is_own = match self.cards.get(&card.number) {
            Some(CardState::Blocked(_)) => return Err(CardRefused::Blocked.into()),
            Some(CardState::Active) => true,
            None => false,
        };
        let is_taken = match change {
            Change::End(membership) | Change::Replace(membership) => {
                membership.card == Some(card.number)
            }
            Change::New => false,
        };
        if is_own && (with_social_status || is_taken) {
            return Err(CardRefused::NeedsNewCard.into());
        }
        let status_elsewhere = self.social_status().is_some_and(|(id, ..)| id != card_system);
        match is_own && status_elsewhere {
            true => Ok(()),
            false => Ok(demand_card_digit(card.number, with_social_status)?),
        }
    }
}

impl Block {
    /// The block of the kind that belongs to the reason (R-CRD-03).
    pub fn of(reason: BlockReason) -> Self {
        Self { kind: reason.kind(), reason }
    }
}

/// What a card costs who is a passholder already, where it costs something (R-CRD-10). A voucher is
/// spent even where the price was nothing: it was handed over.
pub(super) fn charged(
    system: &CardSystem,
    card_system: CardSystemId,
    occasion: Occasion,
    voucher: Option<VoucherCode>,
    at: DateTime<Utc>,
) -> Result<Option<Event>, Refused> {
    use super::registration::RegistrationRefused;
    let price = system
        .administrative_price(occasion, voucher.as_ref(), day_in_belgium(at))
        .map_err(|why: VoucherRefused| RegistrationRefused::from(why))?;
    let costs = !price.is_free() || voucher.is_some();
    Ok(costs.then_some(Event::CardCharged { card_system, occasion, price, voucher, at }))
}

/// Whether the address of a passholder must change for social status in a card system (R-SOC-05).
pub fn must_move(home: Option<&Municipality>, system: &CardSystem) -> bool {
    demand_inhabitant(home, system).is_err()
}
