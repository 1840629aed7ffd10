//! The files that can be taken along. The QR code of an activity: [`check_in_code`].
//!
//! Those of a report or note: per municipality that pays a CSV, a spreadsheet and a page to send,
//! together in one zip (R-NOTE-07); and the order to the bank that pays them: [`credit_transfer`]. From an equal document come equal bytes, whenever they are made
//! (R-NOTE-04): nothing here looks at the clock.

pub mod check_in_code;
pub mod credit_transfer;
mod pdf;
mod spreadsheet;
mod winansi;

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use uitpas_domain::counter::Profile;
use uitpas_domain::counter::notes::{NoteIssued, NotePart};
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::iban::Iban;
use uitpas_projections::settlement::note::Note;

/// What made these files. Another layout needs another number: files of one number are the same to
/// the byte.
pub const RENDERER: u32 = 2;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Everything that the files say.
pub struct Document {
    /// The counter as it was at the position.
    pub counter: Profile,
    pub account: Option<Iban>,
    pub from: NaiveDate,
    pub until: NaiveDate,
    /// The last position of the log that is in it.
    pub position: u64,
    /// When it was asked for or issued.
    pub at: DateTime<Utc>,
    /// Absent in a report, which closes nothing.
    pub issued: Option<NoteIssued>,
    /// Per municipality.
    pub notes: Vec<Note>,
}

impl Document {
    pub fn title(&self) -> String {
        match &self.issued {
            Some(issued) => format!("Onkostennota {}", issued.note),
            None => "Financieel rapport".to_owned(),
        }
    }

    /// What a municipality owes by this note; absent in a report.
    fn part(&self, note: &Note) -> Option<&NotePart> {
        let is_own = |part: &&NotePart| {
            part.payer.postal_code.to_string() == note.postal_code
                && part.payer.name.as_str() == note.municipality
        };
        self.issued.as_ref()?.parts.iter().find(is_own)
    }

    /// The files in a zip, in the order of their names and without the time of day.
    pub fn zip(&self) -> Result<Vec<u8>, Failure> {
        let mut files = BTreeMap::new();
        for note in &self.notes {
            let municipality = note.municipality.replace(['/', '\\'], "-");
            let mut name = format!("{}-{municipality}", note.postal_code);
            // Two names may become one without their slashes.
            while files.contains_key(&format!("{name}.csv")) {
                name.push('_');
            }
            files.insert(format!("{name}.csv"), note.csv().into_bytes());
            files.insert(format!("{name}.pdf"), pdf::page(self, note));
            files.insert(format!("{name}.xlsx"), spreadsheet::workbook(self, note)?);
        }
        zipped(files)
    }
}

/// In the order of their names and without the time of day.
fn zipped(files: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, Failure> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    for (name, content) in files {
        zip.start_file(name, options)?;
        zip.write_all(&content)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// The sums under the lines: what they are called, and how much.
fn sums(document: &Document, note: &Note) -> Vec<(&'static str, Euro)> {
    let total = note.sums().municipality;
    match document.part(note) {
        None => vec![("Totaal terug te betalen", total)],
        Some(part) if part.deducted > Euro::ZERO => vec![
            ("Totaal van deze nota", total),
            ("Af: te veel betaald op vorige nota's", -part.deducted),
            ("Te betalen", part.payable),
        ],
        Some(part) if total < Euro::ZERO => {
            vec![("Totaal, in mindering op een volgende nota", total), ("Te betalen", part.payable)]
        }
        Some(part) => vec![("Te betalen", part.payable)],
    }
}

/// What is to be said of a line, beside its columns.
fn remarks(line: &uitpas_projections::settlement::lines::NoteLine) -> String {
    let mut remarks = Vec::new();
    if let Some(note) = line.corrects {
        remarks.push(format!("correctie op nota {note}"));
    }
    if let Some((from, until)) = line.late {
        remarks.push(format!("hoort bij {} tot {}", day(from), day(until)));
    }
    if line.deviating {
        remarks.push("afwijkende prijs".to_owned());
    }
    remarks.join("; ")
}

/// A day as it is written in Flanders.
fn day(day: NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}

/// The contract's word for a zip.
pub const ZIP: &str = "application/x-zip-compressed";

/// A file as an attachment of this name, which is printable ASCII.
pub fn download(name: &str, kind: &'static str, content: Vec<u8>) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let name = name.replace(['"', '\\'], "-");
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .expect("ids of counters and activities are printable ASCII");
    headers.insert(CONTENT_DISPOSITION, name);
    (headers, content).into_response()
}
