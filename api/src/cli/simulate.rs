//! `uitpas simulate`: a region that does not exist, over years, in an empty log.

use std::process::ExitCode;
use std::time::Instant;

use chrono::NaiveDate;
use clap::value_parser;
use serde_json::json;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_simulation::{Plan, Written};

use super::{Outcome, days, progress_bar};
use crate::ledger::{Ledger, Target};

#[derive(clap::Args)]
pub struct Simulate {
    /// How many people register, over the whole time.
    #[arg(long, default_value_t = 2_000, value_parser = value_parser!(u32).range(..=5_000_000))]
    passholders: u32,
    #[arg(long, default_value_t = 2, value_parser = value_parser!(u32).range(1..=50))]
    years: u32,
    /// The same seed gives the same events, apart from what is sealed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The first day.
    #[arg(long, default_value = "2024-01-01", value_parser = days::day)]
    from: NaiveDate,
}

impl Simulate {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let Simulate { passholders, years, seed, from } = self;
        let plan = Plan { passholders, years, seed, from };
        if plan.end() > day_in_belgium(chrono::Utc::now()) {
            return Err(format!("it would end on {}, which lies ahead", plan.end()).into());
        }
        let bar = progress_bar(plan.days()).with_message("dagen");
        let began = Instant::now();
        let write = async |owner, master: &_| {
            let written =
                uitpas_simulation::write(owner, master, &plan, |day| bar.set_position(day));
            let written = written.await?;
            bar.finish_and_clear();
            Ok((written, began.elapsed()))
        };
        let (ledger, (written, took)) = Ledger::filled(target, write).await?;
        ledger.app.projections.catch_up().await?;
        ledger.close().await;
        let per_second = (written.events as f64 / took.as_secs_f64()).round();
        let Written { events, counters, passholders, check_ins, sales, .. } = written;
        let Written { cancellations, redemptions, notes, .. } = written;
        match as_json {
            true => println!(
                "{}",
                json!({
                    "events": events, "counters": counters, "passholders": passholders,
                    "checkIns": check_ins, "ticketSales": sales, "cancellations": cancellations,
                    "redemptions": redemptions, "notes": notes, "eventsPerSecond": per_second,
                })
            ),
            false => println!(
                "{events} events in {took:.1?} ({per_second} per second): {passholders} passholders \
                 at {counters} counters saved {check_ins} points, bought {sales} tickets, gave back \
                 {cancellations} and took up {redemptions} rewards; {notes} expense notes"
            ),
        }
        Ok(ExitCode::SUCCESS)
    }
}
