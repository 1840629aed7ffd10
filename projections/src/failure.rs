//! Why a projection does not go on. Never with anything personal in it.

use crate::table::NoRow;

#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// The same events give the same fault again.
    #[error("event {position}: {why}")]
    Fault { position: i64, why: Fault },
    #[error("no projection is called {0:?}")]
    UnknownProjection(String),
    #[error("{name} is of version {found} in the database, this program knows version {known}")]
    NewerVersion { name: &'static str, found: i32, known: i32 },
    #[error("{name} stands at {position}, beyond the end of the log at {head}")]
    BeyondTheLog { name: &'static str, position: i64, head: i64 },
    #[error("{name} has no tables yet")]
    NotPrepared { name: &'static str },
    #[error("{0} is being rebuilt or verified already")]
    Busy(&'static str),
    #[error("{name} stopped: {why}")]
    Stopped { name: &'static str, why: String },
    #[error("a task ended before its work was done")]
    TaskEnded,
}

/// What is wrong with an event, or with a view at that event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("is missing in the log")]
    Missing,
    #[error("no version of this program knows {aggregate_type} {event_type} version {version}")]
    UnknownType { aggregate_type: String, event_type: String, version: String },
    #[error("{event_type} cannot be read: {why}")]
    Unreadable { event_type: &'static str, why: String },
    #[error("{event_type} has personal details that do not open: {why}")]
    Unsealable { event_type: &'static str, why: String },
    #[error("touches a row of {0} that is not there")]
    NoRow(&'static str),
    #[error("the database sent what is no entry")]
    Garbled,
}

impl From<NoRow> for Fault {
    fn from(NoRow(table): NoRow) -> Self {
        Fault::NoRow(table)
    }
}

impl Failed {
    /// Whether trying the same again may help: connections, deadlocks, time-outs and the like.
    pub fn is_passing(&self) -> bool {
        match self {
            Failed::Database(error) => is_passing(error),
            _ => false,
        }
    }

    /// Whether a lock was not to be had in time.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        match self {
            Failed::Database(sqlx::Error::Database(error)) => {
                error.code().as_deref() == Some("55P03")
            }
            _ => false,
        }
    }
}

fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        // Connection (08), rollback by deadlock or the like (40), no room or memory (53), lock not
        // available (55P03), stopped by an operator (57), system error (58), a plan of before a
        // swap of tables (0A000).
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            ["08", "40", "53", "55P03", "57", "58", "0A000"].iter().any(|c| code.starts_with(c))
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}
