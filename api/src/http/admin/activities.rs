//! What is set for one activity: points, limits, card systems and keys.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::put;
use serde::Deserialize;
use uitpas_domain::activity::Settings;
use uitpas_domain::ids::{ActivityId, CardSystemId, DistributionKeyId};
use uitpas_domain::limit::Limit;

use super::counters::GivenLimit;
use crate::actions::activities;
use crate::app::App;
use crate::http::extract::{Id, Write};
use crate::problem::Answer;

pub fn router() -> Router<App> {
    Router::new()
        .route("/activities/{id}/settings", put(change_settings))
        .route("/activities/{id}/card-systems", put(choose_card_systems))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewSettings {
    checkin_points: u32,
    checkin_limit: Option<GivenLimit>,
    passholder_ticket_limit: Option<GivenLimit>,
}

async fn change_settings(
    State(app): State<App>,
    Id(id): Id<ActivityId>,
    Write { request, body }: Write<NewSettings>,
) -> Answer<StatusCode> {
    let settings = Settings {
        check_in_points: body.checkin_points,
        check_in_limit: body.checkin_limit.map(Limit::from),
        ticket_limit: body.passholder_ticket_limit.map(Limit::from),
    };
    activities::change_settings(&app, &request, &id, &settings).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A card system that takes part, with the keys switched on by hand.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TakesPart {
    id: CardSystemId,
    #[serde(default)]
    manual_distribution_keys: BTreeSet<DistributionKeyId>,
}

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
