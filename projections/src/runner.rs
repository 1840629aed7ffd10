//! Following the log. One round takes all projections that stand at the same position through the
//! next events, in one transaction that begins by locking their checkpoints: where another process
//! holds those, it leads, and this one comes back later. A projection that fails goes on by itself,
//! in ever smaller steps, until the event is found; when that fails twice, the projection stops.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgListener};
use sqlx::{Connection, FromRow};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tracing::{error, info, warn};

use crate::failure::{Failed, Fault};
use crate::projection::Projection;
use crate::reading::{self, Chunk, Kinds};
use crate::table::Write;
use crate::{ALL, LIVE, Projections};

/// Events of one round.
const ROUND_EVENTS: i64 = 2_000;

/// How often the end of the log is looked at when nothing is announced.
const POLL_EVERY: Duration = Duration::from_millis(100);

/// The least time between two rounds, so that a busy log is followed in batches.
const ROUNDS_APART: Duration = Duration::from_millis(10);

/// How long to wait after a failure that passes, at first and at most.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Failures of the same event before a projection stops.
const FAILURES_MAX: u32 = 2;

/// Where a view stands.
#[derive(Debug, FromRow)]
struct Checkpoint {
    name: String,
    version: i32,
    position: i64,
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// Some projection went on.
    Moved,
    /// All that could be locked stand at the end of the log.
    AtEnd,
    /// Other processes hold all checkpoints.
    Elsewhere,
}

/// A projection that failed, and goes on by itself.
#[derive(Debug, Clone, Copy)]
struct Suspect {
    /// Events of its next round.
    limit: i64,
    /// Where it failed with one event, and how often.
    failed: Option<(i64, u32)>,
    /// Beyond this position it is well again.
    until: i64,
}

/// Takes projections forward, and remembers which ones failed.
pub(crate) struct Runner {
    projections: Projections,
    suspects: BTreeMap<&'static str, Suspect>,
    stopped: BTreeMap<&'static str, String>,
}

impl Runner {
    pub fn new(projections: Projections) -> Self {
        Self { projections, suspects: BTreeMap::new(), stopped: BTreeMap::new() }
    }

    fn healthy(&self) -> Vec<&'static Projection> {
        let wanted = |projection: &&Projection| {
            // A rebuild sets a stopped one going again.
            let is_stopped = self.stopped.contains_key(projection.name)
                && self.projections.stopped(projection.name).is_some();
            !is_stopped && !self.suspects.contains_key(projection.name)
        };
        ALL.iter().copied().filter(wanted).collect()
    }

    pub fn stopped(&self) -> &BTreeMap<&'static str, String> {
        &self.stopped
    }

    /// One round of all that are well together, and one of each suspect. Fails only by what passes.
    pub async fn round(&mut self) -> Result<Round, Failed> {
        let mut results = Vec::new();
        // One that is far behind does not hold up the others.
        let mut abreast: BTreeMap<i64, Vec<&'static Projection>> = BTreeMap::new();
        for projection in self.healthy() {
            let position = self.projections.known_position(projection.name);
            abreast.entry(position).or_default().push(projection);
        }
        for well in abreast.values() {
            match self.together(well, ROUND_EVENTS).await {
                Ok((round, _)) => results.push(round),
                Err(failed) if failed.failed.is_passing() => return Err(failed.failed),
                Err(failed) => {
                    self.suspect(&failed);
                    results.push(Round::Moved);
                }
            }
        }
        for (name, suspect) in self.suspects.clone() {
            let projection = crate::find(name)?;
            results.push(match self.together(&[projection], suspect.limit).await {
                Ok((round, at)) => {
                    if at.is_some_and(|at| at >= suspect.until) {
                        self.suspects.remove(name);
                    }
                    round
                }
                Err(failed) if failed.failed.is_passing() => return Err(failed.failed),
                Err(failed) => {
                    self.narrow(name, suspect, &failed);
                    Round::Moved
                }
            });
        }
        let any = |round| results.contains(&round);
        Ok(match () {
            () if any(Round::Moved) => Round::Moved,
            () if any(Round::Elsewhere) => Round::Elsewhere,
            () => Round::AtEnd,
        })
    }

    /// Something among these failed: from here each goes by itself.
    fn suspect(&mut self, failed: &FailedRound) {
        let (limit, until) = (failed.scope.limit, failed.scope.after + failed.scope.limit);
        for name in &failed.scope.names {
            self.suspects.insert(name, Suspect { limit, failed: None, until });
        }
    }

    fn narrow(&mut self, name: &'static str, suspect: Suspect, failed: &FailedRound) {
        let position = match &failed.failed {
            Failed::Fault { position, .. } => Some(*position),
            _ if failed.scope.limit == 1 => Some(failed.scope.after + 1),
            Failed::NewerVersion { .. } | Failed::BeyondTheLog { .. } => {
                self.stop(name, failed.failed.to_string());
                return;
            }
            _ => None,
        };
        let count = match (suspect.failed, position) {
            (Some((before, count)), Some(now)) if before == now => count + 1,
            (_, Some(_)) => 1,
            (_, None) => 0,
        };
        if count >= FAILURES_MAX {
            let at = position.map_or(String::new(), |position| format!("event {position}: "));
            let why = match &failed.failed {
                named @ Failed::Fault { .. } => named.to_string(),
                other => format!("{at}{other}"),
            };
            self.stop(name, why);
            return;
        }
        // What is before the event goes through; the event itself is tried alone.
        let before =
            position.map_or(failed.scope.limit / 2, |position| position - failed.scope.after - 1);
        let limit = before.clamp(1, failed.scope.limit);
        let failed = position.map(|position| (position, count));
        self.suspects.insert(name, Suspect { limit, failed, ..suspect });
    }

    fn stop(&mut self, name: &'static str, why: String) {
        error!(projection = name, why, "a projection stopped; the others go on");
        self.suspects.remove(name);
        self.projections.set_stopped(name, Some(why.clone()));
        self.stopped.insert(name, why);
    }

    /// Takes those of the given projections that stand furthest back through the next events.
    /// Gives the position they reached.
    async fn together(
        &self,
        wanted: &[&'static Projection],
        limit: i64,
    ) -> Result<(Round, Option<i64>), FailedRound> {
        let names = wanted.iter().map(|projection| projection.name).collect();
        let mut scope = Scope { names, after: 0, limit };
        let done = self.try_together(wanted, &mut scope).await;
        done.map_err(|failed| FailedRound { scope, failed })
    }

    async fn try_together(
        &self,
        wanted: &[&'static Projection],
        scope: &mut Scope,
    ) -> Result<(Round, Option<i64>), Failed> {
        let mut db = self.projections.pool().acquire().await?;
        let mut transaction = db.begin_with(BEGIN).await?;
        let mut locked: Vec<Checkpoint> =
            sqlx::query_as(LOCK).bind(&scope.names).fetch_all(&mut *transaction).await?;
        for checkpoint in &locked {
            let Projection { name, version: known, .. } = *crate::find(&checkpoint.name)?;
            self.projections.moved(name, checkpoint.position);
            if checkpoint.version > known {
                scope.names = vec![name];
                return Err(Failed::NewerVersion { name, found: checkpoint.version, known });
            }
        }
        // One of an older version is being rebuilt by the process that came first.
        locked.retain(|checkpoint| {
            crate::find(&checkpoint.name).is_ok_and(|known| known.version == checkpoint.version)
        });
        let Some(after) = locked.iter().map(|checkpoint| checkpoint.position).min() else {
            return Ok((Round::Elsewhere, None));
        };
        // Those ahead wait until the others have come up to them.
        let ahead = locked.iter().map(|checkpoint| checkpoint.position).filter(|at| *at > after);
        let limit = ahead.min().map_or(scope.limit, |next| scope.limit.min(next - after));
        let group: Vec<&'static Projection> = wanted
            .iter()
            .copied()
            .filter(|projection| {
                locked.iter().any(|c| c.name == projection.name && c.position == after)
            })
            .collect();
        scope.names = group.iter().map(|projection| projection.name).collect();
        (scope.after, scope.limit) = (after, limit);

        let kinds = group.iter().fold(Kinds::default(), |all, one| all.with(one.kinds()));
        let mut chunk = reading::page(&mut transaction, after, limit, kinds).await?;
        if chunk.last == after {
            let head: i64 = sqlx::query_scalar(HEAD).fetch_one(&mut *transaction).await?;
            if head < after {
                let name = scope.names[0];
                return Err(Failed::BeyondTheLog { name, position: after, head });
            }
            if head == after {
                return Ok((Round::AtEnd, Some(after)));
            }
            // Something came in between the two questions, or else it is gone.
            chunk = reading::page(&mut transaction, after, limit, kinds).await?;
            if chunk.last == after {
                return Err(Failed::Fault { position: after + 1, why: Fault::Missing });
            }
        }
        if group.iter().any(|projection| projection.opens_details) {
            let master = self.projections.master();
            reading::open_details(&mut transaction, master, &mut chunk.entries).await?;
        }
        for projection in &group {
            apply(&mut transaction, LIVE, projection, &chunk).await.inspect_err(|_| {
                scope.names = vec![projection.name];
            })?;
        }
        sqlx::query(MOVE).bind(&scope.names).bind(chunk.last).execute(&mut *transaction).await?;
        transaction.commit().await?;
        for projection in &group {
            self.projections.moved(projection.name, chunk.last);
        }
        Ok((Round::Moved, Some(chunk.last)))
    }
}

/// Of whom, from where, and over how many events at most a round is.
struct Scope {
    names: Vec<&'static str>,
    after: i64,
    limit: i64,
}

struct FailedRound {
    scope: Scope,
    failed: Failed,
}

/// Rows are found by keys, in one way, so that nothing is planned each time. The commit waits for the
/// disk: who was told that a view has come so far must find it there after a crash too.
const BEGIN: &str = "
    begin;
    set local plan_cache_mode = force_generic_plan;
    set local enable_seqscan = off";

pub(crate) const LOCK: &str = "
    select name, version, position
    from views.checkpoints
    where name = any($1)
    order by name
    for update skip locked";

pub(crate) const MOVE: &str = "update views.checkpoints set position = $2 where name = any($1)";

pub(crate) const HEAD: &str = "select position from log.head";

/// Folds entries into the tables of a projection, wherever those are.
pub(crate) async fn apply(
    db: &mut PgConnection,
    schema: &str,
    projection: &Projection,
    chunk: &Chunk,
) -> Result<(), Failed> {
    let mut fold = (projection.new)();
    let kinds = projection.kinds();
    let owned = || chunk.entries.iter().filter(|entry| entry.is_of(kinds));
    for entry in owned() {
        fold.needs(&entry.event);
    }
    for table in fold.tables() {
        table.load(db, schema).await?;
    }
    for entry in owned() {
        let fault = |why| Failed::Fault { position: entry.position, why: Fault::from(why) };
        fold.fold(entry).map_err(fault)?;
    }
    for table in fold.tables() {
        table.write(db, schema, Write::Upsert, 0).await?;
    }
    Ok(())
}

/// The tasks that keep the views of this process up to date.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(projections: Projections) -> Self {
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(follow(projections, stopping));
        Self { stop, task }
    }

    /// Ends after the round that is under way.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // It may have panicked; there is nothing left to stop then.
        let _ = self.task.await;
    }
}

async fn follow(projections: Projections, mut stopping: watch::Receiver<bool>) {
    let mut runner = Runner::new(projections.clone());
    let mut listener = None;
    let mut retry_after = RETRY_FIRST;
    info!("following the log");
    // Whoever started this may be gone without a word.
    while !*stopping.borrow() && stopping.has_changed().is_ok() {
        let began = Instant::now();
        let pause = match runner.round().await {
            Ok(Round::Moved) => {
                retry_after = RETRY_FIRST;
                ROUNDS_APART.saturating_sub(began.elapsed())
            }
            Ok(Round::AtEnd | Round::Elsewhere) => {
                retry_after = RETRY_FIRST;
                announced(&projections, &mut listener, &mut stopping).await;
                continue;
            }
            Err(failed) => {
                warn!(%failed, "the views wait for the database");
                listener = None;
                retry_after = (retry_after * 2).min(RETRY_MAX);
                retry_after
            }
        };
        if !pause.is_zero() {
            let _ = timeout(pause, stopping.wait_for(|stop| *stop)).await;
        }
    }
}

/// Waits until new events are announced, or for so long that it is time to look.
async fn announced(
    projections: &Projections,
    listener: &mut Option<PgListener>,
    stopping: &mut watch::Receiver<bool>,
) {
    if listener.is_none() {
        // Announcements are only a hint: without them, looking every now and then is enough.
        let mut connected = PgListener::connect_with(projections.pool()).await.ok();
        if let Some(connected) = &mut connected
            && connected.listen(uitpas_store::CHANNEL).await.is_err()
        {
            sleep(POLL_EVERY).await;
            return;
        }
        *listener = connected;
    }
    let until = Instant::now() + POLL_EVERY;
    tokio::select! {
        _ = stopping.wait_for(|stop| *stop) => {}
        () = tokio::time::sleep_until(until) => {}
        () = hint(listener) => {}
    }
}

async fn hint(listener: &mut Option<PgListener>) {
    let heard = match listener {
        Some(listener) => listener.recv().await.is_ok() && drained(listener),
        None => false,
    };
    if !heard {
        *listener = None;
        sleep(POLL_EVERY).await;
    }
}

/// One look at the log answers all announcements so far.
fn drained(listener: &mut PgListener) -> bool {
    while listener.next_buffered().is_some() {}
    true
}
