//! Counters: creating them, their terms per card system, their staff.

use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::onboarding::{Open, Step};
use uitpas_domain::counter::{
    AddStaff, Command, Counter, NotAllowed, Profile, Refused, StaffKind, Terms,
};
use uitpas_domain::ids::{CardSystemId, CounterId, SubjectId};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::values::contact::Email;
use uitpas_domain::values::iban::Iban;
use uitpas_projections::counters as view;
use uitpas_store::{Unsuccessful, Work};

use super::{
    Outcome, Request, accounts, authority_quietly, decide, demand_ksb, demand_version, execute,
};
use crate::app::App;
use crate::auth::{Caller, Kind};
use crate::problem::{Answer, Problem};

/// The system owner creates a counter (R-CTR-07).
pub async fn create(app: &App, request: &Request, id: &CounterId, profile: &Profile) -> Answer<()> {
    request.caller.demand_system_owner()?;
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        work.act_as(Role::SystemOwner, None);
        let profile = profile.clone();
        decide::<Counter>(&work, id, Command::Create { profile, at }).await?;
        Ok(())
    })
    .await
}

/// The terms that a KSB admin set, for one of them.
pub async fn terms(
    app: &App,
    caller: &Caller,
    id: &CounterId,
    card_system: CardSystemId,
) -> Answer<Terms> {
    let found = app.store.preview(|work| async move {
        demand_ksb(&work, caller, card_system).await?;
        let counter = work.load::<Counter>(id).await?;
        if !counter.exists() {
            return Err(Problem::from(Refused::Unknown))?;
        }
        if !counter.state.card_systems().contains(&card_system) {
            return Err(Problem::from(Refused::ForeignCardSystem))?;
        }
        Ok(terms_in(&counter.state, card_system))
    });
    Ok(found.await?)
}

/// None were set: it may do nothing there.
fn terms_in(counter: &Counter, card_system: CardSystemId) -> Terms {
    counter.terms.get(&card_system).cloned().unwrap_or_default()
}

/// A KSB admin sets permissions, keys and ticket limit (R-CTR-03).
pub async fn set_terms(
    app: &App,
    request: &Request,
    id: &CounterId,
    card_system: CardSystemId,
    terms: &Terms,
    version: Option<u64>,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb(&work, &request.caller, card_system).await?;
        let known = work.load::<Counter>(id).await?;
        demand_version(version, &terms_in(&known.state, card_system))?;
        let system = work.load::<CardSystem>(&card_system).await?;
        system.state.knows_keys(&terms.keys)?;
        let terms = terms.clone();
        decide::<Counter>(&work, id, Command::SetTerms { card_system, terms, at }).await?;
        Ok(())
    })
    .await
}

pub async fn set_iban(app: &App, request: &Request, id: &CounterId, iban: &Iban) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb_of_counter(&work, request, id).await?;
        decide::<Counter>(&work, id, Command::SetIban { iban: iban.clone(), at }).await?;
        Ok(())
    })
    .await
}

/// Who works at a counter; admins first.
pub async fn staff(app: &App, id: &CounterId) -> Answer<Vec<(SubjectId, StaffKind)>> {
    let known = app.store.load::<Counter>(id).await?;
    if !known.exists() {
        return Err(Refused::Unknown.into());
    }
    let mut staff: Vec<_> = known.state.staff.clone().into_iter().collect();
    staff.sort_by_key(|(_, kind)| *kind == StaffKind::Member);
    Ok(staff)
}

/// Adds someone who has logged in with this address (R-CTR-02).
pub async fn add_by_email(
    app: &App,
    request: &Request,
    id: &CounterId,
    email: &Email,
    kind: StaffKind,
) -> Answer<SubjectId> {
    let (found, at) = (&accounts::by_email(app, email).await?, app.now());
    execute(app, request, Channel::BackOffice, |work| async move {
        let by = role_over_staff(&work, request, id).await?;
        let add = AddStaff { subject: found.clone(), kind, by, at };
        decide::<Counter>(&work, id, Command::AddStaff(add)).await?;
        Ok(found.clone().ok_or(Problem::from(Refused::UnknownUitid))?)
    })
    .await
}

/// The KSB adds someone to the staff by the subject of his tokens, or changes what he is there.
pub async fn add_staff(
    app: &App,
    request: &Request,
    id: &CounterId,
    subject: &SubjectId,
    kind: StaffKind,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb_of_counter(&work, request, id).await?;
        let by = Role::Ksb;
        let subject = Some(subject.clone());
        let add = AddStaff { subject, kind, by, at };
        decide::<Counter>(&work, id, Command::AddStaff(add)).await?;
        Ok(())
    })
    .await
}

pub async fn remove_staff(
    app: &App,
    request: &Request,
    id: &CounterId,
    subject: &SubjectId,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        let by = role_over_staff(&work, request, id).await?;
        let subject = subject.clone();
        decide::<Counter>(&work, id, Command::RemoveStaff { subject, by, at }).await?;
        Ok(())
    })
    .await
}

/// A step of taking up an organizer is taken, or was not after all (R-CTR-07).
pub async fn set_step(
    app: &App,
    request: &Request,
    id: &CounterId,
    step: Step,
    is_taken: bool,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb_of_counter(&work, request, id).await?;
        let command = match is_taken {
            true => Command::CompleteStep { step, at },
            false => Command::ReopenStep { step, at },
        };
        decide::<Counter>(&work, id, command).await?;
        Ok(())
    })
    .await
}

/// The counters with open steps: to the system owner all, to a KSB admin those of his card systems.
pub async fn with_open_steps(
    app: &App,
    caller: &Caller,
) -> Answer<Vec<(CounterId, String, Vec<Open>)>> {
    app.caught_up(caller, view::PROJECTION.name).await?;
    let rows = match caller.kind {
        Kind::SystemOwner => view::list(app.pool(), None).await?,
        Kind::User | Kind::Client | Kind::ClientId | Kind::Kiosk | Kind::Passholder => {
            let systems = view::ksb_of(app.pool(), &caller.subject).await?;
            if caller.kind != Kind::User || systems.is_empty() {
                return Err(NotAllowed::OnlyKsb.into());
            }
            view::counters_in(app.pool(), &systems).await?
        }
    };
    let rows = &rows;
    let listed = app.store.preview(|work| async move {
        let mut listed = Vec::new();
        for row in rows {
            let id: CounterId = row.id.parse().map_err(uitpas_store::Failed::new)?;
            let counter = work.load::<Counter>(&id).await?.state.clone();
            let mut has_default_key = false;
            for system in counter.card_systems() {
                let system = work.load::<CardSystem>(&system).await?;
                has_default_key |= !system.state.default_keys.is_empty();
            }
            let open = counter.open_steps(has_default_key);
            if !open.is_empty() {
                listed.push((id, row.name.clone(), open));
            }
        }
        Ok::<_, Unsuccessful<Problem>>(listed)
    });
    Ok(listed.await?)
}

async fn role_over_staff(work: &Work, request: &Request, id: &CounterId) -> Outcome<Role> {
    if request.caller.kind == Kind::SystemOwner {
        work.act_as(Role::SystemOwner, None);
        return Ok(Role::SystemOwner);
    }
    let by = authority_quietly(work, &request.caller, id).await?;
    work.act_as(by.role, Some(id.clone()));
    Ok(by.role)
}

async fn demand_ksb_of_counter(work: &Work, request: &Request, id: &CounterId) -> Outcome<()> {
    if request.caller.kind == Kind::SystemOwner {
        work.act_as(Role::SystemOwner, None);
        return Ok(());
    }
    let by = authority_quietly(work, &request.caller, id).await?;
    if by.role != Role::Ksb {
        return Err(Problem::from(NotAllowed::OnlyKsb))?;
    }
    work.act_as(Role::Ksb, Some(id.clone()));
    Ok(())
}
