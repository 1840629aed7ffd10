//! Proving that every event can be read, and that all the money in them adds up: the shares of each
//! sale to its price, the lines of each note to its totals, and each note to the log that it names.

use uitpas_domain::counter;
use uitpas_domain::counter::notes::NoteIssued;

use crate::failure::{Failed, Fault};
use crate::reading::{self, AnyEvent, Kinds};
use crate::settlement::book::{Amiss, Book};
use crate::{Progress, Projections, runner};

/// So many are listed.
const LISTED_MAX: usize = 100;

/// An event that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsound {
    pub position: i64,
    pub why: Wrong,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Nothing after it was looked at.
    #[error(transparent)]
    Unreadable(Fault),
    #[error(transparent)]
    Money(Amiss),
    #[error("note {note} was made at position {position}, where the hash of the log is another")]
    OtherHead { note: u32, position: u64 },
}

impl Projections {
    /// Reads all events in the shape that this version knows, and adds up what is in them; at most
    /// the first hundred that are not sound.
    pub async fn verify_events(
        &self,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Vec<Unsound>, Failed> {
        let until: i64 = sqlx::query_scalar(runner::HEAD).fetch_one(self.pool()).await?;
        let options = self.pool().connect_options().as_ref().clone();
        let mut chunks = reading::stream(options, 0, until, Kinds::all());
        let mut book = Book::default();
        let mut unsound = Vec::new();
        let mut last = 0;
        while last < until && unsound.len() < LISTED_MAX {
            let chunk = match chunks.recv().await.ok_or(Failed::TaskEnded)? {
                Ok(chunk) => chunk,
                Err(Failed::Fault { position, why }) => {
                    unsound.push(Unsound { position, why: Wrong::Unreadable(why) });
                    return Ok(unsound);
                }
                Err(failed) => return Err(failed),
            };
            for entry in &chunk.entries {
                let position = entry.position;
                if let Err(amiss) = book.take_in(position.cast_unsigned(), &entry.event) {
                    unsound.push(Unsound { position, why: Wrong::Money(amiss) });
                }
                if let AnyEvent::Counter(id, counter::Event::NoteIssued(issued)) = &entry.event {
                    let sums = book.holds(id, issued).err().map(Wrong::Money);
                    let wrong = sums.into_iter().chain(self.pinned_elsewhere(issued).await?);
                    unsound.extend(wrong.map(|why| Unsound { position, why }));
                }
            }
            last = chunk.last;
            progress(Progress { projection: "events", done: last, total: until });
        }
        unsound.truncate(LISTED_MAX);
        Ok(unsound)
    }

    async fn pinned_elsewhere(&self, issued: &NoteIssued) -> Result<Option<Wrong>, Failed> {
        let NoteIssued { note, position, head, .. } = *issued;
        let found: Option<Vec<u8>> = sqlx::query_scalar(HASH_AT)
            .bind(position.cast_signed())
            .fetch_optional(self.pool())
            .await?;
        let is_there = found.is_some_and(|hash| hash == head.as_bytes());
        Ok((!is_there).then_some(Wrong::OtherHead { note, position }))
    }
}

pub(crate) const HASH_AT: &str = "select hash from log.events where position = $1";
