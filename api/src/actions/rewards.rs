//! Rewards: laying them down, taking them up, giving them back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::{Counter, Task};
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId, RedemptionId, RewardId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::redemptions::{CancelRedemption, Redeem};
use uitpas_domain::passholder::{Command, Event, Passholder};
use uitpas_domain::reward::{Command as RewardCommand, Definition, Reward};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_projections::{Paging, check_ins, counters, redemptions as overview};
use uitpas_store::{StreamKey, Work};
use uuid::Uuid;

use super::{
    Outcome, Request, authority, authority_quietly, card_systems_of, decide, demand_ksb,
    demand_version, execute, identify,
};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// A KSB admin of the owning card system makes a reward.
pub async fn create(app: &App, request: &Request, definition: &Definition) -> Answer<RewardId> {
    let (id, at) = (RewardId(Uuid::now_v7()), app.now());
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_card_systems(&work, definition).await?;
        demand_ksb(&work, &request.caller, definition.owner).await?;
        let definition = Box::new(definition.clone());
        decide::<Reward>(&work, &id, RewardCommand::Create { definition, at }).await?;
        Ok(id)
    })
    .await
}

/// Refuses card systems that there are not.
async fn demand_card_systems(work: &Work, definition: &Definition) -> Outcome<()> {
    for id in definition.only_card_systems.iter().chain([&definition.owner]) {
        let known = work.load::<CardSystem>(id).await?;
        known.state.name.as_ref().ok_or(Problem::InvalidCardSystem)?;
    }
    Ok(())
}

/// The first card system of which the caller makes rewards.
pub async fn first_owner(app: &App, caller: &Caller) -> Answer<CardSystemId> {
    app.caught_up(caller, counters::PROJECTION.name).await?;
    let own = counters::ksb_of(app.pool(), &caller.subject).await?;
    own.into_iter().min().ok_or_else(|| Problem::Forbidden("no KSB admin anywhere".to_owned()))
}

/// At which counters a passholder lately saved points.
pub async fn visited(app: &App, passholder: PassholderId) -> Answer<BTreeSet<String>> {
    let last = check_ins::Filter {
        passholder: Some(passholder),
        corrected: Some(false),
        paging: Paging { start: 0, limit: LATELY },
        ..Default::default()
    };
    let rows = check_ins::list(app.pool(), &last).await?.rows;
    Ok(rows.into_iter().map(|row| row.counter).collect())
}

/// How many of the last points tell what interests somebody. Source: our choice.
const LATELY: i64 = 50;

/// A KSB admin of the owning card system lays it down anew; where the owner changes, of both.
pub async fn change(
    app: &App,
    request: &Request,
    id: RewardId,
    definition: &Definition,
    version: Option<u64>,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        let known = work.load::<Reward>(&id).await?.state.clone();
        let known = known.definition.as_ref().ok_or(uitpas_domain::reward::Refused::Unknown)?;
        demand_card_systems(&work, definition).await?;
        for owner in [known.owner, definition.owner] {
            demand_ksb(&work, &request.caller, owner).await?;
        }
        demand_version(version, known)?;
        let definition = Box::new(definition.clone());
        decide::<Reward>(&work, &id, RewardCommand::Change { definition, at }).await?;
        Ok(())
    })
    .await
}

/// The reward as the ledger knows it.
pub async fn read(app: &App, id: RewardId) -> Answer<Reward> {
    let reward = app.store.load::<Reward>(&id).await?;
    if !reward.exists() {
        return Err(uitpas_domain::reward::Refused::Unknown.into());
    }
    Ok(Reward::clone(&reward.state))
}

/// What the card systems and counters of rewards are called.
#[derive(Default)]
pub struct Names {
    pub card_systems: BTreeMap<CardSystemId, String>,
    pub counters: BTreeMap<CounterId, String>,
}

pub async fn names(app: &App, definitions: impl IntoIterator<Item = &Definition>) -> Answer<Names> {
    let mut names = Names::default();
    for definition in definitions {
        for id in definition.only_card_systems.iter().chain([&definition.owner]) {
            if !names.card_systems.contains_key(id) {
                let known = app.store.load::<CardSystem>(id).await?;
                let name = known.state.name.as_ref().map(ToString::to_string);
                names.card_systems.insert(*id, name.unwrap_or_default());
            }
        }
        for id in &definition.only_at_counters {
            if !names.counters.contains_key(id) {
                let known = app.store.load::<Counter>(id).await?;
                let profile = known.state.profile.as_ref();
                names.counters.extend(profile.map(|known| (id.clone(), known.name.to_string())));
            }
        }
    }
    Ok(names)
}

/// A reward that was taken up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Redeemed {
    pub id: RedemptionId,
    pub passholder: PassholderId,
    pub reward: RewardId,
    pub points: u32,
    pub balance: i64,
    pub at: DateTime<Utc>,
}

/// Who takes up what, and where; absent: at the first counter of the caller where it can be had.
#[derive(Debug, Clone)]
pub struct NewRedemption {
    pub reward: RewardId,
    pub card: CardNumber,
    pub counter: Option<CounterId>,
}

/// Takes up a reward. The last unit goes to exactly one (R-RWD-04): reward and passholder are one
/// unit of work.
pub async fn redeem(app: &App, request: &Request, new: &NewRedemption) -> Answer<Redeemed> {
    let (redemption, at) = (RedemptionId(Uuid::now_v7()), app.now());
    let counters = app.counters_of(&request.caller).await?;
    let counters = &counters;
    execute(app, request, Channel::Counter, |work| async move {
        let (passholder, command) =
            prepare(&work, &request.caller, counters, new, redemption, at).await?;
        let events = decide::<Passholder>(&work, &passholder, command).await?;
        decide::<Reward>(&work, &new.reward, RewardCommand::TakeUnit { redemption, at }).await?;
        // The price was read from the reward's stream: it must not change under our hands.
        work.guard::<Reward>(&new.reward)?;
        let balance = work.load::<Passholder>(&passholder).await?.state.holder()?.points;
        let points = events.iter().find_map(|event| match event {
            Event::RewardRedeemed(redeemed) => Some(redeemed.points),
            _ => None,
        });
        let points = points.unwrap_or_default();
        Ok(Redeemed { id: redemption, passholder, reward: new.reward, points, balance, at })
    })
    .await
}

/// Whether [`redeem`] would succeed now: the same decision, not committed.
pub async fn preview(app: &App, caller: &Caller, new: &NewRedemption) -> Answer<()> {
    let (redemption, at) = (RedemptionId(Uuid::nil()), app.now());
    let counters = app.counters_of(caller).await?;
    let counters = &counters;
    let previewed = app.store.preview(|work| async move {
        let (passholder, command) = prepare(&work, caller, counters, new, redemption, at).await?;
        work.load::<Passholder>(&passholder).await?.state.decide(command)?;
        let reward = work.load::<Reward>(&new.reward).await?;
        reward.state.decide(RewardCommand::TakeUnit { redemption, at })?;
        Ok(())
    });
    Ok(previewed.await?)
}

async fn prepare(
    work: &Work,
    caller: &Caller,
    counters: &[CounterId],
    new: &NewRedemption,
    redemption: RedemptionId,
    at: DateTime<Utc>,
) -> Outcome<(PassholderId, Command)> {
    let card = work.load::<uitpas_domain::card::Card>(&new.card).await?;
    let mut streams = vec![StreamKey::of::<Reward>(&new.reward)];
    if let Ok(Ok(passholder)) = card.state.identify().map(|holder| holder.passholder()) {
        streams.push(StreamKey::of::<Passholder>(&passholder));
    }
    work.lock(&streams).await?;
    let reward = work.load::<Reward>(&new.reward).await?;
    if !reward.exists() {
        return Err(Problem::from(uitpas_domain::reward::Refused::Unknown))?;
    }
    let definition = reward.state.definition.as_deref();
    let only_at = definition.map(|definition| &definition.only_at_counters);
    let by = match &new.counter {
        Some(counter) => authority(work, caller, counter).await?,
        None => {
            let fits = |counter: &&CounterId| {
                only_at.is_none_or(|only_at| only_at.is_empty() || only_at.contains(counter))
            };
            let counter = counters.iter().find(fits).or(counters.first());
            let counter =
                counter.ok_or_else(|| Problem::Forbidden("no role at any counter".to_owned()))?;
            authority_quietly(work, caller, counter).await?
        }
    };
    work.act_as(by.role, Some(by.counter.clone()));
    by.demand(Task::Redeem).map_err(Problem::from)?;
    let pass = identify::of_card(work, new.card).await?;
    let card_systems = card_systems_of(work, pass.state.state.holder()?).await?;
    let redeem = Redeem {
        redemption,
        by,
        reward: new.reward,
        known: reward.state.clone(),
        card: new.card,
        card_systems,
        at,
    };
    Ok((pass.passholder, Command::Redeem(Box::new(redeem))))
}

/// Gives points, unit and use back (R-RWD-08).
pub async fn cancel(app: &App, request: &Request, redemption: RedemptionId) -> Answer<()> {
    app.wait_for_head(overview::PROJECTION.name).await?;
    let found = overview::by_id(app.pool(), redemption).await?;
    let found = found.ok_or(Problem::RedemptionNotFound)?;
    let (passholder, reward) = (PassholderId(found.passholder), RewardId(found.reward));
    let counter: CounterId = found.counter.parse().map_err(|_| Problem::RedemptionNotFound)?;
    let (counter, at) = (&counter, app.now());
    execute(app, request, Channel::BackOffice, |work| async move {
        let streams = [StreamKey::of::<Reward>(&reward), StreamKey::of::<Passholder>(&passholder)];
        work.lock(&streams).await?;
        let by = authority(&work, &request.caller, counter).await?;
        let cancel = CancelRedemption { redemption, by, at };
        decide::<Passholder>(&work, &passholder, Command::CancelRedemption(cancel)).await?;
        decide::<Reward>(&work, &reward, RewardCommand::ReturnUnit { redemption, at }).await?;
        Ok(())
    })
    .await
}

/// Whether this passholder could take it up now, at some counter of the caller (R-RWD-06).
pub async fn is_redeemable_by(
    app: &App,
    caller: &Caller,
    reward: RewardId,
    passholder: PassholderId,
) -> Answer<bool> {
    let known = app.store.load::<Passholder>(&passholder).await?;
    let Some(card) = known.state.holder()?.current_card() else { return Ok(false) };
    match preview(app, caller, &NewRedemption { reward, card, counter: None }).await {
        Ok(()) => Ok(true),
        Err(Problem::Passholder(_) | Problem::Reward(_) | Problem::CardNotActive(_)) => Ok(false),
        Err(problem) => Err(problem),
    }
}
