//! `uitpas audit` and `uitpas explain`: the history of something, its state as of any position, and
//! why a line says what it says.

use std::process::ExitCode;

use serde_json::json;
use serde_json::value::RawValue;
use uitpas_domain::ids::{CounterId, GroupPassId, PassholderId, SaleId};
use uitpas_domain::metadata::Metadata;
use uitpas_domain::values::card_number::CardNumber;

use super::migrate::boxed;
use super::{Failure, Outcome, days, followed};
use crate::actions::audit::{self, AsOf, Between, Step, Subject};
use crate::actions::difference::Change;
use crate::actions::explain::{self, Expected};
use crate::app::App;
use crate::ledger::Target;

/// The story of something: who did what, when it happened and when it was known, and what each event
/// made different.
#[derive(clap::Args)]
pub struct Audit {
    #[command(subcommand)]
    of: Of,
    /// As of a position, an instant, or the end of a day in Brussels; absent: now.
    #[arg(long, global = true, value_parser = days::as_of)]
    at: Option<AsOf>,
    /// Only what came after this one, and what is different since.
    #[arg(long, global = true, value_parser = days::as_of)]
    from: Option<AsOf>,
    /// The same as --at, beside --from.
    #[arg(long, global = true, conflicts_with = "at", value_parser = days::as_of)]
    to: Option<AsOf>,
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
        let found = look_into(&ledger.app, &subject, self.from, self.at.or(self.to)).await;
        ledger.close().await;
        let Between { from, trail, changes } = found?;
        let since = self.from.map(|_| from);
        if trail.steps.is_empty() && since.is_none() {
            return Err(format!("nothing is known of it up to position {}", trail.position).into());
        }
        if as_json {
            let entries = trail.steps.iter().map(printed).collect::<Result<Vec<_>, _>>()?;
            let mut found = json!({
                "position": trail.position, "entries": entries, "state": trail.state,
            });
            if let Some(from) = since {
                found["from"] = from.into();
                found["changes"] = serde_json::to_value(&changes)?;
            }
            println!("{found}");
            return Ok(ExitCode::SUCCESS);
        }
        for step in &trail.steps {
            println!("{}", told(step)?);
            print_changes(&step.changes);
        }
        if let Some(from) = since {
            println!("\nBetween position {from} and position {}:", trail.position);
            print_changes(&changes);
        }
        println!("\nAs of position {}:", trail.position);
        println!("{}", serde_json::to_string_pretty(&trail.state)?);
        Ok(ExitCode::SUCCESS)
    }
}

/// Without a first position: from the beginning.
async fn look_into(
    app: &App,
    subject: &Subject,
    from: Option<AsOf>,
    at: Option<AsOf>,
) -> Result<Between, Failure> {
    let to = position(app, at).await?;
    let from = match from {
        None => 0,
        Some(from) => position(app, Some(from)).await?,
    };
    Ok(audit::between(app, subject, from, to).await?)
}

/// The last position that counts.
async fn position(app: &App, as_of: Option<AsOf>) -> Result<u64, Failure> {
    if let Some(AsOf::Position(asked)) = as_of {
        days::demand_reached(asked, app.store.head().await.map_err(boxed)?.position)?;
    }
    Ok(audit::position(app, as_of).await?)
}

/// What happened, when that was and when it was known, and who did it.
fn told(step: &Step) -> Result<String, serde_json::Error> {
    let Step { entry, at, .. } = step;
    let Metadata { actor, role, counter, channel, .. } = serde_json::from_str(&entry.metadata)?;
    let known = days::shown(entry.recorded_at);
    let at = at.map(|at| format!(", happened {}", days::shown(at)));
    let at = at.unwrap_or_default();
    let counter = counter.map(|counter| format!(" at {counter}")).unwrap_or_default();
    let stream = format!("{}/{}", entry.aggregate_type, entry.aggregate_id);
    Ok(format!(
        "{:>9}  {known}{at}  {stream}  {}  by {actor} ({role}){counter}, {channel}",
        entry.position, entry.event_type
    ))
}

fn print_changes(changes: &[Change]) {
    for Change { path, before, after } in changes {
        let path = if path.is_empty() { "all of it" } else { path };
        println!("           {path}: {before} -> {after}");
    }
}

/// An entry as one JSON object, its payload as it was written.
fn printed(step: &Step) -> Result<serde_json::Value, serde_json::Error> {
    let Step { entry, at, changes } = step;
    Ok(json!({
        "position": entry.position,
        "recordedAt": entry.recorded_at,
        "at": at,
        "stream": format!("{}/{}", entry.aggregate_type, entry.aggregate_id),
        "sequence": entry.sequence,
        "type": entry.event_type,
        "payload": RawValue::from_string(entry.payload.clone())?,
        "metadata": RawValue::from_string(entry.metadata.clone())?,
        "changes": changes,
    }))
}

#[derive(clap::Args)]
pub struct Explain {
    /// The ticket sale whose line it is.
    line: SaleId,
    /// Say why it is not on a note, or on which it is.
    #[arg(long)]
    why_not: bool,
    #[command(flatten)]
    expected: Expected,
    /// As of a position, an instant, or the end of a day in Brussels; absent: now.
    #[arg(long, value_parser = days::as_of)]
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

    async fn told(&self, app: &App, as_json: bool) -> Result<Vec<String>, Failure> {
        let position = position(app, self.at).await?;
        if self.why_not {
            let reasons = explain::why_not(app, self.line, &self.expected, position).await?;
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
        lines.push(told.check.to_owned());
        lines.push(format!("paid by {}", told.payer));
        lines.extend(told.lines);
        lines.extend(told.chain);
        Ok(lines)
    }
}
