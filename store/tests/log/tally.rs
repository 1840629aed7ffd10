//! The aggregate of these tests: a number that stays between zero and ten thousand.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnection;
use uitpas_domain::aggregate;
use uitpas_domain::ids::CommandId;
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_store::sealing::MasterKey;
use uitpas_store::testing::TestDatabase;
use uitpas_store::{Command, Executed, Store, Unsuccessful};
use uuid::Uuid;

pub const TOP: i64 = 10_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum Event {
    Added { amount: i64, note: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the tally stays between zero and its top")]
    OutOfRange,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    pub total: i64,
}

impl Tally {
    pub fn decide(&self, amount: i64) -> Result<Vec<Event>, Refused> {
        match self.total + amount {
            0..=TOP => Ok(vec![added(amount)]),
            _ => Err(Refused::OutOfRange),
        }
    }

    pub fn evolve(&mut self, event: Event) {
        let Event::Added { amount, .. } = event;
        self.total += amount;
    }
}

aggregate!(Tally, "tally", String, i64, Event, Refused);

pub fn added(amount: i64) -> Event {
    Event::Added { amount, note: String::new() }
}

pub type Outcome = Result<Executed<i64>, Unsuccessful<Refused>>;

pub async fn database() -> TestDatabase {
    TestDatabase::new().await
}

/// Another process, as far as the database can tell.
pub async fn process(database: &TestDatabase) -> Store {
    Store::open(database.app_options(), MasterKey::generate()).await.expect("a store")
}

pub async fn superuser(database: &TestDatabase) -> PgConnection {
    database.superuser_options().connect().await.expect("a connection")
}

pub fn command() -> Command {
    command_with(Uuid::new_v4(), 0)
}

pub fn command_with(id: Uuid, request: u8) -> Command {
    let id = CommandId(id);
    let metadata = Metadata {
        actor: "tester".parse().expect("an id"),
        role: Role::System,
        counter: None,
        channel: Channel::BackOffice,
        command_id: id,
        correlation_id: id,
    };
    Command { id, request: [request; 32], metadata }
}

/// Adds to a tally, by a command of its own.
pub async fn add(store: &Store, id: &str, amount: i64) -> Outcome {
    execute(store, command(), id, amount).await
}

pub async fn execute(store: &Store, command: Command, id: &str, amount: i64) -> Outcome {
    let id = id.to_owned();
    store
        .execute(command, |work| {
            let id = id.clone();
            async move {
                work.lock(&[uitpas_store::StreamKey::of::<Tally>(&id)]).await?;
                let tally = work.load::<Tally>(&id).await?;
                let events = tally.state.decide(amount)?;
                Ok(work.record::<Tally>(&id, events)?.state.total)
            }
        })
        .await
}

pub async fn total(store: &Store, id: &str) -> i64 {
    store.load::<Tally>(&id.to_owned()).await.expect("a tally").state.total
}

pub async fn position(store: &Store) -> u64 {
    store.head().await.expect("a head").position
}

pub async fn is_whole(store: &Store) -> bool {
    store.verify_chain(|_, _| {}).await.expect("a readable log").is_ok()
}

/// Waits for something that is bound to come.
pub async fn until(mut is_true: impl AsyncFnMut() -> bool) {
    while !is_true().await {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// How many connections of stores wait for the lock on the head.
pub async fn waiting(observer: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_stat_activity
         where datname = current_database() and application_name = 'uitpas-store'
             and wait_event_type = 'Lock'",
    )
    .fetch_one(observer)
    .await
    .expect("a number")
}
