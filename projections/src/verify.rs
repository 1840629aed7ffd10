//! Proving that a view is what the log makes of it: it is rebuilt beside, up to where the live one
//! stands, and both are read in the order of their keys. For each row that differs, the history of
//! its key tells at which event the two part.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use futures::stream::{BoxStream, StreamExt};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection, Executor};

use crate::failure::{Failed, Fault};
use crate::projection::Projection;
use crate::reading;
use crate::rebuild::{Beside, LOCK_ONE};
use crate::table::Cells;
use crate::{LIVE, Progress, Projections};

/// So few events are folded while the live view is kept from moving on.
const LEFT_UNDER_LOCK: i64 = 1_000;

/// Differences of which the event is looked for; the others are counted only by their key.
const EXPLAINED_MAX: usize = 100;

/// A row that is not what the log makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub projection: &'static str,
    pub table: &'static str,
    /// The parts of the key, as text.
    pub key: Vec<String>,
    /// The first event from which on the two part; absent where no event touches that key, or after
    /// the first hundred.
    pub position: Option<i64>,
}

impl Projections {
    /// Compares one view, or all of them, with the log. Nothing is changed.
    pub async fn verify(
        &self,
        name: Option<&str>,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Vec<Difference>, Failed> {
        let mut differences = Vec::new();
        for projection in crate::chosen(name)? {
            differences.extend(self.verify_one(projection, &progress).await?);
        }
        Ok(differences)
    }

    async fn verify_one(
        &self,
        projection: &'static Projection,
        progress: &(impl Fn(Progress) + Send + Sync),
    ) -> Result<Vec<Difference>, Failed> {
        let name = projection.name;
        let mut beside = Beside::make(self, projection, "verify").await?;
        // First without holding up the live view, then the little that is left.
        let mut live = checkpoint(self, name).await?;
        while live - beside.position > LEFT_UNDER_LOCK {
            beside.fill(live, progress).await?;
            live = checkpoint(self, name).await?;
        }
        let options = self.pool().connect_options();
        let mut locking = self.pool().begin().await?;
        let (live, _, _): (i64, i32, Vec<String>) =
            sqlx::query_as(LOCK_ONE).bind(name).fetch_one(&mut *locking).await?;
        beside.fill(live, progress).await?;
        let mut snapshot = options.as_ref().clone().connect().await?;
        snapshot.execute("begin isolation level repeatable read, read only").await?;
        // The snapshot is taken by the first query.
        snapshot.execute("select 1").await?;
        locking.rollback().await?;

        let mut other = options.as_ref().clone().connect().await?;
        let mut differing = Vec::new();
        for table in (projection.new)().tables() {
            let ours = lines(&mut snapshot, table.in_order(LIVE)).await?;
            let theirs = lines(&mut other, table.in_order(&beside.schema)).await?;
            for key in compare(ours, theirs, table.key_parts()).await? {
                differing.push((table.name(), key));
            }
        }
        if projection.opens_details && !differing.is_empty() {
            // Who was removed meanwhile can be read no more; the live view has yet to hear of it.
            let removed: Vec<String> =
                sqlx::query_scalar(REMOVED_AFTER).bind(live).fetch_all(self.pool()).await?;
            differing.retain(|(_, key)| !removed.contains(&key[0]));
        }
        let positions = partings(self, projection, live, &differing, &mut snapshot).await?;
        let differences = differing.into_iter().map(|(table, key)| Difference {
            projection: name,
            table,
            position: positions.get(&(table, key.clone())).copied(),
            key,
        });
        let differences = differences.collect();
        snapshot.close().await?;
        other.close().await?;
        beside.remove().await?;
        Ok(differences)
    }
}

async fn checkpoint(projections: &Projections, name: &'static str) -> Result<i64, Failed> {
    let position: Option<i64> =
        sqlx::query_scalar(CHECKPOINT).bind(name).fetch_optional(projections.pool()).await?;
    position.ok_or(Failed::NotPrepared { name })
}

pub(crate) const CHECKPOINT: &str = "select position from views.checkpoints where name = $1";

pub(crate) const REMOVED_AFTER: &str = "
    select aggregate_id
    from log.events
    where position > $1 and aggregate_type = 'passholder' and event_type = 'Removed'";

/// A line of COPY for each row: its key, then itself.
type Lines<'a> = BoxStream<'a, sqlx::Result<Vec<u8>>>;

async fn lines(db: &mut PgConnection, statement: String) -> Result<Lines<'_>, Failed> {
    let messages = db.copy_out_raw(&statement).await?;
    Ok(messages.map_ok(|line| line.to_vec()).boxed())
}

/// The keys of the rows that are not equal on both sides.
async fn compare(
    mut ours: Lines<'_>,
    mut theirs: Lines<'_>,
    parts: usize,
) -> Result<Vec<Vec<String>>, Failed> {
    let mut differing = Vec::new();
    let (mut our, mut their) = (ours.try_next().await?, theirs.try_next().await?);
    loop {
        let (key, is_ours, is_theirs) = match (&our, &their) {
            (None, None) => return Ok(differing),
            (Some(line), None) => (key(line, parts), true, false),
            (None, Some(line)) => (key(line, parts), false, true),
            (Some(a), Some(b)) => {
                let (key_a, key_b) = (key(a, parts), key(b, parts));
                match key_a.cmp(&key_b) {
                    std::cmp::Ordering::Less => (key_a, true, false),
                    std::cmp::Ordering::Greater => (key_b, false, true),
                    std::cmp::Ordering::Equal => (key_a, true, true),
                }
            }
        };
        if our.as_ref().filter(|_| is_ours) != their.as_ref().filter(|_| is_theirs) {
            differing.push(key);
        }
        if is_ours {
            our = ours.try_next().await?;
        }
        if is_theirs {
            their = theirs.try_next().await?;
        }
    }
}

fn key(line: &[u8], parts: usize) -> Vec<String> {
    let cells = line.split(|byte| *byte == b'\t').take(parts);
    cells.map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
}

type Keyed = (&'static str, Vec<String>);

/// For each key the first event from which on the live row is not what the log makes of it.
async fn partings(
    projections: &Projections,
    projection: &'static Projection,
    until: i64,
    differing: &[Keyed],
    snapshot: &mut PgConnection,
) -> Result<BTreeMap<Keyed, i64>, Failed> {
    let explained = &differing[..differing.len().min(EXPLAINED_MAX)];
    if explained.is_empty() {
        return Ok(BTreeMap::new());
    }
    let histories = histories(projections, projection, until, explained).await?;
    let mut positions = BTreeMap::new();
    for keyed in explained {
        let mut fold = (projection.new)();
        let tables = fold.tables();
        let table = tables.iter().find(|table| table.name() == keyed.0);
        let live = match table {
            Some(table) => table.stored_cells(snapshot, LIVE, &keyed.1).await,
            None => Ok(None),
        };
        let history = histories.get(keyed).map(Vec::as_slice).unwrap_or_default();
        let position = match live {
            Ok(live) => parting(live.as_ref(), history),
            // Cells that no fold writes were never right.
            Err(sqlx::Error::ColumnDecode { .. }) => history.first().map(|(position, _)| *position),
            Err(error) => return Err(error.into()),
        };
        if let Some(position) = position {
            positions.insert(keyed.clone(), position);
        }
    }
    Ok(positions)
}

/// The row of a key after each event that touched it; None where there is none.
type History = Vec<(i64, Option<Cells>)>;

async fn histories(
    projections: &Projections,
    projection: &'static Projection,
    until: i64,
    keys: &[Keyed],
) -> Result<BTreeMap<Keyed, History>, Failed> {
    let kinds = projection.kinds();
    let options = projections.pool().connect_options().as_ref().clone();
    let mut chunks = reading::stream(options, 0, until, kinds);
    let mut fold = (projection.new)();
    let mut probe = (projection.new)();
    let mut histories: BTreeMap<Keyed, History> = BTreeMap::new();
    let mut last = 0;
    while last < until {
        let mut chunk = chunks.recv().await.ok_or(Failed::TaskEnded)??;
        last = chunk.last;
        if projection.opens_details {
            let mut db = projections.pool().acquire().await?;
            reading::open_details(&mut db, projections.master(), &mut chunk.entries).await?;
        }
        for entry in chunk.entries.iter().filter(|entry| entry.is_of(kinds)) {
            probe.needs(&entry.event);
            let mut announced = Vec::new();
            for table in probe.tables() {
                let name = table.name();
                announced.extend(table.announced().into_iter().map(|key| (name, key)));
            }
            announced.retain(|keyed| keys.contains(keyed));
            if announced.is_empty() {
                continue;
            }
            fold.needs(&entry.event);
            fold.tables().into_iter().for_each(|table| table.know_absent());
            let fault = |why| Failed::Fault { position: entry.position, why: Fault::from(why) };
            fold.fold(entry).map_err(fault)?;
            for keyed in announced {
                let tables = fold.tables();
                let cells = tables.iter().find(|table| table.name() == keyed.0);
                let cells = cells.and_then(|table| table.cells(&keyed.1));
                histories.entry(keyed).or_default().push((entry.position, cells));
            }
        }
    }
    Ok(histories)
}

/// Where a row left its history: after the last event at which the columns that are wrong now were
/// still as the live row has them.
fn parting(live: Option<&Cells>, history: &[(i64, Option<Cells>)]) -> Option<i64> {
    let (_, right) = history.last()?;
    let wrong: Option<Vec<usize>> = match (live, right) {
        (Some(live), Some(right)) => {
            Some((0..right.len()).filter(|column| live[*column] != right[*column]).collect())
        }
        _ => None,
    };
    let agrees = |state: Option<&Cells>| match (&wrong, live, state) {
        (Some(wrong), Some(live), Some(state)) => {
            wrong.iter().all(|column| live[*column] == state[*column])
        }
        (_, live, state) => live == state,
    };
    let last_right = history.iter().rposition(|(_, state)| agrees(state.as_ref()));
    match last_right {
        Some(index) => history.get(index + 1).map(|(position, _)| *position),
        None => history.first().map(|(position, _)| *position),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(points: &str, position: &str) -> Option<Cells> {
        Some(vec![Some(points.to_owned()), Some(position.to_owned())])
    }

    #[test]
    fn a_row_parts_at_the_first_event_that_it_missed_or_whose_work_was_changed() {
        let history =
            [(3, row("1", "3")), (5, row("2", "5")), (8, row("3", "8")), (9, row("3", "9"))];
        let parts_at = |live: Option<Cells>| parting(live.as_ref(), &history);
        assert_eq!(parts_at(row("2", "5")), Some(8), "two events were missed");
        assert_eq!(parts_at(row("2", "9")), Some(8), "set back by hand");
        assert_eq!(parts_at(row("7", "9")), Some(3), "never so");
        assert_eq!(parts_at(None), Some(3), "deleted");
        assert_eq!(parting(row("2", "5").as_ref(), &[]), None, "made by hand");
        let removed = [(3, row("1", "3")), (5, None)];
        assert_eq!(parting(row("1", "3").as_ref(), &removed), Some(5), "not removed");
    }
}
