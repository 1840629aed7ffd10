//! Writes that are neither done nor undone.
//!
//! A transaction of the stock crate holds the events of one aggregate. What touches two (a ticket for
//! two passholders, the last unit of a reward and the points that pay for it) can be half done when
//! the second one is refused or the process ends. And with snapshots it commits the events, sees
//! only then that somebody else has moved the snapshot, and reports a conflict: whoever does what
//! one does after a conflict, trying again, does it twice. Where the first two commits of an aggregate
//! meet, it gets two snapshots, and each command from then on is a conflict.
//!
//! Ours appends a unit over any number of streams wholly or not at all, and what it reports is so.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{AggregateError, EventStore};
use futures::future::join_all;
use uitpas_domain::ids::CommandId;
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_store::Command;
use uuid::Uuid;

use crate::both::{Both, Committed, Purse, Stock, commit, earned, points, process};

fn is_conflict(committed: &Committed) -> bool {
    matches!(committed, Err(AggregateError::AggregateConflict))
}

async fn earn<S: EventStore<Purse>>(store: &S, id: &str) -> Committed {
    let context = store.load_aggregate(id).await.expect("a state");
    commit(store, context, 1).await
}

/// In a purse that is not empty, each of eight earns a point 25 times, and tries again after a
/// conflict. How many commands were acknowledged.
async fn earn_by_eight<S: EventStore<Purse>>(store: &S, id: &str) -> usize {
    earn(store, id).await.expect("nothing in its way");
    let tasks = (0..8).map(|_| async {
        for _ in 0..25 {
            loop {
                match earn(store, id).await {
                    Ok(_) => break,
                    Err(AggregateError::AggregateConflict) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
        25
    });
    1 + join_all(tasks).await.into_iter().sum::<usize>()
}

async fn events_of<S: EventStore<Purse>>(store: &S, id: &str) -> usize {
    store.load_events(id).await.expect("events").len()
}

fn command() -> Command {
    let id = CommandId(Uuid::new_v4());
    let metadata = Metadata {
        actor: "tester".parse().expect("an id"),
        role: Role::System,
        counter: None,
        channel: Channel::BackOffice,
        command_id: id,
        correlation_id: id,
    };
    Command { id, request: [0; 32], metadata }
}

/// Five points go from one purse to another, into which somebody else puts a point meanwhile.
#[tokio::test]
async fn stock_leaves_half_of_what_touches_two_aggregates() {
    let both = Both::new().await;
    let stock: Stock<Purse> = both.stock();
    let from = stock.load_aggregate("from").await.expect("a state");
    let to = stock.load_aggregate("to").await.expect("a state");
    earn(&stock, "to").await.expect("nothing in its way");
    commit(&stock, from, -5).await.expect("nothing in its way");
    assert!(is_conflict(&commit(&stock, to, 5).await));
    assert_eq!((points(&stock, "from").await, points(&stock, "to").await), (-5, 1));

    let (ours, other) = (&both.ours, process(&both.database).await);
    let is_first = AtomicBool::new(true);
    let executed = ours.execute::<_, std::convert::Infallible, _, _>(command(), |work| {
        let (other, is_first) = (&other, &is_first);
        async move {
            let (from, to) = ("from".to_owned(), "to".to_owned());
            work.load::<Purse>(&from).await?;
            work.load::<Purse>(&to).await?;
            if is_first.swap(false, SeqCst) {
                earn(other, "to").await.expect("nothing in its way");
            } else {
                assert_eq!((points(other, "from").await, points(other, "to").await), (0, 1));
            }
            work.record::<Purse>(&from, vec![earned(-5)])?;
            work.record::<Purse>(&to, vec![earned(5)])?;
            Ok(())
        }
    });
    executed.await.expect("success");
    assert_eq!((points(ours, "from").await, points(ours, "to").await), (-5, 6));
}

#[tokio::test]
async fn stock_reports_a_conflict_after_it_has_committed() {
    let both = Both::new().await;
    let stock: Stock<Purse> = PersistedEventStore::new_snapshot_store(both.repository(), 1);
    let written = async || -> i64 {
        let count = sqlx::query_scalar("select count(*) from events").fetch_one(&both.pool);
        count.await.expect("a number")
    };
    earn(&stock, "a").await.expect("nothing in its way");
    // A purse is loaded in two statements, and here somebody else comes in between them: the
    // snapshot is that of before, the sequence that of after.
    let before = stock.load_aggregate("a").await.expect("a state");
    earn(&stock, "a").await.expect("nothing in its way");
    let mut context = stock.load_aggregate("a").await.expect("a state");
    context.current_snapshot = before.current_snapshot;
    assert_eq!(written().await, 2);
    assert!(is_conflict(&commit(&stock, context, 1).await));
    assert_eq!(written().await, 3, "it is there all the same");

    // Nobody has to look for that moment: eight who try again after each conflict find it.
    let (mut rounds, mut doubled) = (0..5, 0);
    while doubled == 0 {
        let round = rounds.next().expect("a command that was carried out twice");
        let acknowledged = earn_by_eight(&stock, &format!("all {round}")).await;
        let written = events_of(&stock, &format!("all {round}")).await;
        println!("stock: {acknowledged} commands acknowledged, {written} events");
        doubled = written - acknowledged;
    }

    let ours = &both.ours;
    let acknowledged = earn_by_eight(ours, "all").await;
    assert_eq!(events_of(ours, "all").await, acknowledged);
    let position = async || ours.head().await.expect("a head").position;
    let before = position().await;
    let context = ours.load_aggregate("a").await.expect("a state");
    earn(&process(&both.database).await, "a").await.expect("nothing in its way");
    assert!(is_conflict(&commit(ours, context, 1).await));
    assert_eq!(position().await, before + 1, "only what the other one wrote");
}

#[tokio::test]
async fn stock_closes_an_aggregate_with_two_snapshots_for_ever() {
    let both = Both::new().await;
    let stock: Stock<Purse> = PersistedEventStore::new_snapshot_store(both.repository(), 1);
    // Somebody else makes the first snapshot while this one loads.
    earn(&stock, "a").await.expect("nothing in its way");
    let mut context = stock.load_aggregate("a").await.expect("a state");
    context.current_snapshot = None;
    commit(&stock, context, 1).await.expect("a second first snapshot");
    for _ in 0..10 {
        assert!(is_conflict(&earn(&stock, "a").await), "though nobody else is there");
    }

    let ours = &both.ours;
    let context = ours.load_aggregate("a").await.expect("a state");
    earn(ours, "a").await.expect("nothing in its way");
    assert!(is_conflict(&commit(ours, context, 1).await));
    earn(ours, "a").await.expect("nothing in its way");
}
