//! `uitpas import activities|cards`. Importing the same file again changes nothing.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use uitpas_domain::card::TakeIn;
use uitpas_domain::ids::SubjectId;

use super::{Outcome, progress_bar};
use crate::actions::activities::Imported;
use crate::actions::{self, Request};
use crate::app::App;
use crate::auth::{Caller, Kind};
use crate::import::{activities, cards};
use crate::ledger::{Ledger, Target};
use crate::problem::Problem;

#[derive(clap::Subcommand)]
pub enum Import {
    /// Activities of UiTdatabank: JSON-LD, as one object, a list, an object a line, or a search answer.
    Activities { file: PathBuf },
    /// Cards: CSV with the columns uitpasNumber,chipNumber,cardSystem,stage,counter.
    Cards { file: PathBuf },
}

/// What came of the records of a file.
#[derive(Debug, Default)]
pub struct Tally {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
    pub skipped: u64,
    /// What could not be taken over, and why.
    pub broken: Vec<String>,
}

impl Import {
    /// Exit code 2 when some records could not be taken over; the others were.
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let (Import::Activities { file } | Import::Cards { file }) = &self;
        let source = File::open(file)
            .map(BufReader::new)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let ledger = Ledger::open_or_make(target).await?;
        let tally = match &self {
            Import::Activities { .. } => import_activities(&ledger.app, source).await?,
            Import::Cards { .. } => import_cards(&ledger.app, source).await?,
        };
        ledger.close().await;
        let Tally { new, changed, unchanged, skipped, broken } = &tally;
        if as_json {
            let summary = json!({
                "new": new, "changed": changed, "unchanged": unchanged, "skipped": skipped,
                "broken": broken,
            });
            println!("{summary}");
        } else {
            println!(
                "{new} new, {changed} changed, {unchanged} unchanged, {skipped} no UiTPAS activity"
            );
            for reason in broken {
                eprintln!("{}: {reason}", file.display());
            }
        }
        Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }
}

/// A request of the system itself.
pub fn of_system() -> Request {
    let subject: SubjectId = "uitpas".parse().expect("a word is an identifier");
    Request { caller: Caller { subject, kind: Kind::SystemOwner }, key: None, content: vec![] }
}

pub async fn import_activities(app: &App, source: impl BufRead) -> Result<Tally, Problem> {
    let request = of_system();
    let mut tally = Tally::default();
    let bar = progress_bar(0).with_message("activiteiten");
    for record in activities::read(source) {
        bar.inc_length(1);
        bar.inc(1);
        let record = match record {
            Ok(record) => record,
            Err(broken) => {
                tally.broken.push(broken.to_string());
                continue;
            }
        };
        let description = &record.description;
        match actions::activities::import(app, &request, &record.id, description).await? {
            Imported::New => tally.new += 1,
            Imported::Changed => tally.changed += 1,
            Imported::Unchanged => tally.unchanged += 1,
            Imported::NoUitpas => tally.skipped += 1,
        }
    }
    bar.finish_and_clear();
    Ok(tally)
}

async fn import_cards(
    app: &App,
    source: impl BufRead,
) -> Result<Tally, Box<dyn std::error::Error + Send + Sync>> {
    let request = of_system();
    let mut tally = Tally::default();
    let bar = progress_bar(0).with_message("kaarten");
    for row in cards::read(source).map_err(|broken| broken.to_string())? {
        bar.inc_length(1);
        bar.inc(1);
        let row = match row {
            Ok(row) => row,
            Err(broken) => {
                tally.broken.push(broken.to_string());
                continue;
            }
        };
        let card = TakeIn {
            card_system: row.card_system,
            chip: row.chip,
            stage: row.stage,
            counter: row.counter,
            at: app.now(),
        };
        match actions::cards::take_in(app, &request, row.number, &card).await {
            Ok(true) => tally.new += 1,
            Ok(false) => tally.unchanged += 1,
            Err(Problem::Internal(cause)) => return Err(cause),
            Err(problem) => tally.broken.push(format!("line {}: {problem}", row.line)),
        }
    }
    bar.finish_and_clear();
    Ok(tally)
}
