//! Events as they stand in the log: of which stream, in which order, by whom.

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;

use crate::account::{self, Account};
use crate::activity::{self, Activity};
use crate::association::{self, Association};
use crate::card::{self, Card};
use crate::card_system::{self, CardSystem};
use crate::client::{self, Client};
use crate::counter::{self, Counter};
use crate::coupon::{self, Coupon};
use crate::group_pass::{self, GroupPass};
use crate::ids::{
    ActivityId, AssociationId, CardSystemId, CounterId, CouponId, GroupPassId, KioskId, OrderId,
    PassholderId, RewardId, SubjectId,
};
use crate::kiosk::{self, Kiosk};
use crate::metadata::Metadata;
use crate::order::{self, Order};
use crate::passholder::{self, Passholder};
use crate::reward::{self, Reward};
use crate::values::card_number::CardNumber;

/// One entry of the log, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// From 1, without holes, in the order of commits.
    pub position: u64,
    /// When it was stored.
    pub recorded_at: DateTime<Utc>,
    /// From 1 within its stream.
    pub sequence: u64,
    pub metadata: Metadata,
    pub event: AnyEvent,
}

/// An event of any stream, with the stream's id.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyEvent {
    Passholder(PassholderId, passholder::Event),
    Counter(CounterId, counter::Event),
    Card(CardNumber, card::Event),
    CardSystem(CardSystemId, card_system::Event),
    Account(SubjectId, account::Event),
    Client(SubjectId, client::Event),
    Order(OrderId, order::Event),
    Activity(ActivityId, activity::Event),
    Reward(RewardId, reward::Event),
    Kiosk(KioskId, kiosk::Event),
    Coupon(CouponId, coupon::Event),
    GroupPass(GroupPassId, group_pass::Event),
    Association(AssociationId, association::Event),
}

/// An entry that this version does not understand. A reader stops at it; nothing is skipped.
#[derive(Debug, thiserror::Error)]
pub enum NotUnderstood {
    #[error("no aggregate is called {0:?}")]
    AggregateType(String),
    #[error("{0:?} is no id of its aggregate")]
    AggregateId(String),
    #[error("the payload does not have the shape of its event: {0}")]
    Payload(#[from] serde_json::Error),
}

impl AnyEvent {
    /// Reads the payload of an entry, in the present shape of its events.
    pub fn read(aggregate_type: &str, id: &str, payload: &str) -> Result<Self, NotUnderstood> {
        let bad_id = |_| NotUnderstood::AggregateId(id.to_owned());
        match aggregate_type {
            Passholder::TYPE => Ok(AnyEvent::Passholder(
                id.parse().map_err(bad_id)?,
                serde_json::from_str(payload)?,
            )),
            Counter::TYPE => {
                Ok(AnyEvent::Counter(id.parse().map_err(bad_id)?, serde_json::from_str(payload)?))
            }
            Card::TYPE => {
                let number = id.parse().map_err(|_| NotUnderstood::AggregateId(id.to_owned()))?;
                Ok(AnyEvent::Card(number, serde_json::from_str(payload)?))
            }
            CardSystem::TYPE => Ok(AnyEvent::CardSystem(
                id.parse().map_err(bad_id)?,
                serde_json::from_str(payload)?,
            )),
            Account::TYPE => {
                Ok(AnyEvent::Account(id.parse().map_err(bad_id)?, serde_json::from_str(payload)?))
            }
            Order::TYPE => {
                Ok(AnyEvent::Order(id.parse().map_err(bad_id)?, serde_json::from_str(payload)?))
            }
            Client::TYPE => {
                Ok(AnyEvent::Client(id.parse().map_err(bad_id)?, serde_json::from_str(payload)?))
            }
            Activity::TYPE => {
                Ok(AnyEvent::Activity(id.parse().map_err(bad_id)?, serde_json::from_str(payload)?))
            }
            Reward::TYPE => {
                Ok(AnyEvent::Reward(id.parse().map_err(bad_id)?, serde_json::from_str(payload)?))
            }
            Kiosk::TYPE => {
                Ok(AnyEvent::Kiosk(id.parse().map_err(bad_id)?, serde_json::from_str(payload)?))
            }
            Coupon::TYPE => {
                Ok(AnyEvent::Coupon(id.parse().map_err(bad_id)?, serde_json::from_str(payload)?))
            }
            GroupPass::TYPE => {
                Ok(AnyEvent::GroupPass(id.parse().map_err(bad_id)?, serde_json::from_str(payload)?))
            }
            Association::TYPE => Ok(AnyEvent::Association(
                id.parse().map_err(bad_id)?,
                serde_json::from_str(payload)?,
            )),
            other => Err(NotUnderstood::AggregateType(other.to_owned())),
        }
    }
}
