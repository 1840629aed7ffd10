//! `uitpas token`.

use std::process::ExitCode;

use chrono::TimeDelta;
use serde_json::json;
use uitpas_domain::ids::SubjectId;

use super::Outcome;
use crate::auth::Kind;
use crate::ledger::{Ledger, Target};

#[derive(clap::Args)]
pub struct Token {
    /// Whose token, for example `balie-zandloper`.
    subject: SubjectId,
    /// What it stands for.
    #[arg(long, value_enum, default_value = "user")]
    kind: Kind,
    /// How long it holds.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(i64).range(1..=8760))]
    hours: i64,
}

impl Token {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = Ledger::open(target).await?;
        let life = TimeDelta::hours(self.hours);
        let token = ledger.app.issuer.token(self.subject, self.kind, ledger.app.now(), life);
        match as_json {
            true => {
                println!("{}", json!({ "access_token": token, "expires_in": life.num_seconds() }))
            }
            false => println!("{token}"),
        }
        ledger.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
