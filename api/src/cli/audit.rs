//! For the auditor: `uitpas replay`, `rebuild` and `erase`.

use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::sync::Mutex;

use clap::builder::PossibleValuesParser;
use serde_json::json;
use serde_json::value::RawValue;
use uitpas_domain::ids::PassholderId;
use uitpas_projections::Progress;

use super::migrate::boxed;
use super::{Outcome, days, progress_bar};
use crate::actions;
use crate::cli::import::of_system;
use crate::ledger::{Ledger, Target};

#[derive(clap::Args)]
pub struct Replay {
    /// Only this stream: its type and id, as in `passholder/0190...` or `counter/bib`.
    #[arg(long, value_name = "TYPE/ID", value_parser = stream)]
    stream: Option<String>,
    /// From this position on.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Up to and with this position.
    #[arg(long)]
    to: Option<u64>,
}

fn stream(text: &str) -> Result<String, &'static str> {
    match text.split_once('/') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(text.to_owned()),
        _ => Err("a stream is written as TYPE/ID"),
    }
}

impl Replay {
    /// An event a line; with `--json`, as one JSON object a line.
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        if let Some(to) = self.to.filter(|to| *to < self.from) {
            return Err(format!("position {} comes after position {to}", self.from).into());
        }
        let ledger = Ledger::open(target).await?;
        let mut found_any = false;
        let mut out = BufWriter::new(std::io::stdout().lock());
        let mut replay =
            ledger.app.store.replay(self.from.saturating_sub(1)).await.map_err(boxed)?;
        'log: while let Some(events) = replay.next().await.map_err(boxed)? {
            for event in events {
                if self.to.is_some_and(|to| event.position > to) {
                    break 'log;
                }
                let stream = format!("{}/{}", event.aggregate_type, event.aggregate_id);
                if self.stream.as_ref().is_some_and(|asked| *asked != stream) {
                    continue;
                }
                found_any = true;
                if as_json {
                    let line = json!({
                        "position": event.position,
                        "recordedAt": event.recorded_at,
                        "stream": stream,
                        "sequence": event.sequence,
                        "type": event.event_type,
                        "version": event.event_version,
                        "payload": RawValue::from_string(event.payload)?,
                        "metadata": RawValue::from_string(event.metadata)?,
                        "hash": hex::encode(event.hash),
                    });
                    writeln!(out, "{line}")?;
                } else {
                    let at = days::shown(event.recorded_at);
                    let (position, kind) = (event.position, event.event_type);
                    writeln!(out, "{position:>9}  {at}  {stream} #{}  {kind}", event.sequence)?;
                }
            }
        }
        out.flush()?;
        drop(replay);
        ledger.close().await;
        match self.stream {
            Some(stream) if !found_any => {
                Err(format!("the log has no event of {stream} there").into())
            }
            _ => Ok(ExitCode::SUCCESS),
        }
    }
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Rebuild {
    /// Every view.
    #[arg(long)]
    all: bool,
    /// One view, by name.
    #[arg(value_parser = PossibleValuesParser::new(views()))]
    view: Option<String>,
}

fn views() -> impl Iterator<Item = &'static str> {
    uitpas_projections::ALL.iter().map(|projection| projection.name)
}

impl Rebuild {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = Ledger::open(target).await?;
        let views = &ledger.app.projections;
        let started = std::time::Instant::now();
        let bars = Bars::default();
        views.rebuild(self.view.as_deref(), |progress| bars.show(progress)).await?;
        bars.clear();
        let position = ledger.app.store.head().await.map_err(boxed)?.position;
        let seconds = started.elapsed().as_secs_f64();
        match as_json {
            true => println!("{}", json!({ "position": position, "seconds": seconds })),
            false => println!("Rebuilt up to event {position} in {seconds:.1} s."),
        }
        ledger.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// One bar, for whichever view is being worked on.
#[derive(Default)]
pub(super) struct Bars(Mutex<Option<(&'static str, indicatif::ProgressBar)>>);

impl Bars {
    pub(super) fn show(&self, progress: Progress) {
        let Ok(mut bar) = self.0.lock() else { return };
        let (done, total) = (progress.done.unsigned_abs(), progress.total.unsigned_abs());
        match &*bar {
            Some((name, bar)) if *name == progress.projection => {
                bar.set_length(total);
                bar.set_position(done);
            }
            _ => {
                let new = progress_bar(total).with_message(progress.projection);
                new.set_position(done);
                *bar = Some((progress.projection, new));
            }
        }
    }

    pub(super) fn clear(&self) {
        if let Ok(bar) = self.0.lock()
            && let Some((_, bar)) = &*bar
        {
            bar.finish_and_clear();
        }
    }
}

#[derive(clap::Args)]
pub struct Erase {
    passholder: PassholderId,
    /// Erasing cannot be undone: say that you mean it.
    #[arg(long, required = true)]
    yes: bool,
}

impl Erase {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let ledger = Ledger::open(target).await?;
        let content = format!("erase {}", self.passholder).into_bytes();
        let request = actions::Request { content, ..of_system() };
        actions::passholders::remove(&ledger.app, &request, self.passholder).await?;
        ledger.app.projections.catch_up().await?;
        ledger.close().await;
        match as_json {
            true => println!("{}", json!({ "erased": self.passholder })),
            false => {
                println!("Erased. The log and the notes are as they were, without the person.")
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
