//! Registering, reading and changing passholders. Personal data is sealed here, on the way in, and
//! opened here, on the way out.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::card::{Card, Command as CardCommand, Holder as CardHolder};
use uitpas_domain::card_system::{CardSystem, Command as CardSystemCommand, VoucherCode};
use uitpas_domain::counter::{Authority, Counter, Task};
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId, RewardId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::private::{Note, SetNote, SetPicture};
use uitpas_domain::passholder::registration::{
    AskedSocialStatus, ChangeDetails, NewCard, PersonalDetails, Preferences, Register, Remove,
    Terms,
};
use uitpas_domain::passholder::{Command, Event, Holder, Passholder, Reason};
use uitpas_domain::reward::{self, Reward};
use uitpas_domain::sealed::Sealed;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_projections::{families, rewards};
use uitpas_store::sealing::{self, PersonKey};
use uitpas_store::{Failed, StreamKey, Unsuccessful, Work};
use uuid::Uuid;

use super::cards::give;
use super::identify::INSZ;
use super::{
    Outcome, Request, authority, authority_quietly, card_systems_of, decide, execute,
    known_card_system, private, social_status,
};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// What a counter fills in to register someone.
#[derive(Debug, Clone)]
pub struct Registration {
    pub counter: CounterId,
    /// Absent: the card's, or the counter's first one.
    pub card_system: Option<CardSystemId>,
    /// Absent: a digital card.
    pub card: Option<CardNumber>,
    pub details: PersonalDetails,
    pub no_email: bool,
    pub terms: Terms,
    pub preferences: Option<Preferences>,
    pub parental_consent: bool,
    /// Present where social status is asked for.
    pub social_status: Option<AskedSocialStatus>,
    pub voucher: Option<VoucherCode>,
    /// JPEG or PNG.
    pub picture: Option<Vec<u8>>,
    pub note: Option<Note>,
}

/// A passholder who was registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registered {
    pub id: PassholderId,
    pub card: CardNumber,
}

pub async fn register(app: &App, request: &Request, new: &Registration) -> Answer<Registered> {
    let (id, at) = (PassholderId(Uuid::now_v7()), app.now());
    let (key, wrapped) = app.store.master_key().new_person_key(&id.to_string());
    let (key, wrapped) = (&key, &wrapped);
    let picture = match &new.picture {
        Some(bytes) => Some(private::lay_down(app, id, key, bytes).await?),
        None => None,
    };
    let registered = execute(app, request, Channel::Counter, |work| async move {
        let by = authority(&work, &request.caller, &new.counter).await?;
        let counter = work.load::<Counter>(&new.counter).await?.state.clone();
        let of_counter = counter.card_systems();
        if let Some(asked) = new.card_system {
            known_card_system(&work, asked).await?;
        }
        let with_social_status = new.social_status.is_some();
        let (card, card_system) = match new.card {
            Some(number) => {
                let known = work.load::<Card>(&number).await?;
                let card_system = known.state.assignable(&of_counter)?;
                if new.card_system.is_some_and(|asked| asked != card_system) {
                    return Err(Problem::from(uitpas_domain::card::Refused::ForeignCardSystem))?;
                }
                (NewCard { number, digital: false }, card_system)
            }
            None => {
                let card_system = new.card_system.or_else(|| of_counter.first().copied());
                let card_system =
                    card_system.ok_or(uitpas_domain::counter::Refused::NoCardSystem)?;
                let number = app.new_digital_number(with_social_status);
                (NewCard { number, digital: true }, card_system)
            }
        };
        if !of_counter.contains(&card_system) {
            return Err(uitpas_domain::counter::Refused::ForeignCardSystem)?;
        }
        let system = work.load::<CardSystem>(&card_system).await?.state.clone();

        let person = id.to_string();
        let candidates = welcome_candidates(app, &work, card_system, at).await?;
        let command = Register {
            by: by.clone(),
            card_system,
            system,
            counter_municipality: counter.municipality(),
            card,
            details: new.details.clone(),
            sealed: sealing::seal(key, &person, DETAILS, &new.details),
            no_email: new.no_email,
            terms: new.terms,
            preferences: new.preferences,
            parental_consent: new.parental_consent,
            social_status: new.social_status.clone(),
            voucher: new.voucher.clone(),
            welcome_rewards: candidates,
            at,
        };
        let events = decide::<Passholder>(&work, &id, Command::Register(Box::new(command))).await?;
        work.insert_key(&person, wrapped.clone());
        if let Some(insz) = &new.details.insz {
            claim_insz(&work, id, &insz.to_string());
        }
        spend_voucher(&work, card_system, new.voucher.as_ref(), at).await?;
        give(&work, card, card_system, &of_counter, CardHolder::Passholder(id), at).await?;
        grant_welcome_rewards(&work, &events, at).await?;
        if let Some(note) = &new.note {
            let note = Some(private::seal_note(key, id, note));
            let set = Command::SetNote(SetNote { by: by.clone(), note, at });
            decide::<Passholder>(&work, &id, set).await?;
        }
        if picture.is_some() {
            let set = Command::SetPicture(SetPicture { by, picture, at });
            decide::<Passholder>(&work, &id, set).await?;
        }
        Ok(Registered { id, card: card.number })
    });
    let registered = registered.await;
    // A picture of somebody who was not registered, or under another id before, is nobody's.
    let unnamed = match &registered {
        Ok(registered) => registered.id != id,
        Err(problem) => problem.status().is_client_error(),
    };
    if let Some(picture) = picture.filter(|_| unnamed) {
        private::take_away(app, id, picture.digest).await?;
    }
    registered
}

/// The rewards that may be welcome rewards today; whether they are is decided by the domain.
pub async fn welcome_candidates(
    app: &App,
    work: &Work,
    card_system: CardSystemId,
    at: DateTime<Utc>,
) -> Outcome<Vec<(RewardId, Arc<Reward>)>> {
    let today = day_in_belgium(at);
    app.wait_for_head_if_possible(rewards::PROJECTION.name).await?;
    let rows = rewards::welcome_candidates(app.pool(), card_system, today).await;
    let mut candidates = Vec::new();
    for row in rows.map_err(Problem::from)? {
        let reward = RewardId(row.id);
        candidates.push((reward, work.load::<Reward>(&reward).await?.state.clone()));
    }
    Ok(candidates)
}

/// Tells the rewards that were granted (R-RWD-10).
pub async fn grant_welcome_rewards(
    work: &Work,
    events: &[Event],
    at: DateTime<Utc>,
) -> Outcome<()> {
    for event in events {
        if let Event::WelcomeRewardGranted { reward, .. } = event {
            decide::<Reward>(work, reward, reward::Command::Grant { at }).await?;
        }
    }
    Ok(())
}

/// A voucher is spent once, at saving (R-REG-06).
pub async fn spend_voucher(
    work: &Work,
    card_system: CardSystemId,
    voucher: Option<&VoucherCode>,
    at: DateTime<Utc>,
) -> Outcome<()> {
    let Some(code) = voucher.cloned() else { return Ok(()) };
    let spend = CardSystemCommand::SpendVoucher { code, at };
    decide::<CardSystem>(work, &card_system, spend).await?;
    Ok(())
}

/// The name under which details are sealed.
pub const DETAILS: &str = "details";
const REASON: &str = "reason";

pub fn claim_insz(work: &Work, id: PassholderId, insz: &str) {
    work.claim(INSZ, work.store().master_key().claim_hash(INSZ, insz), &id.to_string());
}

/// The key of a person; absent once it was destroyed.
pub async fn person_key(work: &Work, id: PassholderId) -> Result<Option<PersonKey>, Failed> {
    let person = id.to_string();
    let Some(wrapped) = work.wrapped_key(&person).await? else { return Ok(None) };
    work.store().master_key().person_key(&person, &wrapped).map(Some).map_err(Failed::new)
}

/// What is known of a person; absent once it was erased.
pub async fn open_details(
    work: &Work,
    id: PassholderId,
    sealed: &Sealed<PersonalDetails>,
) -> Result<Option<PersonalDetails>, Failed> {
    let Some(key) = person_key(work, id).await? else { return Ok(None) };
    sealing::open(&key, &id.to_string(), DETAILS, sealed).map(Some).map_err(Failed::new)
}

/// A reason in someone's own words, sealed as it may tell of the person.
pub async fn seal_reason(
    work: &Work,
    id: PassholderId,
    reason: Option<&Reason>,
) -> Outcome<Option<Sealed<Reason>>> {
    let Some(reason) = reason else { return Ok(None) };
    let key = person_key(work, id).await?.ok_or(uitpas_domain::passholder::Refused::Removed)?;
    Ok(Some(sealing::seal(&key, &id.to_string(), REASON, reason)))
}

/// A passholder as the ledger knows him, with his details where they can be read.
pub struct Known {
    pub id: PassholderId,
    /// Every change makes it higher.
    pub version: u64,
    pub holder: Holder,
    pub details: Option<PersonalDetails>,
    pub card_systems: uitpas_domain::passholder::CardSystems,
}

/// One passholder, for a caller who may see him: someone with a task in one of his card systems.
pub async fn read(app: &App, caller: &Caller, id: PassholderId) -> Answer<Known> {
    let counters = app.counters_of(caller).await?;
    let counters = &counters;
    let known = app.store.preview(|work| async move {
        let known = known(&work, id).await?;
        authority_over(&work, caller, counters, &known.holder, Task::Search).await?;
        Ok(known)
    });
    Ok(known.await?)
}

/// The same beside a sale or a check-in: absent where the caller may not search at that counter.
pub async fn read_at(
    app: &App,
    caller: &Caller,
    counter: &CounterId,
    id: PassholderId,
) -> Answer<Option<Known>> {
    found(app.store.preview(|work| seen_at(work, caller, counter, id)).await)
}

/// The same of what the caller has written a moment ago, at that counter.
pub async fn read_after(
    app: &App,
    caller: &Caller,
    counter: &CounterId,
    id: PassholderId,
) -> Answer<Option<Known>> {
    found(app.store.glance(|work| seen_at(work, caller, counter, id)).await)
}

async fn seen_at(
    work: Work,
    caller: &Caller,
    counter: &CounterId,
    id: PassholderId,
) -> Outcome<Option<Known>> {
    let by = authority_quietly(&work, caller, counter).await?;
    let passholder = work.load::<Passholder>(&id).await?;
    let Ok(holder) = passholder.state.holder() else { return Ok(None) };
    match holder.memberships.keys().any(|system| by.may_in(*system, Task::Search)) {
        true => Ok(Some(known(&work, id).await?)),
        false => Ok(None),
    }
}

fn found(seen: Outcome<Option<Known>>) -> Answer<Option<Known>> {
    match seen.map_err(Problem::from) {
        Err(Problem::Forbidden(_) | Problem::Counter(_)) => Ok(None),
        seen => seen,
    }
}

/// One passholder, for a caller who was asked before whether he may see him.
pub async fn read_own(app: &App, id: PassholderId) -> Answer<Known> {
    let known = app.store.preview(|work| async move { known(&work, id).await });
    Ok(known.await?)
}

pub async fn known(work: &Work, id: PassholderId) -> Outcome<Known> {
    let loaded = work.load::<Passholder>(&id).await?;
    let holder = loaded.state.holder()?.clone();
    let details = open_details(work, id, &holder.details).await?;
    let card_systems = card_systems_of(work, &holder).await?;
    Ok(Known { id, version: loaded.sequence, holder, details, card_systems })
}

/// The first of these counters at which the caller may do this for this passholder.
pub async fn authority_over(
    work: &Work,
    caller: &Caller,
    counters: &[CounterId],
    holder: &Holder,
    task: Task,
) -> Outcome<Authority> {
    for counter in counters {
        let by = match authority_quietly(work, caller, counter).await {
            Ok(by) => by,
            Err(Unsuccessful::Refused(Problem::Forbidden(_) | Problem::Counter(_))) => continue,
            Err(other) => return Err(other),
        };
        if holder.memberships.keys().any(|card_system| by.may_in(*card_system, task)) {
            work.act_as(by.role, Some(by.counter.clone()));
            return Ok(by);
        }
    }
    Err(Problem::from(uitpas_domain::counter::NotAllowed::Task(task)))?
}

/// Replaces what is known of a person, and moves the end of the social status where one is given.
pub struct Change {
    pub details: PersonalDetails,
    pub preferences: Option<Preferences>,
    pub social_status_until: Option<chrono::NaiveDate>,
    /// The version that was looked at; absent: whichever is there.
    pub version: Option<u64>,
}

pub async fn change(app: &App, request: &Request, id: PassholderId, change: &Change) -> Answer<()> {
    let at = app.now();
    let counters = app.counters_of(&request.caller).await?;
    let counters = &counters;
    execute(app, request, Channel::Counter, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&id)]).await?;
        let state = work.load::<Passholder>(&id).await?;
        let holder = state.state.holder()?;
        let by = authority_over(&work, &request.caller, counters, holder, Task::Edit).await?;
        if change.version.is_some_and(|seen| seen != state.sequence) {
            return Err(Problem::ChangedMeanwhile)?;
        }
        change_details(&work, by.clone(), id, |_| change.details.clone(), at).await?;
        if let Some(preferences) = change.preferences {
            let set = Command::SetPreferences { preferences, at };
            decide::<Passholder>(&work, &id, set).await?;
        }
        if let Some(until) = change.social_status_until {
            social_status::extend(&work, by, id, until, at).await?;
        }
        Ok(())
    })
    .await
}

/// Replaces the details of a person by what is made of them.
pub async fn change_details(
    work: &Work,
    by: Authority,
    id: PassholderId,
    edit: impl FnOnce(&PersonalDetails) -> PersonalDetails,
    at: DateTime<Utc>,
) -> Outcome<()> {
    let state = work.load::<Passholder>(&id).await?;
    let holder = state.state.holder()?;
    let key = person_key(work, id).await?.ok_or(uitpas_domain::passholder::Refused::Removed)?;
    let person = id.to_string();
    let known: PersonalDetails =
        sealing::open(&key, &person, DETAILS, &holder.details).map_err(Failed::new)?;
    let details = edit(&known);
    let card_systems = card_systems_of(work, holder).await?;
    if let Some(insz) = &details.insz
        && known.insz.is_none()
    {
        claim_insz(work, id, &insz.to_string());
    }
    let sealed = sealing::seal(&key, &person, DETAILS, &details);
    let command = ChangeDetails { by, known: Some(known), details, sealed, card_systems, at };
    decide::<Passholder>(work, &id, Command::ChangeDetails(Box::new(command))).await?;
    Ok(())
}

/// Removes a passholder: his key and claims go, his cards are blocked, his points lapse (R-PRV-01).
pub async fn remove(app: &App, request: &Request, id: PassholderId) -> Answer<()> {
    let at: DateTime<Utc> = app.now();
    let counters = app.counters_of(&request.caller).await?;
    let counters = &counters;
    let families = &families_with(app, id).await?;
    execute(app, request, Channel::BackOffice, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&id)]).await?;
        let state = work.load::<Passholder>(&id).await?;
        let holder = state.state.holder()?;
        if request.caller.kind != crate::auth::Kind::SystemOwner {
            let by = authority_over(&work, &request.caller, counters, holder, Task::Block).await?;
            if !holder.memberships.keys().any(|card_system| by.is_ksb_of(*card_system)) {
                return Err(Problem::from(uitpas_domain::counter::NotAllowed::OnlyKsb))?;
            }
        }
        leave(&work, id, families, at).await
    })
    .await
}

/// The families that somebody is in, but his own.
pub async fn families_with(app: &App, id: PassholderId) -> Answer<Vec<PassholderId>> {
    app.wait_for_head_if_possible(families::PROJECTION.name).await?;
    let links = families::of_member(app.pool(), id).await?;
    Ok(links.into_iter().map(|link| PassholderId(link.owner)).collect())
}

/// Cards are blocked, points lapse, families are left, what only one may hold is free again, and the
/// key goes: what was sealed under it is unreadable from then on (R-PRV-01).
pub async fn leave(
    work: &Work,
    id: PassholderId,
    families: &[PassholderId],
    at: DateTime<Utc>,
) -> Outcome<()> {
    for event in decide::<Passholder>(work, &id, Command::Remove(Remove { at })).await? {
        if let Event::CardBlocked { card, .. } = event {
            decide::<Card>(work, &card, CardCommand::Block { at }).await?;
        }
    }
    for owner in families {
        let known = work.load::<Passholder>(owner).await?;
        // He may have been taken out of it since the view last looked.
        if known.state.holder().is_ok_and(|holder| holder.family.contains_key(&id)) {
            let end = Command::EndFamilyLink { member: id, at };
            decide::<Passholder>(work, owner, end).await?;
        }
    }
    let person = id.to_string();
    work.destroy_key(&person);
    work.free_claims_of(&person);
    Ok(())
}
