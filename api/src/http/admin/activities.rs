//! What is set for one activity: points, limits, card systems and keys.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use uitpas_domain::activity::Settings;
use uitpas_domain::ids::{ActivityId, CardSystemId, DistributionKeyId};
use uitpas_domain::limit::Limit;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::counters::GivenLimit;
use crate::actions::activities;
use crate::app::App;
use crate::http::extract::{Id, IfMatch, Write};
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(change_settings)).routes(routes!(choose_card_systems))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActivitySettings {
    checkin_points: u32,
    checkin_limit: Option<GivenLimit>,
    passholder_ticket_limit: Option<GivenLimit>,
}

#[utoipa::path(
    put,
    path = "/activities/{id}/settings",
    params(
        ("id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The version that was looked at.")
    ),
    request_body = ActivitySettings,
    responses((status = 204), (status = 412)),
    security(("token" = ["ksb-admin"]))
)]
async fn change_settings(
    State(app): State<App>,
    Id(id): Id<ActivityId>,
    IfMatch(version): IfMatch,
    Write { request, body }: Write<ActivitySettings>,
) -> Answer<StatusCode> {
    let settings = Settings {
        check_in_points: body.checkin_points,
        check_in_limit: body.checkin_limit.map(Limit::from),
        ticket_limit: body.passholder_ticket_limit.map(Limit::from),
    };
    activities::change_settings(&app, &request, &id, &settings, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A card system that takes part, with the keys switched on by hand.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TakesPart {
    #[schema(value_type = u32)]
    id: CardSystemId,
    #[serde(default)]
    #[schema(value_type = Vec<u32>)]
    manual_distribution_keys: BTreeSet<DistributionKeyId>,
}

#[utoipa::path(
    put,
    path = "/activities/{id}/card-systems",
    params(("id" = String, Path)),
    request_body = Vec<TakesPart>,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn choose_card_systems(
    State(app): State<App>,
    Id(id): Id<ActivityId>,
    Write { request, body }: Write<Vec<TakesPart>>,
) -> Answer<StatusCode> {
    let take_part = |system: TakesPart| (system.id, system.manual_distribution_keys);
    let card_systems: BTreeMap<_, _> = body.into_iter().map(take_part).collect();
    activities::choose_card_systems(&app, &request, &id, &card_systems).await?;
    Ok(StatusCode::NO_CONTENT)
}
