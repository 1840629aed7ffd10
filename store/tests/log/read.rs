//! Reading: page by page, all at once, and one stream.

use cqrs_es::Aggregate;
use cqrs_es::persist::{EventUpcaster, SemanticVersionEventUpcaster};
use serde::{Deserialize, Serialize};
use sqlx::Executor;
use uitpas_domain::root::Root;

use crate::tally::{Event, Refused, Tally, add, database, process, superuser};

#[tokio::test]
async fn pages_and_replay_agree() {
    let database = database().await;
    let store = process(&database).await;
    for number in 0..25 {
        add(&store, &format!("{}", number % 3), number).await.expect("success");
    }
    for after in [0, 1, 24, 25, 30] {
        let mut pages = Vec::new();
        loop {
            let page = store.feed(after + pages.len() as u64, 4).await.expect("a page");
            if page.is_empty() {
                break;
            }
            pages.extend(page);
        }
        let mut replay = store.replay(after).await.expect("a replay");
        let mut replayed = Vec::new();
        while let Some(batch) = replay.next().await.expect("a batch") {
            replayed.extend(batch);
        }
        assert_eq!(pages.len(), 25_usize.saturating_sub(after as usize));
        assert_eq!(pages, replayed);
    }
}

#[tokio::test]
async fn an_event_that_nobody_knows_stops_the_reader() {
    let database = database().await;
    let store = process(&database).await;
    add(&store, "a", 1).await.expect("success");
    superuser(&database)
        .await
        .execute(
            "insert into log.events
             select aggregate_type, aggregate_id, 2, 'Doubled', '1', '{\"Doubled\":{\"by\":\"Jan\"}}',
                 metadata, 2, recorded_at, hash
             from log.events",
        )
        .await
        .expect("an event of the future");
    let failed = store.load::<Tally>(&"a".to_owned()).await.expect_err("an unknown event");
    let failed = failed.to_string();
    assert!(failed.starts_with("tally/a sequence 2: Doubled version 1 cannot be read"), "{failed}");
    assert!(!failed.contains("Jan"), "a message holds no contents");
}

/// The same stream in a later version of the code, which counts in cents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct InCents {
    total: i64,
}

impl Aggregate for InCents {
    const TYPE: &'static str = Tally::TYPE;
    type Command = ();
    type Event = Event;
    type Error = Refused;
    type Services = ();

    async fn handle(
        &mut self,
        (): (),
        (): &(),
        _: &cqrs_es::event_sink::EventSink<Self>,
    ) -> Result<(), Refused> {
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        self.evolve(event);
    }
}

impl Root for InCents {
    type Id = String;

    fn decide(&self, (): ()) -> Result<Vec<Event>, Refused> {
        Ok(Vec::new())
    }

    fn evolve(&mut self, event: Event) {
        let Event::Added { amount, .. } = event;
        self.total += amount;
    }

    fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
        let to_cents = |mut payload: serde_json::Value| {
            let amount = &mut payload["Added"]["amount"];
            *amount = (amount.as_i64().expect("a number") * 100).into();
            payload
        };
        vec![Box::new(SemanticVersionEventUpcaster::new("Added", "2", Box::new(to_cents)))]
    }
}

#[tokio::test]
async fn older_events_are_read_in_their_present_shape() {
    let database = database().await;
    add(&process(&database).await, "a", 3).await.expect("success");
    let later = process(&database).await;
    let loaded = later.load::<InCents>(&"a".to_owned()).await.expect("a state");
    assert_eq!((loaded.state.total, loaded.sequence), (300, 1));
}
