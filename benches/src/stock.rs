//! The stock store: `postgres_cqrs` in event mode, on a table of its own.

use std::collections::HashMap;
use std::sync::Arc;

use postgres_es::{PostgresCqrs, postgres_cqrs};
use sqlx::Executor;
use sqlx::postgres::{PgPool, PgPoolOptions};
use uitpas_domain::passholder::{Command, Passholder};
use uitpas_store::testing::TestDatabase;

use crate::region::{Holder, metadata};

/// As the crate's own `default_postgress_pool` has it; more do not make it faster here.
const CONNECTIONS: u32 = 10;

#[derive(Clone)]
pub struct Stock {
    pub pool: PgPool,
    cqrs: Arc<PostgresCqrs<Passholder>>,
}

impl Stock {
    pub async fn open(database: &TestDatabase) -> Self {
        let options = database.app_options().options([("search_path", "stock")]);
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await;
        let pool = pool.expect("connections");
        // As in the crate's db/init.sql.
        pool.execute(
            "create schema stock;
             create table stock.events (
                 aggregate_type text not null,
                 aggregate_id text not null,
                 sequence bigint check (sequence >= 0) not null,
                 event_type text not null,
                 event_version text not null,
                 payload json not null,
                 metadata json not null,
                 primary key (aggregate_type, aggregate_id, sequence))",
        )
        .await
        .expect("a table");
        let cqrs = Arc::new(postgres_cqrs(pool.clone(), Vec::new(), ()));
        Self { pool, cqrs }
    }

    /// Gives it the passholders' events of our log.
    pub async fn copy_events(&self) {
        self.pool
            .execute(
                "insert into stock.events
                 select aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                     metadata
                 from log.events where aggregate_type = 'passholder' order by position",
            )
            .await
            .expect("events");
        self.pool.execute("analyze stock.events").await.expect("statistics");
    }

    pub async fn execute(&self, holder: Holder, command: Command) {
        let metadata = serde_json::to_value(metadata()).expect("metadata is JSON");
        let metadata: HashMap<String, String> =
            serde_json::from_value(metadata).expect("metadata is all text");
        self.cqrs
            .execute_with_metadata(&holder.id.to_string(), command, metadata)
            .await
            .expect("a command that is carried out");
    }
}
