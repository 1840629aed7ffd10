//! What a passholder does himself: checking in with a QR code, choosing his messages, leaving.

use uitpas_domain::card::{Card, Command as CardCommand};
use uitpas_domain::counter::{Authority, Counter};
use uitpas_domain::ids::{ActivityId, CheckInId, PassholderId};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::passholder::cards::CardRefused;
use uitpas_domain::passholder::check_ins::{CheckIn, CheckInRefused};
use uitpas_domain::passholder::registration::{Preferences, Remove};
use uitpas_domain::passholder::{Command, Event, Passholder, Refused};
use uitpas_store::StreamKey;
use uuid::Uuid;

use super::kiosks::check_in_code;
use super::{Request, card_systems_of, decide, execute, offering};
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

/// Gives the point of the activity that the code is of, under the rules of a check-in without staff.
pub async fn check_in(
    app: &App,
    request: &Request,
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
    execute(app, request, Channel::BackOffice, |work| async move {
        work.act_as(Role::Passholder, None);
        let command = Command::Remove(Remove { at });
        for event in decide::<Passholder>(&work, &passholder, command).await? {
            if let Event::CardBlocked { card, .. } = event {
                decide::<Card>(&work, &card, CardCommand::Block { at }).await?;
            }
        }
        let person = passholder.to_string();
        work.destroy_key(&person);
        work.free_claims_of(&person);
        Ok(())
    })
    .await
}
