//! What comes instead of an answer: accidents, and the ways in which a command does not succeed.

use std::error::Error;
use std::fmt;

use sqlx::error::DatabaseError;

type Cause = Box<dyn Error + Send + Sync>;

/// An accident: the database cannot be reached, or what it holds is not as it must be.
///
/// It is no `std::error::Error` itself, so that `?` in a unit of work can tell it from a refusal.
/// It turns into a boxed error wherever one is wanted.
pub struct Failed {
    cause: Cause,
    is_unavailable: bool,
}

impl Failed {
    pub fn new(cause: impl Into<Cause>) -> Self {
        Self { cause: cause.into(), is_unavailable: false }
    }

    /// The database could not be reached; the same request may succeed in a moment.
    pub(crate) fn unavailable(cause: impl Into<Cause>) -> Self {
        Self { cause: cause.into(), is_unavailable: true }
    }

    pub fn is_unavailable(&self) -> bool {
        self.is_unavailable
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.cause, f)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.cause, f)
    }
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        if is_loss(&error) { Self::unavailable(error) } else { Self::new(error) }
    }
}

impl From<Failed> for Cause {
    fn from(failed: Failed) -> Self {
        failed.cause
    }
}

/// Why a unit of work has no answer.
#[derive(Debug)]
pub enum Unsuccessful<E> {
    /// The rules say no.
    Refused(E),
    /// This command id was used for another request.
    OtherRequest,
    /// This command is being carried out at this moment.
    UnderWay,
    /// Others were faster each time; trying again later is safe.
    Busy,
    /// The database did not answer in time. Whether the command was carried out is not known; the
    /// same command id tells.
    Unavailable,
    /// Somebody else holds what was claimed, of this kind.
    ClaimTaken(&'static str),
    Failed(Cause),
}

impl<E> From<Failed> for Unsuccessful<E> {
    fn from(failed: Failed) -> Self {
        match failed.is_unavailable {
            true => Self::Unavailable,
            false => Self::Failed(failed.cause),
        }
    }
}

/// A refusal of the domain, by `?`.
impl<E, Refusal> From<Refusal> for Unsuccessful<E>
where
    Refusal: Error,
    E: From<Refusal>,
{
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

/// Whether the error says something about the connection or the server, and nothing about what was
/// asked: then the same question may be put again, and the outcome of a write is not known.
pub(crate) fn is_loss(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => is_loss_code(error.as_ref()),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// Connection (08), read-only server after a fail-over (25006), rollback by deadlock or the like (40),
/// no room or memory (53), lock not available (55P03), stopped by an operator (57), system error (58).
fn is_loss_code(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    ["08", "25006", "40", "53", "55P03", "57", "58"].iter().any(|loss| code.starts_with(loss))
}
