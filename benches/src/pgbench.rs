//! pgbench inserting single rows: what the server does when it is asked for nothing more.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sqlx::{ConnectOptions, Executor};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;
use uitpas_domain::passholder::Event;
use uitpas_store::testing::TestDatabase;

use crate::region::metadata;

/// The server takes 100 connections, and the two stores hold some of them.
const CLIENTS_MAX: usize = 64;

pub struct Pgbench {
    program: PathBuf,
    socket: PathBuf,
    user: String,
    database: String,
    script: NamedTempFile,
}

impl Pgbench {
    /// Inserts this event, again and again, each time in a stream of its own.
    pub async fn new(database: &TestDatabase, event: &Event) -> Self {
        let options = database.app_options();
        let mut db = options.connect().await.expect("a connection");
        db.execute(
            "create schema pgbench;
             create table pgbench.events (
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
        let quoted = |json: String| json.replace('\'', "''");
        let payload = quoted(serde_json::to_string(event).expect("an event is JSON"));
        let metadata = quoted(serde_json::to_string(&metadata()).expect("metadata is JSON"));
        let script = NamedTempFile::new().expect("a file");
        let insert = format!(
            "insert into pgbench.events values ('passholder', gen_random_uuid()::text, 1, \
             'CheckedIn', '1', '{payload}', '{metadata}');\n"
        );
        std::fs::write(script.path(), insert).expect("a file that can be written");
        Self {
            program: program(database),
            socket: options.get_socket().expect("it is on a socket").clone(),
            user: options.get_username().to_owned(),
            database: options.get_database().expect("a database is named").to_owned(),
            script,
        }
    }

    /// Inserts per second of so many clients.
    pub async fn rate(&self, clients: usize, window: Duration) -> f64 {
        let clients = clients.min(CLIENTS_MAX);
        let threads = clients.min(2);
        let mut pgbench = Command::new(&self.program);
        pgbench.arg("--host").arg(&self.socket).args(["--username", &self.user]);
        pgbench.arg("--file").arg(self.script.path()).args(["--no-vacuum", "--protocol=prepared"]);
        pgbench.args([format!("--client={clients}"), format!("--jobs={threads}")]);
        pgbench.arg(format!("--time={}", window.as_secs().max(1))).arg(&self.database);
        let output = spawn_blocking(move || pgbench.output()).await.expect("it does not panic");
        let output = output.expect("pgbench runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        let rate = printed
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok());
        let errors = || String::from_utf8_lossy(&output.stderr).into_owned();
        rate.unwrap_or_else(|| panic!("pgbench says no rate: {printed}{}", errors()))
    }
}

/// The one that belongs to the server, if the server can be seen; else the first in `PATH`.
fn program(database: &TestDatabase) -> PathBuf {
    let server = database.embedded().postmaster();
    let server = server.and_then(|pid| std::fs::read_link(format!("/proc/{pid}/exe")).ok());
    let beside = server.map(|program| program.with_file_name("pgbench"));
    beside.filter(|program| program.is_file()).unwrap_or_else(|| "pgbench".into())
}
