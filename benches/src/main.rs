//! Our numbers beside those of others.
//!
//! `cargo bench` measures everything, `cargo bench -p uitpas-benches -- append` only what has
//! "append" in its name, `-- --quick` in a few seconds each and less reliably.
//!
//! Each number stands beside its peers, measured in the same run on the same server: a PostgreSQL
//! of our own settings whose commits wait for the disk. One round measures each of them once, the
//! next round again, so that what else the machine is doing falls on all alike; the median of the
//! rounds counts, and the lowest and the highest are shown. The peers:
//!
//! - `stock`: `postgres_cqrs` of the published postgres-es in event mode, with the same aggregate,
//!   the same commands and as many tasks, on a table of its own, with a pool of 10 connections as
//!   it makes itself (32 are no faster). It has no order over streams, no chain, no command ids.
//! - `pgbench`: single-row inserts of the same event into a table as stock has it, by prepared
//!   statements, a client per task up to 64: the server takes 100 connections.
//! - `replay`: `QueryReplay` of the stock crates, of the same events in the stock table, into the
//!   same rows as ours, in memory only.
//! - `copy`: `COPY log.events TO STDOUT`, thrown away: as fast as the log leaves the server.
//! - `one process`, `in process`: the same of ours without what is measured.
//!
//! The results are merged by name into `bench/summary.json` in the target directory. `ratio` is
//! how many times better we are: ours over the peer's, for times the reverse.

mod append;
mod child;
mod clients;
mod cold;
mod hot;
mod http;
mod lag;
mod million;
mod pgbench;
mod processes;
mod region;
mod seed;
mod session;
mod stock;
mod summary;

use std::path::PathBuf;

use clap::Parser;

use session::Session;

/// As in `uitpas`; our peers have it too.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures the ledger beside its peers")]
struct Arguments {
    /// Only what has one of these in its name.
    filters: Vec<String>,
    /// Fewer and shorter rounds.
    #[arg(long)]
    quick: bool,
    /// How many million events are read, verified and rebuilt. More than one: in one round, and
    /// without QueryReplay, which keeps all of it in memory.
    #[arg(long, value_name = "N", default_value_t = 1)]
    millions: u64,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
    /// Where the server is that a process of its own works on, and what it does there.
    #[arg(long, hide = true, requires = "task")]
    socket: Option<PathBuf>,
    #[arg(long, hide = true, requires = "socket")]
    task: Option<String>,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    if let (Some(socket), Some(task)) = (arguments.socket, arguments.task) {
        return child::run(&socket, &task).await;
    }
    let mut session = Session::new(arguments.filters, arguments.quick, arguments.millions);
    append::measure(&mut session).await;
    processes::measure(&mut session).await;
    cold::measure(&mut session).await;
    hot::measure(&mut session).await;
    million::measure(&mut session).await;
    http::measure(&mut session).await;
    lag::measure(&mut session).await;
    session.finish();
}
