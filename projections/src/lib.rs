//! The read models: views on the log for those who look things up, list them and add them up.
//!
//! A [`Projection`] is data and one pure fold from events to rows; a folder here is one projection
//! with its tables, its fold and its queries. [`Projections`] keeps them up to date, rebuilds them
//! while the log goes on, and proves that they are what the log makes of them. Nothing here decides:
//! the domain did.

pub mod activities;
pub mod associations;
pub mod cards;
pub mod check_ins;
pub mod counters;
pub mod coupons;
mod failure;
pub mod families;
pub mod group_passes;
pub mod kiosks;
pub mod members;
pub mod passholders;
mod projection;
mod reading;
mod rebuild;
pub mod redemptions;
pub mod rewards;
mod runner;
mod search;
pub mod settlement;
mod sums;
mod table;
pub mod ticket_sales;
mod verify;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, FromRow};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use uitpas_store::Store;
use uitpas_store::sealing::MasterKey;

pub use failure::{Failed, Fault};
pub use projection::Projection;
pub use runner::Running;
use runner::{Round, Runner};
pub use search::{Page, Paging, Rows};
pub use sums::{Unsound, Wrong};
pub use table::AsJson;
pub use verify::Difference;

/// All projections there are.
pub const ALL: &[&Projection] = &[
    &activities::PROJECTION,
    &associations::PROJECTION,
    &cards::PROJECTION,
    &check_ins::PROJECTION,
    &counters::PROJECTION,
    &kiosks::PROJECTION,
    &coupons::PROJECTION,
    &group_passes::PROJECTION,
    &members::PROJECTION,
    &families::PROJECTION,
    &passholders::PROJECTION,
    &redemptions::PROJECTION,
    &rewards::PROJECTION,
    &settlement::PROJECTION,
    &ticket_sales::PROJECTION,
];

/// The schema of the views in use.
const LIVE: &str = "views";

/// Connections for queries and the runner.
const CONNECTIONS_MAX: u32 = 10;

/// With more events than these a view is filled by a rebuild, which is faster than following.
const REBUILD_FROM_EVENTS: i64 = 10_000;

/// How often a view that another process leads is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The read models of one log. Cheap to clone.
#[derive(Clone)]
pub struct Projections(Arc<Inner>);

struct Inner {
    store: Store,
    pool: PgPool,
    /// As far as this process knows.
    known: BTreeMap<&'static str, Known>,
}

struct Known {
    position: watch::Sender<i64>,
    /// Why it stopped, if it did.
    stopped: Mutex<Option<String>>,
}

/// How far a rebuild or a verification has come, in events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub projection: &'static str,
    pub done: i64,
    pub total: i64,
}

/// How a view is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub name: &'static str,
    pub version: i32,
    /// The last event in it.
    pub position: u64,
    /// Events that it has yet to take in.
    pub behind: u64,
    /// When the oldest of those was stored.
    pub behind_since: Option<DateTime<Utc>>,
    /// Why it goes on no more in this process.
    pub stopped: Option<String>,
}

#[derive(FromRow)]
struct Standing {
    name: String,
    version: i32,
    position: i64,
    head: i64,
    behind_since: Option<DateTime<Utc>>,
}

impl Projections {
    /// Connects, and makes the tables that are not there yet.
    pub async fn open(store: &Store) -> Result<Self, Failed> {
        let options = store.options().clone();
        let options = options.application_name("uitpas-projections").disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute("set jit = off").await.map(drop) })
            })
            .connect_with(options)
            .await?;
        let known = |projection: &&'static Projection| {
            let position = watch::Sender::new(0);
            (projection.name, Known { position, stopped: Mutex::new(None) })
        };
        let known = ALL.iter().map(known).collect();
        let projections = Self(Arc::new(Inner { store: store.clone(), pool, known }));
        projections.prepare().await?;
        Ok(projections)
    }

    /// For the queries.
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    fn master(&self) -> &MasterKey {
        self.0.store.master_key()
    }

    /// Makes schema and tables on the first start; a view of an older version is rebuilt.
    pub async fn prepare(&self) -> Result<(), Failed> {
        let mut transaction = self.pool().begin().await?;
        sqlx::query("select pg_advisory_xact_lock(hashtextextended('prepare views', 0))")
            .execute(&mut *transaction)
            .await?;
        transaction.execute("create schema if not exists views").await?;
        transaction.execute(include_str!("checkpoints.sql")).await?;
        let versions: Vec<(String, i32)> =
            sqlx::query_as(VERSIONS).fetch_all(&mut *transaction).await?;
        let versions: BTreeMap<String, i32> = versions.into_iter().collect();
        let head: i64 = sqlx::query_scalar(runner::HEAD).fetch_one(&mut *transaction).await?;
        let mut to_rebuild = Vec::new();
        for projection in ALL {
            match versions.get(projection.name) {
                None => {
                    let make = format!(
                        "set local search_path = {LIVE}; {}; {}",
                        projection.schema, projection.indexes
                    );
                    transaction.execute(make.as_str()).await?;
                    sqlx::query(INSERT_CHECKPOINT)
                        .bind(projection.name)
                        .bind(projection.version)
                        .bind(projection.tables())
                        .execute(&mut *transaction)
                        .await?;
                    if head > REBUILD_FROM_EVENTS {
                        to_rebuild.push(projection.name);
                    }
                }
                Some(version) if *version < projection.version => to_rebuild.push(projection.name),
                Some(_) => {}
            }
        }
        transaction.commit().await?;
        for name in to_rebuild {
            match self.rebuild(Some(name), |_| {}).await {
                // Another process that starts now does it.
                Err(Failed::Busy(_)) => {}
                done => done?,
            }
        }
        Ok(())
    }

    /// Keeps the views up to date, until told to stop.
    pub fn start(&self) -> Running {
        Running::start(self.clone())
    }

    /// Takes all views to where the log ends now. Fails if one of them stops on the way.
    pub async fn catch_up(&self) -> Result<(), Failed> {
        let head: i64 = sqlx::query_scalar(runner::HEAD).fetch_one(self.pool()).await?;
        let mut runner = Runner::new(self.clone());
        loop {
            match runner.round().await {
                Ok(Round::Moved) => {}
                Ok(Round::AtEnd | Round::Elsewhere) => {
                    if let Some((name, why)) = runner.stopped().iter().next() {
                        return Err(Failed::Stopped { name, why: why.clone() });
                    }
                    let standings = self.standings().await?;
                    if standings.iter().all(|standing| standing.position >= head) {
                        return Ok(());
                    }
                    sleep(LOOK_EVERY).await;
                }
                Err(failed) => return Err(failed),
            }
        }
    }

    /// Waits until a view has taken in an event; false if that takes too long, or it stopped.
    pub async fn wait_for(
        &self,
        name: &str,
        position: u64,
        patience: Duration,
    ) -> Result<bool, Failed> {
        let projection = find(name)?;
        let known = &self.0.known[projection.name];
        let wanted = position.cast_signed();
        let until = Instant::now() + patience;
        let mut moves = known.position.subscribe();
        loop {
            if *moves.borrow_and_update() >= wanted {
                return Ok(true);
            }
            if Instant::now() >= until || self.stopped(projection.name).is_some() {
                return Ok(false);
            }
            // Another process may be the one that takes it there.
            let wait = LOOK_EVERY.min(until.saturating_duration_since(Instant::now()));
            if timeout(wait, moves.changed()).await.is_err() {
                let there: Option<i64> = sqlx::query_scalar(verify::CHECKPOINT)
                    .bind(projection.name)
                    .fetch_optional(self.pool())
                    .await?;
                self.moved(projection.name, there.unwrap_or_default());
            }
        }
    }

    /// How all views are doing.
    pub async fn status(&self) -> Result<Vec<Status>, Failed> {
        let standings = self.standings().await?;
        let status = standings.into_iter().filter_map(|standing| {
            let projection = find(&standing.name).ok()?;
            let behind = (standing.head - standing.position).max(0);
            metrics::gauge!("uitpas_projection_behind_events", "projection" => projection.name)
                .set(behind as f64);
            Some(Status {
                name: projection.name,
                version: standing.version,
                position: standing.position.cast_unsigned(),
                behind: behind.cast_unsigned(),
                behind_since: standing.behind_since,
                stopped: self.stopped(projection.name),
            })
        });
        Ok(status.collect())
    }

    async fn standings(&self) -> Result<Vec<Standing>, Failed> {
        Ok(sqlx::query_as(STANDINGS).fetch_all(self.pool()).await?)
    }

    fn known_position(&self, name: &'static str) -> i64 {
        *self.0.known[name].position.borrow()
    }

    /// A view stands at this position now, as far as is known. Whoever heard of a later one first
    /// is not taken back.
    fn moved(&self, name: &'static str, position: i64) {
        let is_news = self.0.known[name].position.send_if_modified(|known| {
            let is_news = position > *known;
            *known = position.max(*known);
            is_news
        });
        if is_news {
            metrics::gauge!("uitpas_projection_position", "projection" => name)
                .set(position as f64);
            // It got past what it had stopped at.
            if self.stopped(name).is_some() {
                self.set_stopped(name, None);
            }
        }
    }

    fn stopped(&self, name: &'static str) -> Option<String> {
        self.0.known[name].stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_stopped(&self, name: &'static str, why: Option<String>) {
        let is_stopped = f64::from(u8::from(why.is_some()));
        metrics::gauge!("uitpas_projection_stopped", "projection" => name).set(is_stopped);
        *self.0.known[name].stopped.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

const VERSIONS: &str = "select name, version from views.checkpoints";

const INSERT_CHECKPOINT: &str =
    "insert into views.checkpoints (name, version, position, tables) values ($1, $2, 0, $3)";

const STANDINGS: &str = "
    select c.name, c.version, c.position, h.position as head, e.recorded_at as behind_since
    from log.head h
    cross join views.checkpoints c
    left join log.events e on e.position = c.position + 1
    order by c.name";

/// Every statement of this crate, apart from those made of the tables' columns.
pub fn statements() -> Vec<&'static str> {
    let framework = [
        VERSIONS,
        INSERT_CHECKPOINT,
        STANDINGS,
        reading::PAGE,
        reading::KEYS,
        runner::LOCK,
        runner::MOVE,
        runner::HEAD,
        rebuild::REBUILD_LOCK,
        rebuild::LOCK_ONE,
        rebuild::SET_CHECKPOINT,
        verify::CHECKPOINT,
        verify::REMOVED_AFTER,
        sums::HASH_AT,
    ];
    let queries = ALL.iter().flat_map(|projection| projection.statements.iter().copied());
    framework.into_iter().chain(queries).collect()
}

/// The projection of this name.
fn find(name: &str) -> Result<&'static Projection, Failed> {
    let found = ALL.iter().copied().find(|projection| projection.name == name);
    found.ok_or_else(|| Failed::UnknownProjection(name.to_owned()))
}

/// The projection of this name, or all.
fn chosen(name: Option<&str>) -> Result<Vec<&'static Projection>, Failed> {
    match name {
        Some(name) => Ok(vec![find(name)?]),
        None => Ok(ALL.to_vec()),
    }
}
