//! `uitpas kit`: what an outside auditor needs for the notes of a period, in one file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use chrono::NaiveDate;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uitpas_domain::calendar::{self, quarter_of};
use uitpas_domain::counter::Refused;
use uitpas_domain::counter::notes::NoteRefused;

use super::verify::check_kit;
use super::{Outcome, days, followed, progress_bar, said};
use crate::actions;
use crate::app::App;
use crate::ledger::Target;
use crate::problem::Problem;

#[derive(clap::Args)]
pub struct MakeKit {
    /// A calendar quarter, as in 2026-Q2.
    #[arg(conflicts_with_all = ["from", "until"], required_unless_present = "from")]
    quarter: Option<Quarter>,
    /// First day, in Brussels; the notes are those whose period shares a day with these.
    #[arg(long, requires = "until", value_parser = days::day)]
    from: Option<NaiveDate>,
    /// Last day, inclusive.
    #[arg(long, requires = "from", value_parser = days::day)]
    until: Option<NaiveDate>,
    /// The file to write; absent: uitpas-kit-FROM-UNTIL.zip.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Its first and last day.
#[derive(Debug, Clone, Copy)]
struct Quarter(NaiveDate, NaiveDate);

#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a quarter is written as 2026-Q2")]
struct NoQuarter;

impl FromStr for Quarter {
    type Err = NoQuarter;

    fn from_str(text: &str) -> Result<Self, NoQuarter> {
        let (year, quarter) = text.split_once("-Q").ok_or(NoQuarter)?;
        let quarter: u32 = quarter.parse().map_err(|_| NoQuarter)?;
        let year = year.parse().map_err(|_| NoQuarter)?;
        let month = quarter.checked_sub(1).filter(|before| *before < 4).ok_or(NoQuarter)? * 3 + 1;
        let first = NaiveDate::from_ymd_opt(year, month, 1).ok_or(NoQuarter)?;
        let first = calendar::date(first).map_err(|_| NoQuarter)?;
        let (first, last) = quarter_of(first);
        Ok(Self(first, last))
    }
}

impl MakeKit {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let (from, until) = match (self.quarter, self.from.zip(self.until)) {
            (Some(Quarter(first, last)), _) => (first, last),
            (None, Some(period)) => period,
            (None, None) => return Err("say which period, or `uitpas kit --help`".into()),
        };
        days::demand_in_order(from, until)?;
        let ledger = followed(target).await?;
        let made = made(&ledger.app, from, until).await;
        ledger.close().await;
        let zip = made?;
        let checked = check_kit(&zip).map_err(|flaws| flaws.join("; "))?;
        let default = || PathBuf::from(format!("uitpas-kit-{from}-{until}.zip"));
        let out = self.out.unwrap_or_else(default);
        let name = out.display();
        std::fs::write(&out, &zip).map_err(|error| format!("{name}: {error}"))?;
        let digest = hex::encode(Sha256::digest(&zip));
        match as_json {
            true => println!(
                "{}",
                json!({
                    "file": name.to_string(), "sha256": digest, "notes": checked.notes,
                    "lines": checked.lines, "position": checked.kit.heading.position,
                })
            ),
            false => println!("{digest}  {name}"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn made(
    app: &App,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let bar = progress_bar(0).with_message("keten");
    let made = actions::kit::make(app, from, until, |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    });
    let kit = made.await.map_err(|problem| match problem {
        Problem::Counter(Refused::Note(NoteRefused::Unknown)) => {
            format!("no expense note was issued over days from {from} until {until}")
        }
        problem => said(&problem),
    });
    bar.finish_and_clear();
    Ok(kit?.zip()?)
}
