//! What appends: two tasks with a connection each. While the database writes the batch of one of
//! them, the other answers those of its last batch and takes up what they ask next.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Executor};
use tokio::sync::{Mutex, mpsc};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::failure::{Failed, is_loss};
use crate::states::States;
use crate::store::{BY_KEY, PATIENCE, RETRY_AFTER};
use crate::stream::StreamKey;
use crate::unit::{Claim, Key, Unit, Verdict};

/// More would make the batches small, and each batch is a commit.
const WRITERS: usize = 2;

/// A batch is closed once it has this many.
const BATCH_UNITS_MAX: usize = 256;
const BATCH_EVENTS_MAX: usize = 4096;
const BATCH_BYTES_MAX: usize = 8 << 20;

/// Enough for tasks that are ready to run to hand in their unit; no time passes if there are none.
const YIELDS: usize = 2;

pub(crate) struct Writer {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    states: States,
    queue: Arc<Mutex<mpsc::Receiver<Unit>>>,
}

/// Units that are sent together.
struct Batch {
    units: Vec<Unit>,
    /// Whether they were sent before, with an outcome that is not known.
    was_sent: bool,
}

impl Writer {
    /// Starts the writers. They end when nobody can ask any more.
    pub fn start(options: &PgConnectOptions, states: &States, queue: mpsc::Receiver<Unit>) {
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..WRITERS {
            let (options, states, queue) = (options.clone(), states.clone(), queue.clone());
            tokio::spawn(Self { options, connection: None, states, queue }.run());
        }
    }

    async fn run(mut self) {
        while let Some(units) = self.gather().await {
            metrics::histogram!("uitpas_log_batch_units").record(units.len() as f64);
            let began = Instant::now();
            self.carry_out(units).await;
            metrics::histogram!("uitpas_log_batch_seconds").record(began.elapsed().as_secs_f64());
        }
    }

    /// Waits for a unit, and adds those that have come in by then.
    async fn gather(&self) -> Option<Vec<Unit>> {
        let mut queue = self.queue.lock().await;
        let first = queue.recv().await?;
        // Those who were answered just now come back with their next.
        for _ in 0..YIELDS {
            yield_now().await;
        }
        let (mut events, mut bytes) = (first.event_count(), first.payload_bytes());
        let mut units = vec![first];
        while units.len() < BATCH_UNITS_MAX && events < BATCH_EVENTS_MAX && bytes < BATCH_BYTES_MAX
        {
            let Ok(unit) = queue.try_recv() else { break };
            events += unit.event_count();
            bytes += unit.payload_bytes();
            units.push(unit);
        }
        Some(units)
    }

    /// Sends units until each of them has its verdict.
    async fn carry_out(&mut self, units: Vec<Unit>) {
        // The last one goes first.
        let mut batches = vec![Batch { units, was_sent: false }];
        while let Some(mut batch) = batches.pop() {
            if batch.units.is_empty() {
                continue;
            }
            match self.append(&batch.units).await {
                Ok(answers) => {
                    for (unit, answer) in batch.units.into_iter().zip(answers) {
                        self.settle(unit, answer, batch.was_sent);
                    }
                }
                // Perhaps it was written, perhaps not. The same units with the same ids again: what
                // was written is a duplicate then.
                Err(error) if is_loss(&error) => {
                    tracing::warn!(%error, units = batch.units.len(), "appending was interrupted");
                    self.connection = None;
                    batch.units = self.give_up_late_ones(batch.units);
                    batch.was_sent = true;
                    batches.push(batch);
                    sleep(RETRY_AFTER).await;
                }
                // Something in it cannot be written: halve it until that stands alone.
                Err(error) if batch.units.len() == 1 => {
                    tracing::error!(%error, "a unit cannot be appended");
                    let unit = batch.units.remove(0);
                    self.finish(unit, Verdict::Failed(Failed::new(error)), false);
                }
                Err(_) => {
                    let later = batch.units.split_off(batch.units.len() / 2);
                    batches.push(Batch { units: later, was_sent: batch.was_sent });
                    batches.push(batch);
                }
            }
        }
    }

    fn give_up_late_ones(&self, units: Vec<Unit>) -> Vec<Unit> {
        let (late, rest) = units.into_iter().partition(|unit| unit.since.elapsed() >= PATIENCE);
        for unit in Vec::<Unit>::into_iter(late) {
            for part in &unit.parts {
                self.states.evict(&part.key);
            }
            self.finish(unit, Verdict::Unavailable, false);
        }
        rest
    }

    async fn append(&mut self, units: &[Unit]) -> Result<Vec<Answer>, sqlx::Error> {
        let attempt = async {
            if self.connection.is_none() {
                let mut connection = self.options.connect().await?;
                connection.execute(BY_KEY).await?;
                self.connection = Some(connection);
            }
            let connection = self.connection.as_mut().expect("it was just connected");
            Rows::of(units).append(connection).await
        };
        match timeout(PATIENCE, attempt).await {
            Ok(outcome) => outcome,
            Err(elapsed) => Err(sqlx::Error::Io(elapsed.into())),
        }
    }

    fn settle(&self, unit: Unit, answer: Answer, was_sent: bool) {
        let position = answer.position.unwrap_or_default() as u64;
        match answer.verdict.as_str() {
            "appended" => self.finish(unit, Verdict::Appended { position }, true),
            "duplicate" => {
                let request = answer.request_hash.unwrap_or_default();
                let result = answer.result.unwrap_or_default();
                // It is the first answer to somebody who has not had one, if it is this unit that
                // was written, and not one of the same command before it.
                let is_this = request == unit.request && result == unit.result;
                let verdict = match was_sent && is_this {
                    true => Verdict::Appended { position },
                    false => Verdict::Duplicate { position, request, result },
                };
                self.finish(unit, verdict, false);
            }
            "taken" => {
                let kind = answer.taken.unwrap_or_default();
                self.finish(unit, Verdict::Taken(kind), false);
            }
            _ => {
                metrics::counter!("uitpas_log_conflicts").increment(1);
                self.finish(unit, Verdict::Conflict, false);
            }
        }
    }

    /// Answers. The next task on these streams begins only when the cache knows of this unit.
    fn finish(&self, unit: Unit, verdict: Verdict, is_written: bool) {
        let Unit { parts, held, under_way, reply, .. } = unit;
        if is_written {
            for part in parts {
                self.states.put(&part.key, part.after);
            }
        }
        drop((held, under_way));
        // The caller may have hung up.
        let _ = reply.send(verdict);
    }
}

/// What the database says of one unit.
#[derive(Default, sqlx::FromRow)]
struct Answer {
    verdict: String,
    which: Option<i32>,
    position: Option<i64>,
    request_hash: Option<Vec<u8>>,
    result: Option<String>,
    /// The kind of the claim that somebody else holds.
    #[sqlx(skip)]
    taken: Option<&'static str>,
}

/// The answers for units with so many events each, all of which were appended.
fn appended(before: i64, unit_events: &[i32]) -> Vec<Answer> {
    let positions = unit_events.iter().scan(before, |position, events| {
        *position += i64::from(*events);
        Some(*position)
    });
    let answer = |position| Answer {
        verdict: "appended".to_owned(),
        position: Some(position),
        ..Answer::default()
    };
    positions.map(answer).collect()
}

/// The arguments of `log.append`, column by column. What they mean is said there.
#[derive(Default)]
struct Rows<'a> {
    unit_commands: Vec<Uuid>,
    unit_requests: Vec<&'a [u8]>,
    unit_results: Vec<&'a str>,
    unit_keeps: Vec<bool>,
    unit_parts: Vec<i32>,
    unit_events: Vec<i32>,
    unit_claims: Vec<i32>,
    unit_keys: Vec<i32>,
    stream_types: Vec<&'a str>,
    stream_ids: Vec<&'a str>,
    part_streams: Vec<i32>,
    part_expected: Vec<i64>,
    part_after: Vec<i64>,
    event_aggregate_types: Vec<&'a str>,
    event_aggregate_ids: Vec<&'a str>,
    event_sequences: Vec<i64>,
    event_types: Vec<&'a str>,
    event_versions: Vec<&'a str>,
    event_payloads: Vec<&'a str>,
    event_metadata: Vec<&'a str>,
    event_digests: Vec<&'a [u8]>,
    claim_takes: Vec<bool>,
    claim_kinds: Vec<Option<&'static str>>,
    claim_hashes: Vec<Option<&'a [u8]>>,
    claim_owners: Vec<&'a str>,
    key_persons: Vec<&'a str>,
    key_wrapped: Vec<Option<&'a [u8]>>,
}

impl<'a> Rows<'a> {
    fn of(units: &'a [Unit]) -> Self {
        let mut rows = Self::default();
        let mut streams = HashMap::new();
        for unit in units {
            rows.unit_commands.push(unit.command);
            rows.unit_requests.push(&unit.request);
            rows.unit_results.push(&unit.result);
            rows.unit_keeps.push(unit.keep);
            rows.unit_parts.push(unit.parts.len() as i32);
            rows.unit_events.push(unit.event_count() as i32);
            rows.unit_claims.push(unit.claims.len() as i32);
            rows.unit_keys.push(unit.keys.len() as i32);
            rows.add_parts(unit, &mut streams);
            for claim in &unit.claims {
                let (takes, kind, hash, owner) = match claim {
                    Claim::Take { kind, hash, owner } => {
                        (true, Some(*kind), Some(&hash[..]), owner)
                    }
                    Claim::Free { kind, hash, owner } => {
                        (false, Some(*kind), Some(&hash[..]), owner)
                    }
                    Claim::FreeAllOf { owner } => (false, None, None, owner),
                };
                rows.claim_takes.push(takes);
                rows.claim_kinds.push(kind);
                rows.claim_hashes.push(hash);
                rows.claim_owners.push(owner);
            }
            for key in &unit.keys {
                let (person, wrapped) = match key {
                    Key::Insert { person, wrapped } => (person, Some(&wrapped[..])),
                    Key::Destroy { person } => (person, None),
                };
                rows.key_persons.push(person);
                rows.key_wrapped.push(wrapped);
            }
        }
        rows
    }

    fn add_parts(&mut self, unit: &'a Unit, streams: &mut HashMap<&'a StreamKey, i32>) {
        for part in &unit.parts {
            let number = *streams.entry(&part.key).or_insert_with(|| {
                self.stream_types.push(part.key.aggregate_type);
                self.stream_ids.push(&part.key.aggregate_id);
                self.stream_types.len() as i32
            });
            self.part_streams.push(number);
            self.part_expected.push(part.expected as i64);
            self.part_after.push((part.expected + part.events.len() as u64) as i64);
            for (sequence, event) in (part.expected as i64 + 1..).zip(&part.events) {
                self.event_aggregate_types.push(part.key.aggregate_type);
                self.event_aggregate_ids.push(&part.key.aggregate_id);
                self.event_sequences.push(sequence);
                self.event_types.push(&event.event_type);
                self.event_versions.push(&event.event_version);
                self.event_payloads.push(&event.payload);
                self.event_metadata.push(&unit.metadata);
                self.event_digests.push(&event.digest);
            }
        }
    }

    async fn append(self, connection: &mut PgConnection) -> Result<Vec<Answer>, sqlx::Error> {
        let units = self.unit_commands.len();
        let events = self.unit_events.clone();
        let kinds = self.claim_kinds.clone();
        let mut answers: Vec<Answer> = sqlx::query_as(
            "select * from log.append(
                 $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                 $19, $20, $21, $22, $23, $24, $25, $26, $27)",
        )
        .bind(self.unit_commands)
        .bind(self.unit_requests)
        .bind(self.unit_results)
        .bind(self.unit_keeps)
        .bind(self.unit_parts)
        .bind(self.unit_events)
        .bind(self.unit_claims)
        .bind(self.unit_keys)
        .bind(self.stream_types)
        .bind(self.stream_ids)
        .bind(self.part_streams)
        .bind(self.part_expected)
        .bind(self.part_after)
        .bind(self.event_aggregate_types)
        .bind(self.event_aggregate_ids)
        .bind(self.event_sequences)
        .bind(self.event_types)
        .bind(self.event_versions)
        .bind(self.event_payloads)
        .bind(self.event_metadata)
        .bind(self.event_digests)
        .bind(self.claim_takes)
        .bind(self.claim_kinds)
        .bind(self.claim_hashes)
        .bind(self.claim_owners)
        .bind(self.key_persons)
        .bind(self.key_wrapped)
        .fetch_all(&mut *connection)
        .await?;
        if let [Answer { verdict, position: Some(before), .. }] = &answers[..]
            && verdict == "all"
        {
            return Ok(appended(*before, &events));
        }
        if answers.len() != units {
            return Err(sqlx::Error::Protocol("append did not answer for each unit".to_owned()));
        }
        for answer in &mut answers {
            let claim = answer.which.map(|which| which as usize - 1);
            answer.taken = claim.and_then(|claim| kinds.get(claim).copied().flatten());
        }
        Ok(answers)
    }
}
