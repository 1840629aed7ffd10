//! Streams and the states that their events add up to.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use cqrs_es::persist::{EventUpcaster, SerializedEvent};
use serde_json::Value;
use uitpas_domain::root::Root;

use crate::failure::Failed;

/// The name of a stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey {
    pub(crate) aggregate_type: &'static str,
    pub(crate) aggregate_id: Arc<str>,
}

impl StreamKey {
    pub fn of<A: Root>(id: &A::Id) -> Self {
        Self::named::<A>(&id.to_string())
    }

    pub(crate) fn named<A: Root>(aggregate_id: &str) -> Self {
        Self { aggregate_type: A::TYPE, aggregate_id: aggregate_id.into() }
    }
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.aggregate_type, self.aggregate_id)
    }
}

/// A state, and the sequence of the last event in it: 0 where nothing happened yet.
#[derive(Debug, Clone)]
pub struct Loaded<A> {
    /// Shared, so that the facts of one stream can be handed to the decisions of another.
    pub state: Arc<A>,
    pub sequence: u64,
    /// The size of the events that made the state, by which the cache is bounded: no state is much
    /// larger than its history.
    pub(crate) bytes: usize,
}

impl<A: Root> Default for Loaded<A> {
    fn default() -> Self {
        Self { state: Arc::default(), sequence: 0, bytes: size_of::<A>() }
    }
}

impl<A: Root> Loaded<A> {
    pub fn exists(&self) -> bool {
        self.sequence > 0
    }

    pub(crate) fn evolve(&mut self, event: A::Event, payload_bytes: usize) {
        Arc::make_mut(&mut self.state).evolve(event);
        self.sequence += 1;
        self.bytes += payload_bytes;
    }
}

/// A state of whatever type, as the cache and the writer handle it.
#[derive(Clone)]
pub(crate) struct AnyState {
    pub sequence: u64,
    pub bytes: usize,
    loaded: Arc<dyn Any + Send + Sync>,
}

impl AnyState {
    pub fn new<A: Root>(loaded: Arc<Loaded<A>>) -> Self {
        Self { sequence: loaded.sequence, bytes: loaded.bytes, loaded }
    }

    pub fn downcast<A: Root>(&self, key: &StreamKey) -> Result<Arc<Loaded<A>>, Failed> {
        Arc::downcast(self.loaded.clone())
            .map_err(|_| Failed::new(format!("two types of state share the stream {key}")))
    }
}

/// An event as a row of its stream; the metadata is fetched only where upcasters may want it.
#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub sequence: i64,
    pub event_type: String,
    pub event_version: String,
    pub payload: String,
    pub metadata: Option<String>,
}

/// Reads an event as written by any version of the code. What cannot be read stops the reader:
/// nothing is skipped.
pub(crate) fn read_event<A: Root>(
    key: &StreamKey,
    row: &Row,
    upcasters: &[Box<dyn EventUpcaster>],
) -> Result<A::Event, Failed> {
    let event = if upcasters.iter().any(|u| u.can_upcast(&row.event_type, &row.event_version)) {
        upcast(key, row, upcasters).and_then(serde_json::from_value)
    } else {
        serde_json::from_str(&row.payload)
    };
    event.map_err(|error| {
        // The message of serde may quote the payload; where and of what kind is enough.
        Failed::new(format!(
            "{key} sequence {}: {} version {} cannot be read ({:?} at column {})",
            row.sequence,
            row.event_type,
            row.event_version,
            error.classify(),
            error.column(),
        ))
    })
}

fn upcast(
    key: &StreamKey,
    row: &Row,
    upcasters: &[Box<dyn EventUpcaster>],
) -> Result<Value, serde_json::Error> {
    let event = SerializedEvent::new(
        key.aggregate_id.to_string(),
        row.sequence as usize,
        key.aggregate_type.to_owned(),
        row.event_type.clone(),
        row.event_version.clone(),
        serde_json::from_str(&row.payload)?,
        serde_json::from_str(row.metadata.as_deref().unwrap_or("null"))?,
    );
    let event = upcasters.iter().fold(event, |event, upcaster| {
        match upcaster.can_upcast(&event.event_type, &event.event_version) {
            true => upcaster.upcast(event),
            false => event,
        }
    });
    Ok(event.payload)
}
