//! What the queries of all views have in common: pages of rows, and patterns of text.

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use sqlx::postgres::{PgArguments, PgPool, PgRow, Postgres};
use sqlx::query::QueryAs;
use sqlx::{FromRow, Row as _};
use tokio::sync::mpsc;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A part of the rows found, and how many there are in all.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<R> {
    pub rows: Vec<R>,
    pub total: i64,
}

/// Which part: rows before it, and rows in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    pub start: i64,
    pub limit: i64,
}

impl Paging {
    /// Every row.
    pub(crate) const ALL: Self = Self { start: 0, limit: i64::MAX };
}

impl Default for Paging {
    fn default() -> Self {
        Self { start: 0, limit: 10 }
    }
}

/// A row beside the number of all rows found, in a column `total`.
pub(crate) struct Counted<R> {
    row: R,
    total: i64,
}

impl<'r, R: FromRow<'r, PgRow>> FromRow<'r, PgRow> for Counted<R> {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        Ok(Self { total: row.try_get("total")?, row: R::from_row(row)? })
    }
}

pub(crate) type Query<'q, R> = QueryAs<'q, Postgres, Counted<R>, PgArguments>;

/// Asks for a page. A page beyond the last row has none to count by: then the first row is asked for.
pub(crate) async fn page<'q, R>(
    pool: &PgPool,
    paging: Paging,
    query: impl Fn(Paging) -> Query<'q, R>,
) -> sqlx::Result<Page<R>>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin + 'q,
{
    let found = query(paging).fetch_all(pool).await?;
    let total = match found.first() {
        Some(counted) => counted.total,
        None if paging.start == 0 && paging.limit > 0 => 0,
        None => {
            let first = query(Paging { start: 0, limit: 1 }).fetch_optional(pool).await?;
            first.map_or(0, |counted| counted.total)
        }
    };
    Ok(Page { rows: found.into_iter().map(|counted| counted.row).collect(), total })
}

/// Rows that lie ready before the database waits.
const ROWS_READY_MAX: usize = 256;

/// Rows as they come. Whoever reads slowly makes the database wait: they are never all in memory.
pub type Rows<R> = BoxStream<'static, sqlx::Result<R>>;

/// All rows of a query, which goes on by itself until nobody reads any more.
pub(crate) fn rows<R>(pool: &PgPool, query: Query<'static, R>) -> Rows<R>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static,
{
    let (sender, receiver) = mpsc::channel(ROWS_READY_MAX);
    let pool = pool.clone();
    tokio::spawn(async move {
        let mut found = query.fetch(&pool);
        while let Some(row) = found.try_next().await.transpose() {
            let is_over = row.is_err();
            let row = row.map(|counted: Counted<R>| counted.row);
            if sender.send(row).await.is_err() || is_over {
                return;
            }
        }
    });
    let next = |mut receiver: mpsc::Receiver<_>| async {
        receiver.recv().await.map(|row| (row, receiver))
    };
    stream::unfold(receiver, next).boxed()
}

/// Text as it is searched by: in lower case, without accents.
pub(crate) fn folded(text: &str) -> String {
    text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// The pattern of whatever holds this text.
pub(crate) fn containing(text: &str) -> String {
    format!("%{}%", literally(&folded(text)))
}

/// The pattern of whatever is this text, where `*` stands for any.
pub(crate) fn matching(text: &str) -> String {
    literally(&folded(text)).replace('*', "%")
}

/// Without a special meaning for any character of it.
fn literally(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            literal.push('\\');
        }
        literal.push(c);
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_only_the_star_for_any_text() {
        assert_eq!(containing("Zoë_100%"), "%zoe\\_100\\%%");
        assert_eq!(matching("*straat\\ 5*"), "%straat\\\\ 5%");
        assert_eq!(folded("ÉLÈVE Çelik"), "eleve celik");
    }
}
