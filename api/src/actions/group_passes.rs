//! Group passes: making, changing and blocking them, and looking them up.

use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::card::{self, Card, Command as CardCommand, Holder};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::group_pass::{Change, Command, GroupPass, Make, Pass, Terms};
use uitpas_domain::ids::{CardSystemId, GroupPassId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::chip_number::ChipNumber;
use uitpas_projections::{Page, Paging, group_passes as view};
use uitpas_store::{StreamKey, Unsuccessful, Work};
use uuid::Uuid;

use super::identify::card_of_chip;
use super::{Outcome, Request, card_system_name, card_systems, decide, demand_ksb, execute};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// A KSB admin makes a group pass of a card in local stock (R-GRP-01).
pub async fn make(
    app: &App,
    request: &Request,
    card: CardNumber,
    terms: &Terms,
) -> Answer<GroupPassId> {
    let (id, at) = (GroupPassId(Uuid::now_v7()), app.now());
    execute(app, request, Channel::BackOffice, |work| async move {
        let known = work.load::<Card>(&card).await?;
        let card_system = known.state.card_system.ok_or(Problem::from(card::Refused::NotFound))?;
        demand_ksb(&work, &request.caller, card_system).await?;
        let system = work.load::<CardSystem>(&card_system).await?.state.clone();
        let make = Make { card_system, card, terms: terms.clone(), system, at };
        decide::<GroupPass>(&work, &id, Command::Make(Box::new(make))).await?;
        let (holder, counter_systems) = (Holder::GroupPass(id), vec![card_system]);
        decide::<Card>(&work, &card, CardCommand::Assign { holder, counter_systems, at }).await?;
        Ok(id)
    })
    .await
}

pub async fn change(app: &App, request: &Request, id: GroupPassId, terms: &Terms) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        let pass = of_own_system(&work, &request.caller, id).await?;
        let system = work.load::<CardSystem>(&pass.card_system).await?.state.clone();
        let change = Change { terms: terms.clone(), system, at };
        decide::<GroupPass>(&work, &id, Command::Change(Box::new(change))).await?;
        Ok(())
    })
    .await
}

/// For good, with its card; what it bought stays.
pub async fn block(app: &App, request: &Request, id: GroupPassId) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        let pass = of_own_system(&work, &request.caller, id).await?;
        decide::<GroupPass>(&work, &id, Command::Block { at }).await?;
        decide::<Card>(&work, &pass.card, CardCommand::Block { at }).await?;
        Ok(())
    })
    .await
}

/// The pass, for a KSB admin of its card system; others that write to it wait.
async fn of_own_system(work: &Work, caller: &Caller, id: GroupPassId) -> Outcome<Pass> {
    work.lock(&[StreamKey::of::<GroupPass>(&id)]).await?;
    let pass = work.load::<GroupPass>(&id).await?.state.known()?.clone();
    demand_ksb(work, caller, pass.card_system).await?;
    Ok(pass)
}

/// A group pass as it stands today.
pub struct Known {
    pub id: GroupPassId,
    pub pass: Pass,
    pub card_system: String,
    pub is_over: bool,
    /// At the social tariff, in the rest of this year.
    pub tickets_left: u32,
}

pub async fn known(app: &App, work: &Work, id: GroupPassId) -> Outcome<Known> {
    let pass = work.load::<GroupPass>(&id).await?.state.known()?.clone();
    let today = day_in_belgium(app.now());
    Ok(Known {
        id,
        card_system: card_system_name(work, pass.card_system).await?,
        is_over: pass.is_over(today),
        tickets_left: pass.tickets_left(today),
        pass,
    })
}

pub async fn read(app: &App, id: GroupPassId) -> Answer<Known> {
    let found = app.store.preview(|work| async move { known(app, &work, id).await });
    Ok(found.await?)
}

/// How a group pass is looked up.
#[derive(Debug, Clone)]
pub enum Number {
    Card(CardNumber),
    Chip(ChipNumber),
}

/// The group pass of a card, blocked or not; none where the card is not one's.
pub async fn find(app: &App, number: &Number) -> Answer<Option<Known>> {
    let found = app.store.preview(|work| async move {
        let card = match number {
            Number::Card(card) => *card,
            Number::Chip(chip) => match card_of_chip(&work, &chip.to_string()).await {
                Ok(card) => card,
                Err(Unsuccessful::Refused(Problem::PassNotFound)) => return Ok(None),
                Err(other) => return Err(other),
            },
        };
        match work.load::<Card>(&card).await?.state.state {
            card::State::Active(Holder::GroupPass(id))
            | card::State::Blocked(Holder::GroupPass(id)) => Ok(Some(known(app, &work, id).await?)),
            card::State::Active(Holder::Passholder(_))
            | card::State::Blocked(Holder::Passholder(_))
            | card::State::Waiting(_)
            | card::State::Unknown
            | card::State::Deleted => Ok(None),
        }
    });
    Ok(found.await?)
}

/// All group passes of a card system, for its KSB admins.
pub async fn of_card_system(
    app: &App,
    caller: &Caller,
    card_system: CardSystemId,
    paging: Paging,
) -> Answer<Page<view::GroupPass>> {
    card_systems::demand_admin(app, caller, card_system).await?;
    app.caught_up(caller, view::PROJECTION.name).await?;
    Ok(view::list(app.pool(), card_system, paging).await?)
}
