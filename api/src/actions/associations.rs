//! Associations and the memberships of them that passholders carry.

use chrono::{Months, NaiveDate};
use uitpas_domain::association::{Association, Command, Definition, EndRule, ends_soon};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::counter::{self, Authority, Counter, Task};
use uitpas_domain::ids::{AssociationId, CardSystemId, CounterId, PassholderId};
use uitpas_domain::metadata::Channel;
use uitpas_domain::passholder::associations::{JoinAssociation, LeaveAssociation};
use uitpas_domain::passholder::{Command as OfPassholder, Holder, Passholder};
use uitpas_projections::associations::{self as view, Right};
use uitpas_store::{StreamKey, Unsuccessful, Work};
use uuid::Uuid;

use super::passholders::{Known, open_details, read_own};
use super::{Outcome, Request, authority, card_systems, decide, demand_ksb, execute};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// A KSB admin defines an association.
pub async fn define(
    app: &App,
    request: &Request,
    definition: &Definition,
) -> Answer<AssociationId> {
    let (id, at) = (AssociationId(Uuid::now_v7()), app.now());
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb(&work, &request.caller, definition.owner).await?;
        demand_own_counters(&work, definition).await?;
        let definition = Box::new(definition.clone());
        decide::<Association>(&work, &id, Command::Define { definition, at }).await?;
        Ok(id)
    })
    .await
}

/// Changes what comes; the memberships that were granted keep their end.
pub async fn change(
    app: &App,
    request: &Request,
    id: AssociationId,
    definition: &Definition,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        let known = work.load::<Association>(&id).await?.state.clone();
        demand_ksb(&work, &request.caller, known.known()?.owner).await?;
        demand_own_counters(&work, definition).await?;
        let definition = Box::new(definition.clone());
        decide::<Association>(&work, &id, Command::Change { definition, at }).await?;
        Ok(())
    })
    .await
}

/// The counters that it names work for its card system.
async fn demand_own_counters(work: &Work, definition: &Definition) -> Outcome<()> {
    for id in definition.readers.union(&definition.registrars) {
        let known = work.load::<Counter>(id).await?;
        if !known.exists() {
            return Err(counter::Refused::Unknown)?;
        }
        if !known.state.card_systems().contains(&definition.owner) {
            return Err(counter::Refused::ForeignCardSystem)?;
        }
    }
    Ok(())
}

/// All associations of a card system, for its KSB admins.
pub async fn of_card_system(
    app: &App,
    caller: &Caller,
    owner: CardSystemId,
) -> Answer<Vec<view::Association>> {
    card_systems::demand_admin(app, caller, owner).await?;
    app.caught_up(caller, view::PROJECTION.name).await?;
    Ok(view::of_card_system(app.pool(), owner).await?)
}

/// The associations that a counter sees, or registers.
pub async fn of_counter(
    app: &App,
    caller: &Caller,
    counter: &CounterId,
    right: Right,
) -> Answer<Vec<view::Association>> {
    app.authority_at(caller, counter).await?.demand(Task::Identify)?;
    app.caught_up(caller, view::PROJECTION.name).await?;
    Ok(view::of_counter(app.pool(), counter, right).await?)
}

/// Who has a membership of an association, in force or over; absent: either. It is for the counters
/// that see it: one of the caller's, or the one that is named.
pub async fn members(
    app: &App,
    caller: &Caller,
    counter: Option<&CounterId>,
    id: AssociationId,
    in_force: Option<bool>,
) -> Answer<Vec<PassholderId>> {
    let known = app.store.load::<Association>(&id).await?;
    let known = known.state.known().map_err(|_| Problem::AssociationNotFound)?;
    let counters = match counter {
        Some(counter) => vec![counter.clone()],
        None => app.counters_of(caller).await?,
    };
    let sees = |counter| known.readers.contains(counter) || known.registrars.contains(counter);
    if !counters.iter().any(sees) {
        return Err(Problem::Forbidden("no counter that sees this association".to_owned()));
    }
    app.caught_up(caller, view::PROJECTION.name).await?;
    let today = day_in_belgium(app.now());
    Ok(view::members(app.pool(), id, in_force, today).await?)
}

/// What a passholder has of an association, or could have.
pub struct Standing {
    pub association: view::Association,
    /// The last day; absent where there is no membership.
    pub until: Option<NaiveDate>,
    pub is_over: bool,
    /// From one month before the end.
    pub ends_soon: bool,
    pub renewable: bool,
    /// What a counter may fill in where the end date is said by hand.
    pub proposal: Option<NaiveDate>,
}

/// The memberships that a counter sees, and those that it may grant.
pub async fn of_passholder(
    app: &App,
    caller: &Caller,
    counter: &CounterId,
    passholder: PassholderId,
) -> Answer<Vec<Standing>> {
    let seen = &of_counter(app, caller, counter, Right::See).await?;
    let at = app.now();
    let today = day_in_belgium(at);
    let standing = app.store.preview(|work| async move {
        let by = authority(&work, caller, counter).await?;
        let state = work.load::<Passholder>(&passholder).await?;
        let holder = state.state.holder()?;
        let birth_date = birth_date(&work, passholder, holder).await?;
        let mut all = Vec::new();
        for association in seen {
            let id = association.id();
            let until = holder.associations.get(&id).copied();
            let by_hand = association.definition.0.end_rule == EndRule::ByHand;
            let proposal = by_hand.then(|| EndRule::proposal(today, until));
            let known = work.load::<Association>(&id).await?.state.clone();
            let join = JoinAssociation {
                by: by.clone(),
                id,
                association: known,
                end_date: proposal,
                birth_date,
                at,
            };
            let possible = holder.new_end(&join).is_ok();
            if until.is_none() && !possible {
                continue;
            }
            all.push(Standing {
                association: association.clone(),
                until,
                is_over: until.is_some_and(|until| until < today),
                ends_soon: until.is_some_and(|until| ends_soon(until, today)),
                renewable: until.is_some() && possible,
                proposal: proposal.filter(|_| possible),
            });
        }
        Ok::<_, Unsuccessful<Problem>>(all)
    });
    Ok(standing.await?)
}

async fn birth_date(work: &Work, id: PassholderId, holder: &Holder) -> Outcome<Option<NaiveDate>> {
    let details = open_details(work, id, &holder.details).await?;
    Ok(details.map(|details| details.birth_date))
}

/// Who acts on a membership, and of which association.
async fn at_counter(
    work: &Work,
    request: &Request,
    counter: &CounterId,
    (passholder, id): (PassholderId, AssociationId),
) -> Outcome<(Authority, std::sync::Arc<Association>)> {
    work.lock(&[StreamKey::of::<Passholder>(&passholder)]).await?;
    let by = authority(work, &request.caller, counter).await?;
    Ok((by, work.load::<Association>(&id).await?.state.clone()))
}

/// Grants a membership, or renews it (R-ASC-01).
pub async fn join(
    app: &App,
    request: &Request,
    counter: &CounterId,
    (passholder, id): (PassholderId, AssociationId),
    end_date: Option<NaiveDate>,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::Counter, |work| async move {
        let (by, association) = at_counter(&work, request, counter, (passholder, id)).await?;
        let state = work.load::<Passholder>(&passholder).await?;
        let birth_date = birth_date(&work, passholder, state.state.holder()?).await?;
        let join = JoinAssociation { by, id, association, end_date, birth_date, at };
        let command = OfPassholder::JoinAssociation(Box::new(join));
        decide::<Passholder>(&work, &passholder, command).await?;
        Ok(())
    })
    .await
}

pub async fn leave(
    app: &App,
    request: &Request,
    counter: &CounterId,
    (passholder, id): (PassholderId, AssociationId),
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::Counter, |work| async move {
        let (by, association) = at_counter(&work, request, counter, (passholder, id)).await?;
        let leave = LeaveAssociation { by, id, association, at };
        let command = OfPassholder::LeaveAssociation(Box::new(leave));
        decide::<Passholder>(&work, &passholder, command).await?;
        Ok(())
    })
    .await
}

/// The memberships that a counter sees and that end within a month, with whose they are; those who
/// were removed are left out.
pub async fn ending(
    app: &App,
    caller: &Caller,
    counter: &CounterId,
) -> Answer<Vec<(view::Ending, Known)>> {
    app.authority_at(caller, counter).await?.demand(Task::Identify)?;
    app.caught_up(caller, view::PROJECTION.name).await?;
    let today = day_in_belgium(app.now());
    // Months are not equally long: the last day whose notice has begun lies within so many days.
    let latest = today.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
    let latest = latest.checked_add_days(chrono::Days::new(3)).unwrap_or(NaiveDate::MAX);
    let mut ending = Vec::new();
    for row in view::ending(app.pool(), counter, today, latest).await? {
        if !ends_soon(row.until_day, today) {
            continue;
        }
        match read_own(app, PassholderId(row.passholder)).await {
            Ok(known) => ending.push((row, known)),
            Err(Problem::Passholder(uitpas_domain::passholder::Refused::Removed)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(ending)
}
