//! Taking up a reward, and giving it back. Source: counter manual, "Voordelen"; KSB manual,
//! "Opgenomen voordelen".

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CardSystems, Event, Holder, Refused, RewardRedeemed, may_correct};
use crate::calendar::day_in_belgium;
use crate::counter::{Authority, Task};
use crate::ids::{CounterId, RedemptionId, RewardId};
use crate::metadata::Role;
use crate::reward::{Definition, Kind, Reward, Unavailable};
use crate::values::card_number::CardNumber;

/// The unit itself is taken from the reward's own stream, in the same unit of work.
#[derive(Debug, Clone)]
pub struct Redeem {
    pub redemption: RedemptionId,
    pub by: Authority,
    pub reward: RewardId,
    pub known: Arc<Reward>,
    pub card: CardNumber,
    /// Of the passholder's memberships.
    pub card_systems: CardSystems,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct CancelRedemption {
    pub redemption: RedemptionId,
    pub by: Authority,
    pub at: DateTime<Utc>,
}

/// Each refusal has its own reason (R-RWD-06).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedemptionRefused {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("this reward is for members of other card systems")]
    OtherCardSystem,
    #[error("this reward is for inhabitants of other municipalities")]
    OtherMunicipality,
    #[error("this welcome reward was not granted to this passholder")]
    NotGranted,
    #[error("this passholder has taken up this reward as often as is allowed")]
    LimitReached,
    #[error("this reward costs {cost} points; the balance is {balance}")]
    NotEnoughPoints { cost: u32, balance: i64 },
    #[error("this redemption is not known")]
    Unknown,
    #[error("this redemption was cancelled already")]
    AlreadyCancelled,
    #[error("only a KSB admin cancels a redeemed reward")]
    OnlyKsb,
}

/// A redeemed reward: what limits and cancelling need to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Redeemed {
    pub reward: RewardId,
    pub counter: CounterId,
    pub at: DateTime<Utc>,
    pub points: u32,
    pub cancelled: bool,
}

impl Holder {
    /// The order of refusals: right, card, status, reward, card system, municipality, granted,
    /// limit, points.
    pub(super) fn redeem(&self, redeem: Redeem) -> Result<Vec<Event>, Refused> {
        let Redeem { redemption, by, reward, known, card, card_systems, at } = redeem;
        by.demand(Task::Redeem)?;
        self.demand_active(card)?;
        self.demand_open_for_points(at, &card_systems)?;
        let definition =
            known.available(&by.counter, day_in_belgium(at)).map_err(RedemptionRefused::from)?;
        self.may_have(reward, definition, at)?;
        Ok(vec![Event::RewardRedeemed(Box::new(RewardRedeemed {
            redemption,
            reward,
            title: definition.title.clone(),
            kind: definition.kind,
            points: definition.points,
            counter: by.counter,
            card,
            at,
        }))])
    }

    fn may_have(
        &self,
        reward: RewardId,
        definition: &Definition,
        at: DateTime<Utc>,
    ) -> Result<(), RedemptionRefused> {
        let in_use = self.memberships.iter().filter(|(_, membership)| !membership.blocked);
        if !in_use.map(|(id, _)| *id).any(|card_system| definition.is_for_members_of(card_system)) {
            return Err(RedemptionRefused::OtherCardSystem);
        }
        let taken =
            self.redemptions.values().filter(|taken| taken.reward == reward && !taken.cancelled);
        let days = taken.map(|taken| day_in_belgium(taken.at));
        match definition.kind {
            // Once, whatever the balance; where one lived was judged at the grant (R-RWD-05).
            Kind::Welcome => {
                if !self.welcome_rewards.contains(&reward) {
                    return Err(RedemptionRefused::NotGranted);
                }
                if days.count() > 0 {
                    return Err(RedemptionRefused::LimitReached);
                }
            }
            Kind::Points => {
                if !definition.is_for_inhabitants_of(self.home.as_ref()) {
                    return Err(RedemptionRefused::OtherMunicipality);
                }
                let limit = definition.passholder_limit;
                if limit.is_some_and(|limit| limit.left(days, day_in_belgium(at)) == 0) {
                    return Err(RedemptionRefused::LimitReached);
                }
                let (cost, balance) = (definition.points, self.points);
                if balance < 0 || balance < i64::from(cost) {
                    return Err(RedemptionRefused::NotEnoughPoints { cost, balance });
                }
            }
        }
        Ok(())
    }

    /// Gives points and use back (R-RWD-08); the unit goes back in the reward's own stream.
    pub(super) fn cancel_redemption(
        &self,
        cancel: CancelRedemption,
    ) -> Result<Vec<Event>, Refused> {
        let CancelRedemption { redemption, by, at } = cancel;
        if by.role != Role::Ksb {
            return Err(RedemptionRefused::OnlyKsb.into());
        }
        let redeemed = self.redemptions.get(&redemption).ok_or(RedemptionRefused::Unknown)?;
        if !may_correct(&by, &redeemed.counter) {
            return Err(RedemptionRefused::OnlyKsb.into());
        }
        if redeemed.cancelled {
            return Err(RedemptionRefused::AlreadyCancelled.into());
        }
        let (reward, points) = (redeemed.reward, redeemed.points);
        Ok(vec![Event::RedemptionCancelled { redemption, reward, points, at }])
    }

    pub(super) fn on_redeemed(&mut self, redeemed: &RewardRedeemed) {
        self.points -= i64::from(redeemed.points);
        self.redemptions.insert(
            redeemed.redemption,
            Redeemed {
                reward: redeemed.reward,
                counter: redeemed.counter.clone(),
                at: redeemed.at,
                points: redeemed.points,
                cancelled: false,
            },
        );
    }

    pub(super) fn on_redemption_cancelled(&mut self, redemption: RedemptionId, points: u32) {
        self.points += i64::from(points);
        if let Some(redeemed) = self.redemptions.get_mut(&redemption) {
            redeemed.cancelled = true;
        }
    }
}
