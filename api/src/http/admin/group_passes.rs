//! Group passes, for the KSB: making, changing and blocking them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::group_pass::Terms;
use uitpas_domain::ids::{CardSystemId, GroupPassId};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::text::Text;
use uitpas_projections::group_passes as view;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actions::group_passes;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Bare, Id, Query, Write, paging};
use crate::http::group_passes::GroupPass;
use crate::http::shapes::{GivenAddress, GivenDay, Page};
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(make))
        .routes(routes!(change))
        .routes(routes!(block))
        .routes(routes!(list))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewGroupPass {
    /// Of a card in local stock; its digit says whether the pass has social status.
    #[schema(schema_with = words::uitpas_number)]
    uitpas_number: CardNumber,
    #[schema(schema_with = words::text::<200>)]
    name: Text<200>,
    address: GivenAddress,
    /// The last day, inclusive; there is no grace.
    #[schema(schema_with = words::day)]
    end_date: GivenDay,
    /// At the social tariff, per calendar year; with social status only.
    tickets_per_year: Option<u16>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GroupPassTerms {
    #[schema(schema_with = words::text::<200>)]
    name: Text<200>,
    address: GivenAddress,
    #[schema(schema_with = words::day)]
    end_date: GivenDay,
    tickets_per_year: Option<u16>,
}

fn terms(
    name: Text<200>,
    address: &GivenAddress,
    until: GivenDay,
    tickets_per_year: Option<u16>,
) -> Answer<Terms> {
    Ok(Terms {
        name,
        address: address.checked()?,
        until: until.0,
        tickets_per_year: tickets_per_year.map(u32::from),
    })
}

#[utoipa::path(
    post,
    path = "/group-passes",
    request_body = NewGroupPass,
    responses((status = 201, body = GroupPass)),
    security(("token" = ["ksb-admin"]))
)]
async fn make(
    State(app): State<App>,
    Write { request, body }: Write<NewGroupPass>,
) -> Answer<(StatusCode, Json<GroupPass>)> {
    let terms = terms(body.name, &body.address, body.end_date, body.tickets_per_year)?;
    let id = group_passes::make(&app, &request, body.uitpas_number, &terms).await?;
    Ok((StatusCode::CREATED, Json(group_passes::read(&app, id).await?.into())))
}

/// What was bought stays as it was; what is left follows the new number of tickets.
#[utoipa::path(
    put,
    path = "/group-passes/{id}",
    params(("id" = Uuid, Path)),
    request_body = GroupPassTerms,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn change(
    State(app): State<App>,
    Id(id): Id<GroupPassId>,
    Write { request, body }: Write<GroupPassTerms>,
) -> Answer<StatusCode> {
    let terms = terms(body.name, &body.address, body.end_date, body.tickets_per_year)?;
    group_passes::change(&app, &request, id, &terms).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For good, with its card.
#[utoipa::path(
    post,
    path = "/group-passes/{id}/block",
    params(("id" = Uuid, Path)),
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn block(
    State(app): State<App>,
    Id(id): Id<GroupPassId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    group_passes::block(&app, &request, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedGroupPass {
    id: Uuid,
    uitpas_number: String,
    name: String,
    postal_code: String,
    city: String,
    #[schema(schema_with = words::day)]
    end_date: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    tickets_per_year: Option<i32>,
    blocked: bool,
}

impl From<view::GroupPass> for ListedGroupPass {
    fn from(row: view::GroupPass) -> Self {
        Self {
            id: row.id,
            uitpas_number: row.card,
            name: row.name,
            postal_code: row.postal_code,
            city: row.city,
            end_date: row.until_day,
            tickets_per_year: row.tickets_per_year,
            blocked: row.blocked,
        }
    }
}

/// By name.
#[utoipa::path(
    get,
    path = "/card-systems/{id}/group-passes",
    params(("id" = u32, Path), Asked),
    responses((status = 200, body = Page<ListedGroupPass>)),
    security(("token" = ["ksb-admin"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Id(card_system): Id<CardSystemId>,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<ListedGroupPass>>> {
    let paging = paging(asked.start, asked.limit)?;
    let page = group_passes::of_card_system(&app, &caller, card_system, paging).await?;
    Ok(Json(Page::of(page, ListedGroupPass::from)))
}
