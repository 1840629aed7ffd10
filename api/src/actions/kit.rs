//! Making the kit of a period from the ledger.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use uitpas_domain::counter::Refused;
use uitpas_domain::counter::notes::{Closing, Lines, NoteRefused, lines_of};
use uitpas_domain::ids::CounterId;
use uitpas_domain::values::digest::Digest;
use uitpas_projections::settlement::{self, Filter, IssuedNote, Line};

use crate::app::App;
use crate::kit::{FORMAT, Heading, Kit, Link};
use crate::problem::{Answer, Problem};

/// The kit of all notes whose period shares a day with this one, both ends inclusive. `progress`
/// hears how far it is, of how much.
pub async fn make(
    app: &App,
    from: NaiveDate,
    until: NaiveDate,
    progress: impl Fn(u64, u64),
) -> Answer<Kit> {
    app.wait_for_head(settlement::PROJECTION.name).await?;
    let filter = Filter { counters: None, from: Some(from), until: Some(until) };
    let mut counters: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let mut position = 0;
    for note in settlement::issued_notes(app.pool(), &filter).await? {
        position = position.max(note.issued_position.cast_unsigned());
        counters.entry(note.counter.clone()).or_default().insert(note.number.cast_unsigned());
    }
    if counters.is_empty() {
        return Err(Refused::from(NoteRefused::Unknown).into());
    }
    let mut in_full = BTreeSet::new();
    for (counter, notes) in &counters {
        let counter = counter.parse().map_err(|_| Problem::Internal("no counter".into()))?;
        in_full.extend(relevant(app, &counter, notes).await?);
    }
    let log = app.store.head().await?.log_id;
    let heading =
        Heading { format: FORMAT, log, from, until, position, hash: Digest::new([0; 32]) };
    let mut kit = Kit { heading, chain: Vec::new(), events: Vec::new() };
    let mut replay = app.store.replay(0).await?;
    'log: while let Some(entries) = replay.next().await? {
        for raw in entries {
            let at = raw.position;
            let recorded_at_us = raw.recorded_at.timestamp_micros();
            kit.chain.push(Link { recorded_at_us, digest: raw.digest() });
            if at == position {
                kit.heading.hash = Digest::new(raw.hash);
            }
            if in_full.contains(&at) {
                kit.events.push(raw.into());
            }
            if at == position {
                break 'log;
            }
        }
        progress(kit.chain.len() as u64, position);
    }
    Ok(kit)
}

/// Where the events stand that these notes of a counter are made from.
async fn relevant(app: &App, counter: &CounterId, notes: &BTreeSet<u32>) -> Answer<BTreeSet<u64>> {
    let issued = settlement::of_counter(app.pool(), counter).await?;
    let last = notes.last().copied().unwrap_or_default();
    let issued = issued.iter().filter(|note| note.number.cast_unsigned() <= last);
    let mut positions: BTreeSet<u64> =
        issued.clone().map(|note| note.issued_position.cast_unsigned()).collect();
    let closings: Vec<Closing> = issued.map(IssuedNote::closing).collect();
    let pinned = closings.last().map_or(0, |closing| closing.position);
    for row in settlement::sales_until(app.pool(), counter, pinned).await? {
        if concerns(&row, &closings, pinned, notes) {
            positions.insert(row.sold().position);
            positions.extend(row.cancelled(pinned).map(|cancelled| cancelled.position));
        }
    }
    Ok(positions)
}

/// Whether a sale has a line on one of the notes, or would have one had it not been cancelled.
fn concerns(row: &Line, closings: &[Closing], pinned: u64, notes: &BTreeSet<u32>) -> bool {
    let is_asked = |note: Option<u32>| note.is_some_and(|note| notes.contains(&note));
    match lines_of(closings, row.sold(), row.cancelled(pinned)) {
        Lines::Sale(note) => is_asked(note),
        Lines::Corrected { note, by } => is_asked(Some(note)) || is_asked(by),
        Lines::None => match lines_of(closings, row.sold(), None) {
            Lines::Sale(note) => is_asked(note),
            Lines::None | Lines::Corrected { .. } => false,
        },
    }
}
