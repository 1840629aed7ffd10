//! A unit: everything one command writes, all of it or nothing.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::chain::{Entry, Hash};
use crate::failure::Failed;
use crate::locks::Held;
use crate::stream::{AnyState, StreamKey};
use crate::under_way::UnderWay;

/// An event that is to be written, in the very bytes that are hashed.
pub(crate) struct NewEvent {
    pub event_type: String,
    pub event_version: String,
    pub payload: String,
    pub digest: Hash,
}

impl NewEvent {
    pub fn new<E: cqrs_es::DomainEvent>(
        key: &StreamKey,
        sequence: u64,
        event: &E,
        metadata: &str,
    ) -> Result<Self, Failed> {
        let event_type = event.event_type();
        let event_version = event.event_version();
        let payload = serde_json::to_string(event).map_err(Failed::new)?;
        let digest = Entry {
            aggregate_type: key.aggregate_type,
            aggregate_id: &key.aggregate_id,
            sequence,
            event_type: &event_type,
            event_version: &event_version,
            payload: payload.as_bytes(),
            metadata: metadata.as_bytes(),
        }
        .digest();
        Ok(Self { event_type, event_version, payload, digest })
    }
}

/// What a unit does to one stream, which must stand at the expected sequence.
pub(crate) struct Part {
    pub key: StreamKey,
    pub expected: u64,
    /// None: the stream was only read, and must still be as it was.
    pub events: Vec<NewEvent>,
    /// The state with those events, for the cache.
    pub after: AnyState,
}

pub(crate) enum Claim {
    Take { kind: &'static str, hash: Hash, owner: String },
    Free { kind: &'static str, hash: Hash, owner: String },
    FreeAllOf { owner: String },
}

pub(crate) enum Key {
    Insert { person: String, wrapped: Vec<u8> },
    Destroy { person: String },
}

pub(crate) struct Unit {
    pub command: Uuid,
    pub request: Hash,
    /// The answer, as JSON.
    pub result: String,
    /// Whether the command is remembered for ever.
    pub keep: bool,
    pub metadata: Arc<str>,
    pub parts: Vec<Part>,
    pub claims: Vec<Claim>,
    pub keys: Vec<Key>,
    /// Since when the caller waits.
    pub since: Instant,
    pub reply: oneshot::Sender<Verdict>,
    /// Kept, like the next, until the outcome is known, even if the caller has hung up.
    pub held: Vec<Held>,
    pub under_way: UnderWay,
}

impl Unit {
    pub fn event_count(&self) -> usize {
        self.parts.iter().map(|part| part.events.len()).sum()
    }

    pub fn payload_bytes(&self) -> usize {
        let events = self.parts.iter().flat_map(|part| &part.events);
        events.map(|event| event.payload.len() + self.metadata.len()).sum()
    }
}

/// What became of a unit.
pub(crate) enum Verdict {
    Appended {
        position: u64,
    },
    /// The command was carried out before.
    Duplicate {
        position: u64,
        request: Vec<u8>,
        result: String,
    },
    /// A stream has moved on, or a key was made meanwhile.
    Conflict,
    Taken(&'static str),
    /// Whether it was written is not known.
    Unavailable,
    Failed(Failed),
}
