//! Activities: what UiTdatabank tells of them, and what a KSB sets for one.

use uitpas_domain::activity::{Activity, CardSystems, Command, Description, Settings};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::Counter;
use uitpas_domain::ids::ActivityId;
use uitpas_domain::metadata::{Channel, Role};
use uitpas_projections::{Paging, ticket_sales};
use uitpas_store::Work;

use super::{Outcome, Request, decide, demand_ksb, demand_version, execute, offering};
use crate::app::App;
use crate::problem::{Answer, Problem};

/// What became of an activity of UiTdatabank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Imported {
    New,
    Changed,
    Unchanged,
    /// Never known here, and without a price or a known counter: no UiTPAS activity.
    NoUitpas,
}

/// Takes over what UiTdatabank says. The same again is no news.
pub async fn import(
    app: &App,
    request: &Request,
    id: &ActivityId,
    description: &Description,
) -> Answer<Imported> {
    request.caller.demand_system_owner()?;
    let at = app.now();
    execute(app, request, Channel::Import, |work| async move {
        work.act_as(Role::System, None);
        let known = work.load::<Activity>(id).await?;
        let has_counter = work.load::<Counter>(&description.organizer).await?.exists();
        if !known.exists() && (description.prices.is_empty() || !has_counter) {
            return Ok(Imported::NoUitpas);
        }
        let command = Command::Import { description: Box::new(description.clone()), at };
        let events = decide::<Activity>(&work, id, command).await?;
        Ok(match (known.exists(), events.is_empty()) {
            (_, true) => Imported::Unchanged,
            (false, false) => Imported::New,
            (true, false) => Imported::Changed,
        })
    })
    .await
}

/// Points and limits of one activity, by a KSB admin of a card system that takes part.
pub async fn change_settings(
    app: &App,
    request: &Request,
    id: &ActivityId,
    settings: &Settings,
    version: Option<u64>,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb_of_activity(&work, request, id).await?;
        demand_version(version, &work.load::<Activity>(id).await?.state.settings)?;
        let settings = settings.clone();
        decide::<Activity>(&work, id, Command::ChangeSettings { settings, at }).await?;
        Ok(())
    })
    .await
}

/// Which card systems take part, with the keys switched on by hand: by a KSB admin, or by an admin
/// of the organizer's counter (R-TAR-04).
pub async fn choose_card_systems(
    app: &App,
    request: &Request,
    id: &ActivityId,
    card_systems: &CardSystems,
) -> Answer<()> {
    choose(app, request, id, card_systems, false).await
}

/// The same, unless it would change what tickets were sold by.
pub async fn choose_before_sales(
    app: &App,
    request: &Request,
    id: &ActivityId,
    card_systems: &CardSystems,
) -> Answer<()> {
    let sales = ticket_sales::Filter {
        activity: Some(id.clone()),
        cancelled: Some(false),
        paging: Paging { start: 0, limit: 1 },
        ..Default::default()
    };
    app.wait_for_head(ticket_sales::PROJECTION.name).await?;
    let has_sales = !ticket_sales::list(app.pool(), &sales).await?.rows.is_empty();
    choose(app, request, id, card_systems, has_sales).await
}

async fn choose(
    app: &App,
    request: &Request,
    id: &ActivityId,
    card_systems: &CardSystems,
    has_sales: bool,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        let offering = offering(&work, id).await?;
        let organizer = offering.organizer();
        let organizer = organizer.ok_or(uitpas_domain::activity::Refused::Unknown)?;
        let by = super::authority(&work, &request.caller, organizer).await?;
        if !matches!(by.role, Role::Ksb | Role::CounterAdmin | Role::Client) {
            return Err(Problem::Forbidden("only an admin of the counter, or the KSB".to_owned()))?;
        }
        for (card_system, keys) in card_systems {
            let Some(system) = offering.card_systems.get(card_system) else {
                return match work.load::<CardSystem>(card_system).await?.exists() {
                    true => Err(Problem::InvalidCardSystem)?,
                    false => Err(uitpas_domain::card_system::Refused::Unknown)?,
                };
            };
            system.knows_keys(keys)?;
        }
        let card_systems = card_systems.clone();
        let choose = Command::ChooseCardSystems { card_systems, at };
        let events = decide::<Activity>(&work, id, choose).await?;
        // The same again changes nothing, and may be said at any time.
        if has_sales && !events.is_empty() {
            return Err(Problem::EventHasSales)?;
        }
        Ok(())
    })
    .await
}

async fn demand_ksb_of_activity(work: &Work, request: &Request, id: &ActivityId) -> Outcome<()> {
    let offering = offering(work, id).await?;
    let mut last = None;
    for card_system in offering.card_systems.keys() {
        match demand_ksb(work, &request.caller, *card_system).await {
            Ok(()) => return Ok(()),
            Err(refused) => last = Some(refused),
        }
    }
    Err(last.unwrap_or_else(|| Problem::from(uitpas_domain::card_system::Refused::Unknown).into()))
}
