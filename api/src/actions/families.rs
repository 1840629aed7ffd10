//! Families: a passholder adds whom he may save points for, and either side ends it (R-FAM-01).

use chrono::{DateTime, NaiveDate, Utc};
use uitpas_domain::calendar::{age_on, day_in_belgium};
use uitpas_domain::counter::Task;
use uitpas_domain::ids::{CounterId, PassholderId};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::passholder::family::{AddFamilyMember, FamilyRefused, Icon};
use uitpas_domain::passholder::{Command, Passholder, Refused};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_projections::families;
use uitpas_store::{StreamKey, Unsuccessful, Work};

use super::passholders::{Known, authority_over, known, open_details, read_own};
use super::{Outcome, Request, decide, execute, identify};
use crate::app::App;
use crate::auth::Someone;
use crate::problem::{Answer, Problem};

/// Whom to add: by his number, and by what only he and his own know. Staff need not know that.
pub struct Added {
    pub card: CardNumber,
    pub birth_date: Option<NaiveDate>,
    /// Whom a registration token is of.
    pub shown: Option<PassholderId>,
    pub icon: Option<Icon>,
}

/// Settles that the caller acts for this passholder: he is it, or may edit him. The counters are
/// those at which he may have a role.
async fn demand_may_act(
    work: &Work,
    someone: &Someone,
    counters: &[CounterId],
    id: PassholderId,
) -> Outcome<()> {
    if someone.oneself.is_some() {
        someone.demand_oneself(id)?;
        work.act_as(Role::Passholder, None);
        return Ok(());
    }
    let state = work.load::<Passholder>(&id).await?;
    authority_over(work, &someone.caller, counters, state.state.holder()?, Task::Edit).await?;
    Ok(())
}

/// The counters that matter: whoever comes for himself has none.
async fn counters_of(app: &App, someone: &Someone) -> Answer<Vec<CounterId>> {
    match someone.oneself {
        Some(_) => Ok(vec![]),
        None => app.counters_of(&someone.caller).await,
    }
}

/// Somebody in a family, as its list shows him.
pub struct Listed {
    pub known: Known,
    /// Absent for the one whose family it is.
    pub icon: Option<Icon>,
    pub since: DateTime<Utc>,
    pub is_main: bool,
}

/// The family of a passholder, himself first. Whoever was removed is in it no more.
pub async fn of(app: &App, someone: &Someone, id: PassholderId) -> Answer<Vec<Listed>> {
    let counters = &counters_of(app, someone).await?;
    let listed = app.store.preview(|work| async move {
        demand_may_act(&work, someone, counters, id).await?;
        let main = known(&work, id).await?;
        let members = main.holder.family.clone();
        let since = main.holder.memberships.values().map(|membership| membership.since).min();
        let since = since.unwrap_or_default();
        let mut listed = vec![Listed { known: main, icon: None, since, is_main: true }];
        let mut others: Vec<_> = members.into_iter().collect();
        others.sort_by_key(|(id, member)| (member.since, *id));
        for (id, member) in others {
            match known(&work, id).await {
                Ok(known) => {
                    let (icon, since) = (member.icon, member.since);
                    listed.push(Listed { known, icon, since, is_main: false });
                }
                Err(Unsuccessful::Refused(Problem::Passholder(Refused::Removed))) => {}
                Err(other) => return Err(other),
            }
        }
        Ok::<_, Unsuccessful<Problem>>(listed)
    });
    Ok(listed.await?)
}

pub async fn add(
    app: &App,
    request: &Request,
    someone: &Someone,
    id: PassholderId,
    added: &Added,
) -> Answer<()> {
    if someone.oneself.is_some() {
        someone.demand_oneself(id)?;
        if added.birth_date.is_none() && added.shown.is_none() {
            let required = crate::problem::REQUIRED.to_owned();
            return Err(Problem::BodyData("/dateOfBirth".to_owned(), required));
        }
        // Number and date of birth together are not to be found out by trying.
        app.guesses.count(&request.caller)?;
    }
    let at = app.now();
    let counters = &counters_of(app, someone).await?;
    execute(app, request, Channel::BackOffice, |work| async move {
        work.lock(&[StreamKey::of::<Passholder>(&id)]).await?;
        demand_may_act(&work, someone, counters, id).await?;
        let member = match identify::of_card(&work, added.card).await {
            Ok(pass) => pass.passholder,
            Err(Unsuccessful::Refused(_)) => return Err(Problem::FamilyMemberNotFound)?,
            Err(other) => return Err(other),
        };
        if added.shown.is_some_and(|shown| shown != member) {
            return Err(Problem::FamilyMemberNotFound)?;
        }
        let today = day_in_belgium(at);
        let member_known = known(&work, member).await?;
        let details = member_known.details.ok_or(Problem::FamilyMemberNotFound)?;
        if added.birth_date.is_some_and(|given| given != details.birth_date) {
            return Err(Problem::FamilyMemberNotFound)?;
        }
        let state = work.load::<Passholder>(&id).await?;
        let own = open_details(&work, id, &state.state.holder()?.details).await?;
        let add = AddFamilyMember {
            owner: id,
            owner_age: own.map_or(0, |own| age_on(own.birth_date, today)),
            member,
            member_age: age_on(details.birth_date, today),
            icon: added.icon.clone(),
            at,
        };
        decide::<Passholder>(&work, &id, Command::AddFamilyMember(Box::new(add))).await?;
        // Whoever is removed meanwhile is not added any more.
        work.guard::<Passholder>(&member)?;
        Ok(())
    })
    .await
}

pub async fn change_icon(
    app: &App,
    request: &Request,
    someone: &Someone,
    id: PassholderId,
    member: PassholderId,
    icon: Option<&Icon>,
) -> Answer<()> {
    let at = app.now();
    let counters = &counters_of(app, someone).await?;
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_may_act(&work, someone, counters, id).await?;
        let command = Command::ChangeFamilyIcon { member, icon: icon.cloned(), at };
        decide::<Passholder>(&work, &id, command).await?;
        Ok(())
    })
    .await
}

/// For either side, and for staff who may edit one of them.
pub async fn end(
    app: &App,
    request: &Request,
    someone: &Someone,
    id: PassholderId,
    member: PassholderId,
) -> Answer<()> {
    let at = app.now();
    let counters = &counters_of(app, someone).await?;
    execute(app, request, Channel::BackOffice, |work| async move {
        let of_member = someone.oneself == Some(member);
        demand_may_act(&work, someone, counters, if of_member { member } else { id }).await?;
        if member == id {
            return Err(Problem::from(Refused::from(FamilyRefused::Main)))?;
        }
        decide::<Passholder>(&work, &id, Command::EndFamilyLink { member, at }).await?;
        Ok(())
    })
    .await
}

/// A family that somebody was added to.
pub struct Family {
    pub main: Known,
    pub since: DateTime<Utc>,
}

/// The families that a passholder was added to; his own is none of them.
pub async fn with(app: &App, someone: &Someone, id: PassholderId) -> Answer<Vec<Family>> {
    let counters = &counters_of(app, someone).await?;
    let asked =
        app.store.preview(|work| async move { demand_may_act(&work, someone, counters, id).await });
    asked.await?;
    app.wait_for_head(families::PROJECTION.name).await?;
    let mut families = Vec::new();
    for link in families::of_member(app.pool(), id).await? {
        match read_own(app, PassholderId(link.owner)).await {
            Ok(main) => families.push(Family { main, since: link.since }),
            Err(Problem::Passholder(Refused::Removed)) => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(families)
}

/// Refuses whoever is neither oneself nor of one's family.
pub async fn demand_is_of(app: &App, oneself: PassholderId, whom: PassholderId) -> Answer<()> {
    let demanded =
        app.store.preview(|work| async move { demand_saves_for(&work, oneself, whom).await });
    Ok(demanded.await?)
}

/// Whose points somebody may save: his own, and those of his family.
pub async fn demand_saves_for(
    work: &Work,
    oneself: PassholderId,
    whom: PassholderId,
) -> Outcome<()> {
    if oneself == whom {
        return Ok(());
    }
    let own = work.load::<Passholder>(&oneself).await?;
    if !own.state.holder()?.family.contains_key(&whom) {
        return Err(Problem::Forbidden("neither oneself nor of the family".to_owned()))?;
    }
    // The link is still there when the point is given.
    work.guard::<Passholder>(&oneself)?;
    Ok(())
}
