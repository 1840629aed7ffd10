//! `MemStore` checks no sequence.
//!
//! Two tasks that load the same state both commit, and the stream has two events of one sequence:
//! the second decided on what was no longer so. A test on it passes that would fail in production,
//! such as one that gives away the last unit of a reward twice. Our tests run on PostgreSQL.

use cqrs_es::mem_store::MemStore;
use cqrs_es::{AggregateError, EventStore};

use crate::both::{Both, Purse, second_of_two};

async fn sequences<S: EventStore<Purse>>(store: &S) -> Vec<usize> {
    let events = store.load_events("both").await.expect("events");
    events.iter().map(|event| event.sequence).collect()
}

#[tokio::test]
async fn stock_memory_lets_two_write_one_sequence() {
    let memory = MemStore::<Purse>::default();
    assert!(second_of_two(&memory).await.is_ok());
    assert_eq!(sequences(&memory).await, [1, 1]);

    let both = Both::new().await;
    assert!(matches!(second_of_two(&both.ours).await, Err(AggregateError::AggregateConflict)));
    assert_eq!(sequences(&both.ours).await, [1]);
}
