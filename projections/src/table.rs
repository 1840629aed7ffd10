//! Rows of a view's tables: held in memory while events are folded, read from and written to
//! PostgreSQL in bulk. Every column has one text form, by which it is upserted, copied and compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgConnection, PgRow, PgTypeInfo, PgValueRef, Postgres};
use sqlx::{Decode, FromRow, Type};
use uuid::Uuid;

/// Bytes of rows that are sent to the database at once.
const COPY_BYTES: usize = 1 << 20;

/// The value of a column.
pub trait Cell {
    /// Its type in PostgreSQL.
    const TYPE: &'static str;

    /// Writes its text form; false for null.
    fn write(&self, out: &mut String) -> bool;
}

/// What stands in a `text` column as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsJson<T>(pub T);

impl Cell for Uuid {
    const TYPE: &'static str = "uuid";
    fn write(&self, out: &mut String) -> bool {
        out.push_str(self.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        true
    }
}

impl Cell for String {
    const TYPE: &'static str = "text";
    fn write(&self, out: &mut String) -> bool {
        out.push_str(self);
        true
    }
}

macro_rules! printed {
    ($($type:ty => $name:literal),*) => {$(
        impl Cell for $type {
            const TYPE: &'static str = $name;
            fn write(&self, out: &mut String) -> bool {
                write!(out, "{self}").expect("a String takes whatever is written");
                true
            }
        }
    )*};
}
printed!(i32 => "integer", i64 => "bigint", bool => "boolean");

impl Cell for NaiveDate {
    const TYPE: &'static str = "date";
    fn write(&self, out: &mut String) -> bool {
        write!(out, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
            .expect("a String takes whatever is written");
        true
    }
}

impl Cell for DateTime<Utc> {
    const TYPE: &'static str = "timestamptz";
    /// In whole microseconds, which is all that PostgreSQL keeps.
    fn write(&self, out: &mut String) -> bool {
        self.date_naive().write(out);
        let (hour, minute, second) = (self.hour(), self.minute(), self.second());
        let micros = self.timestamp_subsec_micros();
        write!(out, " {hour:02}:{minute:02}:{second:02}.{micros:06}+00")
            .expect("a String takes whatever is written");
        true
    }
}

impl Cell for Vec<i32> {
    const TYPE: &'static str = "integer[]";
    fn write(&self, out: &mut String) -> bool {
        out.push('{');
        for (index, number) in self.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(out, "{comma}{number}").expect("a String takes whatever is written");
        }
        out.push('}');
        true
    }
}

impl Cell for Vec<String> {
    const TYPE: &'static str = "text[]";
    fn write(&self, out: &mut String) -> bool {
        out.push('{');
        for (index, text) in self.iter().enumerate() {
            out.push_str(if index > 0 { ",\"" } else { "\"" });
            for c in text.chars() {
                if matches!(c, '"' | '\\') {
                    out.push('\\');
                }
                out.push(c);
            }
            out.push('"');
        }
        out.push('}');
        true
    }
}

impl<C: Cell> Cell for Option<C> {
    const TYPE: &'static str = C::TYPE;
    fn write(&self, out: &mut String) -> bool {
        self.as_ref().is_some_and(|cell| cell.write(out))
    }
}

impl<T: Serialize> Cell for AsJson<T> {
    const TYPE: &'static str = "text";
    fn write(&self, out: &mut String) -> bool {
        let json = serde_json::to_string(&self.0);
        out.push_str(&json.expect("values of the domain are plain text, numbers and structs"));
        true
    }
}

impl<T> Type<Postgres> for AsJson<T> {
    fn type_info() -> PgTypeInfo {
        <String as Type<Postgres>>::type_info()
    }
}

impl<'r, T: DeserializeOwned> Decode<'r, Postgres> for AsJson<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        // Where and of what kind is enough: the message of serde may quote the value.
        let text = <&str as Decode<Postgres>>::decode(value)?;
        serde_json::from_str(text).map(AsJson).map_err(|error| {
            format!("unreadable at column {}: {:?}", error.column(), error.classify()).into()
        })
    }
}

/// What takes the cells of a row, one after the other.
pub trait Sink {
    fn cell(&mut self, cell: &impl Cell);
}

/// A row of one table.
pub trait Row: for<'r> FromRow<'r, PgRow> + Send + Sync + Unpin + 'static {
    type Key: Key;
    const TABLE: &'static str;
    const KEY: &'static [&'static str];
    /// Names and types.
    const COLUMNS: &'static [(&'static str, &'static str)];

    fn key(&self) -> Self::Key;
    fn cells(&self, sink: &mut impl Sink);
}

/// The primary key of a row.
pub trait Key: Ord + Clone + Send + Sync + 'static {
    const TYPES: &'static [&'static str];
    fn cells(&self, sink: &mut impl Sink);
}

impl<A: Cell + Ord + Clone + Send + Sync + 'static> Key for (A,) {
    const TYPES: &'static [&'static str] = &[A::TYPE];
    fn cells(&self, sink: &mut impl Sink) {
        sink.cell(&self.0);
    }
}

impl<A, B> Key for (A, B)
where
    A: Cell + Ord + Clone + Send + Sync + 'static,
    B: Cell + Ord + Clone + Send + Sync + 'static,
{
    const TYPES: &'static [&'static str] = &[A::TYPE, B::TYPE];
    fn cells(&self, sink: &mut impl Sink) {
        sink.cell(&self.0);
        sink.cell(&self.1);
    }
}

/// Defines the row of a table: its struct, its columns in order, its key.
macro_rules! table {
    (
        $(#[$doc:meta])*
        $row:ident in $table:literal by ($($key:ident: $key_type:ty),+) {
            $($(#[$field_doc:meta])* $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
        pub struct $row {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl $crate::table::Row for $row {
            type Key = ($($key_type,)+);
            const TABLE: &'static str = $table;
            const KEY: &'static [&'static str] = &[$(stringify!($key)),+];
            const COLUMNS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($field), <$type as $crate::table::Cell>::TYPE)),+];

            fn key(&self) -> Self::Key {
                ($(self.$key.clone(),)+)
            }

            fn cells(&self, sink: &mut impl $crate::table::Sink) {
                $(sink.cell(&self.$field);)+
            }
        }
    };
}
pub(crate) use table;

/// A fold asked for a row that is not there: the log is not as it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRow(pub &'static str);

/// The rows of a table that a fold works on.
pub struct Table<R: Row> {
    slots: BTreeMap<R::Key, Slot<R>>,
    /// Announced, and not known here yet.
    wanted: Vec<R::Key>,
}

struct Slot<R> {
    row: Option<R>,
    /// It has a row in the database.
    is_stored: bool,
    is_changed: bool,
}

impl<R: Row> Default for Table<R> {
    fn default() -> Self {
        Self { slots: BTreeMap::new(), wanted: Vec::new() }
    }
}

impl<R: Row> Table<R> {
    /// Announces that an event changes, or looks at, this row.
    pub fn needs(&mut self, key: R::Key) {
        if !self.slots.contains_key(&key) {
            self.wanted.push(key);
        }
    }

    /// Announces that an event makes this row, the first of its key.
    pub fn makes(&mut self, key: R::Key) {
        self.slots.entry(key).or_insert_with(Slot::absent);
    }

    /// The announced row, to be changed.
    pub fn at(&mut self, key: &R::Key) -> Result<&mut R, NoRow> {
        let slot = self.slots.get_mut(key).ok_or(NoRow(R::TABLE))?;
        slot.is_changed = true;
        slot.row.as_mut().ok_or(NoRow(R::TABLE))
    }

    pub fn put(&mut self, row: R) {
        let slot = self.slots.entry(row.key()).or_insert_with(Slot::absent);
        slot.row = Some(row);
        slot.is_changed = true;
    }

    pub fn remove(&mut self, key: &R::Key) {
        if let Some(slot) = self.slots.get_mut(key) {
            slot.row = None;
            slot.is_changed = true;
        }
    }
}

impl<R> Slot<R> {
    fn absent() -> Self {
        Self { row: None, is_stored: false, is_changed: false }
    }
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// Whatever may be there already.
    Upsert,
    /// What is new by COPY.
    Copy,
}

/// A table, whatever its rows are.
pub trait Stored: Send {
    fn name(&self) -> &'static str;

    /// Reads the announced rows that are not known yet.
    fn load<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        schema: &'a str,
    ) -> BoxFuture<'a, sqlx::Result<()>>;

    /// Takes the announced rows for absent: nothing was stored yet.
    fn know_absent(&mut self);

    /// Writes what changed, and forgets the rows, the lowest keys first, until so many are held.
    fn write<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        schema: &'a str,
        how: Write,
        keep: usize,
    ) -> BoxFuture<'a, sqlx::Result<()>>;

    /// Rows held in memory.
    fn held(&self) -> usize;

    /// The keys that were announced since the last call, as text.
    fn announced(&mut self) -> Vec<Vec<String>>;

    /// The row of a key, as text.
    fn cells(&self, key: &[String]) -> Option<Cells>;

    /// The row of a key in the database, as text.
    fn stored_cells<'a>(
        &'a self,
        db: &'a mut PgConnection,
        schema: &'a str,
        key: &'a [String],
    ) -> BoxFuture<'a, sqlx::Result<Option<Cells>>>;

    /// Columns of the key.
    fn key_parts(&self) -> usize;

    /// The statement that copies out all rows, each its key and then itself, in the order of the keys.
    fn in_order(&self, schema: &str) -> String;
}

/// The cells of a row; None is null.
pub type Cells = Vec<Option<String>>;

impl<R: Row> Stored for Table<R> {
    fn name(&self) -> &'static str {
        R::TABLE
    }

    fn load<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        schema: &'a str,
    ) -> BoxFuture<'a, sqlx::Result<()>> {
        Box::pin(async move {
            let mut wanted = std::mem::take(&mut self.wanted);
            wanted.sort_unstable();
            wanted.dedup();
            wanted.retain(|key| !self.slots.contains_key(key));
            if wanted.is_empty() {
                return Ok(());
            }
            let sql =
                format!("select {} from {schema}.{} t {}", names::<R>("t"), R::TABLE, keyed::<R>());
            for row in bind_keys(sqlx::query_as(&sql), &wanted).fetch_all(db).await? {
                let slot = Slot { row: Some(row), is_stored: true, is_changed: false };
                self.slots.insert(slot.row.as_ref().map(R::key).expect("it was just put in"), slot);
            }
            for key in wanted {
                self.slots.entry(key).or_insert_with(Slot::absent);
            }
            Ok(())
        })
    }

    fn know_absent(&mut self) {
        for key in std::mem::take(&mut self.wanted) {
            self.slots.entry(key).or_insert_with(Slot::absent);
        }
    }

    fn write<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        schema: &'a str,
        how: Write,
        keep: usize,
    ) -> BoxFuture<'a, sqlx::Result<()>> {
        Box::pin(async move {
            let (mut new, mut changed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
            while self.slots.len() > keep {
                let Some((key, slot)) = self.slots.pop_first() else { break };
                match (slot.row, slot.is_stored) {
                    _ if !slot.is_changed => {}
                    (Some(row), false) if how == Write::Copy => new.push(row),
                    (Some(row), _) => changed.push(row),
                    (None, true) => removed.push(key),
                    (None, false) => {}
                }
            }
            if !removed.is_empty() {
                delete::<R>(db, schema, &removed).await?;
            }
            if !new.is_empty() {
                copy(db, schema, &new).await?;
            }
            if !changed.is_empty() {
                upsert(db, schema, &changed).await?;
            }
            Ok(())
        })
    }

    fn held(&self) -> usize {
        self.slots.len()
    }

    fn announced(&mut self) -> Vec<Vec<String>> {
        let made = std::mem::take(&mut self.slots).into_keys();
        made.chain(std::mem::take(&mut self.wanted)).map(|key| key_text(&key)).collect()
    }

    fn cells(&self, key: &[String]) -> Option<Cells> {
        let slot = self.slots.iter().find(|(known, _)| key_text(*known) == key)?.1;
        slot.row.as_ref().map(row_text)
    }

    fn stored_cells<'a>(
        &'a self,
        db: &'a mut PgConnection,
        schema: &'a str,
        key: &'a [String],
    ) -> BoxFuture<'a, sqlx::Result<Option<Cells>>> {
        Box::pin(async move {
            let sql =
                format!("select {} from {schema}.{} t {}", names::<R>("t"), R::TABLE, keyed::<R>());
            let query = key.iter().fold(sqlx::query_as(&sql), |query, cell| query.bind(vec![cell]));
            let row: Option<R> = query.fetch_optional(db).await?;
            Ok(row.as_ref().map(row_text))
        })
    }

    fn key_parts(&self) -> usize {
        R::KEY.len()
    }

    fn in_order(&self, schema: &str) -> String {
        let keys = list(R::KEY.iter().map(|name| format!("t.{name}::text collate \"C\"")));
        format!(
            "copy (select {keys}, row({})::text from {schema}.{} t order by {keys}) to stdout",
            names::<R>("t"),
            R::TABLE
        )
    }
}

/// Cells by column, as `unnest` takes them.
#[derive(Default)]
struct Columns {
    columns: Vec<Vec<Option<String>>>,
    next: usize,
}

impl Sink for Columns {
    fn cell(&mut self, cell: &impl Cell) {
        if self.next == self.columns.len() {
            self.columns.push(Vec::new());
        }
        let mut text = String::new();
        let text = cell.write(&mut text).then_some(text);
        self.columns[self.next].push(text);
        self.next += 1;
    }
}

/// The cells of one row or key.
#[derive(Default)]
struct Line(Cells);

impl Sink for Line {
    fn cell(&mut self, cell: &impl Cell) {
        let mut text = String::new();
        self.0.push(cell.write(&mut text).then_some(text));
    }
}

fn row_text(row: &impl Row) -> Cells {
    let mut line = Line::default();
    row.cells(&mut line);
    line.0
}

fn key_text(key: &impl Key) -> Vec<String> {
    let mut line = Line::default();
    key.cells(&mut line);
    line.0.into_iter().map(|cell| cell.expect("no part of a key is null")).collect()
}

/// Rows in the text form of COPY. Source: PostgreSQL manual, "COPY", text format.
#[derive(Default)]
struct CopyText {
    text: String,
    /// The cell that is being written.
    cell: String,
    is_first: bool,
}

impl CopyText {
    fn row(&mut self, row: &impl Row) {
        self.is_first = true;
        row.cells(self);
        self.text.push('\n');
    }
}

impl Sink for CopyText {
    fn cell(&mut self, cell: &impl Cell) {
        if !std::mem::take(&mut self.is_first) {
            self.text.push('\t');
        }
        self.cell.clear();
        if !cell.write(&mut self.cell) {
            self.text.push_str("\\N");
        } else if self.cell.bytes().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r' | b'\t')) {
            for c in self.cell.chars() {
                match c {
                    '\\' => self.text.push_str("\\\\"),
                    '\n' => self.text.push_str("\\n"),
                    '\r' => self.text.push_str("\\r"),
                    '\t' => self.text.push_str("\\t"),
                    plain => self.text.push(plain),
                }
            }
        } else {
            self.text.push_str(&self.cell);
        }
    }
}

async fn copy<R: Row>(db: &mut PgConnection, schema: &str, rows: &[R]) -> sqlx::Result<()> {
    let statement = format!("copy {schema}.{} ({}) from stdin", R::TABLE, names::<R>(""));
    let mut copy = db.copy_in_raw(&statement).await?;
    let mut out = CopyText::default();
    for row in rows {
        out.row(row);
        if out.text.len() >= COPY_BYTES {
            copy.send(std::mem::take(&mut out.text).into_bytes()).await?;
        }
    }
    copy.send(out.text.into_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

async fn upsert<R: Row>(db: &mut PgConnection, schema: &str, rows: &[R]) -> sqlx::Result<()> {
    let columns = R::COLUMNS.iter().map(|(name, _)| *name);
    let values = list(R::COLUMNS.iter().map(|(name, kind)| format!("n.{name}::{kind}")));
    let arrays = list((1..=R::COLUMNS.len()).map(|n| format!("${n}::text[]")));
    let changes = columns.clone().filter(|name| !R::KEY.contains(name));
    let changes = list(changes.map(|name| format!("{name} = excluded.{name}")));
    let names = names::<R>("");
    let sql = format!(
        "insert into {schema}.{} ({names})
         select {values} from unnest({arrays}) as n ({names})
         on conflict ({}) do update set {changes}",
        R::TABLE,
        R::KEY.join(", ")
    );
    let mut cells = Columns::default();
    for row in rows {
        cells.next = 0;
        row.cells(&mut cells);
    }
    let query =
        cells.columns.into_iter().fold(sqlx::query(&sql), |query, column| query.bind(column));
    query.execute(db).await.map(drop)
}

async fn delete<R: Row>(db: &mut PgConnection, schema: &str, keys: &[R::Key]) -> sqlx::Result<()> {
    let (values, same) = key_clauses::<R>();
    let sql = format!("delete from {schema}.{} t using {values} where {same}", R::TABLE);
    let mut cells = Columns::default();
    for key in keys {
        cells.next = 0;
        key.cells(&mut cells);
    }
    let query =
        cells.columns.into_iter().fold(sqlx::query(&sql), |query, column| query.bind(column));
    query.execute(db).await.map(drop)
}

/// `join ... on ...` for rows with given keys.
fn keyed<R: Row>() -> String {
    let (values, same) = key_clauses::<R>();
    format!("join {values} on {same}")
}

fn key_clauses<R: Row>() -> (String, String) {
    let arrays = list((1..=R::KEY.len()).map(|n| format!("${n}::text[]")));
    let values = format!("unnest({arrays}) as k ({})", R::KEY.join(", "));
    let types = <R::Key as Key>::TYPES;
    let same = R::KEY.iter().zip(types).map(|(name, kind)| format!("t.{name} = k.{name}::{kind}"));
    (values, same.collect::<Vec<_>>().join(" and "))
}

type QueryAs<'q, R> = sqlx::query::QueryAs<'q, Postgres, R, sqlx::postgres::PgArguments>;

fn bind_keys<'q, R>(query: QueryAs<'q, R>, keys: &[impl Key]) -> QueryAs<'q, R> {
    let mut cells = Columns::default();
    for key in keys {
        cells.next = 0;
        key.cells(&mut cells);
    }
    cells.columns.into_iter().fold(query, |query, column| query.bind(column))
}

/// The names of all columns, of a table with this alias.
fn names<R: Row>(alias: &str) -> String {
    let dot = if alias.is_empty() { "" } else { "." };
    list(R::COLUMNS.iter().map(|(name, _)| format!("{alias}{dot}{name}")))
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
