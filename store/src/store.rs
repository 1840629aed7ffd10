//! The store: one per process, cheap to clone.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Executor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use uitpas_domain::root::Root;
use uuid::Uuid;

use crate::chain::Hash;
use crate::failure::{Failed, is_loss};
use crate::locks::Locks;
use crate::sealing::MasterKey;
use crate::states::States;
use crate::stream::{AnyState, Loaded, Row, StreamKey, read_event};
use crate::under_way::Commands;
use crate::unit::{Unit, Verdict};
use crate::writer::Writer;

/// How long a request waits for a database that does not answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before asking it again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(20);

/// For a connection whose every look-up is by a key: so it is done, whatever the planner thinks of
/// a young table, and in one way, with nothing to plan each time.
pub(crate) const BY_KEY: &str =
    "set enable_seqscan = off; set jit = off; set plan_cache_mode = force_generic_plan";

/// Connections for reading. A look-up takes a fraction of a millisecond.
const READERS_MAX: u32 = 8;

/// Units that wait for the writer; who comes after them waits in line.
const QUEUE_UNITS_MAX: usize = 1024;

/// The log, and the keys of what is sealed in it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    options: PgConnectOptions,
    readers: PgPool,
    master: MasterKey,
    states: States,
    locks: Locks,
    commands: Commands,
    queue: mpsc::Sender<Unit>,
}

/// Where the log ends.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Head {
    pub log_id: Uuid,
    #[sqlx(try_from = "i64")]
    pub position: u64,
    #[sqlx(try_from = "Vec<u8>")]
    pub hash: Hash,
}

#[derive(sqlx::FromRow)]
struct Found {
    head: i64,
    is_stale: bool,
    position: Option<i64>,
    request_hash: Option<Vec<u8>>,
    result: Option<String>,
}

pub(crate) const HEAD: &str = "select log_id, position, hash from log.head where only_row";

/// What a second look at the log shows, after deciding on what was in the cache.
pub(crate) enum Seen {
    /// Nothing newer, up to this position.
    Current {
        position: u64,
    },
    Stale,
    /// The command was carried out before.
    Command {
        position: u64,
        request: Vec<u8>,
        result: String,
    },
}

impl Store {
    /// Connects as the application. Its writers end with the last clone.
    pub async fn open(options: PgConnectOptions, master: MasterKey) -> Result<Self, Failed> {
        let options = options.application_name("uitpas-store").disable_statement_logging();
        let readers = PgPoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(PATIENCE)
            // A dead connection is noticed by the question itself, which is put again.
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(BY_KEY).await.map(drop) })
            })
            .connect_with(options.clone())
            .await?;
        let (queue, units) = mpsc::channel(QUEUE_UNITS_MAX);
        let states = States::new();
        Writer::start(&options, &states, units);
        Ok(Self(Arc::new(Inner {
            options,
            readers,
            master,
            states,
            locks: Locks::new(),
            commands: Commands::default(),
            queue,
        })))
    }

    /// Whether the master key is the one under which the keys in this log were wrapped. With another
    /// one nothing opens, and nobody who is registered would be recognised.
    pub async fn has_its_master_key(&self) -> Result<bool, Failed> {
        let some: Option<(String, Vec<u8>)> = patiently(|| {
            sqlx::query_as("select person_id, wrapped_key from log.keys limit 1")
                .fetch_optional(self.readers())
        })
        .await?;
        Ok(some.is_none_or(|(person, wrapped)| {
            self.master_key().person_key(&person, &wrapped).is_ok()
        }))
    }

    /// Makes or updates the schema of the log. Connects as its owner.
    pub async fn migrate(owner: PgConnectOptions) -> Result<(), Failed> {
        let mut connection = owner.connect().await?;
        sqlx::migrate!("../migrations").run(&mut connection).await.map_err(Failed::new)
    }

    pub fn master_key(&self) -> &MasterKey {
        &self.0.master
    }

    /// How the application connects.
    pub fn options(&self) -> &PgConnectOptions {
        &self.0.options
    }

    pub(crate) fn readers(&self) -> &PgPool {
        &self.0.readers
    }

    pub(crate) fn locks(&self) -> &Locks {
        &self.0.locks
    }

    pub(crate) fn commands(&self) -> &Commands {
        &self.0.commands
    }

    /// The state of a stream as the log has it now.
    pub async fn load<A: Root>(&self, id: &A::Id) -> Result<Arc<Loaded<A>>, Failed> {
        self.refresh(&StreamKey::of::<A>(id)).await
    }

    /// The state of a stream as it was a while ago, if it is at hand.
    pub(crate) fn cached<A: Root>(
        &self,
        key: &StreamKey,
    ) -> Result<Option<Arc<Loaded<A>>>, Failed> {
        self.0.states.get(key).map(|state| state.downcast(key)).transpose()
    }

    /// Reads what is newer than the state at hand.
    pub(crate) async fn refresh<A: Root>(&self, key: &StreamKey) -> Result<Arc<Loaded<A>>, Failed> {
        let cached = self.cached::<A>(key)?.unwrap_or_default();
        let upcasters = A::upcasters();
        let rows = self.rows(key, cached.sequence, !upcasters.is_empty()).await?;
        if rows.is_empty() {
            return Ok(cached);
        }
        let mut loaded = Arc::unwrap_or_clone(cached);
        for row in rows {
            if row.sequence as u64 != loaded.sequence + 1 {
                let missing = loaded.sequence + 1;
                return Err(Failed::new(format!("{key} sequence {missing} is missing")));
            }
            loaded.evolve(read_event::<A>(key, &row, &upcasters)?, row.payload.len());
        }
        let loaded = Arc::new(loaded);
        self.0.states.put(key, AnyState::new(loaded.clone()));
        Ok(loaded)
    }

    pub(crate) async fn rows(
        &self,
        key: &StreamKey,
        after: u64,
        with_metadata: bool,
    ) -> Result<Vec<Row>, Failed> {
        patiently(|| {
            sqlx::query_as(
                "select sequence, event_type, event_version, payload::text as payload,
                     case when $4 then metadata::text end as metadata
                 from log.events
                 where aggregate_type = $1 and aggregate_id = $2 and sequence > $3
                 order by sequence",
            )
            .bind(key.aggregate_type)
            .bind(&*key.aggregate_id)
            .bind(after as i64)
            .bind(with_metadata)
            .fetch_all(&self.0.readers)
        })
        .await
    }

    /// Whether the command was carried out, or else any of the streams has moved on.
    pub(crate) async fn look_again(
        &self,
        command: Option<Uuid>,
        streams: &[(StreamKey, u64)],
    ) -> Result<Seen, Failed> {
        let types: Vec<_> = streams.iter().map(|(key, _)| key.aggregate_type).collect();
        let ids: Vec<_> = streams.iter().map(|(key, _)| &*key.aggregate_id).collect();
        let next: Vec<_> = streams.iter().map(|(_, sequence)| *sequence as i64 + 1).collect();
        let found: Found = patiently(|| {
            sqlx::query_as(
                "select h.position as head,
                     coalesce((
                         select bool_or((
                             select true from log.events e
                             where e.aggregate_type = s.type and e.aggregate_id = s.id
                                 and e.sequence = s.next))
                         from unnest($2::text[], $3::text[], $4::bigint[]) as s(type, id, next)
                     ), false) as is_stale,
                     c.position, c.request_hash, c.result::text as result
                 from log.head h left join log.commands c on c.command_id = $1
                 where h.only_row",
            )
            .bind(command)
            .bind(&types)
            .bind(&ids)
            .bind(&next)
            .fetch_one(&self.0.readers)
        })
        .await?;
        Ok(match found {
            Found { position: Some(position), request_hash: Some(request), result, .. } => {
                let result = result.unwrap_or_default();
                Seen::Command { position: position as u64, request, result }
            }
            Found { is_stale: true, .. } => Seen::Stale,
            Found { head, .. } => Seen::Current { position: head as u64 },
        })
    }

    /// Hands a unit to the writer and waits for its outcome.
    pub(crate) async fn append(&self, unit: Unit, verdict: oneshot::Receiver<Verdict>) -> Verdict {
        match timeout(PATIENCE, self.0.queue.send(unit)).await {
            Err(_) => Verdict::Unavailable,
            Ok(Err(_)) => Verdict::Failed(Failed::new("the writer of the log has stopped")),
            // Who drops the unit without an answer does not know what became of it.
            Ok(Ok(())) => verdict.await.unwrap_or(Verdict::Unavailable),
        }
    }

    /// Where the log ends now.
    pub async fn head(&self) -> Result<Head, Failed> {
        patiently(|| sqlx::query_as(HEAD).fetch_one(&self.0.readers)).await
    }

    /// Who holds a claim.
    pub async fn claim_owner(&self, kind: &str, hash: &Hash) -> Result<Option<String>, Failed> {
        patiently(|| {
            sqlx::query_scalar("select owner from log.claims where kind = $1 and hash = $2")
                .bind(kind)
                .bind(&hash[..])
                .fetch_optional(&self.0.readers)
        })
        .await
    }

    /// Who hold these claims, of those that somebody holds.
    pub async fn claim_owners(
        &self,
        kind: &str,
        hashes: &[Hash],
    ) -> Result<Vec<(Hash, String)>, Failed> {
        let hashes: Vec<&[u8]> = hashes.iter().map(|hash| &hash[..]).collect();
        let held: Vec<(Vec<u8>, String)> = patiently(|| {
            sqlx::query_as("select hash, owner from log.claims where kind = $1 and hash = any($2)")
                .bind(kind)
                .bind(&hashes)
                .fetch_all(&self.0.readers)
        })
        .await?;
        let held = held.into_iter().map(|(hash, owner)| {
            let hash = hash.try_into().map_err(|_| Failed::new("a claim is a hash of 32 bytes"));
            Ok((hash?, owner))
        });
        held.collect()
    }

    /// The wrapped key of a person. None: never made, or destroyed.
    pub async fn wrapped_key(&self, person: &str) -> Result<Option<Vec<u8>>, Failed> {
        patiently(|| {
            sqlx::query_scalar("select wrapped_key from log.keys where person_id = $1")
                .bind(person)
                .fetch_optional(&self.0.readers)
        })
        .await
    }

    /// Waits until its connections for reading are closed. Nobody asks anything afterwards.
    pub async fn close(&self) {
        self.0.readers.close().await;
    }

    /// Forgets commands of more than 90 days ago, except those of kiosks. Says how many.
    pub async fn forget_commands(&self) -> Result<u64, Failed> {
        let forgotten: i64 = patiently(|| {
            sqlx::query_scalar("select log.forget_commands()").fetch_one(&self.0.readers)
        })
        .await?;
        Ok(forgotten as u64)
    }
}

/// Asks again when the connection is lost, for a while. Only for what changes nothing.
pub(crate) async fn patiently<T, Fut>(ask: impl Fn() -> Fut) -> Result<T, Failed>
where
    Fut: Future<Output = Result<T, sqlx::Error>>,
{
    let since = Instant::now();
    loop {
        match ask().await {
            Err(error) if is_loss(&error) && since.elapsed() < PATIENCE => sleep(RETRY_AFTER).await,
            outcome => return outcome.map_err(Failed::from),
        }
    }
}
