//! Filling a log that nobody else appends to, faster than by commands: by COPY, as its owner, with
//! the chain computed here. What comes out is what `append` would have made of the same events, so
//! that [`Store::verify_chain`](crate::Store::verify_chain) finds nothing amiss.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uitpas_domain::metadata::Metadata;
use uitpas_domain::root::Root;

use crate::chain::{self, Entry, Hash};
use crate::failure::Failed;

/// Events per transaction.
const EVENTS_AT_ONCE: usize = 20_000;

/// Batches that lie ready while one is sent.
const BATCHES_READY_MAX: usize = 1;

/// Computes entries while the ones before are sent.
pub struct Filling {
    position: u64,
    hash: Hash,
    recorded_at_us: i64,
    next: Batch,
    batches: mpsc::Sender<Batch>,
    sending: JoinHandle<Result<(), Failed>>,
}

/// Entries that follow each other, as lines of COPY, and the head after them.
#[derive(Default)]
struct Batch {
    events: usize,
    entries: String,
    keys: String,
    claims: String,
    position: u64,
    hash: Hash,
    recorded_at_us: i64,
}

impl Filling {
    /// Connects as the owner of the log, and goes on from where it ends.
    pub async fn begin(owner: PgConnectOptions) -> Result<Self, Failed> {
        let mut db = owner.disable_statement_logging().connect().await?;
        let (position, hash, recorded_at_us): (i64, Vec<u8>, i64) = sqlx::query_as(
            "select position, hash,
                 case when isfinite(recorded_at)
                     then (extract(epoch from recorded_at) * 1000000)::bigint
                     else 0 end
             from log.head",
        )
        .fetch_one(&mut db)
        .await?;
        let hash = hash.try_into().map_err(|_| Failed::new("the head has no hash of 32 bytes"))?;
        let (batches, received) = mpsc::channel(BATCHES_READY_MAX);
        let sending = tokio::spawn(send_all(db, received));
        let (position, next) = (position.cast_unsigned(), Batch::default());
        Ok(Self { position, hash, recorded_at_us, next, batches, sending })
    }

    /// Of the last event.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Of the log at that position.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The next event of a stream, with its sequence in it. It was stored at this instant, or with
    /// the one before it where that was later.
    pub async fn event<A: Root>(
        &mut self,
        id: &A::Id,
        sequence: u64,
        event: &A::Event,
        metadata: &Metadata,
        recorded_at: DateTime<Utc>,
    ) -> Result<(), Failed> {
        let id = id.to_string();
        let (event_type, event_version) = (event.event_type(), event.event_version());
        let payload = serde_json::to_string(event).map_err(Failed::new)?;
        let metadata = serde_json::to_string(metadata).map_err(Failed::new)?;
        let entry = Entry {
            aggregate_type: A::TYPE,
            aggregate_id: &id,
            sequence,
            event_type: &event_type,
            event_version: &event_version,
            payload: payload.as_bytes(),
            metadata: metadata.as_bytes(),
        };
        self.position += 1;
        self.recorded_at_us = self.recorded_at_us.max(recorded_at.timestamp_micros());
        self.hash = chain::next(&self.hash, self.position, self.recorded_at_us, &entry.digest());
        let [id, payload, metadata] = [&id, &payload, &metadata].map(|text| escaped(text));
        writeln!(
            self.next.entries,
            "{}\t{id}\t{sequence}\t{event_type}\t{event_version}\t{payload}\t{metadata}\t{}\t{}\t\\\\x{}",
            A::TYPE,
            self.position,
            instant(self.recorded_at_us)?,
            hex::encode(self.hash),
        )
        .map_err(Failed::new)?;
        self.next.events += 1;
        if self.next.events == EVENTS_AT_ONCE {
            self.send().await?;
        }
        Ok(())
    }

    /// The wrapped key of a person of whom something sealed stands in the log.
    pub fn key(&mut self, person: &str, wrapped: &[u8]) {
        let line = format!("{}\t\\\\x{}\n", escaped(person), hex::encode(wrapped));
        self.next.keys.push_str(&line);
    }

    /// What someone holds to the end.
    pub fn claim(&mut self, kind: &str, hash: &Hash, owner: &str) {
        let line = format!("{}\t\\\\x{}\t{}\n", escaped(kind), hex::encode(hash), escaped(owner));
        self.next.claims.push_str(&line);
    }

    async fn send(&mut self) -> Result<(), Failed> {
        let batch = Batch {
            position: self.position,
            hash: self.hash,
            recorded_at_us: self.recorded_at_us,
            ..std::mem::take(&mut self.next)
        };
        if self.batches.send(batch).await.is_ok() {
            return Ok(());
        }
        // Why it takes no more, it says itself.
        (&mut self.sending).await.map_err(Failed::new)?
    }

    /// Sends the rest.
    pub async fn end(mut self) -> Result<(), Failed> {
        self.send().await?;
        drop(self.batches);
        self.sending.await.map_err(Failed::new)?
    }
}

async fn send_all(mut db: PgConnection, mut batches: mpsc::Receiver<Batch>) -> Result<(), Failed> {
    while let Some(batch) = batches.recv().await {
        send(&mut db, &batch).await?;
    }
    db.execute("analyze log.events").await?;
    Ok(db.close().await?)
}

async fn send(db: &mut PgConnection, batch: &Batch) -> Result<(), Failed> {
    let mut transaction = db.begin().await?;
    // As in an append: the head first, so that nobody comes in between.
    let moved = sqlx::query(
        "update log.head set position = $1, hash = $2, recorded_at = $3::text::timestamptz
         where position = $1 - $4",
    )
    .bind(batch.position.cast_signed())
    .bind(&batch.hash[..])
    .bind(instant(batch.recorded_at_us)?)
    .bind(i64::try_from(batch.events).map_err(Failed::new)?)
    .execute(&mut *transaction)
    .await?;
    if moved.rows_affected() != 1 {
        return Err(Failed::new("somebody else appended to the log meanwhile"));
    }
    let tables = [
        (
            "log.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                 metadata, position, recorded_at, hash)",
            &batch.entries,
        ),
        ("log.keys (person_id, wrapped_key)", &batch.keys),
        ("log.claims (kind, hash, owner)", &batch.claims),
    ];
    for (table, lines) in tables.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        let mut copy = transaction.copy_in_raw(&format!("copy {table} from stdin")).await?;
        copy.send(lines.as_bytes()).await?;
        copy.finish().await?;
    }
    Ok(transaction.commit().await?)
}

/// Text as a column of COPY.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn instant(us: i64) -> Result<String, Failed> {
    let instant = DateTime::from_timestamp_micros(us);
    let instant = instant.ok_or_else(|| Failed::new("an instant beyond all calendars"))?;
    Ok(instant.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string())
}
