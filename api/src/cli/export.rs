//! `uitpas export-passholder`: all that is held about somebody, as one JSON object.

use std::process::ExitCode;

use uitpas_domain::ids::PassholderId;

use super::{Outcome, followed};
use crate::http::admin::export;
use crate::ledger::Target;

#[derive(clap::Args)]
pub struct ExportPassholder {
    /// The id of the passholder.
    id: PassholderId,
}

impl ExportPassholder {
    pub async fn run(self, target: &Target) -> Outcome {
        let ledger = followed(target).await?;
        let made = export::made(&ledger.app, self.id).await;
        ledger.close().await;
        println!("{}", serde_json::to_string_pretty(&made?)?);
        Ok(ExitCode::SUCCESS)
    }
}
