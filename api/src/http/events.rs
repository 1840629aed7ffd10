//! What is set for one activity: `/events/{id}/card-systems` and `/events/{id}/settings`.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use uitpas_domain::activity::{self, Settings};
use uitpas_domain::ids::{ActivityId, CardSystemId, DistributionKeyId};
use uitpas_domain::limit::Limit;
use uitpas_domain::offering::Offering;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Id, IfMatch, Write, etag};
use crate::actions::{self, activities, version_of};
use crate::app::App;
use crate::auth::Caller;
use crate::http::admin::counters::GivenLimit;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(card_systems, choose_card_systems))
        .routes(routes!(settings, change_settings))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventCardSystem {
    #[schema(value_type = u32)]
    id: CardSystemId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    name: Option<String>,
    enabled: bool,
    #[serde(default)]
    manual_distribution_keys: Vec<ManualKey>,
}

/// A key that may be switched on by hand (R-TAR-04).
#[derive(Deserialize, Serialize, ToSchema)]
struct ManualKey {
    #[schema(value_type = u32)]
    id: DistributionKeyId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(read_only)]
    name: Option<String>,
    enabled: bool,
}

pub async fn offering(app: &App, id: &ActivityId) -> Answer<Offering> {
    let found = app.store.preview(|work| async move { actions::offering(&work, id).await }).await;
    match found.map_err(Problem::from) {
        Ok(offering) => Ok(Offering::clone(&offering)),
        Err(Problem::Activity(activity::Refused::Unknown)) => Err(Problem::EventNotFound),
        Err(problem) => Err(problem),
    }
}

/// All card systems of the organizer, whether they take part, and the keys there are.
#[utoipa::path(
    get,
    path = "/events/{id}/card-systems",
    params(("id" = String, Path)),
    responses((status = 200, body = Vec<EventCardSystem>))
)]
async fn card_systems(
    State(app): State<App>,
    _: Caller,
    Id(id): Id<ActivityId>,
) -> Answer<Json<Vec<EventCardSystem>>> {
    let offering = offering(&app, &id).await?;
    let takes_part: BTreeSet<_> = offering.taking_part().map(|(id, _)| id).collect();
    let chosen = offering.activity.card_systems.as_ref();
    let print = |(id, system): (&CardSystemId, &_)| {
        let system: &uitpas_domain::card_system::CardSystem = system;
        let by_hand = chosen.and_then(|chosen| chosen.get(id));
        let keys = system.keys.values().map(|key| ManualKey {
            id: key.id,
            name: Some(key.name.to_string()),
            enabled: by_hand.is_some_and(|keys| keys.contains(&key.id)),
        });
        EventCardSystem {
            id: *id,
            name: system.name.as_ref().map(ToString::to_string),
            enabled: takes_part.contains(id),
            manual_distribution_keys: keys.collect(),
        }
    };
    let printed = offering.card_systems.iter().map(|(id, system)| print((id, system.as_ref())));
    Ok(Json(printed.collect()))
}

/// Card systems that are left out take no part; `[]` switches all of them off. Once tickets were sold
/// nothing changes here any more; the KSB can by `/admin/v1`.
#[utoipa::path(
    put,
    path = "/events/{id}/card-systems",
    params(("id" = String, Path)),
    request_body = Vec<EventCardSystem>,
    responses((status = 204)),
    security(("token" = ["EVENTS_UPDATE"]))
)]
async fn choose_card_systems(
    State(app): State<App>,
    Id(id): Id<ActivityId>,
    Write { request, body }: Write<Vec<EventCardSystem>>,
) -> Answer<StatusCode> {
    let enabled = body.into_iter().filter(|system| system.enabled);
    let card_systems: BTreeMap<_, _> = enabled
        .map(|system| {
            let keys = system.manual_distribution_keys.into_iter().filter(|key| key.enabled);
            (system.id, keys.map(|key| key.id).collect::<BTreeSet<_>>())
        })
        .collect();
    match activities::choose_before_sales(&app, &request, &id, &card_systems).await {
        Err(Problem::Activity(activity::Refused::Unknown)) => Err(Problem::EventNotFound),
        chosen => chosen.map(|()| StatusCode::NO_CONTENT),
    }
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventSettings {
    #[schema(value_type = String)]
    id: ActivityId,
    #[serde(skip_serializing_if = "Option::is_none")]
    passholder_ticket_limit: Option<GivenLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkin_limit: Option<GivenLimit>,
    checkin_points: u32,
}

/// What was set; a limit that was not is the default one and does not show (R-CHK-03, R-TAR-05).
#[utoipa::path(
    get,
    path = "/events/{id}/settings",
    params(("id" = String, Path)),
    responses((
        status = 200,
        body = EventSettings,
        headers(("ETag" = String, description = "The version, for `If-Match`."))
    )),
    security(("token" = ["EVENT_SETTINGS_READ"]))
)]
async fn settings(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ActivityId>,
) -> Answer<([(HeaderName, String); 1], Json<EventSettings>)> {
    let offering = offering(&app, &id).await?;
    let organizer = offering.organizer().ok_or(Problem::EventNotFound)?;
    app.authority_at(&caller, organizer).await?;
    let settings = &offering.activity.settings;
    let printed = EventSettings {
        id,
        passholder_ticket_limit: settings.ticket_limit.map(GivenLimit::from),
        checkin_limit: settings.check_in_limit.map(GivenLimit::from),
        checkin_points: settings.check_in_points,
    };
    Ok(([etag(version_of(settings))], Json(printed)))
}

/// Replaces them all: a limit that is left out is the default one again.
#[utoipa::path(
    put,
    path = "/events/{id}/settings",
    params(
        ("id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The version that was looked at.")
    ),
    request_body = EventSettings,
    responses((status = 204), (status = 412)),
    security(("token" = ["EVENT_SETTINGS_UPDATE"]))
)]
async fn change_settings(
    State(app): State<App>,
    Id(id): Id<ActivityId>,
    IfMatch(version): IfMatch,
    Write { request, body }: Write<EventSettings>,
) -> Answer<StatusCode> {
    if body.id != id {
        let reason = "is another activity than the address names".to_owned();
        return Err(Problem::BodyData("/id".to_owned(), reason));
    }
    let settings = Settings {
        check_in_points: body.checkin_points,
        check_in_limit: body.checkin_limit.map(Limit::from),
        ticket_limit: body.passholder_ticket_limit.map(Limit::from),
    };
    match activities::change_settings(&app, &request, &id, &settings, version).await {
        Err(Problem::Activity(activity::Refused::Unknown)) => Err(Problem::EventNotFound),
        changed => changed.map(|()| StatusCode::NO_CONTENT),
    }
}
