//! The log on PostgreSQL: appending, loading, following and verifying; the keys of personal data;
//! and the embedded server.
//!
//! - [`Store::execute`] carries out a command: [`Work`] loads streams, records events, guards,
//!   claims and keys, and all of it is appended together, once per command id.
//! - [`Store::preview`] asks what a command would answer.
//! - [`Store::feed`] and [`Store::replay`] read the log in its one order.
//! - [`Store::verify_chain`] proves that nothing in it was altered.
//! - [`fill`] writes a whole log at once.
//! - [`cqrs`] lets `CqrsFramework` run on the same log.

mod chain;
mod copy;
pub mod cqrs;
pub mod embedded;
mod failure;
mod feed;
mod files;
pub mod fill;
mod history;
mod locks;
pub mod sealing;
mod states;
mod store;
mod stream;
pub mod testing;
mod under_way;
mod unit;
mod verify;
mod work;
mod writer;

pub use chain::{Chain, Hash, digest};
pub use failure::{Failed, Unsuccessful};
pub use feed::{Raw, Replay};
pub use files::NoteFiles;
pub use store::{Head, Store};
pub use stream::{Loaded, StreamKey};
pub use verify::{Breach, Broken, Verified};
pub use work::{Command, Executed, Work};

/// Where each append is announced, with the new position. Only a hint: whoever waits polls as well.
pub const CHANNEL: &str = "uitpas_log";
