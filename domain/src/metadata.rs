//! What stands beside every event: who did it, in which role, where, and by which command.

use serde::{Deserialize, Serialize};

use crate::ids::{CommandId, CounterId, SubjectId};

/// In what capacity an act was done (R-CTR-05, R-KSB-06).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Role {
    CounterMember,
    CounterAdmin,
    Ksb,
    Client,
    Kiosk,
    Passholder,
    /// Sets up card systems and counters.
    SystemOwner,
    /// The system itself: an import or a run.
    System,
}

/// By which way something came in (R-CHK-11).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Channel {
    Counter,
    Kiosk,
    Qr,
    Bulk,
    TicketSale,
    BackOffice,
    Import,
}

/// The metadata of an event. Every field prints as text, in this order, always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    pub actor: SubjectId,
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterId>,
    pub channel: Channel,
    pub command_id: CommandId,
    pub correlation_id: CommandId,
}
