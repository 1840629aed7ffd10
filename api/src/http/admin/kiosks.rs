//! Kiosks, for the KSB: making and changing them, and the code for their device.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::{CardSystemId, CounterId, KioskId};
use uitpas_domain::kiosk::Profile;
use uitpas_domain::values::text::Text;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::{kiosks, version_of};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Bare, Id, IfMatch, Write, etag};
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(make))
        .routes(routes!(read, change))
        .routes(routes!(release_device))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewKiosk {
    #[schema(schema_with = words::text::<120>)]
    name: Text<120>,
    #[schema(value_type = u32)]
    card_system_id: CardSystemId,
    #[schema(value_type = Vec<String>)]
    organizers: BTreeSet<CounterId>,
    /// Whether the screen shows the QR code of the activity.
    #[serde(default)]
    shows_qr: bool,
}

impl From<NewKiosk> for Profile {
    fn from(new: NewKiosk) -> Self {
        Self {
            name: new.name,
            card_system: new.card_system_id,
            counters: new.organizers,
            shows_qr: new.shows_qr,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Kiosk {
    #[schema(value_type = Uuid)]
    id: KioskId,
    name: String,
    #[schema(value_type = u32)]
    card_system_id: CardSystemId,
    #[schema(value_type = Vec<String>)]
    organizers: BTreeSet<CounterId>,
    shows_qr: bool,
    /// Whether a device is this kiosk.
    configured: bool,
    /// What whoever sets up the device sends along, once.
    configuration_code: String,
}

/// A kiosk with its version.
type Tagged = ([(HeaderName, String); 1], Json<Kiosk>);

async fn kiosk(app: &App, caller: &Caller, id: KioskId) -> Answer<Tagged> {
    let (profile, configured, configuration_code) = kiosks::of_ksb(app, caller, id).await?;
    let tag = etag(version_of(&profile));
    let printed = Kiosk {
        id,
        name: profile.name.to_string(),
        card_system_id: profile.card_system,
        organizers: profile.counters,
        shows_qr: profile.shows_qr,
        configured,
        configuration_code,
    };
    Ok(([tag], Json(printed)))
}

#[utoipa::path(
    post,
    path = "/kiosks",
    request_body = NewKiosk,
    responses((
        status = 201,
        body = Kiosk,
        headers(("ETag" = String, description = "The version, for `If-Match`."))
    )),
    security(("token" = ["ksb"]))
)]
async fn make(
    State(app): State<App>,
    Write { request, body }: Write<NewKiosk>,
) -> Answer<(StatusCode, Tagged)> {
    let id = kiosks::provision(&app, &request, None, &body.into(), None).await?;
    Ok((StatusCode::CREATED, kiosk(&app, &request.caller, id).await?))
}

#[utoipa::path(
    get,
    path = "/kiosks/{id}",
    params(("id" = Uuid, Path)),
    responses((
        status = 200,
        body = Kiosk,
        headers(("ETag" = String, description = "The version, for `If-Match`."))
    )),
    security(("token" = ["ksb"]))
)]
async fn read(State(app): State<App>, Id(id): Id<KioskId>, caller: Caller) -> Answer<Tagged> {
    kiosk(&app, &caller, id).await
}

#[utoipa::path(
    put,
    path = "/kiosks/{id}",
    params(
        ("id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that was looked at.")
    ),
    request_body = NewKiosk,
    responses((status = 204), (status = 412)),
    security(("token" = ["ksb"]))
)]
async fn change(
    State(app): State<App>,
    Id(id): Id<KioskId>,
    IfMatch(version): IfMatch,
    Write { request, body }: Write<NewKiosk>,
) -> Answer<StatusCode> {
    kiosks::provision(&app, &request, Some(id), &body.into(), version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets another device become this kiosk.
#[utoipa::path(
    delete,
    path = "/kiosks/{id}/device",
    params(("id" = Uuid, Path)),
    responses((status = 204)),
    security(("token" = ["ksb"]))
)]
async fn release_device(
    State(app): State<App>,
    Id(id): Id<KioskId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    kiosks::release_device(&app, &request, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
