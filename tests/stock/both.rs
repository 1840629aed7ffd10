//! The two stores side by side in one database, and the aggregate of the stories: a purse of points.

use std::collections::HashMap;
use std::convert::Infallible;

use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{AggregateContext, AggregateError, EventEnvelope, EventStore};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Executor};
use uitpas_domain::aggregate;
use uitpas_store::Store;
use uitpas_store::sealing::MasterKey;
use uitpas_store::testing::TestDatabase;

/// What the stock crate asks for: one table for the events of all aggregates, one for snapshots,
/// one for each view.
const STOCK_TABLES: &str = "
    create table events (
        aggregate_type text,
        aggregate_id text,
        sequence bigint,
        event_type text not null,
        event_version text not null,
        payload json not null,
        metadata json not null,
        primary key (aggregate_type, aggregate_id, sequence)
    );
    create table snapshots (
        aggregate_type text,
        aggregate_id text,
        last_sequence bigint not null,
        current_snapshot bigint not null,
        payload json not null,
        primary key (aggregate_type, aggregate_id, last_sequence)
    );
    create table units_view (
        view_id text primary key,
        version bigint not null,
        payload json not null
    )";

/// As many as the stock crate opens by default.
const STOCK_CONNECTIONS_MAX: u32 = 10;

pub type Stock<A> = PersistedEventStore<PostgresEventRepository, A>;

pub struct Both {
    pub database: TestDatabase,
    /// The connections of the stock crate.
    pub pool: PgPool,
    pub ours: Store,
}

impl Both {
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let options = database.owner_options().application_name("stock");
        let options = options.disable_statement_logging();
        let pool = PgPoolOptions::new().max_connections(STOCK_CONNECTIONS_MAX);
        let pool = pool.connect_with(options).await.expect("connections");
        pool.execute(STOCK_TABLES).await.expect("tables");
        let ours = process(&database).await;
        Self { database, pool, ours }
    }

    pub fn repository(&self) -> PostgresEventRepository {
        PostgresEventRepository::new(self.pool.clone())
    }

    /// The stock store as it should be used: events only.
    pub fn stock<A: cqrs_es::Aggregate>(&self) -> Stock<A> {
        PersistedEventStore::new_event_store(self.repository())
    }

    /// Ends a connection that is at work, and says how many there were.
    pub async fn cut(&self, application: &str, query: &str) -> i64 {
        let mut superuser: PgConnection =
            self.database.superuser_options().connect().await.expect("a connection");
        sqlx::query_scalar(
            "select count(*) filter (where pg_terminate_backend(pid, 30000))
             from pg_stat_activity
             where datname = current_database() and application_name = $1 and state = 'active'
                 and query ilike '%' || $2 || '%'",
        )
        .bind(application)
        .bind(query)
        .fetch_one(&mut superuser)
        .await
        .expect("a superuser")
    }
}

/// Our store as a process opens it: nothing in its cache.
pub async fn process(database: &TestDatabase) -> Store {
    Store::open(database.app_options(), MasterKey::generate()).await.expect("a store")
}

/// Points are earned, or given away (fewer than none).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Earned { points: i64, note: String },
}

impl From<&Event> for &'static str {
    fn from(event: &Event) -> Self {
        match event {
            Event::Earned { .. } => "Earned",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Purse {
    pub points: i64,
}

// It is told what happens to it.
aggregate!(Purse, "purse", String, Vec<Event>, Event, Infallible);

impl Purse {
    fn decide(&self, events: Vec<Event>) -> Result<Vec<Event>, Infallible> {
        Ok(events)
    }

    fn evolve(&mut self, event: Event) {
        let Event::Earned { points, .. } = event;
        self.points += points;
    }
}

pub fn earned(points: i64) -> Event {
    Event::Earned { points, note: String::new() }
}

pub async fn points<S: EventStore<Purse>>(store: &S, id: &str) -> i64 {
    store.load_aggregate(id).await.expect("a state").aggregate().points
}

pub type Committed = Result<Vec<EventEnvelope<Purse>>, AggregateError<Infallible>>;

pub async fn commit<S: EventStore<Purse>>(store: &S, context: S::AC, points: i64) -> Committed {
    store.commit(vec![earned(points)], context, HashMap::new()).await
}

/// Two load the same purse, and both earn a point in it. What the second one is told.
pub async fn second_of_two<S: EventStore<Purse>>(store: &S) -> Committed {
    let first = store.load_aggregate("both").await.expect("a state");
    let second = store.load_aggregate("both").await.expect("a state");
    commit(store, first, 1).await.expect("nothing in its way");
    commit(store, second, 1).await
}
