//! Views lose updates.
//!
//! The framework dispatches events to its queries after they are committed, outside of that
//! transaction, and `GenericQuery` gives its errors to nobody. Of two dispatches that load the same
//! version of a view one is refused, and its events are not in the view, then or ever; so it is when
//! the process or the database goes down in between. The command was acknowledged all the same. An
//! overview of what was sold or taken is too low, by more the busier it is.
//!
//! Ours are folded from the log, with their position in it kept in the same transaction: each event
//! counts once, sooner or later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;
use chrono::DateTime;
use cqrs_es::persist::GenericQuery;
use cqrs_es::{CqrsFramework, EventEnvelope, EventStore, Query, View};
use futures::future::join_all;
use postgres_es::PostgresViewRepository;
use serde::{Deserialize, Serialize};
use sqlx::Executor;
use uitpas_domain::ids::{RedemptionId, RewardId};
use uitpas_domain::reward::{Command, Event, Reward};
use uitpas_projections::{Failed, Projections};
use uuid::Uuid;

use crate::both::{Both, Stock};
use crate::contract::definition;

const TASKS: u128 = 16;
const COMMANDS_PER_TASK: u128 = 50;
const COMMANDS: i64 = (TASKS * COMMANDS_PER_TASK) as i64;

/// How many units were taken, of all rewards together.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Units {
    taken: i64,
}

impl View<Reward> for Units {
    fn update(&mut self, event: &EventEnvelope<Reward>) {
        if matches!(event.payload, Event::UnitTaken { .. }) {
            self.taken += 1;
        }
    }
}

type UnitsQuery = GenericQuery<PostgresViewRepository<Units, Reward>, Units, Reward>;

/// One view over all aggregates, as an overview is made with the stock crate.
#[derive(Clone)]
struct Overview(Arc<UnitsQuery>);

#[async_trait]
impl Query<Reward> for Overview {
    async fn dispatch(&self, _: &str, events: &[EventEnvelope<Reward>]) {
        self.0.dispatch("all", events).await;
    }
}

impl Overview {
    /// With the number of errors that nobody would have heard of.
    fn new(both: &Both) -> (Self, Arc<AtomicUsize>) {
        let repository = PostgresViewRepository::new("units_view", both.pool.clone());
        let mut query = UnitsQuery::new(Arc::new(repository));
        let errors = Arc::new(AtomicUsize::new(0));
        let count = errors.clone();
        query.use_error_handler(Box::new(move |_| {
            count.fetch_add(1, SeqCst);
        }));
        (Self(Arc::new(query)), errors)
    }

    async fn taken(&self) -> i64 {
        self.0.load("all").await.expect("a view").taken
    }
}

fn at(second: u128) -> chrono::DateTime<chrono::Utc> {
    DateTime::from_timestamp(1_780_000_000 + second as i64, 0).expect("an instant")
}

fn reward(number: u128) -> String {
    RewardId(Uuid::from_u128(number)).to_string()
}

async fn create<S: EventStore<Reward>>(framework: &CqrsFramework<Reward, S>, number: u128) {
    let definition = Box::new(definition(1_000));
    let command = Command::Create { definition, at: at(0) };
    framework.execute(&reward(number), command).await.expect("success");
}

async fn take<S: EventStore<Reward>>(framework: &CqrsFramework<Reward, S>, number: u128, n: u128) {
    let redemption = RedemptionId(Uuid::from_u128(n));
    let command = Command::TakeUnit { redemption, at: at(n) };
    framework.execute(&reward(number), command).await.expect("success");
}

/// 800 commands by 16 tasks, each on a reward of its own: none is in the way of another, and all of
/// them are acknowledged.
async fn take_all<S>(framework: CqrsFramework<Reward, S>)
where
    S: EventStore<Reward> + Send + Sync + 'static,
    S::AC: Send,
{
    let framework = Arc::new(framework);
    let tasks = (1..=TASKS).map(|number| {
        let framework = framework.clone();
        tokio::spawn(async move {
            create(&framework, number).await;
            for n in 0..COMMANDS_PER_TASK {
                take(&framework, number, n).await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.expect("every command is acknowledged");
    }
}

async fn taken_by_ours(projections: &Projections) -> i64 {
    sqlx::query_scalar("select sum(units_taken)::bigint from views.rewards")
        .fetch_one(projections.pool())
        .await
        .expect("a view")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_views_lose_updates_under_load() {
    // Chance could let every update through; hardly once, and not five times.
    let mut rounds = 0..5;
    loop {
        rounds.next().expect("a view that lost an update");
        let both = Both::new().await;
        let (overview, errors) = Overview::new(&both);
        let stock: Stock<Reward> = both.stock();
        take_all(CqrsFramework::new(stock, vec![Box::new(overview.clone())], ())).await;
        let events: i64 =
            sqlx::query_scalar("select count(*) from events where event_type = 'UnitTaken'")
                .fetch_one(&both.pool)
                .await
                .expect("a number");
        assert_eq!(events, COMMANDS, "they are all in the log");
        let (taken, errors) = (overview.taken().await, errors.load(SeqCst));
        println!("stock: {taken} of {COMMANDS} in the view, {errors} errors swallowed");
        if taken < COMMANDS {
            assert!(errors > 0);
            break;
        }
    }

    let both = Both::new().await;
    let projections = Projections::open(&both.ours).await.expect("views");
    let running = projections.start();
    take_all(CqrsFramework::new(both.ours.clone(), vec![], ())).await;
    running.stop().await;
    projections.catch_up().await.expect("caught up");
    assert_eq!(taken_by_ours(&projections).await, COMMANDS);
    assert_eq!(projections.verify(None, |_| {}).await.expect("a verification"), []);
}

#[tokio::test]
async fn stock_view_that_fails_once_misses_the_event_for_ever() {
    let both = Both::new().await;
    let (overview, errors) = Overview::new(&both);
    let stock: Stock<Reward> = both.stock();
    let framework = CqrsFramework::new(stock, vec![Box::new(overview.clone())], ());
    create(&framework, 1).await;
    both.pool.execute("alter table units_view rename to away").await.expect("a table");
    take(&framework, 1, 1).await;
    both.pool.execute("alter table away rename to units_view").await.expect("a table");
    take(&framework, 1, 2).await;
    assert_eq!((overview.taken().await, errors.load(SeqCst)), (1, 1));

    let projections = Projections::open(&both.ours).await.expect("views");
    let framework = CqrsFramework::new(both.ours.clone(), vec![], ());
    create(&framework, 1).await;
    projections.catch_up().await.expect("caught up");
    let db = projections.pool();
    db.execute("alter table views.rewards rename to away").await.expect("a table");
    take(&framework, 1, 1).await;
    let stopped = projections.catch_up().await.expect_err("its table is not there");
    assert!(matches!(stopped, Failed::Stopped { name: "rewards", .. }), "{stopped}");
    db.execute("alter table views.away rename to rewards").await.expect("a table");
    take(&framework, 1, 2).await;
    projections.catch_up().await.expect("caught up");
    assert_eq!(taken_by_ours(&projections).await, 2);
}
