//! What a passholder does himself: checking in with a QR code, choosing his messages, leaving.

use uitpas_domain::card::Holder;
use uitpas_domain::counter::{Authority, Counter};
use uitpas_domain::ids::{ActivityId, CardSystemId, CheckInId, CounterId, PassholderId};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::passholder::cards::CardRefused;
use uitpas_domain::passholder::check_ins::{CheckIn, CheckInRefused};
use uitpas_domain::passholder::registration::{
    NewCard, PersonalDetails, Preferences, Register, Terms,
};
use uitpas_domain::passholder::{Command, Event, Passholder, Refused};
use uitpas_store::{StreamKey, sealing};
use uuid::Uuid;

use super::cards::give;
use super::families::demand_saves_for;
use super::kiosks::check_in_code;
use super::passholders::{
    DETAILS, claim_insz, families_with, grant_welcome_rewards, leave, welcome_candidates,
};
use super::{Request, card_systems_of, decide, execute, known_card_system, offering, uitid};
use crate::app::App;
use crate::problem::{Answer, Problem};

/// The activity that a check-in code is of, if we made it.
fn activity_of(app: &App, code: &str) -> Answer<ActivityId> {
    let (id, _) = code.trim().rsplit_once('.').ok_or(Problem::CheckInCodeUnknown)?;
    let activity: ActivityId = id.parse().map_err(|_| Problem::CheckInCodeUnknown)?;
    // Hashes are compared, so that the time it takes tells nothing of the signature.
    let hash = |text: &str| app.store.master_key().request_hash(text.as_bytes());
    match hash(code.trim()) == hash(&check_in_code(app, &activity)) {
        true => Ok(activity),
        false => Err(Problem::CheckInCodeUnknown),
    }
}

/// Points by QR code: those added, and the balance.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct Saved {
    pub added: u32,
    pub balance: i64,
}

/// Gives the point of the activity that the code is of, under the rules of a check-in without staff:
/// to whoever scans it, or on his behalf to somebody of his family (R-FAM-01).
pub async fn check_in(
    app: &App,
    request: &Request,
    oneself: PassholderId,
    passholder: PassholderId,
    code: &str,
) -> Answer<Saved> {
    let activity = &activity_of(app, code)?;
    let (id, at) = (CheckInId(Uuid::now_v7()), app.now());
    let saved = execute(app, request, Channel::Qr, |work| async move {
        let offering = offering(&work, activity).await?;
        let organizer = offering.organizer().ok_or(Problem::CheckInCodeUnknown)?.clone();
        let counter = work.load::<Counter>(&organizer).await?.state.clone();
        let by = Authority::of_oneself(organizer.clone(), &counter);
        work.act_as(Role::Passholder, Some(organizer));
        work.lock(&[StreamKey::of::<Passholder>(&passholder)]).await?;
        demand_saves_for(&work, oneself, passholder).await?;
        let state = work.load::<Passholder>(&passholder).await?;
        let holder = state.state.holder()?;
        let card = holder.current_card().ok_or(Refused::from(CardRefused::NoActiveMembership))?;
        let card_systems = card_systems_of(&work, holder).await?;
        let channel = Channel::Qr;
        let check_in = CheckIn { check_in: id, by, offering, card, channel, card_systems, at };
        let command = Command::CheckIn(Box::new(check_in));
        let events = decide::<Passholder>(&work, &passholder, command).await?;
        let added = events.iter().find_map(|event| match event {
            Event::CheckedIn(checked_in) => Some(checked_in.points),
            _ => None,
        });
        let balance = work.load::<Passholder>(&passholder).await?.state.holder()?.points;
        Ok(Saved { added: added.unwrap_or_default(), balance })
    });
    match saved.await {
        Err(Problem::Passholder(Refused::CheckIn(CheckInRefused::TooLate(_)))) => {
            Err(Problem::CheckInCodeExpired)
        }
        saved => saved,
    }
}

/// What somebody fills in to register himself.
#[derive(Debug, Clone)]
pub struct OwnRegistration {
    pub counter: CounterId,
    pub card_system: CardSystemId,
    pub details: PersonalDetails,
}

/// He registers himself, with a digital card, and his UiTID is linked to him (R-REG-08). He was told of
/// privacy and terms where he logged in; which messages he wants he may choose later.
pub async fn register(app: &App, request: &Request, new: &OwnRegistration) -> Answer<PassholderId> {
    let (id, at) = (PassholderId(Uuid::now_v7()), app.now());
    let uitid = request.caller.uitid();
    let uitid =
        &uitid.ok_or_else(|| Problem::Forbidden("only a person, for himself".to_owned()))?;
    execute(app, request, Channel::BackOffice, |work| async move {
        let counter = work.load::<Counter>(&new.counter).await?.state.clone();
        counter.profile.as_ref().ok_or(uitpas_domain::counter::Refused::Unknown)?;
        let system = known_card_system(&work, new.card_system).await?;
        let of_counter = counter.card_systems();
        if !of_counter.contains(&new.card_system) {
            return Err(uitpas_domain::counter::Refused::ForeignCardSystem)?;
        }
        work.act_as(Role::Passholder, Some(new.counter.clone()));
        let card = NewCard { number: app.new_digital_number(false), digital: true };
        let person = id.to_string();
        let (key, wrapped) = app.store.master_key().new_person_key(&person);
        let register = Register {
            by: Authority::to_register_oneself(new.counter.clone(), &counter),
            card_system: new.card_system,
            system,
            counter_municipality: counter.municipality(),
            card,
            details: new.details.clone(),
            sealed: sealing::seal(&key, &person, DETAILS, &new.details),
            no_email: new.details.email.is_none(),
            terms: Terms { paper: false, digital: true },
            preferences: Some(Preferences::default()),
            parental_consent: false,
            social_status: None,
            voucher: None,
            welcome_rewards: welcome_candidates(app, &work, new.card_system, at).await?,
            at,
        };
        let register = Command::RegisterOneself(Box::new(register));
        let events = decide::<Passholder>(&work, &id, register).await?;
        work.insert_key(&person, wrapped);
        if let Some(insz) = &new.details.insz {
            claim_insz(&work, id, &insz.to_string());
        }
        uitid::claim(&work, uitid, id);
        decide::<Passholder>(&work, &id, Command::LinkUitid { at }).await?;
        give(&work, card, new.card_system, &of_counter, Holder::Passholder(id), at).await?;
        grant_welcome_rewards(&work, &events, at).await?;
        Ok(id)
    })
    .await
}

/// Which messages he agrees to (R-PRV-03).
pub async fn set_preferences(
    app: &App,
    request: &Request,
    passholder: PassholderId,
    preferences: Preferences,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        work.act_as(Role::Passholder, None);
        let command = Command::SetPreferences { preferences, at };
        decide::<Passholder>(&work, &passholder, command).await?;
        Ok(())
    })
    .await
}

/// His data go, his cards are blocked, his points lapse (R-PRV-01).
pub async fn remove(app: &App, request: &Request, passholder: PassholderId) -> Answer<()> {
    let at = app.now();
    let families = &families_with(app, passholder).await?;
    execute(app, request, Channel::BackOffice, |work| async move {
        work.act_as(Role::Passholder, None);
        leave(&work, passholder, families, at).await
    })
    .await
}
