//! Blocking a card, for good, and giving another one. Source: counter manual, "Blokkeren en
//! vervangen".

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::memberships::charged;
use super::registration::{AskedSocialStatus, NewCard, demand_card_digit};
use super::status::StatusRefused;
use super::{CardState, Event, Holder, Membership, Refused};
use crate::card_system::{CardSystem, Occasion};
use crate::counter::{Authority, NotAllowed, Task};
use crate::ids::CardSystemId;
use crate::values::card_number::CardNumber;

#[derive(Debug, Clone)]
pub struct BlockCard {
    pub by: Authority,
    pub card: CardNumber,
    pub block: Block,
    pub at: DateTime<Utc>,
}

/// A new card in a card system where the passholder has none at the moment.
#[derive(Debug, Clone)]
pub struct ReplaceCard {
    pub by: Authority,
    pub card_system: CardSystemId,
    pub system: Arc<CardSystem>,
    pub card: NewCard,
    /// Given when the social status is granted with the new card (R-CRD-07).
    pub social_status: Option<AskedSocialStatus>,
    pub at: DateTime<Utc>,
}

/// How and why a card was blocked (R-CRD-03).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub kind: BlockKind,
    pub reason: BlockReason,
}

#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum BlockKind {
    Definitive,
    Replace,
}

#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum BlockReason {
    Fraud,
    OwnWish,
    Theft,
    Loss,
    Defect,
    LostSocialStatus,
    GainedSocialStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardRefused {
    #[error("this card is blocked")]
    Blocked,
    #[error("this card is not one of this passholder")]
    NotOfThisPassholder,
    #[error("none of the passholder's memberships on this card is active")]
    NoActiveMembership,
    #[error("that reason does not belong to that kind of block")]
    ReasonOfOtherKind,
    #[error("the passholder is no member of this card system")]
    NoMembership,
    #[error("the passholder has a card in this card system; block it first")]
    HasCard,
    #[error("after a definitive block only a KSB admin gives a new card")]
    DefinitivelyBlocked,
    #[error("social status needs a new card")]
    NeedsNewCard,
}

impl BlockReason {
    /// Definitive: fraud, own wish. Block and replace: the others (R-CRD-03).
    pub fn kind(self) -> BlockKind {
        match self {
            BlockReason::Fraud | BlockReason::OwnWish => BlockKind::Definitive,
            BlockReason::Theft
            | BlockReason::Loss
            | BlockReason::Defect
            | BlockReason::LostSocialStatus
            | BlockReason::GainedSocialStatus => BlockKind::Replace,
        }
    }
}

impl Holder {
    pub(super) fn block_card(&self, block: BlockCard) -> Result<Vec<Event>, Refused> {
        let BlockCard { by, card, block, at } = block;
        match self.cards.get(&card).ok_or(CardRefused::NotOfThisPassholder)? {
            CardState::Blocked(_) => return Err(CardRefused::Blocked.into()),
            CardState::Active => self.demand_for_card(&by, card, Task::Block)?,
        }
        if block.reason.kind() != block.kind {
            return Err(CardRefused::ReasonOfOtherKind.into());
        }
        if changes_social_status(block.reason) {
            self.demand_for_card(&by, card, Task::ReplaceOtherDigit)?;
        }
        let mut events = vec![Event::CardBlocked { card, block, at }];
        if block.reason == BlockReason::LostSocialStatus {
            let ended = self.memberships.iter().filter(|(_, membership)| {
                membership.card == Some(card) && membership.social_status.is_some()
            });
            events.extend(ended.map(|(card_system, _)| Event::SocialStatusEnded {
                card_system: *card_system,
                at,
            }));
        }
        Ok(events)
    }

    pub(super) fn replace_card(&self, replace: ReplaceCard) -> Result<Vec<Event>, Refused> {
        let ReplaceCard { by, card_system, system, card, social_status, at } = replace;
        let membership = self.memberships.get(&card_system).ok_or(CardRefused::NoMembership)?;
        by.demand_in(card_system, Task::Replace)?;
        if membership.blocked {
            return Err(StatusRefused::MembershipBlocked.into());
        }
        if membership.card.is_some() {
            return Err(CardRefused::HasCard.into());
        }
        if matches!(self.cards.get(&card.number), Some(CardState::Blocked(_))) {
            return Err(CardRefused::Blocked.into());
        }
        membership.demand_no_definitive_block(&by, card_system)?;
        let with_social_status = membership.social_status.is_some() || social_status.is_some();
        let granted = match social_status {
            Some(asked) => {
                by.demand_in(card_system, Task::ReplaceOtherDigit)?;
                // Granting once more would lift a suspension, which only a KSB admin does.
                if let Some(status) = &membership.social_status {
                    return Err(StatusRefused::NotLater(status.until).into());
                }
                self.demand_inhabitant(&system)?;
                self.grant_social_status(&by, card_system, asked, at)?
            }
            None => vec![],
        };
        demand_card_digit(card.number, with_social_status)?;
        let (card, digital) = (card.number, card.digital);
        let mut events = vec![Event::CardGiven { card_system, card, digital, at }];
        events.extend(granted);
        events.extend(charged(&system, card_system, Occasion::Replacement, None, at)?);
        Ok(events)
    }

    /// Blocks the card for every membership that points at it (R-CRD-02).
    pub(super) fn on_card_blocked(&mut self, card: CardNumber, block: Block) {
        self.cards.insert(card, CardState::Blocked(block));
        for membership in self.memberships.values_mut() {
            if membership.card == Some(card) {
                membership.card = None;
                membership.card_taken = Some(block);
            }
        }
    }

    /// The task must be allowed in a card system whose membership points at the card (R-CTR-01).
    fn demand_for_card(
        &self,
        by: &Authority,
        card: CardNumber,
        task: Task,
    ) -> Result<(), NotAllowed> {
        let mut on_card =
            self.memberships.iter().filter(|(_, membership)| membership.card == Some(card));
        match on_card.any(|(card_system, _)| by.may_in(*card_system, task)) {
            true => Ok(()),
            false => Err(NotAllowed::Task(task)),
        }
    }
}

impl Membership {
    /// The block that took the last card away decides who may give a new one (R-CRD-06).
    pub(super) fn demand_no_definitive_block(
        &self,
        by: &Authority,
        card_system: CardSystemId,
    ) -> Result<(), CardRefused> {
        let definitive = self.card_taken.is_some_and(|by| by.kind == BlockKind::Definitive);
        match definitive && self.card.is_none() && !by.is_ksb_of(card_system) {
            true => Err(CardRefused::DefinitivelyBlocked),
            false => Ok(()),
        }
    }
}

fn changes_social_status(reason: BlockReason) -> bool {
    matches!(reason, BlockReason::LostSocialStatus | BlockReason::GainedSocialStatus)
}
