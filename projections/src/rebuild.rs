//! Making a view anew, beside the one in use, and then putting it in its place. The log goes on, and
//! readers see the old view until they see the new one.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::mpsc;
use tracing::info;

use crate::failure::{Failed, Fault};
use crate::projection::{Fold, Projection};
use crate::reading::{self, Chunk};
use crate::runner::{HEAD, apply};
use crate::table::Write;
use crate::{LIVE, Progress, Projections};

/// Rows that are held in memory, some tens of megabytes: what changes soon after it was made needs
/// not be read back.
const HELD_MAX: usize = 65_536;

/// Beyond those, so many are written at once: little enough that the reader need not wait for it.
const WRITTEN_AT_ONCE: usize = 4_096;

/// So few events are left to the transaction that swaps the tables.
const LEFT_FOR_SWAP: i64 = 1_000;

/// Between two attempts to swap.
const SWAP_AGAIN_AFTER: Duration = Duration::from_millis(50);

impl Projections {
    /// Rebuilds one view or all of them from the log. A rebuild that is given up leaves nothing that
    /// the next one does not remove.
    pub async fn rebuild(
        &self,
        name: Option<&str>,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<(), Failed> {
        for projection in crate::chosen(name)? {
            self.rebuild_one(projection, &progress).await?;
        }
        Ok(())
    }

    async fn rebuild_one(
        &self,
        projection: &'static Projection,
        progress: &(impl Fn(Progress) + Send + Sync),
    ) -> Result<(), Failed> {
        let mut beside = Beside::make(self, projection, "next").await?;
        loop {
            let head: i64 = sqlx::query_scalar(HEAD).fetch_one(self.pool()).await?;
            beside.fill(head, progress).await?;
            beside.index().await?;
            let head: i64 = sqlx::query_scalar(HEAD).fetch_one(self.pool()).await?;
            if head - beside.position >= LEFT_FOR_SWAP {
                continue;
            }
            match beside.swap().await {
                Ok(()) => break,
                Err(failed) if failed.is_lock_timeout() => {
                    tokio::time::sleep(SWAP_AGAIN_AFTER).await;
                }
                Err(failed) => return Err(failed),
            }
        }
        self.moved(projection.name, beside.position);
        self.set_stopped(projection.name, None);
        info!(projection = projection.name, position = beside.position, "rebuilt");
        beside.remove().await
    }
}

/// A second set of a projection's tables, in a schema of their own. While this lives no other
/// process makes one for the same projection.
pub(crate) struct Beside<'a> {
    projections: &'a Projections,
    pub projection: &'static Projection,
    pub schema: String,
    /// The last event in it.
    pub position: i64,
    is_indexed: bool,
    db: PgConnection,
}

impl<'a> Beside<'a> {
    pub async fn make(
        projections: &'a Projections,
        projection: &'static Projection,
        what_for: &str,
    ) -> Result<Self, Failed> {
        let name = projection.name;
        // A connection of its own: the lock goes with it, however this ends.
        let mut db = projections.pool().connect_options().as_ref().clone().connect().await?;
        db.execute("set synchronous_commit = off").await?;
        let is_first: bool = sqlx::query_scalar(REBUILD_LOCK).bind(name).fetch_one(&mut db).await?;
        if !is_first {
            return Err(Failed::Busy(name));
        }
        let schema = format!("views_{name}_{what_for}");
        let mut transaction = db.begin().await?;
        let make = format!(
            "drop schema if exists {schema} cascade; create schema {schema};
             set local search_path = {schema}; {}",
            projection.schema
        );
        transaction.execute(make.as_str()).await?;
        transaction.commit().await?;
        Ok(Self { projections, projection, schema, position: 0, is_indexed: false, db })
    }

    /// Folds on until a position.
    pub async fn fill(
        &mut self,
        until: i64,
        progress: &(impl Fn(Progress) + Send + Sync),
    ) -> Result<(), Failed> {
        if until <= self.position {
            return Ok(());
        }
        let kinds = self.projection.kinds();
        let options = self.projections.pool().connect_options().as_ref().clone();
        let mut chunks = reading::stream(options, self.position, until, kinds);
        let mut fold = (self.projection.new)();
        let mut stored = self.position > 0;
        let mut last = self.position;
        while last < until {
            let mut chunk = next(&mut chunks).await?;
            self.fold(fold.as_mut(), &mut chunk, stored).await?;
            last = chunk.last;
            if held(fold.as_mut()) >= HELD_MAX + WRITTEN_AT_ONCE {
                self.write(fold.as_mut(), HELD_MAX).await?;
                stored = true;
            }
            progress(Progress { projection: self.projection.name, done: last, total: until });
        }
        self.write(fold.as_mut(), 0).await?;
        self.position = last;
        Ok(())
    }

    async fn fold(
        &mut self,
        fold: &mut dyn Fold,
        chunk: &mut Chunk,
        stored: bool,
    ) -> Result<(), Failed> {
        if self.projection.opens_details {
            let master = self.projections.master();
            reading::open_details(&mut self.db, master, &mut chunk.entries).await?;
        }
        let kinds = self.projection.kinds();
        let owned = || chunk.entries.iter().filter(|entry| entry.is_of(kinds));
        for entry in owned() {
            fold.needs(&entry.event);
        }
        for table in fold.tables() {
            match stored {
                true => table.load(&mut self.db, &self.schema).await?,
                false => table.know_absent(),
            }
        }
        for entry in owned() {
            let fault = |why| Failed::Fault { position: entry.position, why: Fault::from(why) };
            fold.fold(entry).map_err(fault)?;
        }
        Ok(())
    }

    async fn write(&mut self, fold: &mut dyn Fold, keep: usize) -> Result<(), Failed> {
        for table in fold.tables() {
            table.write(&mut self.db, &self.schema, Write::Copy, keep).await?;
        }
        Ok(())
    }

    /// Makes the indexes, once.
    pub async fn index(&mut self) -> Result<(), Failed> {
        if self.is_indexed {
            return Ok(());
        }
        let mut transaction = self.db.begin().await?;
        let make = format!("set local search_path = {}; {}", self.schema, self.projection.indexes);
        transaction.execute(make.as_str()).await?;
        transaction.commit().await?;
        for table in self.projection.tables() {
            let analyze = format!("analyze {}.{table}", self.schema);
            self.db.execute(analyze.as_str()).await?;
        }
        self.is_indexed = true;
        Ok(())
    }

    /// Folds the last events and puts the new tables in the place of the old ones.
    async fn swap(&mut self) -> Result<(), Failed> {
        let Projection { name, version, .. } = *self.projection;
        let (next, old) = (&self.schema, format!("views_{name}_old"));
        let mut transaction = self.db.begin().await?;
        transaction.execute("set local lock_timeout = '200ms'").await?;
        let (live, known, tables): (i64, i32, Vec<String>) =
            sqlx::query_as(LOCK_ONE).bind(name).fetch_one(&mut *transaction).await?;
        if known > version {
            return Err(Failed::NewerVersion { name, found: known, known: version });
        }
        let mut position = self.position;
        loop {
            let kinds = self.projection.kinds();
            let mut rest = reading::page(&mut transaction, position, LEFT_FOR_SWAP, kinds).await?;
            if rest.last == position {
                break;
            }
            if self.projection.opens_details {
                let master = self.projections.master();
                reading::open_details(&mut transaction, master, &mut rest.entries).await?;
            }
            apply(&mut transaction, next, self.projection, &rest).await?;
            position = rest.last;
            // At least as far as the old one; beyond that the live runner goes on by itself.
            if position >= live {
                break;
            }
        }
        if position < live {
            return Err(Failed::BeyondTheLog { name, position: live, head: position });
        }
        let mut swap = format!("drop schema if exists {old} cascade; create schema {old};");
        for table in tables {
            swap += &format!("alter table if exists {LIVE}.{table} set schema {old};");
        }
        for table in self.projection.tables() {
            swap += &format!("alter table {next}.{table} set schema {LIVE};");
        }
        transaction.execute(swap.as_str()).await?;
        sqlx::query(SET_CHECKPOINT)
            .bind(name)
            .bind(position)
            .bind(version)
            .bind(self.projection.tables())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.position = position;
        Ok(())
    }

    /// Removes what is not in use (any more).
    pub async fn remove(mut self) -> Result<(), Failed> {
        let old = format!("views_{}_old", self.projection.name);
        let drop = format!(
            "drop schema if exists {old} cascade; drop schema if exists {} cascade",
            self.schema
        );
        self.db.execute(drop.as_str()).await?;
        self.db.close().await?;
        Ok(())
    }
}

async fn next(chunks: &mut mpsc::Receiver<Result<Chunk, Failed>>) -> Result<Chunk, Failed> {
    chunks.recv().await.ok_or(Failed::TaskEnded)?
}

/// Rows in the table that holds most of them.
fn held(fold: &mut dyn Fold) -> usize {
    fold.tables().into_iter().map(|table| table.held()).max().unwrap_or(0)
}

pub(crate) const REBUILD_LOCK: &str =
    "select pg_try_advisory_lock(hashtextextended('rebuild:' || $1, 0))";

pub(crate) const LOCK_ONE: &str =
    "select position, version, tables from views.checkpoints where name = $1 for update";

pub(crate) const SET_CHECKPOINT: &str = "
    update views.checkpoints
    set position = $2, version = $3, tables = $4
    where name = $1";
