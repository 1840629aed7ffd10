//! One stream as it was: its entries, and its state as of a position.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uitpas_domain::root::Root;

use crate::chain::Hash;
use crate::failure::Failed;
use crate::feed::Raw;
use crate::store::{Store, patiently};
use crate::stream::{Loaded, Row, StreamKey, read_event};

impl Store {
    /// The entries of a stream up to a position, in their order.
    pub async fn history<A: Root>(&self, id: &A::Id, until: u64) -> Result<Vec<Raw>, Failed> {
        let key = StreamKey::of::<A>(id);
        patiently(|| {
            sqlx::query_as(
                "select position, recorded_at, aggregate_type, aggregate_id, sequence, event_type,
                     event_version, payload::text as payload, metadata::text as metadata, hash
                 from log.events
                 where aggregate_type = $1 and aggregate_id = $2 and position <= $3
                 order by sequence",
            )
            .bind(key.aggregate_type)
            .bind(&*key.aggregate_id)
            .bind(until.cast_signed())
            .fetch_all(self.readers())
        })
        .await
    }

    /// The entries of a stream up to a position, in their order, each with the state after it.
    pub async fn states<A: Root>(
        &self,
        id: &A::Id,
        until: u64,
    ) -> Result<Vec<(Raw, Arc<A>)>, Failed> {
        let key = StreamKey::of::<A>(id);
        let upcasters = A::upcasters();
        let mut loaded = Loaded::<A>::default();
        let mut states = Vec::new();
        for raw in self.history::<A>(id, until).await? {
            let row = Row {
                sequence: raw.sequence.cast_signed(),
                event_type: raw.event_type.clone(),
                event_version: raw.event_version.clone(),
                payload: raw.payload.clone(),
                metadata: Some(raw.metadata.clone()),
            };
            loaded.evolve(read_event::<A>(&key, &row, &upcasters)?, row.payload.len());
            states.push((raw, loaded.state.clone()));
        }
        Ok(states)
    }

    /// The state of a stream as the log stood at a position.
    pub async fn load_as_of<A: Root>(
        &self,
        id: &A::Id,
        until: u64,
    ) -> Result<Arc<Loaded<A>>, Failed> {
        let key = StreamKey::of::<A>(id);
        let upcasters = A::upcasters();
        let mut loaded = Loaded::<A>::default();
        for raw in self.history::<A>(id, until).await? {
            let row = Row {
                sequence: raw.sequence.cast_signed(),
                event_type: raw.event_type,
                event_version: raw.event_version,
                payload: raw.payload,
                metadata: Some(raw.metadata),
            };
            loaded.evolve(read_event::<A>(&key, &row, &upcasters)?, row.payload.len());
        }
        Ok(Arc::new(loaded))
    }

    /// The entry at a position.
    pub async fn entry(&self, position: u64) -> Result<Option<Raw>, Failed> {
        match position.checked_sub(1) {
            Some(before) => Ok(self.feed(before, 1).await?.into_iter().next()),
            None => Ok(None),
        }
    }

    /// The hash that stands at a position, and when its entry was stored, whatever is missing in
    /// front of it.
    pub async fn stored_at(&self, position: u64) -> Result<Option<(Hash, DateTime<Utc>)>, Failed> {
        let found: Option<(Vec<u8>, DateTime<Utc>)> = patiently(|| {
            sqlx::query_as("select hash, recorded_at from log.events where position = $1")
                .bind(position.cast_signed())
                .fetch_optional(self.readers())
        })
        .await?;
        let found = found.map(|(hash, at)| Ok((Hash::try_from(hash.as_slice())?, at)));
        found.transpose().map_err(|error: std::array::TryFromSliceError| Failed::new(error))
    }

    /// The last position that was recorded at or before an instant; 0 where there is none. Instants
    /// never go back in the log, so halving finds it.
    pub async fn position_at(&self, at: DateTime<Utc>) -> Result<u64, Failed> {
        let (mut known, mut beyond) = (0, self.head().await?.position + 1);
        while beyond - known > 1 {
            let middle = known + (beyond - known) / 2;
            let entry = self.entry(middle).await?;
            match entry.is_some_and(|entry| entry.recorded_at <= at) {
                true => known = middle,
                false => beyond = middle,
            }
        }
        Ok(known)
    }
}
