//! Filling the log faster than commands can, by COPY, with the chain computed as
//! `uitpas_store::Store` does: its verification finds nothing amiss.

use std::fmt::Write;

use chrono::DateTime;
use cqrs_es::DomainEvent;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection, Executor};
use uitpas_domain::metadata::Metadata;
use uitpas_domain::root::Root;
use uitpas_store::testing::TestDatabase;

use crate::region::metadata;

/// Events per transaction.
const EVENTS_AT_ONCE: usize = 20_000;

/// Nobody else may append while this lives.
pub struct Seed {
    db: PgConnection,
    position: i64,
    hash: [u8; 32],
    recorded_at_us: i64,
    /// Of the events that are still to be sent.
    metadata: Metadata,
    lines: String,
    events: usize,
}

impl Seed {
    pub async fn begin(database: &TestDatabase) -> Self {
        let mut db = database.owner_options().connect().await.expect("a connection");
        let (position, hash, recorded_at_us): (i64, Vec<u8>, i64) = sqlx::query_as(
            "select position, hash,
                 (extract(epoch from greatest(clock_timestamp(), recorded_at)) * 1000000)::bigint
             from log.head",
        )
        .fetch_one(&mut db)
        .await
        .expect("a head");
        let hash = hash.try_into().expect("a hash has 32 bytes");
        let (lines, events) = (String::new(), 0);
        Self { db, position, hash, recorded_at_us, metadata: metadata(), lines, events }
    }

    /// The events are the first ones of their stream.
    pub async fn stream<A: Root>(&mut self, id: &A::Id, events: &[A::Event]) {
        for (sequence, event) in (1..).zip(events) {
            self.event::<A>(id, sequence, event).await;
        }
    }

    pub async fn event<A: Root>(&mut self, id: &A::Id, sequence: i64, event: &A::Event) {
        let id = id.to_string();
        let (event_type, version) = (event.event_type(), event.event_version());
        let payload = serde_json::to_string(event).expect("an event is JSON");
        self.metadata.command_id.0 = uuid::Uuid::now_v7();
        let metadata = serde_json::to_string(&self.metadata).expect("metadata is JSON");

        let mut digest = Sha256::new();
        let sequence_bytes = sequence.to_be_bytes();
        let parts = [A::TYPE, &id].map(str::as_bytes).into_iter();
        let rest = [&event_type, &version, &payload, &metadata].map(|part| part.as_bytes());
        for part in [&b"1"[..]].into_iter().chain(parts).chain([&sequence_bytes[..]]).chain(rest) {
            digest.update((part.len() as u32).to_be_bytes());
            digest.update(part);
        }
        self.position += 1;
        let mut hash = Sha256::new();
        hash.update(self.hash);
        hash.update(self.position.to_be_bytes());
        hash.update(self.recorded_at_us.to_be_bytes());
        hash.update(digest.finalize());
        self.hash = hash.finalize().into();

        let [payload, metadata] = [payload, metadata].map(|json| json.replace('\\', "\\\\"));
        writeln!(
            self.lines,
            "{}\t{id}\t{sequence}\t{event_type}\t{version}\t{payload}\t{metadata}\t{}\t{}\t\\\\x{}",
            A::TYPE,
            self.position,
            self.instant(),
            hex::encode(self.hash),
        )
        .expect("a string takes everything");
        self.events += 1;
        if self.events == EVENTS_AT_ONCE {
            self.send().await;
        }
    }

    fn instant(&self) -> String {
        let instant = DateTime::from_timestamp_micros(self.recorded_at_us).expect("an instant");
        instant.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string()
    }

    async fn send(&mut self) {
        let instant = self.instant();
        let mut transaction = self.db.begin().await.expect("a transaction");
        let columns = "aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
             metadata, position, recorded_at, hash";
        let statement = format!("copy log.events ({columns}) from stdin");
        let mut copy = transaction.copy_in_raw(&statement).await.expect("a COPY");
        copy.send(self.lines.as_bytes()).await.expect("lines are sent");
        copy.finish().await.expect("lines in the right form");
        let moved = sqlx::query(
            "update log.head set position = $1, hash = $2, recorded_at = $3::text::timestamptz
             where position = $1 - $4",
        )
        .bind(self.position)
        .bind(&self.hash[..])
        .bind(instant)
        .bind(self.events as i64)
        .execute(&mut *transaction)
        .await
        .expect("the head moves");
        assert_eq!(moved.rows_affected(), 1, "nobody else appends meanwhile");
        transaction.commit().await.expect("a commit");
        self.lines.clear();
        self.events = 0;
    }

    /// Sends the rest.
    pub async fn end(mut self) {
        if self.events > 0 {
            self.send().await;
        }
        self.db.execute("analyze log.events").await.expect("statistics");
        self.db.close().await.expect("the connection closes");
    }
}
