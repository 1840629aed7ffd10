//! Snapshots count events twice.
//!
//! `EventSink::write` applies each event to the aggregate while the command is handled. When a
//! snapshot is due, `PersistedEventStore::commit` applies the same events again to that aggregate
//! and stores the outcome. A snapshot every 5 events is wrong by the last event before each of them;
//! in aggregate mode, where every commit makes a snapshot, everything counts double. The events
//! stay right, so nothing shows until somebody adds them up. A balance of points is money here.
//!
//! Ours keeps states in memory only, made by one fold of what was committed.

use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{CqrsFramework, EventStore};

use crate::both::{Both, Purse, earned, points, process};

/// What is in a purse after earning one point 20 times.
async fn points_of_20<S: EventStore<Purse>>(id: &str, open: impl Fn() -> S) -> i64 {
    let framework = CqrsFramework::new(open(), vec![], ());
    for _ in 0..20 {
        framework.execute(id, vec![earned(1)]).await.expect("success");
    }
    points(&open(), id).await
}

#[tokio::test]
async fn stock_snapshots_count_events_twice() {
    let both = Both::new().await;
    let stock = || PersistedEventStore::new_event_store(both.repository());
    assert_eq!(points_of_20("by events", stock).await, 20);
    let stock = || PersistedEventStore::new_snapshot_store(both.repository(), 5);
    assert_eq!(points_of_20("by snapshots", stock).await, 24);
    let stock = || PersistedEventStore::new_aggregate_store(both.repository());
    assert_eq!(points_of_20("by aggregates", stock).await, 40);

    assert_eq!(points_of_20("ours", || both.ours.clone()).await, 20);
    assert_eq!(points(&process(&both.database).await, "ours").await, 20, "from the log alone");
}
