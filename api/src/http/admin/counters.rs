//! Counters: creating them, their terms per card system, their staff.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::Period;
use uitpas_domain::counter::{PermissionGroup, Profile, StaffKind, Terms};
use uitpas_domain::ids::{CardSystemId, CounterId, DistributionKeyId, SubjectId};
use uitpas_domain::limit::Limit;
use uitpas_domain::values::iban::Iban;
use uitpas_domain::values::text::Text;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::{counters, version_of};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Bare, Id, Ids, IfMatch, Write, etag};
use crate::http::shapes::GivenAddress;
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(terms, set_terms))
        .routes(routes!(set_iban))
        .routes(routes!(add_staff, remove_staff))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewCounter {
    #[schema(schema_with = words::text::<200>)]
    name: Text<200>,
    address: GivenAddress,
    #[schema(value_type = Vec<u32>)]
    card_systems: BTreeSet<CardSystemId>,
}

#[utoipa::path(
    put,
    path = "/counters/{id}",
    params(("id" = String, Path)),
    request_body = NewCounter,
    responses((status = 204)),
    security(("token" = ["system-owner"]))
)]
async fn create(
    State(app): State<App>,
    Id(id): Id<CounterId>,
    Write { request, body }: Write<NewCounter>,
) -> Answer<StatusCode> {
    let address = body.address.checked()?;
    let profile = Profile { name: body.name, address, card_systems: body.card_systems };
    counters::create(&app, &request, &id, &profile).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GivenTerms {
    #[schema(schema_with = words::list_of::<PermissionGroup>)]
    groups: BTreeSet<PermissionGroup>,
    #[serde(default)]
    other_municipalities: bool,
    #[serde(default)]
    #[schema(value_type = Vec<u32>)]
    keys: BTreeSet<DistributionKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_limit: Option<GivenLimit>,
}

/// So many per calendar period.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivenLimit {
    volume: u32,
    #[schema(schema_with = words::of::<Period>)]
    period_type: Period,
}

impl From<Limit> for GivenLimit {
    fn from(known: Limit) -> Self {
        GivenLimit { volume: known.volume, period_type: known.period }
    }
}

impl From<GivenLimit> for Limit {
    fn from(given: GivenLimit) -> Self {
        Limit { volume: given.volume, period: given.period_type }
    }
}

#[utoipa::path(
    get,
    path = "/counters/{id}/terms/{cardSystem}",
    params(("id" = String, Path), ("cardSystem" = u32, Path)),
    responses((
        status = 200,
        body = GivenTerms,
        headers(("ETag" = String, description = "The version, for `If-Match`."))
    )),
    security(("token" = ["ksb-admin"]))
)]
async fn terms(
    State(app): State<App>,
    caller: Caller,
    Ids(id, card_system): Ids<CounterId, CardSystemId>,
) -> Answer<([(HeaderName, String); 1], Json<GivenTerms>)> {
    let known = counters::terms(&app, &caller, &id, card_system).await?;
    let tag = etag(version_of(&known));
    let printed = GivenTerms {
        groups: known.groups,
        other_municipalities: known.other_municipalities,
        keys: known.keys,
        ticket_limit: known.ticket_limit.map(GivenLimit::from),
    };
    Ok(([tag], Json(printed)))
}

#[utoipa::path(
    put,
    path = "/counters/{id}/terms/{cardSystem}",
    params(
        ("id" = String, Path),
        ("cardSystem" = u32, Path),
        ("If-Match" = Option<String>, Header, description = "The version that was looked at.")
    ),
    request_body = GivenTerms,
    responses((status = 204), (status = 412)),
    security(("token" = ["ksb-admin"]))
)]
async fn set_terms(
    State(app): State<App>,
    Ids(id, card_system): Ids<CounterId, CardSystemId>,
    IfMatch(version): IfMatch,
    Write { request, body }: Write<GivenTerms>,
) -> Answer<StatusCode> {
    let terms = Terms {
        groups: body.groups,
        other_municipalities: body.other_municipalities,
        keys: body.keys,
        ticket_limit: body.ticket_limit.map(Limit::from),
    };
    counters::set_terms(&app, &request, &id, card_system, &terms, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
struct NewIban {
    #[schema(value_type = String)]
    iban: Iban,
}

#[utoipa::path(
    put,
    path = "/counters/{id}/iban",
    params(("id" = String, Path)),
    request_body = NewIban,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn set_iban(
    State(app): State<App>,
    Id(id): Id<CounterId>,
    Write { request, body }: Write<NewIban>,
) -> Answer<StatusCode> {
    counters::set_iban(&app, &request, &id, &body.iban).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
struct NewStaff {
    #[schema(schema_with = words::of::<StaffKind>)]
    kind: StaffKind,
}

/// By the KSB, for whoever is known by the subject of his tokens; a counter admin appoints by e-mail
/// address, with `POST /v4/organizers/{id}/admins`.
#[utoipa::path(
    put,
    path = "/counters/{id}/staff/{subject}",
    params(("id" = String, Path), ("subject" = String, Path)),
    request_body = NewStaff,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn add_staff(
    State(app): State<App>,
    Ids(id, subject): Ids<CounterId, SubjectId>,
    Write { request, body }: Write<NewStaff>,
) -> Answer<StatusCode> {
    counters::add_staff(&app, &request, &id, &subject, body.kind).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    delete,
    path = "/counters/{id}/staff/{subject}",
    params(("id" = String, Path), ("subject" = String, Path)),
    responses((status = 204)),
    security(("token" = ["counter-admin", "ksb-admin"]))
)]
async fn remove_staff(
    State(app): State<App>,
    Ids(id, subject): Ids<CounterId, SubjectId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    counters::remove_staff(&app, &request, &id, &subject).await?;
    Ok(StatusCode::NO_CONTENT)
}
