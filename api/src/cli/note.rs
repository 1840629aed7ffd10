//! `uitpas note`: what each municipality owes a counter over a period, and the notes that say so.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use strum::VariantNames as _;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::counter::notes::Standing;
use uitpas_domain::ids::CounterId;
use uitpas_domain::values::euro::Euro;
use uitpas_projections::counters;
use uitpas_projections::settlement::note::{Note, notes};
use uitpas_projections::settlement::{self, Filter, IssuedNote};

use super::migrate::boxed;
use super::{Failure, Outcome, days, said};
use crate::actions::notes::NewNote;
use crate::actions::{self, Request};
use crate::app::App;
use crate::cli::import::of_system;
use crate::ledger::{Ledger, Target};
use crate::problem::NOTHING_IN_PERIOD;

/// Without a subcommand: what a note over a period would say.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Notes {
    #[command(subcommand)]
    act: Option<Act>,
    #[command(flatten)]
    of: Option<NoteOf>,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Issue a note over a wholly past period.
    Issue(Issue),
    /// The notes that were issued, newest first.
    List(List),
    /// Write the files of an issued note as they were issued, or made again: always the same ones.
    Files(Files),
}

impl Notes {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        match (self.act, self.of) {
            (Some(Act::Issue(issue)), _) => issue.run(target, as_json).await,
            (Some(Act::List(list)), _) => list.run(target, as_json).await,
            (Some(Act::Files(files)), _) => files.run(target, as_json).await,
            (None, Some(of)) => of.run(target, as_json).await,
            (None, None) => Err("say which note, or `uitpas note --help`".into()),
        }
    }
}

#[derive(clap::Args)]
struct Issue {
    /// The counter to be repaid.
    #[arg(long)]
    counter: CounterId,
    /// First day, in Brussels.
    #[arg(long, value_parser = days::day)]
    from: NaiveDate,
    /// Last day, inclusive.
    #[arg(long, value_parser = days::day)]
    until: NaiveDate,
    /// The last day on which the counter may object; absent: 14 days from now.
    #[arg(long, value_parser = days::day)]
    deadline: Option<NaiveDate>,
}

impl Issue {
    async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let mut ledger = Ledger::open(target).await?;
        ledger.app.projections.catch_up().await?;
        ledger.follow();
        let Issue { counter, from, until, deadline } = self;
        let content = format!("note issue {counter} {from} {until} {deadline:?}").into_bytes();
        let request = Request { content, ..of_system() };
        let new = NewNote { from, until, deadline };
        let issued = actions::notes::issue(&ledger.app, &request, &counter, &new).await;
        let outcome = match issued {
            Ok(issued) => {
                ledger.app.projections.catch_up().await?;
                Ok(settlement::by_number(ledger.app.pool(), &counter, issued.note).await?)
            }
            Err(problem) => Err(said(&problem)),
        };
        let today = day_in_belgium(ledger.app.now());
        ledger.close().await;
        let notes: Vec<_> = outcome?.into_iter().collect();
        print_list(&notes, today, as_json);
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(clap::Args)]
struct List {
    /// Of this counter only.
    #[arg(long)]
    counter: Option<CounterId>,
    /// In this state only.
    #[arg(
        long,
        value_parser = PossibleValuesParser::new(Standing::VARIANTS)
            .try_map(|name| name.parse::<Standing>()),
    )]
    state: Option<Standing>,
}

impl List {
    async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = Ledger::open(target).await?;
        ledger.app.projections.catch_up().await?;
        let notes = self.notes(&ledger.app).await;
        let today = day_in_belgium(ledger.app.now());
        ledger.close().await;
        let mut notes = notes?;
        notes.retain(|note| self.state.is_none_or(|state| note.standing(today) == state));
        print_list(&notes, today, as_json);
        Ok(ExitCode::SUCCESS)
    }

    async fn notes(&self, app: &App) -> Result<Vec<IssuedNote>, Failure> {
        if let Some(counter) = &self.counter {
            demand_known(app, counter).await?;
        }
        let counters = self.counter.clone().map(|counter| vec![counter]);
        let filter = Filter { counters, ..Default::default() };
        Ok(settlement::issued_notes(app.pool(), &filter).await?)
    }
}

/// A counter that is not there owes nothing and is owed nothing: that would be a wrong answer.
async fn demand_known(app: &App, counter: &CounterId) -> Result<(), Failure> {
    match counters::by_id(app.pool(), counter).await? {
        Some(_) => Ok(()),
        None => Err(format!("there is no counter {counter}").into()),
    }
}

#[derive(clap::Args)]
struct Files {
    #[arg(long)]
    counter: CounterId,
    /// The number of the note.
    #[arg(long)]
    note: u32,
    /// The zip to write.
    #[arg(long)]
    out: PathBuf,
    /// Make them from the log once more, to compare them (`cmp`) with those that were issued.
    #[arg(long)]
    again: bool,
}

impl Files {
    async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = Ledger::open(target).await?;
        ledger.app.projections.catch_up().await?;
        let zip = match self.again {
            true => actions::notes::files_again(&ledger.app, &self.counter, self.note).await,
            false => actions::notes::files_of(&ledger.app, &self.counter, self.note).await,
        };
        ledger.close().await;
        let zip = zip?;
        let out = self.out.display();
        std::fs::write(&self.out, &zip).map_err(|error| format!("{out}: {error}"))?;
        let digest = hex::encode(Sha256::digest(&zip));
        match as_json {
            true => println!("{}", json!({ "file": out.to_string(), "sha256": digest })),
            false => println!("{digest}  {out}"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_list(notes: &[IssuedNote], today: NaiveDate, as_json: bool) {
    if as_json {
        let printed: Vec<_> = notes
            .iter()
            .map(|note| {
                json!({
                    "counter": note.counter, "number": note.number,
                    "from": note.from_day, "until": note.until_day,
                    "state": note.standing(today), "deadline": note.deadline,
                    "position": note.pinned_position, "digest": note.digest,
                    "municipalities": note.parts.0,
                })
            })
            .collect();
        println!("{}", json!({ "notes": printed }));
        return;
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["Balie", "Nota", "Periode", "Staat", "Antwoorden tot", "Te betalen"]);
    for note in notes {
        let payable: Euro = note.parts.0.iter().map(|part| part.payable).sum();
        table.add_row([
            note.counter.clone(),
            note.number.to_string(),
            format!("{} tot {}", note.from_day, note.until_day),
            note.standing(today).to_string(),
            note.deadline.to_string(),
            payable.to_string(),
        ]);
    }
    println!("{table}");
}

#[derive(clap::Args)]
pub struct NoteOf {
    /// The counter to be repaid.
    #[arg(long)]
    counter: CounterId,
    /// First day, in Brussels.
    #[arg(long, value_parser = days::day)]
    from: NaiveDate,
    /// Last day, inclusive.
    #[arg(long, value_parser = days::day)]
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
        days::demand_in_order(self.from, self.until)?;
        let ledger = Ledger::open(target).await?;
        ledger.app.projections.catch_up().await?;
        let made = self.made(&ledger.app).await;
        ledger.close().await;
        let (notes, position) = made?;
        if as_json {
            println!("{}", serde_json::to_string(&summary(&notes, Some(position)))?);
        } else if self.csv {
            for note in &notes {
                print!("{}", note.csv());
            }
        } else if notes.is_empty() {
            println!("{NOTHING_IN_PERIOD}");
        } else {
            println!("{}", table(&notes));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// And the position that they are made as of.
    async fn made(&self, app: &App) -> Result<(Vec<Note>, u64), Failure> {
        demand_known(app, &self.counter).await?;
        let head = app.store.head().await.map_err(boxed)?.position;
        let position = self.at.unwrap_or(head);
        days::demand_reached(position, head)?;
        let lines =
            settlement::report_lines(app.pool(), &self.counter, self.from, self.until, position)
                .await?;
        Ok((notes(lines), position))
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
pub fn number(amount: Euro) -> Box<RawValue> {
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
