//! The expense note of one municipality: its lines, their sum, and the canonical text by which two
//! notes are the same one. Pure: from equal lines come equal bytes.

use sha2::{Digest as _, Sha256};
use uitpas_domain::counter::notes::{Drawn, DrawnPart};
use uitpas_domain::values::digest::Digest;
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::place::Municipality;

use super::lines::{NoteLine, in_order};

/// What one municipality owes one counter.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    pub postal_code: String,
    pub municipality: String,
    /// By day, then by position.
    pub lines: Vec<NoteLine>,
}

/// What the lines of a note add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    pub price: Euro,
    pub passholder: Euro,
    pub organizer: Euro,
    /// To be repaid.
    pub municipality: Euro,
}

/// The columns of the canonical text: changing them changes every digest.
const COLUMNS: [&str; 17] = [
    "sale",
    "position",
    "day",
    "counter",
    "postal_code",
    "municipality",
    "activity",
    "title",
    "price_name",
    "deviating",
    "price",
    "passholder",
    "organizer",
    "municipality_share",
    "key",
    "corrects",
    "belongs_to",
];

/// One note per paying municipality, by postal code and name.
pub fn notes(lines: Vec<NoteLine>) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    for line in in_order(lines) {
        match notes.last_mut() {
            Some(note)
                if note.postal_code == line.postal_code
                    && note.municipality == line.municipality =>
            {
                note.lines.push(line);
            }
            _ => notes.push(Note {
                postal_code: line.postal_code.clone(),
                municipality: line.municipality.clone(),
                lines: vec![line],
            }),
        }
    }
    notes
}

/// The canonical text of all notes together, under one heading.
pub fn canonical(notes: &[Note]) -> String {
    let rows = notes.iter().flat_map(|note| &note.lines).map(row);
    COLUMNS.join(",") + "\n" + &rows.collect::<String>()
}

/// What the lines come to; absent where a line names no municipality, which no line of the log does.
pub fn drawn(notes: &[Note]) -> Option<Drawn> {
    let part = |note: &Note| {
        Some(DrawnPart {
            payer: Municipality {
                postal_code: note.postal_code.parse().ok()?,
                name: note.municipality.parse().ok()?,
            },
            lines: u32::try_from(note.lines.len()).unwrap_or(u32::MAX),
            total: note.sums().municipality,
            digest: note.digest(),
        })
    };
    let parts = notes.iter().map(part).collect::<Option<_>>()?;
    Some(Drawn { digest: digest(&canonical(notes)), parts })
}

impl Note {
    pub fn sums(&self) -> Sums {
        let sum = |share: fn(&NoteLine) -> i64| {
            self.lines.iter().map(|line| Euro::cents(share(line))).sum()
        };
        Sums {
            price: sum(|line| line.price),
            passholder: sum(|line| line.passholder_share),
            organizer: sum(|line| line.organizer_share),
            municipality: sum(|line| line.municipality_share),
        }
    }

    /// The canonical text: comma-separated, in fixed columns, lines ended by a line feed.
    pub fn csv(&self) -> String {
        COLUMNS.join(",") + "\n" + &self.lines.iter().map(row).collect::<String>()
    }

    /// SHA-256 of the canonical text.
    pub fn digest(&self) -> Digest {
        digest(&self.csv())
    }
}

/// SHA-256 of a canonical text.
pub fn digest(text: &str) -> Digest {
    Digest::new(Sha256::digest(text).into())
}

fn row(line: &NoteLine) -> String {
    let euro = |cents| Euro::cents(cents).to_string();
    let cells = [
        line.sale.to_string(),
        line.position.to_string(),
        line.day.to_string(),
        line.counter.clone(),
        line.postal_code.clone(),
        line.municipality.clone(),
        line.activity.clone(),
        line.title.clone(),
        line.price_name.clone().unwrap_or_default(),
        line.deviating.to_string(),
        euro(line.price),
        euro(line.passholder_share),
        euro(line.organizer_share),
        euro(line.municipality_share),
        format!("{} {}", line.key_id.cast_unsigned(), line.key_name),
        line.corrects.map(|note| note.to_string()).unwrap_or_default(),
        line.late.map(|(from, until)| format!("{from}/{until}")).unwrap_or_default(),
    ];
    let quoted: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    quoted.join(",") + "\n"
}

/// A cell of the canonical text, between quotes where it must be (RFC 4180).
fn quoted(cell: &str) -> String {
    match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}
