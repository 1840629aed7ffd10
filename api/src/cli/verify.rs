//! `uitpas verify`: the proof that nothing was altered.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use uitpas_domain::ids::CounterId;
use uitpas_domain::values::digest::Digest;
use uitpas_projections::{Difference, Unsound};
use uitpas_store::{Broken, Verified};

use super::audit::Bars;
use super::migrate::boxed;
use super::{Failure, Outcome, progress_bar};
use crate::actions::notes;
use crate::app::App;
use crate::kit::{self, Checked};
use crate::ledger::{Ledger, Target};
use crate::seal::{Found, NotAsSealed, PublicKey, Seal, SealingKey};

/// Exit code 0 only when everything is as it must be.
#[derive(clap::Args)]
pub struct Verify {
    /// A sealed head that the log must still hold; may be given more than once.
    #[arg(long, value_name = "FILE")]
    seal: Vec<PathBuf>,
    /// The public key of whoever sealed; absent: that of the key that `uitpas seal` takes here.
    #[arg(long, value_name = "KEY", requires = "seal")]
    trust: Option<PublicKey>,
    /// The file of `uitpas kit` to check instead of a ledger: without server, network or key.
    #[arg(long, value_name = "FILE")]
    kit: Option<PathBuf>,
}

/// What was looked at, and what came of it.
struct Report {
    head: u64,
    chain: Result<Verified, Broken>,
    seals: Vec<(String, Seal, Result<(), NotAsSealed>)>,
    /// Events that cannot be read, and amounts that do not add up.
    unsound: Vec<Unsound>,
    differences: Vec<Difference>,
    /// Notes whose files are not what the log makes of them: counter and number.
    altered: Vec<(CounterId, u32)>,
    /// Why the views could not be looked at.
    views_failed: Option<String>,
}

impl Verify {
    pub async fn run(self, target: &Target, as_json: bool) -> Outcome {
        let seals: Vec<_> =
            self.seal.iter().map(|file| read(file)).collect::<Result<_, Failure>>()?;
        if let Some(file) = &self.kit {
            return self.kit(file, &seals, as_json);
        }
        let ledger = Ledger::open(target).await?;
        let report = self.report(&ledger.app, seals).await;
        ledger.close().await;
        let report = report?;
        match as_json {
            true => println!("{}", report.as_json()),
            false => report.print(),
        }
        Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn kit(&self, file: &Path, seals: &[(String, Seal)], as_json: bool) -> Outcome {
        let name = file.display();
        let zip = std::fs::read(file).map_err(|error| format!("{name}: {error}"))?;
        let mut flaws = Vec::new();
        let checked = match check_kit(&zip) {
            Ok(checked) => Some(checked),
            Err(found) => {
                flaws = found;
                None
            }
        };
        // Up to where the chain is that of a seal.
        let mut sealed = None;
        if let Some(Checked { kit, .. }) = &checked {
            for (file, seal) in seals {
                let trusted =
                    self.trust.as_ref().ok_or("say whose seal is trusted: --trust KEY")?;
                match seal.demand_genuine(trusted).and_then(|()| kit.demand_kept(seal)) {
                    Ok(()) => sealed = sealed.max(Some(seal.head.position)),
                    Err(why) => flaws.push(format!("{file}: {why}")),
                }
            }
        }
        let is_sound = flaws.is_empty();
        let (position, hash) = match &checked {
            Some(Checked { kit, .. }) => {
                (Some(kit.heading.position), Some(kit.heading.hash.to_string()))
            }
            None => (None, None),
        };
        if as_json {
            let found = json!({
                "flaws": flaws,
                "position": position,
                "hash": hash,
                "sealedUntil": sealed,
                "notes": checked.as_ref().map(|checked| checked.notes),
                "lines": checked.as_ref().map(|checked| checked.lines),
                "total": checked.as_ref().map(|checked| checked.total),
            });
            println!("{found}");
        } else {
            for flaw in &flaws {
                println!("{name}: {flaw}.");
            }
            if let Some(checked) = checked.filter(|_| is_sound) {
                let Checked { kit, notes, lines, total } = checked;
                let (position, hash) = (kit.heading.position, kit.heading.hash);
                println!(
                    "{notes} notes with {lines} lines follow from their events; they sum to {total}."
                );
                println!("The chain leads to position {position}, hash {hash}.");
                match sealed {
                    Some(sealed) if sealed < position => println!(
                        "Up to position {sealed} it is as it was sealed; from there to position \
                         {position} the chain of hashes alone holds it together."
                    ),
                    Some(sealed) => println!("Up to position {sealed} it is as it was sealed."),
                    None => {}
                }
            }
        }
        Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn report(&self, app: &App, seals: Vec<(String, Seal)>) -> Result<Report, Failure> {
        let head = app.store.head().await.map_err(boxed)?.position;
        let bar = progress_bar(head).with_message("keten");
        let chain = app.store.verify_chain(|done, _| bar.set_position(done)).await;
        bar.finish_and_clear();
        let chain = chain.map_err(boxed)?;
        let seals = self.seals(app, seals).await?;
        let mut report = Report {
            head,
            chain,
            seals,
            unsound: Vec::new(),
            differences: Vec::new(),
            altered: Vec::new(),
            views_failed: None,
        };
        // Events and views of a log that is broken are no proof of anything.
        if report.chain.is_err() {
            return Ok(report);
        }
        let bars = Bars::default();
        report.unsound = app.projections.verify_events(|progress| bars.show(progress)).await?;
        match views(app, &bars).await {
            Ok(differences) => report.differences = differences,
            Err(failed) => report.views_failed = Some(failed.to_string()),
        }
        bars.clear();
        // They are made from a view.
        if report.differences.is_empty() && report.views_failed.is_none() {
            let bar = progress_bar(0).with_message("nota's");
            let progress = |done, notes| {
                bar.set_length(notes as u64);
                bar.set_position(done as u64);
            };
            report.altered = notes::altered_files(app, progress).await?;
            bar.finish_and_clear();
        }
        Ok(report)
    }

    async fn seals(
        &self,
        app: &App,
        seals: Vec<(String, Seal)>,
    ) -> Result<Vec<(String, Seal, Result<(), NotAsSealed>)>, Failure> {
        let trusted = match &self.trust {
            Some(key) => *key,
            None => SealingKey::find(None, app.store.master_key())?.public(),
        };
        let mut checked = Vec::new();
        for (file, seal) in seals {
            let head = app.store.head().await.map_err(boxed)?;
            let entry = app.store.stored_at(seal.head.position).await.map_err(boxed)?;
            let entry = entry.map(|(hash, at)| (Digest::new(hash), at));
            let found = Found { log: head.log_id, end: head.position, entry };
            let kept = seal.demand_genuine(&trusted).and_then(|()| seal.demand_kept(&found));
            checked.push((file, seal, kept));
        }
        Ok(checked)
    }
}

async fn views(app: &App, bars: &Bars) -> Result<Vec<Difference>, uitpas_projections::Failed> {
    app.projections.catch_up().await?;
    app.projections.verify(None, |progress| bars.show(progress)).await
}

/// A seal, and the name of its file.
pub fn read(file: &Path) -> Result<(String, Seal), Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let seal = serde_json::from_str(&text).map_err(|error| format!("{name}: no seal: {error}"))?;
    Ok((name, seal))
}

/// A kit that is as it must be, else what is wrong with it.
pub fn check_kit(zip: &[u8]) -> Result<Checked, Vec<String>> {
    kit::check(zip).map_err(|flaws| flaws.iter().map(ToString::to_string).collect())
}

impl Report {
    fn is_sound(&self) -> bool {
        self.chain.is_ok()
            && self.seals.iter().all(|(_, _, kept)| kept.is_ok())
            && self.unsound.is_empty()
            && self.differences.is_empty()
            && self.altered.is_empty()
            && self.views_failed.is_none()
    }

    fn as_json(&self) -> Value {
        let chain = match &self.chain {
            Ok(_) => json!("ok"),
            Err(broken) => json!({ "position": broken.position, "breach": broken.to_string() }),
        };
        let seal = |(file, seal, kept): &(String, Seal, Result<(), NotAsSealed>)| {
            let verdict = kept.as_ref().map_or_else(ToString::to_string, |()| "ok".to_owned());
            json!({ "file": file, "position": seal.head.position, "verdict": verdict })
        };
        let unsound = |unsound: &Unsound| json!({ "position": unsound.position, "why": unsound.why.to_string() });
        let difference = |difference: &Difference| {
            json!({
                "view": difference.projection,
                "table": difference.table,
                "key": difference.key,
                "position": difference.position,
            })
        };
        let altered =
            |(counter, note): &(CounterId, u32)| json!({ "counter": counter, "note": note });
        json!({
            "position": self.head,
            "chain": chain,
            "seals": self.seals.iter().map(seal).collect::<Vec<_>>(),
            "events": self.unsound.iter().map(unsound).collect::<Vec<_>>(),
            "differences": self.differences.iter().map(difference).collect::<Vec<_>>(),
            "altered_files": self.altered.iter().map(altered).collect::<Vec<_>>(),
            "failed": self.views_failed,
        })
    }

    fn print(&self) {
        match &self.chain {
            Ok(_) => println!("The chain of {} events holds.", self.head),
            Err(broken) => println!("The chain is broken at {broken}."),
        }
        for (file, seal, kept) in &self.seals {
            match kept {
                Ok(()) => println!(
                    "{file}: the log up to position {} is as it was sealed.",
                    seal.head.position
                ),
                Err(why) => println!("{file}: {why}."),
            }
        }
        if let Some(after) = self.kept_until()
            && self
                .seals
                .iter()
                .any(|(_, _, kept)| matches!(kept, Err(NotAsSealed::WrittenAnew(_))))
        {
            println!("What was written anew lies after position {after}.");
        }
        for unsound in &self.unsound {
            println!("Event {}: {}.", unsound.position, unsound.why);
        }
        for difference in &self.differences {
            let key = difference.key.join(", ");
            let since = match difference.position {
                Some(position) => format!(", from event {position} on"),
                None => String::new(),
            };
            println!("{} of {key} is not what the log makes of it{since}.", difference.table);
        }
        for (counter, note) in &self.altered {
            println!("The files of note {note} of {counter} are not what the log makes of them.");
        }
        if let Some(failed) = &self.views_failed {
            println!("The views could not be verified: {failed}");
        }
        if self.is_sound() {
            println!("Every event can be read, and every amount adds up.");
            println!("Every view is what the log makes of it, and so are the files of every note.");
        }
    }

    /// The last sealed position up to which the log is still as it was.
    fn kept_until(&self) -> Option<u64> {
        let kept = self.seals.iter().filter(|(_, _, kept)| kept.is_ok());
        kept.map(|(_, seal, _)| seal.head.position).max()
    }
}
