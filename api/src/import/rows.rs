//! Rows of a CSV file whose header says in which order its columns stand. A row is one line: no cell
//! of ours has a line break in it, so that a forgotten quotation mark costs its line only. What a
//! cell holds is never repeated: it may be personal.

use std::fmt::Display;
use std::io::BufRead;
use std::str::FromStr;
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord, Trim};

/// The columns that a file may have, and those that it must have.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    pub names: &'static [&'static str],
    pub needed: &'static [&'static str],
}

/// A line with a cell for each column of its file.
#[derive(Debug, Clone)]
pub struct Cells {
    /// Where it stands in the file, from 1.
    pub line: u64,
    columns: Arc<[&'static str]>,
    record: StringRecord,
}

/// A row that is not taken over; at line 1 it is the header, and nothing is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Broken {
    pub line: u64,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("the header names no column {0}")]
    NoColumn(&'static str),
    #[error("the header names a column that is not one of {}", .0.join(", "))]
    UnknownColumn(&'static [&'static str]),
    #[error("the header names column {0} twice")]
    ColumnTwice(&'static str),
    #[error("{cells} cells under {columns} columns")]
    Cells { cells: usize, columns: usize },
    #[error("{column}: {why}")]
    Cell { column: &'static str, why: String },
    #[error("the row is not UTF-8")]
    NotUtf8,
    #[error("the file cannot be read: {0}")]
    Unreadable(std::io::ErrorKind),
}

/// Reads the header now and the rows one at a time. Empty lines are none.
pub fn read(
    source: impl BufRead,
    known: Columns,
) -> Result<impl Iterator<Item = Result<Cells, Broken>>, Broken> {
    let mut lines = (1..).zip(source.split(b'\n'));
    let (line, header) = match lines.next() {
        Some((line, header)) => (line, header.map_err(|error| Reason::Unreadable(error.kind()))),
        None => (1, Ok(vec![])),
    };
    let columns: Arc<[&'static str]> = header
        .and_then(|header| {
            columns(known, &record(header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&header))?)
        })
        .map_err(|reason| Broken { line, reason })?
        .into();
    let mut over = false;
    Ok(lines
        .map_while(move |(line, bytes)| {
            if over {
                return None;
            }
            over = bytes.is_err();
            Some((line, bytes.map_err(|error| Reason::Unreadable(error.kind()))))
        })
        .filter(|(_, bytes)| !bytes.as_ref().is_ok_and(|bytes| bytes.trim_ascii().is_empty()))
        .map(move |(line, bytes)| {
            let cells = bytes.and_then(|bytes| {
                let record = record(&bytes)?;
                match record.len() == columns.len() {
                    true => Ok(Cells { line, columns: columns.clone(), record }),
                    false => Err(Reason::Cells { cells: record.len(), columns: columns.len() }),
                }
            });
            cells.map_err(|reason| Broken { line, reason })
        }))
}

fn record(line: &[u8]) -> Result<StringRecord, Reason> {
    let mut record = StringRecord::new();
    ReaderBuilder::new()
        .has_headers(false)
        .trim(Trim::All)
        .buffer_capacity(line.len().max(1))
        .from_reader(line)
        .read_record(&mut record)
        .map_err(|_| Reason::NotUtf8)?;
    Ok(record)
}

/// The columns in the order of the file.
fn columns(known: Columns, header: &StringRecord) -> Result<Vec<&'static str>, Reason> {
    let mut columns = vec![];
    for name in header {
        let column = known.names.iter().copied().find(|column| *column == name);
        let column = column.ok_or(Reason::UnknownColumn(known.names))?;
        if columns.contains(&column) {
            return Err(Reason::ColumnTwice(column));
        }
        columns.push(column);
    }
    match known.needed.iter().find(|needed| !columns.contains(needed)) {
        Some(missing) => Err(Reason::NoColumn(missing)),
        None => Ok(columns),
    }
}

impl Cells {
    /// Empty where the file has no such column.
    pub fn text(&self, wanted: &str) -> &str {
        let mut cells = self.columns.iter().zip(&self.record);
        cells.find(|(column, _)| **column == wanted).map_or("", |(_, text)| text)
    }

    pub fn must<T: FromStr<Err: Display>>(&self, column: &'static str) -> Result<T, Reason> {
        let parsed = self.text(column).parse();
        parsed.map_err(|why: T::Err| Reason::Cell { column, why: why.to_string() })
    }

    pub fn optional<T: FromStr<Err: Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, Reason> {
        if self.text(column).is_empty() { Ok(None) } else { self.must(column).map(Some) }
    }
}
