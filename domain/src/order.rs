//! An order: people who ask for a UiTPAS online, to be registered when what it costs is paid. What they
//! filled in stands here sealed, each under a key of the passholder he will be. Source: UiTPAS API 4.0;
//! FAQ, "UiTPAS online aanvragen".

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::ids::{CardSystemId, CounterId, OrderId, PassholderId};
use crate::passholder::registration::{PersonalDetails, Preferences};
use crate::sealed::Sealed;
use crate::values::euro::{Euro, Price};

#[derive(Debug, Clone)]
pub enum Command {
    Place { registrations: Vec<Ordered>, at: DateTime<Utc> },
    ConfirmPayment { at: DateTime<Utc> },
    Cancel { at: DateTime<Utc> },
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    Placed { registrations: Vec<Ordered>, at: DateTime<Utc> },
    PaymentConfirmed { at: DateTime<Utc> },
    Cancelled { at: DateTime<Utc> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this order is not known")]
    Unknown,
    #[error("this order exists already")]
    AlreadyPlaced,
    #[error("an order is of 1 to {REGISTRATIONS_MAX} people")]
    NumberOfPeople,
    #[error("this order was paid already")]
    AlreadyPaid,
    #[error("this order was cancelled")]
    Cancelled,
    #[error("what it costs has changed since it was ordered")]
    PriceChanged,
}

/// How many people one order is of. Source: our choice; a family.
const REGISTRATIONS_MAX: usize = 20;

/// Somebody who is to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// Whom he will be.
    pub passholder: PassholderId,
    pub card_system: CardSystemId,
    pub counter: CounterId,
    pub details: Sealed<PersonalDetails>,
    pub preferences: Preferences,
    pub price: Price,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    #[default]
    Unknown,
    AwaitsPayment,
    /// Paid, or free: the people are registered.
    Paid,
    Cancelled,
}

/// The order as decisions know it. The first is the one who orders.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub registrations: Vec<Ordered>,
    pub state: State,
}

aggregate!(Order, "order", OrderId, Command, Event, Refused);

impl Order {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        match command {
            Command::Place { registrations, at } => {
                if self.state != State::Unknown {
                    return Err(Refused::AlreadyPlaced);
                }
                if registrations.is_empty() || registrations.len() > REGISTRATIONS_MAX {
                    return Err(Refused::NumberOfPeople);
                }
                let is_free = total(&registrations) == Euro::ZERO;
                let mut events = vec![Event::Placed { registrations, at }];
                events.extend(is_free.then_some(Event::PaymentConfirmed { at }));
                Ok(events)
            }
            Command::ConfirmPayment { at } => {
                self.demand_open()?;
                Ok(vec![Event::PaymentConfirmed { at }])
            }
            Command::Cancel { at } => {
                self.demand_open()?;
                Ok(vec![Event::Cancelled { at }])
            }
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match event {
            Event::Placed { registrations, .. } => {
                self.registrations = registrations;
                self.state = State::AwaitsPayment;
            }
            Event::PaymentConfirmed { .. } => self.state = State::Paid,
            Event::Cancelled { .. } => self.state = State::Cancelled,
        }
    }

    fn demand_open(&self) -> Result<(), Refused> {
        match self.state {
            State::AwaitsPayment => Ok(()),
            State::Unknown => Err(Refused::Unknown),
            State::Paid => Err(Refused::AlreadyPaid),
            State::Cancelled => Err(Refused::Cancelled),
        }
    }

    pub fn total(&self) -> Euro {
        total(&self.registrations)
    }
}

fn total(registrations: &[Ordered]) -> Euro {
    registrations
        .iter()
        .map(|ordered| ordered.price.euro())
        .fold(Euro::ZERO, |sum, price| sum + price)
}
