//! A list of cards in CSV: `uitpasNumber,chipNumber,cardSystem,stage,counter`. The header says in
//! which order; only the number and the card system must be there.

use std::fmt::Display;
use std::io::BufRead;
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord, Trim};
use uitpas_domain::card::Stage;
use uitpas_domain::ids::{CardSystemId, CounterId};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::chip_number::ChipNumber;

/// A card to take into the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands in the file, from 1.
    pub line: u64,
    pub number: CardNumber,
    pub chip: Option<ChipNumber>,
    pub card_system: CardSystemId,
    /// In local stock where the file does not say.
    pub stage: Stage,
    pub counter: Option<CounterId>,
}

/// A row that is not imported; at line 1 it is the header, and nothing is.
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
    #[error("the header names a column that is not one of {}", COLUMNS.join(", "))]
    UnknownColumn,
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

const NUMBER: &str = "uitpasNumber";
const CHIP: &str = "chipNumber";
const CARD_SYSTEM: &str = "cardSystem";
const STAGE: &str = "stage";
const COUNTER: &str = "counter";
const COLUMNS: [&str; 5] = [NUMBER, CHIP, CARD_SYSTEM, STAGE, COUNTER];

/// Reads the header now and the rows one at a time. A row is one line: no cell of ours has a line
/// break in it, so that a forgotten quotation mark costs its line only.
pub fn read(source: impl BufRead) -> Result<impl Iterator<Item = Result<Row, Broken>>, Broken> {
    let mut lines = (1..).zip(source.split(b'\n'));
    let (line, header) = match lines.next() {
        Some((line, header)) => (line, header.map_err(|error| Reason::Unreadable(error.kind()))),
        None => (1, Ok(vec![])),
    };
    let columns = header
        .and_then(|header| {
            columns(&cells(header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&header))?)
        })
        .map_err(|reason| Broken { line, reason })?;
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
            let row = bytes.and_then(|bytes| row(line, &columns, &cells(&bytes)?));
            row.map_err(|reason| Broken { line, reason })
        }))
}

fn cells(line: &[u8]) -> Result<StringRecord, Reason> {
    let mut cells = StringRecord::new();
    ReaderBuilder::new()
        .has_headers(false)
        .trim(Trim::All)
        .buffer_capacity(line.len().max(1))
        .from_reader(line)
        .read_record(&mut cells)
        .map_err(|_| Reason::NotUtf8)?;
    Ok(cells)
}

/// The columns in the order of the file.
fn columns(header: &StringRecord) -> Result<Vec<&'static str>, Reason> {
    let mut columns = vec![];
    for name in header {
        let known = COLUMNS.into_iter().find(|column| *column == name);
        let column = known.ok_or(Reason::UnknownColumn)?;
        if columns.contains(&column) {
            return Err(Reason::ColumnTwice(column));
        }
        columns.push(column);
    }
    match [NUMBER, CARD_SYSTEM].into_iter().find(|needed| !columns.contains(needed)) {
        Some(missing) => Err(Reason::NoColumn(missing)),
        None => Ok(columns),
    }
}

fn row(line: u64, columns: &[&'static str], cells: &StringRecord) -> Result<Row, Reason> {
    if cells.len() != columns.len() {
        return Err(Reason::Cells { cells: cells.len(), columns: columns.len() });
    }
    let cell = |wanted| {
        let text = columns.iter().zip(cells).find(|(column, _)| **column == wanted);
        text.map_or("", |(_, text)| text)
    };
    Ok(Row {
        line,
        number: must(NUMBER, cell(NUMBER))?,
        chip: optional(CHIP, cell(CHIP))?,
        card_system: must(CARD_SYSTEM, cell(CARD_SYSTEM))?,
        stage: stage(cell(STAGE))?,
        counter: optional(COUNTER, cell(COUNTER))?,
    })
}

fn stage(text: &str) -> Result<Stage, Reason> {
    let why = "is none of provisioned, stock, sent-to-counter, local-stock".to_owned();
    match text {
        "" => Ok(Stage::LocalStock),
        text => text.parse().map_err(|_| Reason::Cell { column: STAGE, why }),
    }
}

fn optional<T: FromStr<Err: Display>>(
    column: &'static str,
    text: &str,
) -> Result<Option<T>, Reason> {
    if text.is_empty() { Ok(None) } else { must(column, text).map(Some) }
}

fn must<T: FromStr<Err: Display>>(column: &'static str, text: &str) -> Result<T, Reason> {
    text.parse().map_err(|why: T::Err| Reason::Cell { column, why: why.to_string() })
}
