//! `uitpas what-if`: what another distribution key would have done to a period. Writes nothing.

use std::process::ExitCode;
use std::str::FromStr;

use chrono::NaiveDate;
use comfy_table::{CellAlignment, Table, presets};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use uitpas_domain::distribution::{DistributionKey, Shares};
use uitpas_domain::ids::CounterId;
use uitpas_domain::recorded::AnyEvent;
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::place::Municipality;
use uitpas_projections::settlement::what_if::{Change, NOTHING, WhatIf, add};

use super::migrate::boxed;
use super::note::number;
use super::{Outcome, days, progress_bar};
use crate::app::App;
use crate::ledger::{Ledger, Target};

#[derive(clap::Args)]
pub struct AskWhatIf {
    /// Percents for passholder, organizer and municipality, as in 25-35-40.
    #[arg(long, required_unless_present = "fixed", conflicts_with = "fixed")]
    key: Option<Percents>,
    /// A fixed amount for the passholder; the others bear the rest.
    #[arg(long, value_name = "EURO")]
    fixed: Option<Euro>,
    /// How organizer and municipality bear the rest of a fixed amount.
    #[arg(long, default_value = "40:40", requires = "fixed", value_name = "PARTS")]
    ratio: Ratio,
    /// First day, in Brussels.
    #[arg(long, value_parser = days::day)]
    from: NaiveDate,
    /// Last day, inclusive.
    #[arg(long, value_parser = days::day)]
    until: NaiveDate,
}

#[derive(Debug, Clone, Copy)]
struct Percents([Decimal; 3]);

#[derive(Debug, Clone, Copy)]
struct Ratio(u32, u32);

#[derive(Debug, Clone, Copy, thiserror::Error)]
enum Misspelt {
    #[error("a key is three percents, as in 25-35-40")]
    Percents,
    #[error("a ratio is two whole numbers, as in 40:40")]
    Ratio,
}

impl FromStr for Percents {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let percents: Result<Vec<Decimal>, _> = text.split('-').map(str::parse).collect();
        let percents = percents.map_err(|_| Misspelt::Percents)?;
        percents.try_into().map(Self).map_err(|_| Misspelt::Percents)
    }
}

impl FromStr for Ratio {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let (organizer, municipality) = text.split_once(':').ok_or(Misspelt::Ratio)?;
        let part = |text: &str| text.parse().map_err(|_| Misspelt::Ratio);
        Ok(Self(part(organizer)?, part(municipality)?))
    }
}

impl AskWhatIf {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let key = match (&self.key, self.fixed) {
            (_, Some(amount)) => DistributionKey::fixed(amount, self.ratio.0, self.ratio.1),
            (Some(Percents([passholder, organizer, municipality])), None) => {
                DistributionKey::percentages(*passholder, *organizer, *municipality)
            }
            (None, None) => return Err("say which key, or `uitpas what-if --help`".into()),
        }
        .map_err(|why| format!("no such key can be defined: {why}"))?;
        days::demand_in_order(self.from, self.until)?;
        let ledger = Ledger::open(target).await?;
        let replayed = replayed(&ledger.app, WhatIf::new(key, self.from, self.until)).await;
        ledger.close().await;
        let (position, asked) = replayed?;
        let changes = asked.changes();
        match as_json {
            true => {
                let changes = changes.iter().map(PrintedChange::from).collect();
                println!("{}", serde_json::to_string(&Printed { position, changes })?);
            }
            false => println!("{}", table(&changes)),
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn replayed(
    app: &App,
    mut asked: WhatIf,
) -> Result<(u64, WhatIf), Box<dyn std::error::Error + Send + Sync>> {
    let mut replay = app.store.replay(0).await.map_err(boxed)?;
    let end = replay.end();
    let bar = progress_bar(end).with_message("verkopen");
    while let Some(entries) = replay.next().await.map_err(boxed)? {
        for raw in &entries {
            let is_of_sale = ["TicketSold", "CouponUsed", "TicketSaleCancelled"];
            if !is_of_sale.contains(&raw.event_type.as_str()) {
                continue;
            }
            let event = AnyEvent::read(&raw.aggregate_type, &raw.aggregate_id, &raw.payload);
            asked.take_in(&event.map_err(|_| format!("event {} cannot be read", raw.position))?);
        }
        bar.inc(entries.len() as u64);
    }
    bar.finish_and_clear();
    Ok((end, asked))
}

/// For machines.
#[derive(Serialize)]
struct Printed<'a> {
    position: u64,
    changes: Vec<PrintedChange<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrintedChange<'a> {
    municipality: &'a Municipality,
    counter: &'a CounterId,
    tickets: u32,
    coupons: u32,
    price: Box<RawValue>,
    was: PrintedShares,
    would_be: PrintedShares,
    change: PrintedShares,
}

#[derive(Serialize)]
struct PrintedShares {
    passholder: Box<RawValue>,
    organizer: Box<RawValue>,
    municipality: Box<RawValue>,
}

impl<'a> From<&'a Change> for PrintedChange<'a> {
    fn from(change: &'a Change) -> Self {
        Self {
            municipality: &change.payer,
            counter: &change.counter,
            tickets: change.tickets,
            coupons: change.coupons,
            price: number(change.price),
            was: change.was.into(),
            would_be: change.would_be.into(),
            change: difference(change).into(),
        }
    }
}

impl From<Shares> for PrintedShares {
    fn from(shares: Shares) -> Self {
        Self {
            passholder: number(shares.passholder),
            organizer: number(shares.organizer),
            municipality: number(shares.municipality),
        }
    }
}

/// What each would pay more than he did.
fn difference(change: &Change) -> Shares {
    let (was, would_be) = (change.was, change.would_be);
    Shares {
        passholder: would_be.passholder - was.passholder,
        organizer: would_be.organizer - was.organizer,
        municipality: would_be.municipality - was.municipality,
    }
}

fn table(changes: &[Change]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "Gemeente",
        "Balie",
        "Tickets",
        "Bonnen",
        "Prijs",
        "Gemeente betaalde",
        "Zou betalen",
        "Verschil gemeente",
        "Verschil organisator",
        "Verschil pashouder",
    ]);
    let mut all = (0, 0, Euro::ZERO, NOTHING, NOTHING, NOTHING);
    for change in changes {
        let more = difference(change);
        all.0 += change.tickets;
        all.1 += change.coupons;
        all.2 += change.price;
        add(&mut all.3, change.was);
        add(&mut all.4, change.would_be);
        add(&mut all.5, more);
        let (payer, counter) = (change.payer.to_string(), change.counter.to_string());
        let counts = (change.tickets, change.coupons, change.price);
        table.add_row(row(payer, counter, counts, (change.was, change.would_be, more)));
    }
    let (tickets, coupons, price, was, would_be, more) = all;
    let samen = ("Samen".to_owned(), String::new());
    table.add_row(row(samen.0, samen.1, (tickets, coupons, price), (was, would_be, more)));
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(
    payer: String,
    counter: String,
    (tickets, coupons, price): (u32, u32, Euro),
    (was, would_be, more): (Shares, Shares, Shares),
) -> [String; 10] {
    [
        payer,
        counter,
        tickets.to_string(),
        coupons.to_string(),
        price.to_string(),
        was.municipality.to_string(),
        would_be.municipality.to_string(),
        more.municipality.to_string(),
        more.organizer.to_string(),
        more.passholder.to_string(),
    ]
}
