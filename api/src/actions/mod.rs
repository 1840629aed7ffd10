//! What the doors do: one action per command, in terms of units of work. An action looks up the
//! facts, lets the domain decide, and records what follows.

pub mod accounts;
pub mod activities;
pub mod associations;
pub mod audit;
pub mod bulk;
pub mod card_systems;
pub mod cards;
pub mod check_ins;
pub mod clients;
pub mod counters;
pub mod coupons;
pub mod difference;
pub mod explain;
pub mod export;
pub mod families;
pub mod group_passes;
pub mod identify;
pub mod insight;
pub mod kiosks;
pub mod kit;
pub mod memberships;
pub mod notes;
pub mod oneself;
pub mod online_rewards;
pub mod orders;
pub mod passholders;
pub mod payments;
pub mod private;
pub mod renewal;
pub mod reports;
pub mod rewards;
pub mod segments;
pub mod social_status;
pub mod ticket_sales;
pub mod uitid;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use uitpas_domain::activity::Activity;
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::{Authority, Counter};
use uitpas_domain::ids::{ActivityId, CardSystemId, CommandId, CounterId};
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_domain::offering::Offering;
use uitpas_domain::passholder::{CardSystems, Holder};
use uitpas_domain::root::Root;
use uitpas_store::{Command, Executed, Failed, Unsuccessful, Work};
use uuid::Uuid;

use crate::app::{App, CORRELATION};
use crate::auth::{Caller, Kind};
use crate::problem::{Answer, Problem};

/// A unit of work that may be refused with a problem.
pub type Outcome<T> = Result<T, Unsuccessful<Problem>>;

/// A request that may be sent again: who sent it, under which key, and what it asks.
#[derive(Debug, Clone)]
pub struct Request {
    pub caller: Caller,
    /// The `Idempotency-Key`; absent: every call is a new command.
    pub key: Option<String>,
    /// What tells a repetition from another request under the same key.
    pub content: Vec<u8>,
}

/// Keys of idempotent requests live in this namespace of their own.
const COMMANDS: Uuid = Uuid::from_u128(0x6f1d_2a1c_9d54_4e0b_8a53_51f0_3c2e_7d11);

impl Request {
    pub fn command_id(&self, item: &str) -> CommandId {
        CommandId(match &self.key {
            Some(key) => {
                let name = format!("{}\n{key}\n{item}", self.caller.subject);
                Uuid::new_v5(&COMMANDS, name.as_bytes())
            }
            None => Uuid::now_v7(),
        })
    }
}

/// Carries out a request, once, and remembers for the caller up to where he has seen the log.
pub async fn execute<R, F, Fut>(
    app: &App,
    request: &Request,
    channel: Channel,
    decide: F,
) -> Answer<R>
where
    R: Serialize + DeserializeOwned,
    F: Fn(Work) -> Fut,
    Fut: Future<Output = Outcome<R>>,
{
    execute_item(app, request, "", channel, decide).await
}

/// Carries out one of the commands that a request asks for, each by itself.
pub async fn execute_item<R, F, Fut>(
    app: &App,
    request: &Request,
    item: &str,
    channel: Channel,
    decide: F,
) -> Answer<R>
where
    R: Serialize + DeserializeOwned,
    F: Fn(Work) -> Fut,
    Fut: Future<Output = Outcome<R>>,
{
    let id = request.command_id(item);
    // Outside of a request the command stands for itself.
    let correlation_id = CORRELATION.try_with(|id| *id).unwrap_or(id);
    let command = Command {
        id,
        request: app.store.master_key().request_hash(&request.content),
        metadata: Metadata {
            actor: request.caller.subject.clone(),
            // Found out by the command, from the counter or card system that it is about.
            role: Role::SystemOwner,
            counter: None,
            channel,
            command_id: id,
            correlation_id,
        },
    };
    let Executed { answer, position, .. } = app.store.execute(command, decide).await?;
    app.has_seen(&request.caller, position);
    Ok(answer)
}

/// The version of what somebody may look at and change, for `If-Match`: another one whenever it is
/// otherwise than before.
pub fn version_of(content: &impl Serialize) -> u64 {
    let content = serde_json::to_vec(content).expect("what is kept can be written");
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(content));
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Refuses to change what somebody else changed since it was looked at; absent: whichever is there.
pub fn demand_version(seen: Option<u64>, content: &impl Serialize) -> Answer<()> {
    match seen.is_none_or(|seen| seen == version_of(content)) {
        true => Ok(()),
        false => Err(Problem::ChangedMeanwhile),
    }
}

/// What `pick` takes of the events of one type on a stream, from the log: the first that it takes.
pub async fn recorded<A: Root, T>(
    app: &App,
    id: &A::Id,
    event_type: &str,
    pick: impl Fn(A::Event) -> Option<T>,
) -> Answer<Option<T>> {
    for raw in app.store.history::<A>(id, i64::MAX.cast_unsigned()).await? {
        if raw.event_type == event_type
            && let Some(found) = pick(serde_json::from_str(&raw.payload).map_err(Failed::new)?)
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Decides a command on a stream and records what follows.
pub async fn decide<A: Root>(work: &Work, id: &A::Id, command: A::Command) -> Outcome<Vec<A::Event>>
where
    Problem: From<A::Error>,
{
    let events = work.load::<A>(id).await?.state.decide(command)?;
    work.record::<A>(id, events.clone())?;
    Ok(events)
}

/// What the caller may do at a counter; nothing without a role there (R-CTR-05). The KSB admins of
/// its card systems may do every counter task (R-KSB-06).
pub async fn authority(work: &Work, caller: &Caller, counter: &CounterId) -> Outcome<Authority> {
    let authority = authority_quietly(work, caller, counter).await?;
    work.act_as(authority.role, Some(counter.clone()));
    Ok(authority)
}

/// The same, where it is not settled yet that this counter is the one that acts.
async fn authority_quietly(
    work: &Work,
    caller: &Caller,
    counter: &CounterId,
) -> Outcome<Authority> {
    let known = work.load::<Counter>(counter).await?;
    if !known.exists() {
        return Err(Problem::from(uitpas_domain::counter::Refused::Unknown))?;
    }
    if let Some(client) = caller.client() {
        return clients::authority(work, &client, counter, &known.state).await;
    }
    let mut ksb_of = BTreeSet::new();
    for card_system in known.state.card_systems() {
        if work.load::<CardSystem>(&card_system).await?.state.ksb_admins.contains(&caller.subject) {
            ksb_of.insert(card_system);
        }
    }
    let authority = known
        .state
        .authority(counter, &caller.subject, &ksb_of)
        .ok_or_else(|| Problem::Forbidden(format!("no role at counter {counter}")))?;
    Ok(authority)
}

/// For what only a KSB admin of this card system does (R-KSB-03).
pub async fn demand_ksb(work: &Work, caller: &Caller, card_system: CardSystemId) -> Outcome<()> {
    let system = work.load::<CardSystem>(&card_system).await?;
    if !system.exists() {
        return Err(Problem::from(uitpas_domain::card_system::Refused::Unknown))?;
    }
    if let Some(client) = caller.client() {
        clients::demand_in(work, &client, card_system).await?;
        work.act_as(Role::Client, None);
        return Ok(());
    }
    if caller.kind != Kind::SystemOwner && !system.state.ksb_admins.contains(&caller.subject) {
        return Err(Problem::Forbidden(format!("no KSB admin of card system {card_system}")))?;
    }
    let role = match caller.kind {
        Kind::SystemOwner => Role::SystemOwner,
        Kind::User | Kind::Client | Kind::ClientId | Kind::Kiosk | Kind::Passholder => Role::Ksb,
    };
    work.act_as(role, None);
    Ok(())
}

/// An activity with its counter and card systems.
pub async fn offering(work: &Work, id: &ActivityId) -> Outcome<Arc<Offering>> {
    let activity = work.load::<Activity>(id).await?.state.clone();
    let organizer = activity.description.as_ref().map(|known| known.organizer.clone());
    let organizer = organizer.ok_or(Problem::from(uitpas_domain::activity::Refused::Unknown))?;
    let counter = work.load::<Counter>(&organizer).await?.state.clone();
    let card_systems = load_card_systems(work, counter.card_systems()).await?;
    Ok(Arc::new(Offering { id: id.clone(), activity, counter, card_systems }))
}

/// A card system that there is.
pub async fn known_card_system(work: &Work, id: CardSystemId) -> Outcome<Arc<CardSystem>> {
    let known = work.load::<CardSystem>(&id).await?.state.clone();
    known.name.as_ref().ok_or(uitpas_domain::card_system::Refused::Unknown)?;
    Ok(known)
}

/// What a card system is called.
pub async fn card_system_name(work: &Work, id: CardSystemId) -> Result<String, Failed> {
    let known = work.load::<CardSystem>(&id).await?;
    Ok(known.state.name.as_ref().map(ToString::to_string).unwrap_or_default())
}

/// The card systems of a passholder's memberships.
pub async fn card_systems_of(work: &Work, holder: &Holder) -> Outcome<CardSystems> {
    Ok(load_card_systems(work, holder.memberships.keys().copied()).await?)
}

async fn load_card_systems(
    work: &Work,
    ids: impl IntoIterator<Item = CardSystemId>,
) -> Result<BTreeMap<CardSystemId, Arc<CardSystem>>, Failed> {
    let mut card_systems = BTreeMap::new();
    for id in ids {
        card_systems.insert(id, work.load::<CardSystem>(&id).await?.state.clone());
    }
    Ok(card_systems)
}
