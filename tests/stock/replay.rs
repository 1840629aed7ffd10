//! Replaying has no order between aggregates, and ends early without a word.
//!
//! `stream_all_events` orders by the sequence within each aggregate, for there is nothing else to
//! order by: all first events, then all second ones. A view that depends on what came first (who got
//! the last unit, which key was in force) is rebuilt into something that never was. And the task that
//! reads the rows panics when its connection breaks; whoever replays sees the end of the stream,
//! and `replay_all` says `Ok(())` over a part of the history.
//!
//! Ours has one position over the whole log, the order of commits, and a replay knows where it must
//! end: it either gets there or fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;
use cqrs_es::persist::{PersistedEventRepository, QueryReplay};
use cqrs_es::{CqrsFramework, EventEnvelope, EventStore, Query};

use crate::both::{Both, Event, Purse, earned};

const EVENTS: usize = 1_000;

/// Together the events are far more than what fits between a server and its reader.
const NOTE_BYTES: usize = 10_000;

async fn tell<S: EventStore<Purse>>(store: S, story: impl IntoIterator<Item = (&str, Event)>) {
    let framework = CqrsFramework::new(store, vec![], ());
    for (id, event) in story {
        framework.execute(id, vec![event]).await.expect("success");
    }
}

#[tokio::test]
async fn stock_replay_has_no_order_between_aggregates() {
    let both = Both::new().await;
    let story = || ["a", "a", "b"].map(|id| (id, earned(1)));

    tell(both.stock(), story()).await;
    let repository = both.repository();
    let mut stream = repository.stream_all_events::<Purse>().await.expect("a stream");
    let mut replayed = Vec::new();
    while let Some(event) = stream.next::<Purse>(&[]).await {
        let event = event.expect("an event");
        replayed.push((event.aggregate_id, event.sequence as u64));
    }
    // Which of the two first events comes first is left to the database.
    replayed[..2].sort();
    let in_order = |story: [(&str, u64); 3]| story.map(|(id, sequence)| (id.to_owned(), sequence));
    assert_eq!(replayed, in_order([("a", 1), ("b", 1), ("a", 2)]));

    tell(both.ours.clone(), story()).await;
    let mut replay = both.ours.replay(0).await.expect("a replay");
    let replayed = replay.next().await.expect("no error").expect("entries");
    assert_eq!(replayed, both.ours.feed(0, 10).await.expect("a page"));
    let replayed = replayed.into_iter().map(|entry| (entry.aggregate_id, entry.sequence));
    assert_eq!(replayed.collect::<Vec<_>>(), in_order([("a", 1), ("a", 2), ("b", 1)]));
}

/// Counts events; at the first one the connection of the replay is lost.
#[derive(Clone)]
struct CutOff {
    both: Arc<Both>,
    seen: Arc<AtomicUsize>,
}

#[async_trait]
impl Query<Purse> for CutOff {
    async fn dispatch(&self, _: &str, events: &[EventEnvelope<Purse>]) {
        if self.seen.fetch_add(events.len(), SeqCst) == 0 {
            assert_eq!(self.both.cut("stock", "from events").await, 1);
        }
    }
}

#[tokio::test]
async fn stock_replay_says_ok_over_a_part_of_the_history() {
    let both = Arc::new(Both::new().await);
    let events = || vec![Event::Earned { points: 1, note: "n".repeat(NOTE_BYTES) }; EVENTS];

    let framework = CqrsFramework::new(both.stock::<Purse>(), vec![], ());
    framework.execute("a", events()).await.expect("success");
    let query = CutOff { both: both.clone(), seen: Arc::default() };
    let replayed = QueryReplay::new(both.repository(), query.clone()).replay_all().await;
    assert!(replayed.is_ok());
    let seen = query.seen.load(SeqCst);
    println!("stock: Ok(()) after {seen} of {EVENTS} events");
    assert!(seen < EVENTS);

    let ours = &both.ours;
    let framework = CqrsFramework::<Purse, _>::new(ours.clone(), vec![], ());
    framework.execute("a", events()).await.expect("success");
    let mut replay = ours.replay(0).await.expect("a replay");
    assert_eq!(replay.end(), EVENTS as u64);
    let mut seen = replay.next().await.expect("no error").expect("entries").len();
    assert_eq!(both.cut("uitpas-store", "copy (").await, 1);
    let outcome = loop {
        match replay.next().await {
            Ok(Some(batch)) => seen += batch.len(),
            outcome => break outcome,
        }
    };
    println!("ours: an error after {seen} of {EVENTS} events");
    assert!(outcome.is_err());
    assert!(seen < EVENTS);
}
