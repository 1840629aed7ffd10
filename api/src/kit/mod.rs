//! What an outside auditor needs to check the notes of a period, in one file: the events that they
//! are made from, in full; of all other events the digest alone, so that the chain of the log can be
//! computed again and nothing personal leaves with it; and the notes. From the same log always the
//! same bytes. [`check`] needs nothing but the file.

mod check;
mod files;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate};
use serde::{Deserialize, Serialize};
use uitpas_domain::counter::Event;
use uitpas_domain::counter::notes::{Closing, NoteIssued};
use uitpas_domain::ids::CounterId;
use uitpas_domain::recorded::AnyEvent;
use uitpas_domain::values::digest::Digest;
use uitpas_projections::settlement::book::Book;
use uitpas_store::{Chain, Hash, Raw};
use uuid::Uuid;

use crate::seal::{Found, NotAsSealed, Seal};

pub use check::{Checked, Flaw, check};

/// How a kit is laid out. Another layout needs another number.
pub const FORMAT: u32 = 1;

/// The events that notes are made from; none of them holds anything sealed.
const IN_FULL: [(&str, &str); 7] = [
    ("passholder", "TicketSold"),
    ("passholder", "CouponUsed"),
    ("passholder", "TicketSaleCancelled"),
    ("group-pass", "TicketSold"),
    ("group-pass", "CouponUsed"),
    ("group-pass", "TicketSaleCancelled"),
    ("counter", "NoteIssued"),
];

/// What stands in the file, apart from what follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Kit {
    pub heading: Heading,
    /// Of every event from the first one on.
    pub chain: Vec<Link>,
    /// In the order of the log.
    pub events: Vec<FullEvent>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Heading {
    pub format: u32,
    /// The log's own name, from which its chain starts.
    pub log: Uuid,
    /// The notes are those whose period shares a day with this one, both ends inclusive.
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// The last event in the chain, and the hash of the log there.
    pub position: u64,
    pub hash: Digest,
}

/// What the chain needs of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Microseconds since 1970.
    pub recorded_at_us: i64,
    pub digest: Hash,
}

/// An event in full; payload and metadata in the bytes in which they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FullEvent {
    pub position: u64,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: u64,
    pub event_type: String,
    pub event_version: String,
    pub payload: String,
    pub metadata: String,
    /// Of the log at this position.
    pub hash: Digest,
}

impl From<Raw> for FullEvent {
    fn from(raw: Raw) -> Self {
        Self {
            position: raw.position,
            aggregate_type: raw.aggregate_type,
            aggregate_id: raw.aggregate_id,
            sequence: raw.sequence,
            event_type: raw.event_type,
            event_version: raw.event_version,
            payload: raw.payload,
            metadata: raw.metadata,
            hash: Digest::new(raw.hash),
        }
    }
}

impl FullEvent {
    fn digest(&self) -> Hash {
        uitpas_store::digest(
            (&self.aggregate_type, &self.aggregate_id, self.sequence),
            (&self.event_type, &self.event_version),
            (&self.payload, &self.metadata),
        )
    }

    fn is_to_be_in_full(&self) -> bool {
        IN_FULL.contains(&(&*self.aggregate_type, &*self.event_type))
    }
}

/// A note of the kit, with its counter and where it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct KitNote {
    pub counter: CounterId,
    pub position: u64,
    pub issued: NoteIssued,
}

impl Heading {
    /// Whether a note is one of those that the kit is about.
    pub fn is_about(&self, closing: &Closing) -> bool {
        closing.from <= self.until && self.from <= closing.until
    }
}

/// The events of a kit, understood.
struct Understood {
    book: Book,
    notes: Vec<KitNote>,
}

impl Kit {
    /// The hash of the log at each position that somebody asks for.
    fn hashes(&self, of: impl IntoIterator<Item = u64>) -> BTreeMap<u64, Hash> {
        let asked: BTreeSet<u64> = of.into_iter().collect();
        let mut chain = Chain::of(self.heading.log);
        let mut hashes = BTreeMap::new();
        for (position, link) in (1..).zip(&self.chain) {
            let hash = chain.add(link.recorded_at_us, &link.digest);
            if asked.contains(&position) {
                hashes.insert(position, hash);
            }
        }
        hashes
    }

    /// Whether the log that the kit is of was sealed so. A kit ends at its last note: of what was
    /// sealed later it says nothing, and that is nobody's doing.
    pub fn demand_kept(&self, seal: &Seal) -> Result<(), NotAsSealed> {
        seal.demand_kept(&self.found_at(seal.head.position)).map_err(|why| match why {
            NotAsSealed::CutOff { end, sealed } => NotAsSealed::BeyondKit { end, sealed },
            why => why,
        })
    }

    /// What the chain says of a position, to hold a seal against.
    fn found_at(&self, position: u64) -> Found {
        let hash = self.hashes([position]).remove(&position);
        let link = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
        let link = link.and_then(|index| self.chain.get(index));
        let at = link.and_then(|link| DateTime::from_timestamp_micros(link.recorded_at_us));
        let entry = hash.map(Digest::new).zip(at);
        Found { log: self.heading.log, end: self.heading.position, entry }
    }

    /// Reads the events and makes the notes that they come to; tells of each thing that is amiss.
    fn understood(&self, mut amiss: impl FnMut(Flaw)) -> Understood {
        let mut book = Book::default();
        let mut notes = Vec::new();
        for full in &self.events {
            let position = full.position;
            let event = AnyEvent::read(&full.aggregate_type, &full.aggregate_id, &full.payload);
            let event = match event {
                Ok(event) if full.is_to_be_in_full() => event,
                Ok(_) | Err(_) => {
                    amiss(Flaw::NotUnderstood { position });
                    continue;
                }
            };
            if let Err(why) = book.take_in(position, &event) {
                amiss(Flaw::Money { position, why });
            }
            if let AnyEvent::Counter(counter, Event::NoteIssued(issued)) = event {
                let closing = Closing {
                    note: issued.note,
                    from: issued.from,
                    until: issued.until,
                    position: issued.position,
                };
                if !self.heading.is_about(&closing) {
                    continue;
                }
                if let Err(why) = book.holds(&counter, &issued) {
                    amiss(Flaw::Money { position, why });
                }
                notes.push(KitNote { counter, position, issued: *issued });
            }
        }
        Understood { book, notes }
    }
}
