//! `uitpas audit` and `uitpas explain`: the history of something, its state as of any position, and
//! why a line says what it says.

use std::process::ExitCode;

use serde_json::json;
use serde_json::value::RawValue;
use uitpas_domain::ids::{CounterId, GroupPassId, PassholderId, SaleId};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_store::Raw;

use super::Outcome;
use crate::actions::audit::{self, AsOf, Subject};
use crate::actions::explain;
use crate::app::App;
use crate::ledger::{Ledger, Target};

#[derive(clap::Args)]
pub struct Audit {
    #[command(subcommand)]
    of: Of,
    /// As of a position, an instant, or the end of a day in Brussels; absent: now.
    #[arg(long, global = true)]
    at: Option<AsOf>,
}

#[derive(clap::Subcommand)]
enum Of {
    /// With all cards he ever had.
    Passholder {
        id: PassholderId,
    },
    /// With its card.
    GroupPass {
        id: GroupPassId,
    },
    Counter {
        id: CounterId,
    },
    Card {
        number: CardNumber,
    },
    /// A counter's expense note.
    Note {
        counter: CounterId,
        number: u32,
    },
    /// A ticket sale, and the notes that its lines are on.
    Line {
        sale: SaleId,
    },
}

impl Audit {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = followed(target).await?;
        let subject = match self.of {
            Of::Passholder { id } => Subject::Passholder(id),
            Of::GroupPass { id } => Subject::GroupPass(id),
            Of::Counter { id } => Subject::Counter(id),
            Of::Card { number } => Subject::Card(number),
            Of::Note { counter, number } => Subject::Note(counter, number),
            Of::Line { sale } => Subject::Line(sale),
        };
        let trail = look_into(&ledger.app, &subject, self.at).await;
        ledger.close().await;
        let trail = trail?;
        if trail.entries.is_empty() {
            return Err(format!("nothing is known of it up to position {}", trail.position).into());
        }
        if as_json {
            let entries = trail.entries.into_iter().map(printed).collect::<Result<Vec<_>, _>>()?;
            let (position, state) = (trail.position, trail.state);
            println!("{}", json!({ "position": position, "entries": entries, "state": state }));
        } else {
            for entry in &trail.entries {
                let at = entry.recorded_at.format("%Y-%m-%d %H:%M:%S");
                let stream = format!("{}/{}", entry.aggregate_type, entry.aggregate_id);
                println!("{:>9}  {at}  {stream}  {}", entry.position, entry.event_type);
            }
            println!("\nAs of position {}:", trail.position);
            println!("{}", serde_json::to_string_pretty(&trail.state)?);
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn look_into(
    app: &App,
    subject: &Subject,
    at: Option<AsOf>,
) -> Result<audit::Trail, crate::problem::Problem> {
    let position = audit::position(app, at).await?;
    audit::trail(app, subject, position).await
}

/// An entry as one JSON object, its payload as it was written.
fn printed(entry: Raw) -> Result<serde_json::Value, serde_json::Error> {
    Ok(json!({
        "position": entry.position,
        "recordedAt": entry.recorded_at,
        "stream": format!("{}/{}", entry.aggregate_type, entry.aggregate_id),
        "sequence": entry.sequence,
        "type": entry.event_type,
        "payload": RawValue::from_string(entry.payload)?,
        "metadata": RawValue::from_string(entry.metadata)?,
    }))
}

#[derive(clap::Args)]
pub struct Explain {
    /// The ticket sale whose line it is.
    line: SaleId,
    /// Say why it is not on a note, or on which it is.
    #[arg(long)]
    why_not: bool,
    /// As of a position, an instant, or the end of a day in Brussels; absent: now.
    #[arg(long)]
    at: Option<AsOf>,
}

impl Explain {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = followed(target).await?;
        let told = self.told(&ledger.app, as_json).await;
        ledger.close().await;
        for line in told? {
            println!("{line}");
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn told(
        &self,
        app: &App,
        as_json: bool,
    ) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
        let position = audit::position(app, self.at).await?;
        if self.why_not {
            let reasons = explain::why_not(app, self.line, position).await?;
            return Ok(match as_json {
                true => vec![json!({ "position": position, "reasons": reasons }).to_string()],
                false => reasons,
            });
        }
        let told = explain::explain(app, self.line, position).await?;
        if as_json {
            return Ok(vec![serde_json::to_string(&told)?]);
        }
        let mut lines = vec![told.sold, told.key];
        lines.extend(told.amounts);
        lines.push(match told.amounts_hold {
            true => "The key, applied again, gives these amounts.".to_owned(),
            false => "The key, applied again, gives OTHER amounts.".to_owned(),
        });
        lines.push(format!("paid by {}", told.payer));
        lines.extend(told.lines);
        lines.extend(told.chain);
        Ok(lines)
    }
}

/// The ledger with its views up to date.
async fn followed(target: &Target) -> Result<Ledger, Box<dyn std::error::Error + Send + Sync>> {
    let mut ledger = Ledger::open(target).await?;
    ledger.app.projections.catch_up().await?;
    ledger.follow();
    Ok(ledger)
}
