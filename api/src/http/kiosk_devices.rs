//! What a kiosk does by itself: `/kiosk-devices`. The device shows who it is by its own id, in
//! `x-custom-token`; nothing else opens these doors, and it opens no other (R-SEC-02).

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request as HttpRequest, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::KioskId;
use uitpas_domain::kiosk::Refused;
use uitpas_domain::values::chip_number::ChipNumber;
use uitpas_domain::values::text::Text;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{self, Id, Write};
use super::kiosks::{ChosenEvent, KioskDevice, KioskEvent};
use super::words;
use crate::actions::kiosks;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(set_up))
        .routes(routes!(this_kiosk))
        .routes(routes!(chosen_event, choose_event, unchoose_event))
        .routes(routes!(current_event, check_in))
        .routes(routes!(balance))
}

/// The header in which a device says who it is.
const TOKEN: &str = "x-custom-token";

fn token(headers: &HeaderMap) -> Result<&str, Problem> {
    let token = headers.get(TOKEN).and_then(|token| token.to_str().ok());
    let token = token.filter(|token| !token.is_empty());
    token.ok_or(Problem::Unauthorized("an x-custom-token header is required"))
}

/// The kiosk that calls.
struct Device {
    kiosk: KioskId,
    id: String,
    headers: HeaderMap,
}

impl FromRequestParts<App> for Device {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let id = token(&parts.headers)?.to_owned();
        let kiosk = kiosks::by_device(app, &id).await?;
        let kiosk = kiosk.ok_or(Problem::Unauthorized("no kiosk is this device"))?;
        Ok(Self { kiosk, id, headers: parts.headers.clone() })
    }
}

impl Device {
    fn caller(&self) -> Caller {
        kiosks::as_device(self.kiosk, None, Vec::new()).caller
    }
}

/// What a kiosk sends.
struct Sent<T> {
    kiosk: KioskId,
    write: Write<T>,
}

impl<T: DeserializeOwned> FromRequest<App> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(http: HttpRequest, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = http.into_parts();
        let device = Device::from_request_parts(&mut parts, app).await?;
        let write = extract::write(parts, body, device.caller()).await?;
        Ok(Self { kiosk: device.kiosk, write })
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KioskDeviceSetup {
    #[schema(schema_with = words::text::<120>)]
    name: Text<120>,
    /// Chosen by the device, and its secret from then on.
    #[schema(schema_with = words::text::<200>)]
    device_id: Text<200>,
}

/// Shorter than this it would be guessed. Source: our choice.
const DEVICE_ID_CHARS_MIN: usize = 16;

/// A device becomes the kiosk of this name. The token is the kiosk's configuration code.
#[utoipa::path(
    put,
    path = "/kiosk-devices/setup",
    request_body = KioskDeviceSetup,
    responses((status = 200, body = KioskDevice), (status = 429)),
    security(("kiosk" = []))
)]
async fn set_up(State(app): State<App>, http: HttpRequest) -> Answer<Json<KioskDevice>> {
    let (parts, body) = http.into_parts();
    let code = token(&parts.headers)?.to_owned();
    let nobody = kiosks::as_device(KioskId(uuid::Uuid::nil()), None, Vec::new()).caller;
    let Write::<KioskDeviceSetup> { body, .. } = extract::write(parts, body, nobody).await?;
    let (name, device) = (body.name.to_string(), body.device_id.to_string());
    if device.chars().count() < DEVICE_ID_CHARS_MIN {
        let why = format!("at least {DEVICE_ID_CHARS_MIN} characters: it is a secret");
        return Err(Problem::BodyData("/deviceId".to_owned(), why));
    }
    // However it is written, it is one kiosk.
    let guessed = app.store.master_key().claim_hash("kiosk-setup", &name.to_lowercase());
    let guessed = hex::encode(guessed).parse().map_err(|_| Problem::KioskNotFound)?;
    app.guesses.count_by(&guessed)?;
    let id = kiosks::claim(&app, &name, &device, &code).await?;
    let known = kiosks::known(&app, id).await?;
    Ok(Json(KioskDevice::new(id, known, device)))
}

#[utoipa::path(
    get,
    path = "/kiosk-devices",
    responses((status = 200, body = KioskDevice)),
    security(("kiosk" = []))
)]
async fn this_kiosk(State(app): State<App>, device: Device) -> Answer<Json<KioskDevice>> {
    let known = kiosks::known(&app, device.kiosk).await?;
    Ok(Json(KioskDevice::new(device.kiosk, known, device.id)))
}

/// What was set by hand; it need not be on.
#[utoipa::path(
    get,
    path = "/kiosk-devices/events",
    responses((status = 200, body = KioskEvent)),
    security(("kiosk" = []))
)]
async fn chosen_event(State(app): State<App>, device: Device) -> Answer<Json<KioskEvent>> {
    let shown = kiosks::set_by_hand(&app, &device.caller(), device.kiosk).await?;
    Ok(Json(shown.ok_or(Problem::EventNotFound)?.into()))
}

#[utoipa::path(
    put,
    path = "/kiosk-devices/events",
    request_body = ChosenEvent,
    responses((status = 204)),
    security(("kiosk" = []))
)]
async fn choose_event(State(app): State<App>, sent: Sent<ChosenEvent>) -> Answer<StatusCode> {
    let Write { request, body } = sent.write;
    kiosks::set(&app, &request, sent.kiosk, Some(&body.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    delete,
    path = "/kiosk-devices/events",
    responses((status = 204)),
    security(("kiosk" = []))
)]
async fn unchoose_event(State(app): State<App>, device: Device) -> Answer<StatusCode> {
    let key = extract::idempotency_key(&device.headers)?;
    let request = kiosks::as_device(device.kiosk, key, b"DELETE /kiosk-devices/events".to_vec());
    match kiosks::set(&app, &request, device.kiosk, None).await {
        // The contract has no 404 here: a device that starts anew does not know what was set.
        Ok(()) | Err(Problem::Kiosk(Refused::NothingSet)) => Ok(StatusCode::NO_CONTENT),
        Err(problem) => Err(problem),
    }
}

/// The activity that gives points now.
#[utoipa::path(
    get,
    path = "/kiosk-devices/checkins",
    responses((status = 200, body = KioskEvent)),
    security(("kiosk" = []))
)]
async fn current_event(State(app): State<App>, device: Device) -> Answer<Json<KioskEvent>> {
    let shown = kiosks::now_on(&app, device.kiosk).await?;
    Ok(Json(shown.ok_or(Problem::EventNotFound)?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Scan {
    #[schema(schema_with = words::chip_number)]
    chip_number: ChipNumber,
    /// When it was scanned, where the kiosk was offline since; send an `Idempotency-Key` with it.
    scanned_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KioskCheckIn {
    new_points: u32,
    total_points: i64,
}

/// Saves the point of the activity that is on.
#[utoipa::path(
    post,
    path = "/kiosk-devices/checkins",
    request_body = Scan,
    responses((status = 200, body = KioskCheckIn)),
    security(("kiosk" = []))
)]
async fn check_in(State(app): State<App>, sent: Sent<Scan>) -> Answer<Json<KioskCheckIn>> {
    let Write { request, body } = sent.write;
    let scanned_at = body.scanned_at;
    let saved = kiosks::check_in(&app, &request, sent.kiosk, &body.chip_number, scanned_at).await?;
    Ok(Json(KioskCheckIn { new_points: saved.points, total_points: saved.balance }))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KioskPass {
    total_points: i64,
}

#[utoipa::path(
    get,
    path = "/kiosk-devices/chip-numbers/{chipNumber}",
    params(("chipNumber" = String, Path)),
    responses((status = 200, body = KioskPass)),
    security(("kiosk" = []))
)]
async fn balance(
    State(app): State<App>,
    _device: Device,
    Id(chip): Id<ChipNumber>,
) -> Answer<Json<KioskPass>> {
    Ok(Json(KioskPass { total_points: kiosks::balance(&app, &chip).await? }))
}
