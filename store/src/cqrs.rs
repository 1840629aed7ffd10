//! The log as an event store of `cqrs_es`, so that `CqrsFramework` runs on top of it.
//!
//! For one aggregate at a time, without the answers and claims of [`Store::execute`].

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use cqrs_es::{AggregateContext, AggregateError, EventEnvelope, EventStore};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use uitpas_domain::root::Root;
use uuid::Uuid;

use crate::failure::Failed;
use crate::store::Store;
use crate::stream::{AnyState, Loaded, StreamKey, read_event};
use crate::unit::{Part, Unit, Verdict};
use crate::work::add;

/// The entry of the metadata that says which command this is.
const COMMAND_ID: &str = "command_id";

/// An aggregate between loading and committing.
pub struct Context<A> {
    key: StreamKey,
    loaded: Arc<Loaded<A>>,
    /// What the framework works on; it applies events to it before they are committed.
    aggregate: A,
}

impl<A: Root> AggregateContext<A> for Context<A> {
    fn aggregate(&mut self) -> &mut A {
        &mut self.aggregate
    }
}

impl<A: Root> EventStore<A> for Store {
    type AC = Context<A>;

    async fn load_events(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let key = StreamKey::named::<A>(aggregate_id);
        let upcasters = A::upcasters();
        let rows = self.rows(&key, 0, true).await.map_err(unexpected)?;
        let envelope = |row| {
            let payload = read_event::<A>(&key, &row, &upcasters)?;
            let metadata = row.metadata.as_deref().unwrap_or("{}");
            let metadata = serde_json::from_str(metadata).map_err(Failed::new)?;
            let sequence = row.sequence as usize;
            Ok(EventEnvelope { aggregate_id: aggregate_id.to_owned(), sequence, payload, metadata })
        };
        let envelopes: Result<_, Failed> = rows.into_iter().map(envelope).collect();
        envelopes.map_err(|failed| AggregateError::DeserializationError(failed.into()))
    }

    async fn load_aggregate(
        &self,
        aggregate_id: &str,
    ) -> Result<Context<A>, AggregateError<A::Error>> {
        let key = StreamKey::named::<A>(aggregate_id);
        let loaded = self.refresh::<A>(&key).await.map_err(unexpected)?;
        let aggregate = (*loaded.state).clone();
        Ok(Context { key, loaded, aggregate })
    }

    /// A command that was committed before gives no events the second time.
    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: Context<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let Context { key, loaded, .. } = context;
        let command = match metadata.get(COMMAND_ID) {
            Some(id) => Uuid::from_str(id).map_err(|error| unexpected(Failed::new(error)))?,
            None => Uuid::new_v4(),
        };
        let Some(under_way) = self.commands().begin(command) else {
            return Err(AggregateError::AggregateConflict);
        };
        let first = loaded.sequence as usize + 1;
        // What was asked is not known here, only whom it was for.
        let request = Sha256::digest(key.to_string()).into();
        let (reply, verdict) = oneshot::channel();
        let unit = Unit {
            command,
            request,
            result: "null".to_owned(),
            keep: false,
            metadata: written(&metadata, command).map_err(unexpected)?,
            parts: Vec::new(),
            claims: Vec::new(),
            keys: Vec::new(),
            since: Instant::now(),
            reply,
            held: Vec::new(),
            under_way,
        };
        let unit = with_events(unit, key.clone(), loaded, events.clone()).map_err(unexpected)?;
        match self.append(unit, verdict).await {
            Verdict::Appended { .. } => {
                let envelope = |(sequence, payload)| EventEnvelope {
                    aggregate_id: key.aggregate_id.to_string(),
                    sequence,
                    payload,
                    metadata: metadata.clone(),
                };
                Ok((first..).zip(events).map(envelope).collect())
            }
            Verdict::Duplicate { request: known, .. } if known == request => Ok(Vec::new()),
            Verdict::Duplicate { .. } | Verdict::Taken(_) => {
                Err(unexpected(Failed::new("this command id was used for another aggregate")))
            }
            Verdict::Conflict => Err(AggregateError::AggregateConflict),
            Verdict::Unavailable => Err(AggregateError::DatabaseConnectionError(
                "the database did not answer in time".into(),
            )),
            Verdict::Failed(failed) => Err(unexpected(failed)),
        }
    }
}

/// The metadata as it is written: with the command, and always in one order.
fn written(metadata: &HashMap<String, String>, command: Uuid) -> Result<Arc<str>, Failed> {
    let mut sorted: BTreeMap<_, _> = metadata.clone().into_iter().collect();
    sorted.insert(COMMAND_ID.to_owned(), command.to_string());
    Ok(serde_json::to_string(&sorted).map_err(Failed::new)?.into())
}

fn with_events<A: Root>(
    mut unit: Unit,
    key: StreamKey,
    loaded: Arc<Loaded<A>>,
    events: Vec<A::Event>,
) -> Result<Unit, Failed> {
    let expected = loaded.sequence;
    let (events, after) = add(&key, loaded, events, &unit.metadata)?;
    unit.parts.push(Part { key, expected, events, after: AnyState::new(after) });
    Ok(unit)
}

fn unexpected<E: std::error::Error>(failed: Failed) -> AggregateError<E> {
    match failed.is_unavailable() {
        true => AggregateError::DatabaseConnectionError(failed.into()),
        false => AggregateError::UnexpectedError(failed.into()),
    }
}
