//! Identifiers. One type each, so that a passholder can never stand where a sale is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Text that is no identifier of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a valid identifier")]
pub struct InvalidId;

/// Identifiers that we make: UUIDs, handed in with the command.
macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    )*};
}

/// Identifiers that others make: opaque text of 1 to 128 printable ASCII characters without blanks.
macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
                if text.is_empty() || text.len() > 128 || !printable {
                    return Err(InvalidId);
                }
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
    )*};
}

/// Identifiers that are small numbers in the HTTP contract.
macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.parse().map(Self).map_err(|_| InvalidId)
            }
        }
    )*};
}

uuid_id! {
    /// A person registered in UiTPAS ("UUID" in the manuals).
    PassholderId,
    /// A group pass.
    GroupPassId,
    /// One saved point or set of points ("ActieID").
    CheckInId,
    /// One granted tariff.
    SaleId,
    /// A points or welcome reward.
    RewardId,
    /// One redeemed reward.
    RedemptionId,
    /// An association of which passholders carry a membership.
    AssociationId,
    /// Something that was ordered online.
    OrderId,
    /// A check-in device.
    KioskId,
    /// One command: the same id twice is the same command.
    CommandId,
}

text_id! {
    /// A counter: the organizer id, also called consumer key.
    CounterId,
    /// An activity of UiTdatabank: its CDBID.
    ActivityId,
    /// The subject of a token: a person, a client or a kiosk.
    SubjectId,
}

number_id! {
    /// A card system, that is a UiTPAS region.
    CardSystemId,
    /// A distribution key within a card system.
    DistributionKeyId,
    /// A coupon.
    CouponId,
}
