//! `uitpas payments`: what municipalities are to pay for approved expense notes, and the payments by
//! which they do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::values::place::{Municipality, PostalCode};
use uitpas_domain::values::text::Text;

use super::import::of_system;
use super::migrate::boxed;
use super::note::number;
use super::{Failure, Outcome, days, said};
use crate::actions::Request;
use crate::actions::payments::{self, NewPayment, Ordered, Payable, PayableNote};
use crate::app::App;
use crate::ledger::{Ledger, Target};
use crate::problem::Answer;

/// Without a subcommand: what each municipality is to pay.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Payments {
    #[command(subcommand)]
    act: Option<Act>,
    #[command(flatten)]
    of: Option<Period>,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Order the payment of all that one municipality has still to pay, and write its file.
    Order(Order),
    /// Write the file of a payment for the bank (SEPA, pain.001.001.09): always the same one.
    File(File),
    /// Let the notes of a payment that the bank did not carry out be paid by another one.
    Withdraw(Withdraw),
}

#[derive(clap::Args)]
struct Period {
    #[arg(long)]
    card_system: CardSystemId,
    /// First day; a note belongs to the period that holds its last day.
    #[arg(long, value_parser = days::day)]
    from: NaiveDate,
    /// Last day, inclusive.
    #[arg(long, value_parser = days::day)]
    until: NaiveDate,
}

#[derive(clap::Args)]
struct Order {
    #[command(flatten)]
    of: Period,
    #[arg(long)]
    postal_code: PostalCode,
    /// The name of the municipality: several may have one postal code.
    #[arg(long)]
    municipality: Text<80>,
    /// When the bank carries it out; absent: today.
    #[arg(long, value_parser = days::day)]
    on: Option<NaiveDate>,
    /// The file to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args)]
struct File {
    #[arg(long)]
    card_system: CardSystemId,
    /// The number of the payment.
    #[arg(long)]
    payment: u32,
    /// The file to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args)]
struct Withdraw {
    #[arg(long)]
    card_system: CardSystemId,
    /// The number of the payment.
    #[arg(long)]
    payment: u32,
}

impl Payments {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        match (self.act, self.of) {
            (Some(Act::Order(order)), _) => order.run(target, as_json).await,
            (Some(Act::File(file)), _) => file.run(target, as_json).await,
            (Some(Act::Withdraw(withdraw)), _) => withdraw.run(target, as_json).await,
            (None, Some(of)) => of.run(target, as_json).await,
            (None, None) => Err("say of when, or `uitpas payments --help`".into()),
        }
    }
}

impl Period {
    async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = Ledger::open(target).await?;
        ledger.app.projections.catch_up().await?;
        let Self { card_system, from, until } = self;
        let payable = payments::of_period(&ledger.app, card_system, from, until).await;
        ledger.close().await;
        print(&payable.map_err(|problem| said(&problem))?, as_json);
        Ok(ExitCode::SUCCESS)
    }
}

impl Order {
    async fn run(self, target: &Target, as_json: bool) -> Outcome {
        // A payment whose file cannot be written is not ordered.
        let is_new = opened(&self.out)?;
        let (card_system, out) = (self.of.card_system, self.out.clone());
        let ordered = self.ordered(target).await;
        if ordered.is_err() && is_new {
            let _ = fs::remove_file(&out);
        }
        let (payment, file) = ordered?;
        let done = file.map_err(|problem| said(&problem).into());
        let done = done.and_then(|file| written(&out, &file, payment, as_json));
        done.map_err(|why| {
            format!(
                "payment {payment} is ordered, but its file is not written: {why}; `uitpas payments file \
                 --card-system {card_system} --payment {payment} --out FILE` writes it"
            )
            .into()
        })
    }

    /// The number of the payment, and its file.
    async fn ordered(self, target: &Target) -> Result<(u32, Answer<Vec<u8>>), Failure> {
        let mut ledger = Ledger::open(target).await?;
        ledger.app.projections.catch_up().await?;
        ledger.follow();
        let Period { card_system, from, until } = self.of;
        let municipality = Municipality { postal_code: self.postal_code, name: self.municipality };
        let new = NewPayment { municipality, from, until, day: self.on };
        let content = format!("payments order {card_system} {new:?}").into_bytes();
        let request = Request { content, ..of_system() };
        let ordered = payments::order(&ledger.app, &request, card_system, &new).await;
        let ordered = match ordered {
            Ok(Ordered { payment }) => {
                Ok((payment, payments::file(&ledger.app, card_system, payment).await))
            }
            Err(problem) => Err(said(&problem).into()),
        };
        ledger.close().await;
        ordered
    }
}

/// Whether the file was not there before. What it holds stays until there is something to write.
fn opened(out: &Path) -> Result<bool, Failure> {
    let is_new = !out.exists();
    let opened = fs::OpenOptions::new().write(true).create(true).truncate(false).open(out);
    opened.map_err(|error| format!("{}: {error}", out.display()))?;
    Ok(is_new)
}

impl File {
    async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = Ledger::open(target).await?;
        let file = self.content(&ledger.app).await;
        ledger.close().await;
        written(&self.out, &file?, self.payment, as_json)
    }

    /// No bank is to carry out what was withdrawn: its notes may be paid by another payment.
    async fn content(&self, app: &App) -> Result<Vec<u8>, Failure> {
        let Self { card_system, payment, .. } = *self;
        let known = app.store.load::<CardSystem>(&card_system).await.map_err(boxed)?;
        if known.state.payments.get(&payment).is_some_and(|known| known.withdrawn) {
            return Err(
                format!("payment {payment} was withdrawn: no bank is to get its file").into()
            );
        }
        let file = payments::file(app, card_system, payment).await;
        Ok(file.map_err(|problem| said(&problem))?)
    }
}

impl Withdraw {
    async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let Self { card_system, payment } = self;
        let ledger = Ledger::open(target).await?;
        let content = format!("payments withdraw {card_system} {payment}").into_bytes();
        let request = Request { content, ..of_system() };
        let done = payments::withdraw(&ledger.app, &request, card_system, payment).await;
        ledger.close().await;
        done.map_err(|problem| said(&problem))?;
        match as_json {
            true => println!("{}", json!({ "withdrawn": payment })),
            false => println!("Payment {payment} is withdrawn."),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn written(out: &Path, file: &[u8], payment: u32, as_json: bool) -> Outcome {
    let name = out.display();
    fs::write(out, file).map_err(|error| format!("{name}: {error}"))?;
    match as_json {
        true => println!("{}", json!({ "payment": payment, "file": name.to_string() })),
        false => println!("Payment {payment}: {name}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn print(payable: &[Payable], as_json: bool) {
    if as_json {
        let note = |note: &PayableNote| {
            json!({
                "counter": note.counter.id, "note": note.note.number,
                "amount": number(note.amount), "iban": note.counter.iban,
                "payment": note.payment,
            })
        };
        let municipality = |of: &Payable| {
            json!({
                "postalCode": of.municipality.postal_code, "name": of.municipality.name,
                "open": number(of.open()),
                "iban": of.account.as_ref().map(|account| &account.iban),
                "notes": of.notes.iter().map(note).collect::<Vec<_>>(),
            })
        };
        let municipalities: Vec<_> = payable.iter().map(municipality).collect();
        println!("{}", json!({ "municipalities": municipalities }));
        return;
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "Gemeente",
        "Van rekening",
        "Balie",
        "Nota",
        "Naar rekening",
        "Te betalen",
        "Betaling",
    ]);
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
                note.payment.map_or_else(String::new, |payment| payment.to_string()),
            ]);
        }
    }
    if let Some(amounts) = table.column_mut(5) {
        amounts.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}
