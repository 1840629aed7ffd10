//! `uitpas renew FILE --card-system ID`: the yearly renewal of social status.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{Datelike, NaiveDate};
use serde_json::json;
use uitpas_domain::calendar::{day_in_belgium, start_of_day};
use uitpas_domain::ids::CardSystemId;
use uitpas_projections::passholders::renewals;

use super::import::of_system;
use super::{Outcome, days, progress_bar, said};
use crate::actions::renewal;
use crate::import::verdicts;
use crate::ledger::{Ledger, Target};

#[derive(clap::Args)]
pub struct Renew {
    /// CSV with the columns inszNumber,verdict; a verdict is positive or negative.
    file: PathBuf,
    /// The card system whose passholders are up for renewal.
    #[arg(long, value_name = "ID")]
    card_system: u32,
    /// The day on which it counts, in Brussels; absent: today. For rehearsals on a copy of the data.
    #[arg(long, value_name = "DAY", value_parser = days::day)]
    day: Option<NaiveDate>,
}

impl Renew {
    /// Exit code 2 when some lines could not be read; the others were carried out.
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let shown = self.file.display();
        let source = File::open(&self.file).map_err(|error| format!("{shown}: {error}"))?;
        let list = verdicts::read(BufReader::new(source));
        let list = list.map_err(|broken| format!("{shown}: {broken}"))?;
        let ledger = Ledger::open(target).await?;
        let app = &ledger.app;
        app.projections.catch_up().await?;
        if let Some(day) = self.day {
            app.clock.turn_to(start_of_day(day));
        }
        let card_system = CardSystemId(self.card_system);
        let bar = progress_bar(0).with_message("kansenstatuten");
        let progress = |ran: renewal::Ran, total| {
            bar.set_length(total);
            bar.set_position(ran.candidates);
        };
        let ran = renewal::run(app, &of_system(), card_system, &list.known, progress).await;
        bar.finish_and_clear();
        let outcome = match ran {
            Ok(ran) => {
                app.projections.catch_up().await?;
                let year = day_in_belgium(app.now()).year();
                Ok((ran, renewals::counts(app.pool(), card_system, year).await?))
            }
            Err(problem) => Err(said(&problem)),
        };
        ledger.close().await;
        let (ran, counts) = outcome?;
        let (notification, letter) = (counts.renewed_with_email, counts.renewed_without_email);
        let broken: Vec<String> = list.broken.iter().map(ToString::to_string).collect();
        if as_json {
            let summary = json!({
                "candidates": ran.candidates, "changed": ran.changed, "unknown": ran.unknown,
                "renewed": notification + letter, "notification": notification, "letter": letter,
                "negative": counts.negative, "notInList": counts.not_in_list, "broken": broken,
            });
            println!("{summary}");
        } else {
            println!(
                "{} up for renewal, {} changed: {} renewed ({notification} by e-mail, {letter} by \
                 letter), {} negative, {} not in the list; {} verdicts on nobody",
                ran.candidates,
                ran.changed,
                notification + letter,
                counts.negative,
                counts.not_in_list,
                ran.unknown
            );
            for reason in &broken {
                eprintln!("{shown}: {reason}");
            }
        }
        Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }
}
