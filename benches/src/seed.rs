//! Filling the log faster than commands can, as somebody of the staff.

use chrono::Utc;
use uitpas_domain::metadata::Metadata;
use uitpas_domain::root::Root;
use uitpas_store::fill::Filling;
use uitpas_store::testing::TestDatabase;

use crate::region::metadata;

/// Nobody else may append while this lives.
pub struct Seed {
    filling: Filling,
    metadata: Metadata,
}

impl Seed {
    pub async fn begin(database: &TestDatabase) -> Self {
        let filling = Filling::begin(database.owner_options()).await.expect("a log");
        Self { filling, metadata: metadata() }
    }

    /// The events are the first ones of their stream.
    pub async fn stream<A: Root>(&mut self, id: &A::Id, events: &[A::Event]) {
        for (sequence, event) in (1..).zip(events) {
            self.event::<A>(id, sequence, event).await;
        }
    }

    pub async fn event<A: Root>(&mut self, id: &A::Id, sequence: u64, event: &A::Event) {
        self.metadata.command_id.0 = uuid::Uuid::now_v7();
        let written = self.filling.event::<A>(id, sequence, event, &self.metadata, Utc::now());
        written.await.expect("an event");
    }

    /// Sends the rest.
    pub async fn end(self) {
        self.filling.end().await.expect("the rest is sent");
    }
}
