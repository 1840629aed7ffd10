//! `uitpas note`: what each municipality owes a counter over a period.

use std::process::ExitCode;

use chrono::NaiveDate;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::value::RawValue;
use uitpas_domain::ids::CounterId;
use uitpas_domain::values::euro::Euro;
use uitpas_projections::settlement;
use uitpas_projections::settlement::note::{Note, notes};

use super::Outcome;
use super::migrate::boxed;
use crate::ledger::{Ledger, Target};

#[derive(clap::Args)]
pub struct NoteOf {
    /// The counter to be repaid.
    #[arg(long)]
    counter: CounterId,
    /// First day, in Brussels.
    #[arg(long)]
    from: NaiveDate,
    /// Last day, inclusive.
    #[arg(long)]
    until: NaiveDate,
    /// The log up to this position; absent: to its end.
    #[arg(long)]
    at: Option<u64>,
    /// Print the lines as CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

impl NoteOf {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = Ledger::open(target).await?;
        ledger.app.projections.catch_up().await?;
        let head = ledger.app.store.head().await.map_err(boxed)?.position;
        let position = self.at.unwrap_or(head).min(head);
        let pool = ledger.app.pool();
        let lines =
            settlement::report_lines(pool, &self.counter, self.from, self.until, position).await?;
        let notes = notes(lines);
        ledger.close().await;
        if as_json {
            println!("{}", serde_json::to_string(&summary(&notes, Some(position)))?);
        } else if self.csv {
            for note in &notes {
                print!("{}", note.csv());
            }
        } else if notes.is_empty() {
            println!("Er is geen financieel rapport beschikbaar voor de opgegeven periode.");
        } else {
            println!("{}", table(&notes));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The sum of what all municipalities owe.
pub fn total(notes: &[Note]) -> Euro {
    notes.iter().map(|note| note.sums().municipality).sum()
}

/// For machines.
#[derive(Serialize)]
pub struct Summary {
    /// Absent where it stands beside the summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    total: Box<RawValue>,
    municipalities: Vec<OfMunicipality>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfMunicipality {
    name: String,
    postal_code: String,
    lines: usize,
    total: Box<RawValue>,
}

pub fn summary(notes: &[Note], position: Option<u64>) -> Summary {
    let of_municipality = |note: &Note| OfMunicipality {
        name: note.municipality.clone(),
        postal_code: note.postal_code.clone(),
        lines: note.lines.len(),
        total: number(note.sums().municipality),
    };
    let municipalities = notes.iter().map(of_municipality).collect();
    Summary { position, total: number(total(notes)), municipalities }
}

/// A JSON number with two decimals, as it is printed everywhere else.
fn number(amount: Euro) -> Box<RawValue> {
    RawValue::from_string(amount.to_string()).expect("digits, a point and two decimals are JSON")
}

/// For people.
pub fn table(notes: &[Note]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "Gemeente",
        "Tickets",
        "Prijs",
        "Pashouder",
        "Organisator",
        "Gemeente betaalt",
    ]);
    for note in notes {
        let sums = note.sums();
        table.add_row([
            format!("{} {}", note.postal_code, note.municipality),
            note.lines.len().to_string(),
            sums.price.to_string(),
            sums.passholder.to_string(),
            sums.organizer.to_string(),
            sums.municipality.to_string(),
        ]);
    }
    table.add_row(["Samen", "", "", "", "", &total(notes).to_string()]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
