//! Reading the log in its one order: page by page for those who follow it, and as one fast stream
//! for those who read all of it.

use std::num::NonZero;
use std::thread::available_parallelism;

use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Executor};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::chain::{self, Hash};
use crate::copy::{Row, Rows, is_end, without_header};
use crate::failure::Failed;
use crate::store::{HEAD, Head, Store, patiently};

/// Bytes that are read and parsed at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Chunks that lie ready before the reader waits for whoever uses them.
const CHUNKS_READY_MAX: usize = 4;

/// An entry of the log, in the bytes in which it was written.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Raw {
    #[sqlx(try_from = "i64")]
    pub position: u64,
    pub recorded_at: DateTime<Utc>,
    pub aggregate_type: String,
    pub aggregate_id: String,
    #[sqlx(try_from = "i64")]
    pub sequence: u64,
    pub event_type: String,
    pub event_version: String,
    pub payload: String,
    pub metadata: String,
    #[sqlx(try_from = "Vec<u8>")]
    pub hash: Hash,
}

impl Raw {
    /// What the chain of hashes takes of it.
    pub fn digest(&self) -> Hash {
        chain::digest(
            (&self.aggregate_type, &self.aggregate_id, self.sequence),
            (&self.event_type, &self.event_version),
            (&self.payload, &self.metadata),
        )
    }
}

impl From<Row<'_>> for Raw {
    fn from(row: Row<'_>) -> Self {
        Self {
            position: row.position,
            recorded_at: DateTime::from_timestamp_micros(row.recorded_at_us).unwrap_or_default(),
            aggregate_type: row.aggregate_type.to_owned(),
            aggregate_id: row.aggregate_id.to_owned(),
            sequence: row.sequence,
            event_type: row.event_type.to_owned(),
            event_version: row.event_version.to_owned(),
            payload: row.payload.to_owned(),
            metadata: row.metadata.to_owned(),
            hash: row.hash,
        }
    }
}

/// The entries after a position, up to where the log ended when the reading began.
pub struct Replay {
    /// The last position that was given.
    position: u64,
    end: u64,
    batches: BoxStream<'static, Result<Vec<Raw>, Failed>>,
}

impl Replay {
    /// Where it will end.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The next entries, some hundreds at a time; None at the end. Ends early only by an error.
    pub async fn next(&mut self) -> Result<Option<Vec<Raw>>, Failed> {
        match self.batches.try_next().await? {
            Some(batch) => {
                self.position = without_holes(self.position, &batch)?;
                Ok(Some(batch))
            }
            None if self.position < self.end => Err(hole(self.position + 1)),
            None => Ok(None),
        }
    }
}

impl Store {
    /// The first entries after a position. Positions are the order of commits, so whoever has read
    /// up to one of them has missed nothing before it.
    pub async fn feed(&self, after: u64, limit: u32) -> Result<Vec<Raw>, Failed> {
        let page: Vec<Raw> = patiently(|| {
            sqlx::query_as(
                "select position, recorded_at, aggregate_type, aggregate_id, sequence, event_type,
                     event_version, payload::text as payload, metadata::text as metadata, hash
                 from log.events where position > $1 order by position limit $2",
            )
            .bind(after as i64)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
        })
        .await?;
        without_holes(after, &page)?;
        Ok(page)
    }

    /// All entries after a position, as fast as they can be read.
    pub async fn replay(&self, after: u64) -> Result<Replay, Failed> {
        let parse = |chunk: &[u8]| Rows::of(chunk).map(|row| row.map(Raw::from)).collect();
        let (head, batches) = self.stream(after, parse).await?;
        Ok(Replay { position: after, end: head.position, batches })
    }

    /// The entries after a position in batches, parsed on all cores, and where the log ended when
    /// the reading began.
    pub(crate) async fn stream<T: Send + 'static>(
        &self,
        after: u64,
        parse: fn(&[u8]) -> Result<Vec<T>, Failed>,
    ) -> Result<(Head, BoxStream<'static, Result<Vec<T>, Failed>>), Failed> {
        let mut connection = self.options().connect().await?;
        // Head and entries as of one moment. Positions come from an index, in order: nothing is
        // sorted, and the first entries come at once.
        connection
            .execute(
                "begin isolation level repeatable read, read only;
                 set local enable_sort = off; set local enable_seqscan = off; set local jit = off",
            )
            .await?;
        let head: Head = sqlx::query_as(HEAD).fetch_one(&mut connection).await?;
        let (sender, chunks) = mpsc::channel(CHUNKS_READY_MAX);
        tokio::spawn(async move {
            if let Err(failed) = copy(connection, after, &sender).await {
                // Whoever was reading may have gone away.
                let _ = sender.send(Err(failed)).await;
            }
        });
        let chunks = stream::unfold(chunks, |mut chunks| async {
            chunks.recv().await.map(|chunk| (chunk, chunks))
        });
        let batches = chunks
            .map(move |chunk: Result<Vec<u8>, Failed>| async move {
                let chunk = chunk?;
                spawn_blocking(move || parse(&chunk)).await.map_err(Failed::new)?
            })
            .buffered(available_parallelism().map_or(1, NonZero::get) + 1);
        Ok((head, batches.boxed()))
    }
}

/// Reads entries and hands them on, in chunks of whole entries.
async fn copy(
    mut connection: PgConnection,
    after: u64,
    sender: &mpsc::Sender<Result<Vec<u8>, Failed>>,
) -> Result<(), Failed> {
    let statement = format!(
        "copy (
             select position, recorded_at, aggregate_type, aggregate_id, sequence, event_type,
                 event_version, payload, metadata, hash
             from log.events where position > {after} order by position
         ) to stdout (format binary)"
    );
    let mut messages = connection.copy_out_raw(&statement).await?;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    while let Some(message) = messages.try_next().await? {
        let entry = without_header(&message);
        if is_end(entry) {
            continue;
        }
        if !chunk.is_empty() && chunk.len() + entry.len() > CHUNK_BYTES {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_BYTES));
            if sender.send(Ok(full)).await.is_err() {
                return Ok(());
            }
        }
        chunk.extend_from_slice(entry);
    }
    if !chunk.is_empty() {
        // Nobody may be there to read it.
        let _ = sender.send(Ok(chunk)).await;
    }
    Ok(())
}

/// The last position of entries that follow each other without a hole.
fn without_holes(after: u64, entries: &[Raw]) -> Result<u64, Failed> {
    for (expected, entry) in (after + 1..).zip(entries) {
        if entry.position != expected {
            return Err(hole(expected));
        }
    }
    Ok(after + entries.len() as u64)
}

fn hole(position: u64) -> Failed {
    Failed::new(format!("position {position} is missing in the log"))
}
