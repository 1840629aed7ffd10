//! Kiosks, for the staff of their counters: `/kiosks`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::{ActivityId, CounterId, KioskId};
use uitpas_projections::kiosks as overview;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Bare, Id, Query, Write, paging};
use super::shapes::{CardSystemRef, OrganizerRef, Page};
use crate::actions::kiosks::{self, Known, Shown};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(fixed_event, fix_event, unfix_event))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KioskDevice {
    id: String,
    name: String,
    organizers: Vec<OrganizerRef>,
    /// Empty, unless the device asks: it is the device's secret.
    device_id: String,
    card_system: CardSystemRef,
    release_track: &'static str,
    /// Beyond the contract: whether the screen is to show the QR code of the activity.
    shows_qr: bool,
}

impl KioskDevice {
    pub fn new(id: KioskId, known: Known, device: String) -> Self {
        let organizer = |(id, name)| OrganizerRef { id, name: Some(name) };
        Self {
            id: id.to_string(),
            name: known.profile.name.to_string(),
            organizers: known.counters.into_iter().map(organizer).collect(),
            device_id: device,
            card_system: CardSystemRef { id: known.profile.card_system, name: known.card_system },
            release_track: "stable",
            shows_qr: known.profile.shows_qr,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KioskEvent {
    checkin_points: u32,
    event: ShownEvent,
    /// What the QR code holds.
    checkin_code: String,
}

#[derive(Serialize, ToSchema)]
struct ShownEvent {
    id: String,
    title: String,
}

impl From<Shown> for KioskEvent {
    fn from(shown: Shown) -> Self {
        Self {
            checkin_points: shown.points,
            event: ShownEvent { id: shown.id.to_string(), title: shown.title },
            checkin_code: shown.code,
        }
    }
}

#[derive(Deserialize, ToSchema)]
pub struct ChosenEvent {
    #[schema(value_type = String)]
    pub id: ActivityId,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    organizer_id: Vec<CounterId>,
    start: Option<u32>,
    limit: Option<u32>,
}

/// The kiosks of the caller's counters, by name.
#[utoipa::path(
    get,
    path = "/kiosks",
    params(Asked),
    responses((status = 200, body = Page<KioskDevice>)),
    security(("token" = ["KIOSKS_READ"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<KioskDevice>>> {
    let counters = app.own_counters(&caller, &asked.organizer_id).await?;
    app.caught_up(&caller, overview::PROJECTION.name).await?;
    let paging = paging(asked.start, asked.limit)?;
    let page = overview::list(app.pool(), &counters, paging).await?;
    let total_items = page.total.unsigned_abs();
    let mut member = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        let id = KioskId(row.id);
        member.push(KioskDevice::new(id, kiosks::known(&app, id).await?, String::new()));
    }
    Ok(Json(Page { total_items, member }))
}

/// The activity that was set by hand; without one the kiosk finds it by itself.
#[utoipa::path(
    get,
    path = "/kiosks/{id}/fixed-event",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = KioskEvent)),
    security(("token" = ["KIOSKS_READ"]))
)]
async fn fixed_event(
    State(app): State<App>,
    Id(id): Id<KioskId>,
    caller: Caller,
) -> Answer<Json<KioskEvent>> {
    let shown = kiosks::set_by_hand(&app, &caller, id).await?;
    Ok(Json(shown.ok_or(Problem::EventNotFound)?.into()))
}

#[utoipa::path(
    put,
    path = "/kiosks/{id}/fixed-event",
    params(("id" = Uuid, Path)),
    request_body = ChosenEvent,
    responses((status = 204)),
    security(("token" = ["KIOSKS_WRITE"]))
)]
async fn fix_event(
    State(app): State<App>,
    Id(id): Id<KioskId>,
    Write { request, body }: Write<ChosenEvent>,
) -> Answer<StatusCode> {
    kiosks::set(&app, &request, id, Some(&body.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    delete,
    path = "/kiosks/{id}/fixed-event",
    params(("id" = Uuid, Path)),
    responses((status = 204)),
    security(("token" = ["KIOSKS_WRITE"]))
)]
async fn unfix_event(
    State(app): State<App>,
    Id(id): Id<KioskId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    kiosks::set(&app, &request, id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
