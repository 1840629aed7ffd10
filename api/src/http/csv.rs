//! Tables as CSV: overviews row by row as they come from the view, so that none is ever whole in memory,
//! and lists that are at hand anyway.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::stream;
use serde::Deserialize;
use uitpas_domain::values::euro::Euro;
use uitpas_projections::Rows;

use crate::problem::{Answer, Problem};

/// Rows that are sent together.
const ROWS_AT_ONCE: usize = 256;

/// In what form an overview is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    /// A page.
    #[default]
    Json,
    /// All rows; `start` and `limit` do not count.
    Csv,
}

/// What an overview is as a table.
pub trait Columns {
    const NAMES: &'static [&'static str];

    /// As many as there are names.
    fn cells(&self) -> Vec<Cell>;
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// What somebody typed: a spreadsheet must not take it for a formula.
    Text(String),
    /// What we made: an id, a number, a day.
    Plain(String),
    Empty,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }

    pub fn plain(value: impl ToString) -> Self {
        Cell::Plain(value.to_string())
    }

    pub fn or_empty(value: Option<impl ToString>) -> Self {
        value.map_or(Cell::Empty, Cell::plain)
    }

    pub fn cents(cents: i64) -> Self {
        Cell::plain(Euro::cents(cents))
    }

    fn written(self) -> String {
        match self {
            Cell::Text(text) => harmless(text),
            Cell::Plain(value) => value,
            Cell::Empty => String::new(),
        }
    }
}

/// An apostrophe before what a spreadsheet would reckon with.
fn harmless(text: String) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text,
    }
}

/// A table as a file of this name, under its headings.
pub fn download<R: Send + 'static, P: Columns>(
    name: &'static str,
    rows: Rows<R>,
    print: impl Fn(R) -> P + Send + Clone + 'static,
) -> Response {
    let heading = P::NAMES.iter().map(Cell::plain).collect();
    let heading = stream::once(std::future::ready(lines(vec![heading])));
    let rows = rows.ready_chunks(ROWS_AT_ONCE).map(move |chunk| {
        let chunk: Vec<R> = chunk.into_iter().collect::<Result<_, _>>()?;
        lines(chunk.into_iter().map(|row| print(row).cells()).collect())
    });
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\""));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (CONTENT_DISPOSITION, disposition.expect("names of overviews are plain words")),
    ];
    (headers, Body::from_stream(heading.chain(rows))).into_response()
}

/// A table that is at hand, without a name.
pub fn list<P: Columns>(rows: impl IntoIterator<Item = P>) -> Answer<Response> {
    let heading = P::NAMES.iter().map(Cell::plain).collect();
    let rows = rows.into_iter().map(|row| row.cells());
    let lines = lines(std::iter::once(heading).chain(rows).collect()).map_err(Problem::Internal)?;
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], lines).into_response())
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn lines(rows: Vec<Vec<Cell>>) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.into_iter().map(Cell::written))?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_text_and_figures_stay_figures() {
        let row = vec![
            Cell::text("=HYPERLINK(\"http://x\")"),
            Cell::text("+32"),
            Cell::text("-1"),
            Cell::text("@SUM"),
            Cell::text("D'Hondt, \"Zoë\""),
            Cell::cents(-150),
            Cell::Empty,
        ];
        let written = lines(vec![row]).expect("a line");
        let expected = "\"'=HYPERLINK(\"\"http://x\"\")\",'+32,'-1,'@SUM,\
            \"D'Hondt, \"\"Zoë\"\"\",-1.50,\n";
        assert_eq!(String::from_utf8(written).expect("text"), expected);
    }
}
