//! Kiosks: making them, the device that is one, its activity, and points without staff.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::{Authority, Counter};
use uitpas_domain::ids::{ActivityId, CheckInId, CounterId, KioskId};
use uitpas_domain::kiosk::{Command, Hand, Kiosk, Profile, automatic, is_on, scan_time};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::offering::Offering;
use uitpas_domain::passholder::check_ins::{CheckIn, CheckInRefused};
use uitpas_domain::passholder::{self, Event, Passholder, Refused};
use uitpas_domain::values::chip_number::ChipNumber;
use uitpas_domain::values::identifier::Identifier;
use uitpas_projections::activities;
use uitpas_store::{Unsuccessful, Work};
use uuid::Uuid;

use super::{
    Outcome, Request, authority, card_systems_of, decide, demand_ksb, demand_version, execute,
    identify, offering,
};
use crate::app::App;
use crate::auth::{Caller, Kind};
use crate::problem::{Answer, Problem};

/// Kinds of claims: what belongs to at most one kiosk.
const NAME: &str = "kiosk-name";
const DEVICE: &str = "kiosk-device";

/// A KSB admin makes a kiosk, or changes one (R-KSK-01).
pub async fn provision(
    app: &App,
    request: &Request,
    known: Option<KioskId>,
    profile: &Profile,
    version: Option<u64>,
) -> Answer<KioskId> {
    let (id, at) = (known.unwrap_or_else(|| KioskId(Uuid::now_v7())), app.now());
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb(&work, &request.caller, profile.card_system).await?;
        let kiosk = work.load::<Kiosk>(&id).await?.state.clone();
        if known.is_some() {
            demand_version(version, kiosk.known()?)?;
        }
        for counter in &profile.counters {
            let counter = work.load::<Counter>(counter).await?;
            if !counter.exists() {
                return Err(Problem::from(uitpas_domain::counter::Refused::Unknown))?;
            }
            if !counter.state.card_systems().contains(&profile.card_system) {
                return Err(Problem::from(uitpas_domain::counter::Refused::ForeignCardSystem))?;
            }
        }
        let owner = id.to_string();
        if let Some(before) = kiosk.profile.as_ref().filter(|before| before.name != profile.name) {
            work.free_claim(NAME, name_hash(&work, before.name.as_str()), &owner);
        }
        decide::<Kiosk>(&work, &id, Command::Provision { profile: profile.clone(), at }).await?;
        work.claim(NAME, name_hash(&work, profile.name.as_str()), &owner);
        Ok(id)
    })
    .await
}

fn name_hash(work: &Work, name: &str) -> [u8; 32] {
    work.store().master_key().claim_hash(NAME, &name.to_lowercase())
}

/// What whoever sets up the device types in: derived from the kiosk, so it is nowhere kept.
fn configuration_code(app: &App, id: KioskId) -> String {
    let hash = app.store.master_key().claim_hash("kiosk-code", &id.to_string());
    hex::encode_upper(&hash[..8])
}

/// A kiosk, for its KSB: with the code that a device needs to become it.
pub async fn of_ksb(app: &App, caller: &Caller, id: KioskId) -> Answer<(Profile, bool, String)> {
    let found = app.store.preview(|work| async move {
        let kiosk = work.load::<Kiosk>(&id).await?.state.clone();
        let profile = kiosk.known()?.clone();
        demand_ksb(&work, caller, profile.card_system).await?;
        Ok((profile, kiosk.claimed))
    });
    let (profile, claimed) = found.await?;
    Ok((profile, claimed, configuration_code(app, id)))
}

/// A device becomes the kiosk of this name; the code shows that it may. The same device again is no
/// news.
pub async fn claim(app: &App, name: &str, device: &str, code: &str) -> Answer<KioskId> {
    let id = app.store.preview(|work| async move {
        let owner = work.claim_owner(NAME, &name_hash(&work, name)).await?;
        let id = owner.and_then(|owner| owner.parse().ok());
        Ok(id.ok_or(Problem::KioskNotFound)?)
    });
    let id: KioskId = id.await?;
    if !is_same(code, &configuration_code(app, id)) {
        return Err(Problem::Unauthorized("this configuration code is not that of the kiosk"));
    }
    if by_device(app, device).await? == Some(id) {
        return Ok(id);
    }
    let (request, at) = (as_device(id, None, Vec::new()), app.now());
    execute(app, &request, Channel::Kiosk, |work| async move {
        work.act_as(Role::Kiosk, None);
        decide::<Kiosk>(&work, &id, Command::Claim { at }).await?;
        let hash = work.store().master_key().claim_hash(DEVICE, device);
        work.claim(DEVICE, hash, &owner_of_device(id));
        Ok(id)
    })
    .await
}

/// Without telling by the time it takes how much of it was right.
fn is_same(given: &str, code: &str) -> bool {
    let differences = given.bytes().zip(code.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == code.len() && differences == 0
}

/// The kiosk that this device is.
pub async fn by_device(app: &App, device: &str) -> Answer<Option<KioskId>> {
    let hash = app.store.master_key().claim_hash(DEVICE, device);
    let owner = app.store.claim_owner(DEVICE, &hash).await?;
    Ok(owner.and_then(|owner| owner.strip_prefix("device:")?.parse().ok()))
}

fn owner_of_device(id: KioskId) -> String {
    format!("device:{id}")
}

/// A request that a kiosk makes by itself.
pub fn as_device(id: KioskId, key: Option<String>, content: Vec<u8>) -> Request {
    let subject = format!("kiosk:{id}").parse().expect("printable and short");
    Request { caller: Caller { subject, kind: Kind::Kiosk }, key, content }
}

/// Lets another device become this kiosk.
pub async fn release_device(app: &App, request: &Request, id: KioskId) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        let kiosk = work.load::<Kiosk>(&id).await?.state.clone();
        demand_ksb(&work, &request.caller, kiosk.known()?.card_system).await?;
        decide::<Kiosk>(&work, &id, Command::ReleaseDevice { at }).await?;
        work.free_claims_of(&owner_of_device(id));
        Ok(())
    })
    .await
}

/// Sets the activity by hand: the KSB fixes it, a counter of the kiosk or the kiosk itself chooses.
/// None takes it away again.
pub async fn set(
    app: &App,
    request: &Request,
    id: KioskId,
    activity: Option<&ActivityId>,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        let kiosk = work.load::<Kiosk>(&id).await?.state.clone();
        let by = hand(&work, &request.caller, &kiosk).await?;
        let command = match activity {
            None => Command::Unset { by, at },
            Some(activity) => Command::Set { by, offering: offering(&work, activity).await?, at },
        };
        decide::<Kiosk>(&work, &id, command).await?;
        Ok(())
    })
    .await
}

/// In whose name someone sets an activity (R-KSK-01, R-KSK-02).
async fn hand(work: &Work, caller: &Caller, kiosk: &Kiosk) -> Outcome<Hand> {
    let profile = kiosk.known()?;
    if caller.kind == Kind::Kiosk {
        work.act_as(Role::Kiosk, None);
        return Ok(Hand::Counter);
    }
    let system = work.load::<CardSystem>(&profile.card_system).await?;
    if caller.kind == Kind::SystemOwner || system.state.ksb_admins.contains(&caller.subject) {
        demand_ksb(work, caller, profile.card_system).await?;
        return Ok(Hand::Ksb);
    }
    for counter in &profile.counters {
        match authority(work, caller, counter).await {
            Ok(_) => return Ok(Hand::Counter),
            Err(Unsuccessful::Refused(Problem::Forbidden(_))) => {}
            Err(other) => return Err(other),
        }
    }
    Err(Problem::Forbidden("no role at any counter of this kiosk".to_owned()))?
}

/// A kiosk with the counters it is for.
pub struct Known {
    pub profile: Profile,
    pub card_system: String,
    pub counters: BTreeMap<CounterId, String>,
}

pub async fn known(app: &App, id: KioskId) -> Answer<Known> {
    let found = app.store.preview(|work| async move {
        let profile = work.load::<Kiosk>(&id).await?.state.known()?.clone();
        let system = work.load::<CardSystem>(&profile.card_system).await?;
        let system = system.state.name.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut counters = BTreeMap::new();
        for counter in &profile.counters {
            let known = work.load::<Counter>(counter).await?;
            let name = known.state.profile.as_ref().map(|profile| profile.name.to_string());
            counters.insert(counter.clone(), name.unwrap_or_default());
        }
        Ok((profile, system, counters))
    });
    let (profile, card_system, counters) = found.await?;
    Ok(Known { profile, card_system, counters })
}

/// An activity as a kiosk shows it.
pub struct Shown {
    pub id: ActivityId,
    pub title: String,
    pub points: u32,
    pub code: String,
}

fn shown(app: &App, offering: &Offering) -> Shown {
    let description = offering.activity.description.as_ref();
    Shown {
        id: offering.id.clone(),
        title: description.map(|known| known.title.to_string()).unwrap_or_default(),
        points: offering.activity.settings.check_in_points,
        code: check_in_code(app, &offering.id),
    }
}

/// What the QR code of an activity holds (R-CHK-10): its id, and a mark that only we can make.
pub fn check_in_code(app: &App, activity: &ActivityId) -> String {
    let hash = app.store.master_key().claim_hash("check-in-code", activity.as_str());
    format!("{activity}.{}", hex::encode(&hash[..10]))
}

/// What was set by hand on a kiosk, and may be over by now. The caller has a role there.
pub async fn set_by_hand(app: &App, caller: &Caller, id: KioskId) -> Answer<Option<Shown>> {
    let at = app.now();
    let found = app.store.preview(|work| async move {
        let kiosk = work.load::<Kiosk>(&id).await?.state.clone();
        hand(&work, caller, &kiosk).await?;
        match kiosk.set_by_hand(at) {
            None => Ok(None),
            Some(activity) => Ok(Some(offering(&work, activity).await?)),
        }
    });
    Ok(found.await?.map(|offering| shown(app, &offering)))
}

/// The activity that a kiosk gives points for now.
pub async fn now_on(app: &App, id: KioskId) -> Answer<Option<Shown>> {
    app.wait_for_head_if_possible(activities::PROJECTION.name).await?;
    let at = app.now();
    let found = app.store.preview(|work| async move {
        let kiosk = work.load::<Kiosk>(&id).await?.state.clone();
        on_at(app, &work, &kiosk, at).await
    });
    Ok(found.await?.map(|offering| shown(app, &offering)))
}

/// What a kiosk gives points for at an instant: what was set by hand and nothing else, or what is on
/// at its counters (R-KSK-02, R-KSK-06).
async fn on_at(
    app: &App,
    work: &Work,
    kiosk: &Kiosk,
    at: DateTime<Utc>,
) -> Outcome<Option<Arc<Offering>>> {
    let profile = kiosk.known()?;
    if let Some(set) = kiosk.set_by_hand(at) {
        let set = offering(work, set).await?;
        let description = set.open().map_err(CheckInRefused::from).map_err(Refused::from)?;
        return Ok(is_on(&description.calendar, at).then_some(set));
    }
    let counters: Vec<CounterId> = profile.counters.iter().cloned().collect();
    let found = activities::around(app.pool(), &counters, day_in_belgium(at)).await;
    let found = found.map_err(Problem::from)?;
    let mut candidates: BTreeMap<ActivityId, _> = found
        .into_iter()
        .filter_map(|activity| Some((activity.id.parse().ok()?, activity.description.0.calendar)))
        .collect();
    while let Some(id) = automatic(&candidates, at).cloned() {
        let offering = offering(work, &id).await?;
        if offering.open().is_ok() {
            return Ok(Some(offering));
        }
        candidates.remove(&id);
    }
    Ok(None)
}

/// A point that was given at a kiosk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Saved {
    pub points: u32,
    pub balance: i64,
}

/// Gives the point of what is on to whoever holds the chip; a scan that comes in late is judged by
/// its own time (R-KSK-07, R-KSK-08).
pub async fn check_in(
    app: &App,
    request: &Request,
    id: KioskId,
    chip: &ChipNumber,
    scanned_at: Option<DateTime<Utc>>,
) -> Answer<Saved> {
    let at = scan_time(scanned_at, app.now())?;
    app.wait_for_head_if_possible(activities::PROJECTION.name).await?;
    let check_in = CheckInId(Uuid::now_v7());
    let identifier = &Identifier::Chip(*chip);
    let saved = execute(app, request, Channel::Kiosk, |work| async move {
        let kiosk = work.load::<Kiosk>(&id).await?.state.clone();
        let on = on_at(app, &work, &kiosk, at).await?.ok_or(Problem::NoActivityNow)?;
        let pass = identify::pass(&work, identifier).await?;
        let pass = identify::of_card_to_write(&work, pass.card).await?;
        let card_systems = card_systems_of(&work, pass.state.state.holder()?).await?;
        let organizer = on.organizer().cloned().ok_or(Problem::NoActivityNow)?;
        work.act_as(Role::Kiosk, Some(organizer.clone()));
        // With the rights of the counter that it stands in for.
        let by = Authority {
            role: Role::Kiosk,
            counter: organizer,
            terms: on.counter.terms.clone(),
            ksb_of: BTreeSet::new(),
        };
        let (card, channel) = (pass.card, Channel::Kiosk);
        let command = CheckIn { check_in, by, offering: on, card, channel, card_systems, at };
        let command = passholder::Command::CheckIn(Box::new(command));
        let events = decide::<Passholder>(&work, &pass.passholder, command).await?;
        let points = events.iter().map(|event| match event {
            Event::CheckedIn(checked_in) => checked_in.points,
            _ => 0,
        });
        let balance = work.load::<Passholder>(&pass.passholder).await?.state.holder()?.points;
        Ok(Saved { points: points.sum(), balance })
    });
    saved.await.map_err(at_kiosk)
}

/// The balance of whoever holds the chip.
pub async fn balance(app: &App, chip: &ChipNumber) -> Answer<i64> {
    let identifier = &Identifier::Chip(*chip);
    let found = app.store.preview(|work| async move {
        let pass = identify::pass(&work, identifier).await?;
        Ok(pass.state.state.holder()?.points)
    });
    found.await.map_err(Problem::from).map_err(|problem| match problem {
        Problem::PassNotFound => Problem::PassNotFound,
        other => at_kiosk(other),
    })
}

/// The contract has words of its own for what goes wrong at a kiosk.
fn at_kiosk(problem: Problem) -> Problem {
    use uitpas_domain::card::Unidentified;
    match problem {
        Problem::PassNotFound => Problem::ScanOfNobody,
        Problem::CardNotActive(card) => match card.unidentified {
            Unidentified::Blocked(_) => Problem::ScanOfBlockedCard,
            Unidentified::NotRegistered
            | Unidentified::NotInLocalStock
            | Unidentified::NotFound => Problem::ScanOfNobody,
        },
        Problem::Passholder(Refused::CheckIn(CheckInRefused::AlreadyGiven(at))) => {
            Problem::SavedAlready(at)
        }
        other => other,
    }
}
