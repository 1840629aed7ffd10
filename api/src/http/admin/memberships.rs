//! The memberships that a KSB is to block because the social status went to another region.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::CardSystemId;
use uitpas_projections::passholders as view;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actions::card_systems::demand_admin;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Id, Query, paging};
use crate::http::shapes::Page;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MembershipToBlock {
    passholder_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uitpas_number: Option<String>,
    /// Where the social status went.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    superseded_by: Option<CardSystemId>,
}

/// By name (R-CRD-09).
#[utoipa::path(
    get,
    path = "/card-systems/{id}/memberships-to-block",
    params(("id" = u32, Path), Asked),
    responses((status = 200, body = Page<MembershipToBlock>)),
    security(("token" = ["ksb-admin"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Id(card_system): Id<CardSystemId>,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<MembershipToBlock>>> {
    demand_admin(&app, &caller, card_system).await?;
    let search = view::Search {
        to_block_in: Some(card_system),
        paging: paging(asked.start, asked.limit)?,
        ..Default::default()
    };
    app.caught_up(&caller, view::PROJECTION.name).await?;
    let page = view::search(app.pool(), &search).await?;
    Ok(Json(Page::of(page, |row| {
        let membership = row.memberships.0.get(&card_system);
        MembershipToBlock {
            passholder_id: row.id,
            name: row.name,
            first_name: row.first_name,
            uitpas_number: membership.and_then(|of| of.card).map(|card| card.to_string()),
            superseded_by: membership.and_then(|of| of.superseded_by),
        }
    })))
}
