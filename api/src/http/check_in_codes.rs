//! The QR code with which whoever is at an activity saves his point himself (R-CHK-10):
//! `/events/{id}/qr-checkincodes`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use uitpas_domain::counter::Task;
use uitpas_domain::ids::ActivityId;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::events::offering;
use super::extract::{Id, Ids, Query};
use super::links::{self, DownloadLink, Signed};
use crate::actions::kiosks;
use crate::app::App;
use crate::auth::Caller;
use crate::files;
use crate::files::check_in_code::{Format, Poster};
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(code)).routes(routes!(link)).routes(routes!(file))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CheckInCode {
    checkin_code: String,
}

/// Beyond the contract: what the QR code of the activity says, for whoever prints it himself.
#[utoipa::path(
    get,
    path = "/events/{id}/checkin-code",
    params(("id" = String, Path)),
    responses((status = 200, body = CheckInCode)),
    security(("token" = ["EVENTS_QR_CHECKINCODE"]))
)]
async fn code(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ActivityId>,
) -> Answer<Json<CheckInCode>> {
    demand_may_print(&app, &caller, &id).await?;
    Ok(Json(CheckInCode { checkin_code: kiosks::check_in_code(&app, &id) }))
}

async fn demand_may_print(app: &App, caller: &Caller, id: &ActivityId) -> Answer<()> {
    let offering = offering(app, id).await?;
    let organizer = offering.organizer().ok_or(Problem::EventNotFound)?;
    Ok(app.authority_at(caller, organizer).await?.demand(Task::CheckIn)?)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedFormat {
    /// Beyond the contract `png` and `svg`.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// A link to the code, to print and hang up; it works for a short while, without a token.
#[utoipa::path(
    get,
    path = "/events/{id}/qr-checkincodes/download-link",
    params(("id" = String, Path), AskedFormat),
    responses((status = 200, body = DownloadLink)),
    security(("token" = ["EVENTS_QR_CHECKINCODE"]))
)]
async fn link(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ActivityId>,
    Query(asked): Query<AskedFormat>,
    headers: HeaderMap,
) -> Answer<Json<DownloadLink>> {
    demand_may_print(&app, &caller, &id).await?;
    let download_link = links::to(&app, &headers, &path_of(&id, asked.format));
    Ok(Json(DownloadLink { download_link }))
}

/// An id may hold what an address may not.
fn path_of(id: &ActivityId, format: Format) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_str().as_bytes()).collect();
    format!("/v4/events/{id}/qr-checkincodes/{format}")
}

/// Where such a link leads.
#[utoipa::path(
    get,
    path = "/events/{id}/qr-checkincodes/{format}",
    params(("id" = String, Path), ("format" = String, Path), Signed),
    responses((status = 401), (status = 200, content(
        (Vec<u8> = "application/pdf"),
        (Vec<u8> = "application/x-zip-compressed"),
        (Vec<u8> = "image/png"),
        (Vec<u8> = "image/svg+xml"),
    ))),
    security(())
)]
async fn file(
    State(app): State<App>,
    Ids(id, format): Ids<ActivityId, Format>,
    Query(signed): Query<Signed>,
) -> Answer<Response> {
    signed.demand(&app, &path_of(&id, format))?;
    let offering = offering(&app, &id).await?;
    let description = offering.activity.description.as_ref().ok_or(Problem::EventNotFound)?;
    let organizer = offering.counter.profile.as_ref().map(|known| known.name.to_string());
    let poster = Poster {
        title: description.title.to_string(),
        organizer: organizer.unwrap_or_default(),
        code: kiosks::check_in_code(&app, &id),
    };
    let content = poster.file(format).map_err(Problem::Internal)?;
    let name = format!("qr-spaarcode-{id}.{format}");
    Ok(files::download(&name, format.content_type(), content))
}
