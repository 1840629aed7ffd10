//! Counters: creating them, their terms per card system, their staff.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::put;
use serde::Deserialize;
use uitpas_domain::calendar::Period;
use uitpas_domain::counter::{PermissionGroup, Profile, StaffKind, Terms};
use uitpas_domain::ids::{CardSystemId, CounterId, DistributionKeyId, SubjectId};
use uitpas_domain::limit::Limit;
use uitpas_domain::values::iban::Iban;
use uitpas_domain::values::text::Text;

use crate::actions::counters;
use crate::app::App;
use crate::http::extract::{Bare, Id, Ids, Write};
use crate::http::shapes::GivenAddress;
use crate::problem::Answer;

pub fn router() -> Router<App> {
    Router::new()
        .route("/counters/{id}", put(create))
        .route("/counters/{id}/terms/{cardSystem}", put(set_terms))
        .route("/counters/{id}/iban", put(set_iban))
        .route("/counters/{id}/staff/{subject}", put(add_staff).delete(remove_staff))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct New {
    name: Text<200>,
    address: GivenAddress,
    card_systems: BTreeSet<CardSystemId>,
}

async fn create(
    State(app): State<App>,
    Id(id): Id<CounterId>,
    Write { request, body }: Write<New>,
) -> Answer<StatusCode> {
    let address = body.address.checked()?;
    let profile = Profile { name: body.name, address, card_systems: body.card_systems };
    counters::create(&app, &request, &id, &profile).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewTerms {
    groups: BTreeSet<PermissionGroup>,
    #[serde(default)]
    other_municipalities: bool,
    #[serde(default)]
    keys: BTreeSet<DistributionKeyId>,
    ticket_limit: Option<GivenLimit>,
}

/// So many per calendar period.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenLimit {
    volume: u32,
    period_type: Period,
}

impl From<GivenLimit> for Limit {
    fn from(given: GivenLimit) -> Self {
        Limit { volume: given.volume, period: given.period_type }
    }
}

async fn set_terms(
    State(app): State<App>,
    Ids(id, card_system): Ids<CounterId, CardSystemId>,
    Write { request, body }: Write<NewTerms>,
) -> Answer<StatusCode> {
    let terms = Terms {
        groups: body.groups,
        other_municipalities: body.other_municipalities,
        keys: body.keys,
        ticket_limit: body.ticket_limit.map(Limit::from),
    };
    counters::set_terms(&app, &request, &id, card_system, &terms).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct NewIban {
    iban: Iban,
}

async fn set_iban(
    State(app): State<App>,
    Id(id): Id<CounterId>,
    Write { request, body }: Write<NewIban>,
) -> Answer<StatusCode> {
    counters::set_iban(&app, &request, &id, &body.iban).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct NewStaff {
    kind: StaffKind,
}

async fn add_staff(
    State(app): State<App>,
    Ids(id, subject): Ids<CounterId, SubjectId>,
    Write { request, body }: Write<NewStaff>,
) -> Answer<StatusCode> {
    counters::add_staff(&app, &request, &id, &subject, body.kind).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_staff(
    State(app): State<App>,
    Ids(id, subject): Ids<CounterId, SubjectId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    counters::remove_staff(&app, &request, &id, &subject).await?;
    Ok(StatusCode::NO_CONTENT)
}
