//! `uitpas migrate`.

use std::process::ExitCode;

use serde_json::json;

use super::Outcome;
use crate::ledger::{Ledger, Target};

pub async fn migrate(target: &Target, as_json: bool) -> Outcome {
    let ledger = Ledger::open_or_make(target).await?;
    let position = ledger.app.store.head().await.map_err(boxed)?.position;
    match as_json {
        true => println!("{}", json!({ "position": position })),
        false => println!("The schema is up to date; the log holds {position} events."),
    }
    ledger.close().await;
    Ok(ExitCode::SUCCESS)
}

pub fn boxed(failed: uitpas_store::Failed) -> Box<dyn std::error::Error + Send + Sync> {
    failed.into()
}
