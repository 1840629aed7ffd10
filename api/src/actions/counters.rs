//! Counters: creating them, their terms per card system, their staff.

use uitpas_domain::counter::{AddStaff, Command, Counter, Profile, Refused, StaffKind, Terms};
use uitpas_domain::ids::{CardSystemId, CounterId, SubjectId};
use uitpas_domain::metadata::{Channel, Role};
use uitpas_domain::values::contact::Email;
use uitpas_domain::values::iban::Iban;
use uitpas_store::Work;

use super::{Outcome, Request, accounts, authority_quietly, decide, demand_ksb, execute};
use crate::app::App;
use crate::auth::Kind;
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

/// A KSB admin sets permissions, keys and ticket limit (R-CTR-03).
pub async fn set_terms(
    app: &App,
    request: &Request,
    id: &CounterId,
    card_system: CardSystemId,
    terms: &Terms,
) -> Answer<()> {
    let at = app.now();
    execute(app, request, Channel::BackOffice, |work| async move {
        demand_ksb(&work, &request.caller, card_system).await?;
        let system = work.load::<uitpas_domain::card_system::CardSystem>(&card_system).await?;
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
        return Err(Problem::from(uitpas_domain::counter::NotAllowed::OnlyKsb))?;
    }
    work.act_as(Role::Ksb, Some(id.clone()));
    Ok(())
}
