//! This program once more, as a process of its own: it says when it is ready, waits for the word,
//! and prints its result.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Stdin, stdin};
use tokio::process::{self, ChildStdin, ChildStdout, Command};
use uitpas_store::Store;
use uitpas_store::embedded::{APP, DATABASE};
use uitpas_store::sealing::MasterKey;
use uitpas_store::testing::TestDatabase;

use crate::{million, processes};

/// What such a process does.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Task {
    /// Check-ins on some streams.
    Append { first: u64, window_ms: u64 },
    /// A rebuild of the view of the settlement, or of all.
    Rebuild { all: bool },
}

/// Does it, on the server at this socket.
pub async fn run(socket: &Path, task: &str) {
    match serde_json::from_str(task).expect("a task") {
        Task::Append { first, window_ms } => {
            let window = Duration::from_millis(window_ms);
            print(&processes::work(socket, first, window, ready_and_go).await);
        }
        Task::Rebuild { all } => print(&million::rebuild(socket, all, ready_and_go).await),
    }
}

async fn ready_and_go() {
    println!("ready");
    let mut go = [0];
    let mut input: Stdin = stdin();
    input.read_exact(&mut go).await.expect("the parent says go");
}

fn print(result: &impl Serialize) {
    println!("{}", serde_json::to_string(result).expect("a result is JSON"));
}

pub async fn store_at(socket: &Path) -> Store {
    let options = PgConnectOptions::new_without_pgpass().socket(socket).username(APP);
    let store = Store::open(options.database(DATABASE), MasterKey::generate()).await;
    store.expect("a store")
}

pub struct Child {
    process: process::Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Child {
    pub fn start(database: &TestDatabase, task: Task) -> Self {
        let options = database.app_options();
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .arg("--socket")
            .arg(options.get_socket().expect("it is on a socket"))
            .arg("--task")
            .arg(serde_json::to_string(&task).expect("a task is JSON"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("this program runs");
        let input = process.stdin.take().expect("it is piped");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, input, output }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).await.expect("the process says something");
        line
    }

    pub async fn is_ready(&mut self) {
        assert_eq!(self.line().await, "ready\n");
    }

    pub async fn go(&mut self) {
        self.input.write_all(b"\n").await.expect("the process listens");
        self.input.flush().await.expect("the process listens");
    }

    pub async fn result<T: DeserializeOwned>(mut self) -> T {
        let line = self.line().await;
        assert!(self.process.wait().await.expect("it ends").success());
        serde_json::from_str(&line).expect("a result")
    }
}
