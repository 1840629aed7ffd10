//! Saving points and taking them back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::{ActivityId, CheckInId, CounterId, PassholderId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::check_ins::{CheckIn, CorrectCheckIn};
use uitpas_domain::passholder::{Command, Event, Passholder, Reason};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_projections::check_ins as overview;
use uitpas_store::{StreamKey, Work};
use uuid::Uuid;

use super::{Outcome, Request, authority, card_systems_of, decide, execute, identify, offering};
use crate::actions::passholders::seal_reason;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// A point that was given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Given {
    pub id: CheckInId,
    pub passholder: PassholderId,
    pub card: CardNumber,
    pub activity: ActivityId,
    /// Absent in answers of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterId>,
    pub title: String,
    pub points: u32,
    pub balance: i64,
    pub at: DateTime<Utc>,
}

/// Gives the point of an activity to whoever holds the card.
pub async fn check_in(
    app: &App,
    request: &Request,
    activity: &ActivityId,
    card: CardNumber,
) -> Answer<Given> {
    let (id, at) = (CheckInId(Uuid::now_v7()), app.now());
    execute(app, request, Channel::Counter, |work| async move {
        let (passholder, command) = prepare(&work, &request.caller, activity, card, id, at).await?;
        let events = decide::<Passholder>(&work, &passholder, command).await?;
        let after = work.load::<Passholder>(&passholder).await?;
        let balance = after.state.holder()?.points;
        let given = events.iter().find_map(|event| match event {
            Event::CheckedIn(checked_in) => Some(Given {
                id,
                passholder,
                card,
                activity: activity.clone(),
                counter: Some(checked_in.counter.clone()),
                title: checked_in.title.to_string(),
                points: checked_in.points,
                balance,
                at,
            }),
            _ => None,
        });
        Ok(given.expect("a check-in that is not refused gives points"))
    })
    .await
}

/// Whether [`check_in`] would succeed now: the same decision, not committed.
pub async fn preview(
    app: &App,
    caller: &Caller,
    activity: &ActivityId,
    card: CardNumber,
) -> Answer<()> {
    let (id, at) = (CheckInId(Uuid::nil()), app.now());
    let previewed = app.store.preview(|work| async move {
        let (passholder, command) = prepare(&work, caller, activity, card, id, at).await?;
        work.load::<Passholder>(&passholder).await?.state.decide(command)?;
        Ok(())
    });
    Ok(previewed.await?)
}

async fn prepare(
    work: &Work,
    caller: &Caller,
    activity: &ActivityId,
    card: CardNumber,
    check_in: CheckInId,
    at: DateTime<Utc>,
) -> Outcome<(PassholderId, Command)> {
    let offering = offering(work, activity).await?;
    let organizer =
        offering.organizer().ok_or(Problem::from(uitpas_domain::activity::Refused::Unknown))?;
    let by = authority(work, caller, organizer).await?;
    let pass = identify::of_card_to_write(work, card).await?;
    let card_systems = card_systems_of(work, pass.state.state.holder()?).await?;
    let channel = Channel::Counter;
    let check_in = CheckIn { check_in, by, offering, card, channel, card_systems, at };
    Ok((pass.passholder, Command::CheckIn(Box::new(check_in))))
}

/// Takes the points of a check-in back (R-CHK-08).
pub async fn correct(
    app: &App,
    request: &Request,
    check_in: CheckInId,
    reason: Option<Reason>,
) -> Answer<()> {
    app.wait_for_head(overview::PROJECTION.name).await?;
    let found = overview::by_id(app.pool(), check_in).await?.ok_or(Problem::CheckInNotFound)?;
    let passholder = PassholderId(found.passholder);
    let counter: CounterId = found.counter.parse().map_err(|_| Problem::CheckInNotFound)?;
    let (reason, counter, at) = (&reason, &counter, app.now());
    execute(app, request, Channel::Counter, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&passholder)]).await?;
        let by = authority(&work, &request.caller, counter).await?;
        let reason = seal_reason(&work, passholder, reason.as_ref()).await?;
        let correct = CorrectCheckIn { check_in, by, reason, at };
        decide::<Passholder>(&work, &passholder, Command::CorrectCheckIn(correct)).await?;
        Ok(())
    })
    .await
}
