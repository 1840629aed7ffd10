//! The ledger under load, on real processes and a real server: two processes at once, and each of
//! its parts killed. However that goes, the log is what was acknowledged, once, and the views are
//! what the log makes of them.
//!
//! A crash of each kind happens [`rounds`] times: 3, or as often as `UITPAS_CRASH_ROUNDS` says.
#![cfg(target_os = "linux")]

mod clients;
mod killed;
mod notes;
mod processes;
mod proof;
mod rebuilding;
mod region;
mod together;

use tokio::sync::{Mutex, MutexGuard};

/// How often something is killed.
fn rounds() -> usize {
    let chosen = std::env::var("UITPAS_CRASH_ROUNDS");
    chosen.map_or(3, |rounds| rounds.parse().expect("UITPAS_CRASH_ROUNDS is a number"))
}

/// Each of these tests has the machine to itself.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}
