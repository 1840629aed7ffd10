//! The yearly renewal of social status in a card system, from a list of verdicts (R-SOC-03).

use std::collections::HashMap;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::ids::{CardSystemId, PassholderId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::renewal::{Renew, RenewalRefused, Verdict, demand_season};
use uitpas_domain::passholder::{self, Command, Passholder};
use uitpas_domain::values::insz::Insz;
use uitpas_projections::passholders;
use uitpas_projections::passholders::renewals::candidates;
use uitpas_store::StreamKey;

use super::identify::INSZ;
use super::{Request, decide, demand_ksb, execute_item};
use crate::app::{App, in_a_task};
use crate::problem::{Answer, Problem};

/// Candidates that are decided on side by side: enough to fill a batch of the log.
const SIDE_BY_SIDE: usize = 128;

/// National numbers that are looked up at once.
const LOOKED_UP_AT_ONCE: usize = 10_000;

/// What a run came to, in passholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ran {
    pub candidates: u64,
    /// Whose outcome is another than before the run.
    pub changed: u64,
    /// Verdicts on national numbers that no passholder has.
    pub unknown: u64,
}

/// Renews for each candidate on whom the list is positive. A passholder who was decided on before
/// is left as he is, so that the same list again changes nothing, and a run that was broken off is
/// completed by another.
pub async fn run(
    app: &App,
    request: &Request,
    card_system: CardSystemId,
    verdicts: &[(Insz, Verdict)],
    progress: impl Fn(Ran, u64),
) -> Answer<Ran> {
    let at = app.now();
    let today = day_in_belgium(at);
    let system = app.store.preview(|work| async move {
        demand_ksb(&work, &request.caller, card_system).await?;
        let system = work.load::<CardSystem>(&card_system).await?.state.clone();
        demand_season(&system, today).map_err(passholder::Refused::from)?;
        Ok(system)
    });
    let system = system.await?;
    app.wait_for_head(passholders::PROJECTION.name).await?;
    let enrolled: Vec<_> = system.enrolled_on(today).collect();
    let day = (today, system.settings.grace_days);
    let candidates = candidates(app.pool(), card_system, &enrolled, day).await?;
    let by_passholder = by_passholder(app, verdicts).await?;
    let unknown = verdicts.len() - by_passholder.len();
    let mut ran = Ran { unknown: unknown as u64, ..Ran::default() };
    let total = candidates.len() as u64;

    let request = Arc::new(request.clone());
    let each =
        candidates.into_iter().map(|passholder| {
            let verdict = by_passholder.get(&passholder).copied();
            let renew = Renew { card_system, system: system.clone(), verdict, at };
            let (app, request) = (app.clone(), request.clone());
            // A task of its own: one thread would not keep up with the log.
            async move {
                in_a_task(async move { renew_one(&app, &request, passholder, renew).await }).await
            }
        });
    let mut outcomes = stream::iter(each).buffer_unordered(SIDE_BY_SIDE);
    while let Some(outcome) =
        outcomes.try_next().await.map_err(|died| Problem::Internal(died.into()))?
    {
        if let Some(changed) = outcome? {
            ran.candidates += 1;
            ran.changed += u64::from(changed);
        }
        progress(ran, total);
    }
    Ok(ran)
}

/// Whether his outcome is another now; nothing for whoever turned out to be no candidate.
async fn renew_one(
    app: &App,
    request: &Request,
    passholder: PassholderId,
    renew: Renew,
) -> Answer<Option<bool>> {
    let item = passholder.to_string();
    let renew = &renew;
    let renewed = execute_item(app, request, &item, Channel::Bulk, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&passholder)]).await?;
        demand_ksb(&work, &request.caller, renew.card_system).await?;
        let command = Command::RenewSocialStatus(renew.clone());
        Ok(!decide::<Passholder>(&work, &passholder, command).await?.is_empty())
    });
    match renewed.await {
        Ok(changed) => Ok(Some(changed)),
        Err(Problem::Passholder(
            passholder::Refused::Renewal(RenewalRefused::NoCandidate)
            | passholder::Refused::Removed,
        )) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The verdicts on those who are passholders. A national number is known by its keyed hash alone.
async fn by_passholder(
    app: &App,
    verdicts: &[(Insz, Verdict)],
) -> Answer<HashMap<PassholderId, Verdict>> {
    let mut found = HashMap::with_capacity(verdicts.len());
    for some in verdicts.chunks(LOOKED_UP_AT_ONCE) {
        let hash = |insz: &Insz| app.store.master_key().claim_hash(INSZ, &insz.to_string());
        let by_hash: HashMap<_, _> =
            some.iter().map(|(insz, verdict)| (hash(insz), *verdict)).collect();
        let hashes: Vec<_> = by_hash.keys().copied().collect();
        for (hash, owner) in app.store.claim_owners(INSZ, &hashes).await? {
            if let Ok(passholder) = owner.parse() {
                found.insert(passholder, by_hash[&hash]);
            }
        }
    }
    Ok(found)
}
