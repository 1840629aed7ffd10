//! `uitpas seal`: a signed head of the log, to be kept elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use serde_json::json;
use uitpas_domain::calendar::end_of_day;
use uitpas_domain::values::digest::Digest;

use super::migrate::boxed;
use super::{Outcome, days};
use crate::app::App;
use crate::ledger::{Ledger, Target};
use crate::seal::{Seal, SealedHead, SealingKey};

/// The key is that of --key-file, else that of UITPAS_SEAL_KEY (32 bytes as 64 hexadecimal digits),
/// else one derived from the master key of the ledger. Keep a key of your own, and the seals, where
/// whoever runs the database cannot reach them: only then do they prove something against him.
#[derive(clap::Args)]
pub struct MakeSeal {
    /// The head as it was at the end of this day, in Brussels; absent: as it is now.
    #[arg(long, value_parser = days::day)]
    day: Option<NaiveDate>,
    /// The file to write; absent: print it.
    #[arg(long)]
    out: Option<PathBuf>,
    /// File with the key to seal with.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Only print the public key, by which others check the seals.
    #[arg(long, conflicts_with_all = ["day", "out"])]
    public_key: bool,
}

impl MakeSeal {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = Ledger::open(target).await?;
        let made = self.made(&ledger.app).await;
        ledger.close().await;
        let (key, seal) = made?;
        let Some(seal) = seal else {
            match as_json {
                true => println!("{}", json!({ "publicKey": key.public() })),
                false => println!("{}", key.public()),
            }
            return Ok(ExitCode::SUCCESS);
        };
        let text = serde_json::to_string_pretty(&seal)? + "\n";
        let Some(out) = &self.out else {
            print!("{text}");
            return Ok(ExitCode::SUCCESS);
        };
        std::fs::write(out, &text).map_err(|error| format!("{}: {error}", out.display()))?;
        match as_json {
            true => println!("{}", serde_json::to_string(&seal)?),
            false => println!(
                "Sealed position {} in {}; the public key is {}.",
                seal.head.position,
                out.display(),
                seal.public_key
            ),
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn made(
        &self,
        app: &App,
    ) -> Result<(SealingKey, Option<Seal>), Box<dyn std::error::Error + Send + Sync>> {
        let key = SealingKey::find(self.key_file.as_deref(), app.store.master_key())?;
        if self.public_key {
            return Ok((key, None));
        }
        let head = app.store.head().await.map_err(boxed)?;
        let position = match self.day {
            None => head.position,
            Some(day) if app.now() <= end_of_day(day) => {
                return Err(format!("{day} is not over yet in Brussels").into());
            }
            Some(day) => app.store.position_at(end_of_day(day)).await.map_err(boxed)?,
        };
        let entry = app.store.entry(position).await.map_err(boxed)?;
        let entry = entry.ok_or("there is nothing to seal: the log was empty")?;
        let seal = key.seal(SealedHead {
            log: head.log_id,
            position,
            hash: Digest::new(entry.hash),
            recorded_at: entry.recorded_at,
            sealed_at: app.now(),
        });
        Ok((key, Some(seal)))
    }
}
