//! A card: from the factory to a holder, and blocked for good. Its number is claimed once because
//! the card is a stream of its own. Source: counter manual, "Een nieuwe UiTPAS registreren".

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::ids::{CardSystemId, CounterId, GroupPassId, PassholderId};
use crate::values::card_number::CardNumber;
use crate::values::chip_number::ChipNumber;

#[derive(Debug, Clone)]
pub enum Command {
    /// A physical card enters the books at some stage of its way to a counter.
    TakeIn(TakeIn),
    /// It moves on to another stage, at most back to none.
    Move {
        stage: Stage,
        counter: Option<CounterId>,
        at: DateTime<Utc>,
    },
    /// It gets its holder. The counter's card systems are a fact of the counter (R-CRD-01).
    Assign {
        holder: Holder,
        counter_systems: Vec<CardSystemId>,
        at: DateTime<Utc>,
    },
    /// A digital card is made active (R-CRD-01).
    CreateDigital {
        card_system: CardSystemId,
        holder: Holder,
        at: DateTime<Utc>,
    },
    Block {
        at: DateTime<Utc>,
    },
    Delete {
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone)]
pub struct TakeIn {
    pub card_system: CardSystemId,
    pub chip: Option<ChipNumber>,
    pub stage: Stage,
    pub counter: Option<CounterId>,
    pub at: DateTime<Utc>,
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    TakenIn {
        card_system: CardSystemId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chip: Option<ChipNumber>,
        stage: Stage,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counter: Option<CounterId>,
        at: DateTime<Utc>,
    },
    Moved {
        stage: Stage,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counter: Option<CounterId>,
        at: DateTime<Utc>,
    },
    Assigned {
        holder: Holder,
        at: DateTime<Utc>,
    },
    CreatedDigital {
        card_system: CardSystemId,
        holder: Holder,
        at: DateTime<Utc>,
    },
    Blocked {
        at: DateTime<Utc>,
    },
    Deleted {
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this card is already in the books")]
    AlreadyKnown,
    #[error("this card is not known")]
    NotFound,
    #[error("this card is not in local stock")]
    NotInLocalStock,
    #[error("this card already has a holder")]
    AlreadyAssigned,
    #[error("this card is blocked, for good")]
    Blocked,
    #[error("this card belongs to a card system that the counter does not work for")]
    ForeignCardSystem,
}

/// Where a card without holder is.
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
pub enum Stage {
    Provisioned,
    Stock,
    SentToCounter,
    LocalStock,
}

/// To whom a card belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    Passholder(PassholderId),
    GroupPass(GroupPassId),
}

impl Holder {
    /// The person; a group pass saves and redeems nothing (R-CHK-06).
    pub fn passholder(self) -> Result<PassholderId, IsGroupPass> {
        match self {
            Holder::Passholder(passholder) => Ok(passholder),
            Holder::GroupPass(_) => Err(IsGroupPass),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a group pass saves no points and redeems none")]
pub struct IsGroupPass;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    #[default]
    Unknown,
    Waiting(Stage),
    Active(Holder),
    /// Final (R-CRD-02).
    Blocked(Holder),
    Deleted,
}

/// The card as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub card_system: Option<CardSystemId>,
    pub chip: Option<ChipNumber>,
    pub digital: bool,
    /// The counter that has it in stock.
    pub counter: Option<CounterId>,
    pub state: State,
}

aggregate!(Card, "card", CardNumber, Command, Event, Refused);

impl Card {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        match command {
            Command::TakeIn(TakeIn { card_system, chip, stage, counter, at }) => match self.state {
                State::Unknown => {
                    Ok(vec![Event::TakenIn { card_system, chip, stage, counter, at }])
                }
                _ => Err(Refused::AlreadyKnown),
            },
            Command::Move { stage, counter, at } => match self.state {
                State::Waiting(known) if known == stage && counter == self.counter => Ok(vec![]),
                State::Waiting(_) => Ok(vec![Event::Moved { stage, counter, at }]),
                State::Unknown | State::Deleted => Err(Refused::NotFound),
                State::Active(_) => Err(Refused::AlreadyAssigned),
                State::Blocked(_) => Err(Refused::Blocked),
            },
            Command::Assign { holder, counter_systems, at } => {
                self.assignable(&counter_systems)?;
                Ok(vec![Event::Assigned { holder, at }])
            }
            Command::CreateDigital { card_system, holder, at } => match self.state {
                State::Unknown => Ok(vec![Event::CreatedDigital { card_system, holder, at }]),
                _ => Err(Refused::AlreadyKnown),
            },
            Command::Block { at } => match self.state {
                State::Active(_) => Ok(vec![Event::Blocked { at }]),
                State::Blocked(_) => Err(Refused::Blocked),
                State::Unknown | State::Deleted => Err(Refused::NotFound),
                State::Waiting(_) => Err(Refused::NotInLocalStock),
            },
            Command::Delete { at } => match self.state {
                State::Unknown | State::Deleted => Err(Refused::NotFound),
                State::Active(_) => Err(Refused::AlreadyAssigned),
                State::Waiting(_) | State::Blocked(_) => Ok(vec![Event::Deleted { at }]),
            },
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match event {
            Event::TakenIn { card_system, chip, stage, counter, .. } => {
                *self = Card {
                    card_system: Some(card_system),
                    chip,
                    digital: false,
                    counter,
                    state: State::Waiting(stage),
                };
            }
            Event::Moved { stage, counter, .. } => {
                self.state = State::Waiting(stage);
                self.counter = counter;
            }
            Event::Assigned { holder, .. } => self.state = State::Active(holder),
            Event::CreatedDigital { card_system, holder, .. } => {
                self.card_system = Some(card_system);
                self.digital = true;
                self.state = State::Active(holder);
            }
            Event::Blocked { .. } => {
                if let State::Active(holder) = self.state {
                    self.state = State::Blocked(holder);
                }
            }
            Event::Deleted { .. } => self.state = State::Deleted,
        }
    }

    /// Only a card in local stock, of a card system the counter works for, can get a holder
    /// (R-CRD-01).
    pub fn assignable(&self, counter_systems: &[CardSystemId]) -> Result<CardSystemId, Refused> {
        match (self.state, self.card_system) {
            (State::Unknown | State::Deleted, _) | (_, None) => Err(Refused::NotFound),
            (State::Active(_), _) => Err(Refused::AlreadyAssigned),
            (State::Blocked(_), _) => Err(Refused::Blocked),
            (State::Waiting(Stage::LocalStock), Some(system)) => {
                if !counter_systems.contains(&system) {
                    return Err(Refused::ForeignCardSystem);
                }
                Ok(system)
            }
            (State::Waiting(_), _) => Err(Refused::NotInLocalStock),
        }
    }

    /// Whose card this is, or what to tell the counter instead (R-ID-05).
    pub fn identify(&self) -> Result<Holder, Unidentified> {
        match self.state {
            State::Active(holder) => Ok(holder),
            State::Blocked(holder) => Err(Unidentified::Blocked(holder)),
            State::Waiting(Stage::LocalStock) => Err(Unidentified::NotRegistered),
            State::Waiting(Stage::Provisioned | Stage::Stock | Stage::SentToCounter) => {
                Err(Unidentified::NotInLocalStock)
            }
            State::Unknown | State::Deleted => Err(Unidentified::NotFound),
        }
    }
}

/// Why a card shows no holder (R-ID-05).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    /// The counter can start a registration with it.
    #[error("this card is not registered yet")]
    NotRegistered,
    #[error("this card is not in local stock")]
    NotInLocalStock,
    #[error("this card is blocked")]
    Blocked(Holder),
    #[error("this card was not found")]
    NotFound,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Passholder(id) => id.fmt(f),
            Holder::GroupPass(id) => id.fmt(f),
        }
    }
}
