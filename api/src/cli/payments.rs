//! `uitpas payments`: what municipalities are to pay for approved expense notes, and the orders for
//! their banks.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::values::place::{Municipality, PostalCode};
use uitpas_domain::values::text::Text;

use super::Outcome;
use super::note::number;
use crate::actions::payments::{self, Payable};
use crate::ledger::{Ledger, Target};

/// Without a municipality: what each of them is to pay.
#[derive(clap::Args)]
pub struct Payments {
    #[arg(long)]
    card_system: CardSystemId,
    /// First day; a note belongs to the period that holds its last day.
    #[arg(long)]
    from: NaiveDate,
    /// Last day, inclusive.
    #[arg(long)]
    until: NaiveDate,
    /// Writes the order for the bank of this municipality (SEPA, pain.001.001.09): its postal code.
    #[arg(long, requires_all = ["municipality", "out"])]
    postal_code: Option<PostalCode>,
    /// And its name.
    #[arg(long, requires = "postal_code")]
    municipality: Option<Text<80>>,
    /// The file to write.
    #[arg(long, requires = "postal_code")]
    out: Option<PathBuf>,
    /// When the bank carries it out; absent: today.
    #[arg(long, requires = "postal_code")]
    on: Option<NaiveDate>,
}

impl Payments {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = Ledger::open(target).await?;
        ledger.app.projections.catch_up().await?;
        let (app, id, period) = (&ledger.app, self.card_system, (self.from, self.until));
        let (Some(postal_code), Some(name), Some(out)) =
            (self.postal_code, self.municipality, self.out)
        else {
            let payable = payments::of_period(app, id, self.from, self.until).await;
            ledger.close().await;
            print(&payable.map_err(|problem| said(&problem))?, as_json);
            return Ok(ExitCode::SUCCESS);
        };
        let municipality = Municipality { postal_code, name };
        let order = payments::order(app, id, &municipality, period, self.on).await;
        ledger.close().await;
        let order = order.map_err(|problem| said(&problem))?;
        std::fs::write(&out, order).map_err(|error| format!("{}: {error}", out.display()))?;
        match as_json {
            true => println!("{}", json!({ "file": out.display().to_string() })),
            false => println!("{}", out.display()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn said(problem: &crate::problem::Problem) -> String {
    problem.end_user_message().unwrap_or_else(|| problem.to_string())
}

fn print(payable: &[Payable], as_json: bool) {
    if as_json {
        let notes = |of: &Payable| -> Vec<_> {
            let note = |note: &payments::PayableNote| {
                json!({
                    "counter": note.counter.id, "note": note.note.number,
                    "amount": number(note.amount), "iban": note.counter.iban,
                })
            };
            of.notes.iter().map(note).collect()
        };
        let municipality = |of: &Payable| {
            json!({
                "postalCode": of.municipality.postal_code, "name": of.municipality.name,
                "total": number(of.total()), "notes": notes(of),
                "iban": of.account.as_ref().map(|account| &account.iban),
            })
        };
        let municipalities: Vec<_> = payable.iter().map(municipality).collect();
        println!("{}", json!({ "municipalities": municipalities }));
        return;
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["Gemeente", "Van rekening", "Balie", "Nota", "Naar rekening", "Te betalen"]);
    for of in payable {
        let from = of.account.as_ref().map_or("onbekend".to_owned(), |of| of.iban.grouped());
        for note in &of.notes {
            table.add_row([
                of.municipality.to_string(),
                from.clone(),
                note.counter.name.clone(),
                note.note.number.to_string(),
                note.counter.iban.clone().unwrap_or_else(|| "onbekend".to_owned()),
                note.amount.to_string(),
            ]);
        }
    }
    if let Some(amounts) = table.column_mut(5) {
        amounts.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}
