//! Clients and their permissions: setting them, and what a client that calls may do.

use std::collections::BTreeSet;

use uitpas_domain::client::{Client, Command, Permissions};
use uitpas_domain::counter::{Authority, Counter, Refused};
use uitpas_domain::ids::{CardSystemId, CounterId, SubjectId};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::permission::Permission;
use uitpas_domain::values::text::Text;
use uitpas_store::Work;

use super::{Outcome, Request, decide, demand_ksb, execute};
use crate::access::{self, Needs};
use crate::app::App;
use crate::auth::{Caller, Kind};
use crate::problem::{Answer, Problem};

/// Whether there is a client of this name.
pub async fn is_known(app: &App, id: &SubjectId) -> Answer<bool> {
    Ok(app.store.load::<Client>(id).await?.exists())
}

pub async fn read(app: &App, id: &SubjectId) -> Answer<Client> {
    let known = app.store.load::<Client>(id).await?;
    known.state.known()?;
    Ok(Client::clone(&known.state))
}

/// Refuses a client that holds at no counter what the operation at hand takes.
pub async fn demand(app: &App, caller: &Caller) -> Answer<()> {
    let Some(id) = caller.client() else { return Ok(()) };
    let Some(operation) = access::at_hand() else { return Err(not_for_clients()) };
    let needed = match operation.needs {
        Needs::Token => return Ok(()),
        Needs::One(_) | Needs::Client(_) => operation.permissions(),
        Needs::Oneself(_)
        | Needs::Role(_)
        | Needs::Device
        | Needs::ClientId
        | Needs::SignedLink => return Err(not_for_clients()),
    };
    match app.store.load::<Client>(&id).await?.state.holds_any(needed) {
        true => Ok(()),
        false => Err(lacks(needed)),
    }
}

fn not_for_clients() -> Problem {
    Problem::Forbidden("this is not for clients".to_owned())
}

fn lacks(needed: &[Permission]) -> Problem {
    let names: Vec<_> = needed.iter().map(ToString::to_string).collect();
    Problem::Forbidden(format!("the client lacks {}", names.join(" or ")))
}

/// What the operation at hand takes of a client at a counter; absent where it is for no client.
fn needed() -> Option<&'static [Permission]> {
    let needed = access::at_hand().map(access::Operation::permissions);
    needed.filter(|needed| !needed.is_empty())
}

/// What a client may do at a counter, in the operation at hand.
pub async fn authority(
    work: &Work,
    client: &SubjectId,
    id: &CounterId,
    counter: &Counter,
) -> Outcome<Authority> {
    let known = work.load::<Client>(client).await?;
    let by = needed().and_then(|needed| known.state.authority(id, counter, needed));
    Ok(by.ok_or_else(|| Problem::Forbidden(format!("no permission at counter {id}")))?)
}

/// What a client may do in a card system, it may by what it holds at one of its counters.
pub async fn demand_in(work: &Work, client: &SubjectId, card_system: CardSystemId) -> Outcome<()> {
    let known = work.load::<Client>(client).await?.state.clone();
    for id in known.permissions.keys() {
        let counter = work.load::<Counter>(id).await?.state.clone();
        let by = needed().and_then(|needed| known.authority(id, &counter, needed));
        if by.is_some_and(|by| by.is_ksb_of(card_system)) {
            return Ok(());
        }
    }
    Err(Problem::Forbidden(format!("no permission in card system {card_system}")))?
}

/// What a client holds, by counter.
pub async fn held(app: &App, client: &SubjectId) -> Answer<Permissions> {
    Ok(app.store.load::<Client>(client).await?.state.permissions.clone())
}

/// The counters for which a client holds what the operation at hand takes.
pub async fn counters_of(app: &App, client: &SubjectId) -> Answer<Vec<CounterId>> {
    let needed = needed().unwrap_or_default();
    let mut permissions = held(app, client).await?;
    permissions.retain(|_, held| needed.iter().any(|of| held.contains(of)));
    Ok(permissions.into_keys().collect())
}

/// Makes a client known, with all of its permissions: by the system owner, or by the KSB of the
/// counters that it works for.
pub async fn register(
    app: &App,
    request: &Request,
    id: &SubjectId,
    name: &Text<120>,
    permissions: &Permissions,
) -> Answer<()> {
    let at = app.now();
    let is_owner = request.caller.kind == Kind::SystemOwner;
    if permissions.is_empty() && !is_owner {
        demand_any_ksb(app, &request.caller).await?;
    }
    execute(app, request, Channel::BackOffice, |work| async move {
        if is_owner {
            work.act_as(Role::SystemOwner, None);
        }
        for counter in concerned(&work, id, permissions).await? {
            let known = work.load::<Counter>(&counter).await?;
            if !known.exists() {
                return Err(Problem::from(Refused::Unknown))?;
            }
            if !is_owner {
                demand_ksb_of(&work, &request.caller, &known.state).await?;
            }
        }
        decide::<Client>(&work, id, Command::Register { name: name.clone(), at }).await?;
        let permissions = permissions.clone();
        decide::<Client>(&work, id, Command::SetPermissions { permissions, at }).await?;
        Ok(())
    })
    .await
}

/// A client sets what another may do at the counters that are its own in this.
pub async fn set_permissions(
    app: &App,
    request: &Request,
    id: &SubjectId,
    permissions: &Permissions,
) -> Answer<()> {
    let at = app.now();
    let Some(by) = request.caller.client() else {
        return Err(Problem::Forbidden("only a client may do this".to_owned()));
    };
    let by = &by;
    execute(app, request, Channel::BackOffice, |work| async move {
        work.act_as(Role::Client, None);
        work.load::<Client>(id).await?.state.known().map_err(Problem::from)?;
        let mine = work.load::<Client>(by).await?.state.clone();
        for counter in concerned(&work, id, permissions).await? {
            let held = mine.permissions.get(&counter);
            if !held.is_some_and(|held| held.contains(&Permission::PermissionsWrite)) {
                return Err(Problem::Forbidden(format!("no PERMISSIONS_WRITE at {counter}")))?;
            }
        }
        let permissions = permissions.clone();
        decide::<Client>(&work, id, Command::SetPermissions { permissions, at }).await?;
        Ok(())
    })
    .await
}

/// What a client may do, for another that may see so: of the counters where it may.
pub async fn permissions_for(app: &App, caller: &Caller, id: &SubjectId) -> Answer<Permissions> {
    let Some(by) = caller.client() else {
        return Err(Problem::Forbidden("only a client may do this".to_owned()));
    };
    let mine = read(app, &by).await?;
    let mut permissions = read(app, id).await?.permissions;
    permissions.retain(|counter, _| {
        let held = mine.permissions.get(counter);
        held.is_some_and(|held| held.contains(&Permission::PermissionsRead))
    });
    Ok(permissions)
}

/// The counters where something changes, or may.
async fn concerned(
    work: &Work,
    id: &SubjectId,
    permissions: &Permissions,
) -> Outcome<BTreeSet<CounterId>> {
    let known = work.load::<Client>(id).await?;
    Ok(known.state.permissions.keys().chain(permissions.keys()).cloned().collect())
}

async fn demand_ksb_of(work: &Work, caller: &Caller, counter: &Counter) -> Outcome<()> {
    let mut refused = Problem::Forbidden("no KSB admin of this counter".to_owned());
    for card_system in counter.card_systems() {
        match demand_ksb(work, caller, card_system).await {
            Ok(()) => return Ok(()),
            Err(why) => refused = why.into(),
        }
    }
    Err(refused)?
}

async fn demand_any_ksb(app: &App, caller: &Caller) -> Answer<()> {
    let view = uitpas_projections::counters::PROJECTION.name;
    app.caught_up(caller, view).await?;
    let of = uitpas_projections::counters::ksb_of(app.pool(), &caller.subject).await?;
    match caller.kind == Kind::User && !of.is_empty() {
        true => Ok(()),
        false => Err(Problem::Forbidden("no KSB admin".to_owned())),
    }
}
