//! Linking a UiTID to a passholder, in the steps of the contract: `/passholders/me/uitid`, `/uitid`.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use serde::Serialize;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::contact::{Email, InvalidEmail};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Bare;
use crate::actions::passholders;
use crate::actions::uitid::{self, EmailState};
use crate::app::App;
use crate::auth::{Caller, identified};
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(registration_token))
        .routes(routes!(status))
        .routes(routes!(email_state))
        .routes(routes!(link))
}

/// A client that says who it is.
struct Identified(Caller);

impl FromRequestParts<App> for Identified {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        identified(app, parts).await.map(Self)
    }
}

/// The card and the date of birth, as user and password of HTTP Basic.
fn card_and_date(headers: &HeaderMap) -> Option<(CardNumber, NaiveDate)> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (card, born) = decoded.split_once(':')?;
    Some((card.parse().ok()?, born.parse().ok()?))
}

#[derive(Serialize, ToSchema)]
struct RegistrationToken {
    token: String,
}

/// Whoever knows the number and the date of birth gets a token to link a UiTID with.
#[utoipa::path(
    get,
    path = "/passholders/me/uitid/registration-token",
    params(("authorization" = Option<String>, Header, description = "Basic: UiTPAS number and date of birth.")),
    responses((status = 200, body = RegistrationToken), (status = 429))
)]
async fn registration_token(
    State(app): State<App>,
    Identified(caller): Identified,
    headers: HeaderMap,
) -> Answer<Json<RegistrationToken>> {
    app.guesses.count(&caller)?;
    let missing = Problem::Unauthorized("the UiTPAS number and the date of birth are required");
    let (card, born) = card_and_date(&headers).ok_or(missing)?;
    let passholder = uitid::shown_by(&app, card, born).await?;
    Ok(Json(RegistrationToken { token: uitid::registration_token(&app, passholder) }))
}

/// The header by which somebody shows who he is, in place of number and date of birth.
pub const TOKEN: &str = "x-registration-token";

pub fn given_token(headers: &HeaderMap) -> Answer<&str> {
    let token = headers.get(TOKEN).and_then(|token| token.to_str().ok());
    token.ok_or(Problem::Unauthorized("an x-registration-token header is required"))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UitidStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    uitpas_number: Option<String>,
    /// `REGISTERED` or `UNREGISTERED`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// Whether the passholder of the token has a UiTID.
#[utoipa::path(
    get,
    path = "/passholders/me/uitid/status",
    params(("x-registration-token" = Option<String>, Header)),
    responses((status = 200, body = UitidStatus), (status = 429))
)]
async fn status(
    State(app): State<App>,
    Identified(caller): Identified,
    headers: HeaderMap,
) -> Answer<Json<UitidStatus>> {
    app.guesses.count(&caller)?;
    let id = uitid::holder_of(&app, given_token(&headers)?)?;
    let known = passholders::read_own(&app, id).await?;
    let details = known.details.ok_or(uitpas_domain::passholder::Refused::Removed)?;
    Ok(Json(UitidStatus {
        uitpas_number: known.holder.current_card().map(|card| card.to_string()),
        state: if known.holder.with_uitid { "REGISTERED" } else { "UNREGISTERED" },
        email: details.email.map(String::from),
    }))
}

#[derive(Serialize, ToSchema)]
struct UitidEmail {
    /// `UITID_UNREGISTERED`, `UITID_REGISTERED` or `UITPAS_ALREADY_LINKED`.
    state: &'static str,
}

/// Whether an e-mail address can be used: after signing up, after logging in, or not.
#[utoipa::path(
    get,
    path = "/uitid/emails/{email}",
    params(("email" = String, Path)),
    responses((status = 200, body = UitidEmail), (status = 429))
)]
async fn email_state(
    State(app): State<App>,
    caller: Caller,
    Path(email): Path<String>,
) -> Answer<Json<UitidEmail>> {
    app.guesses.count(&caller)?;
    let email: Email = email
        .parse()
        .map_err(|error: InvalidEmail| Problem::Query("email".to_owned(), error.to_string()))?;
    let state = match uitid::email_state(&app, &email).await? {
        EmailState::Unknown => "UITID_UNREGISTERED",
        EmailState::OfUitid => "UITID_REGISTERED",
        EmailState::Linked => "UITPAS_ALREADY_LINKED",
    };
    Ok(Json(UitidEmail { state }))
}

/// The UiTID of the token is linked to the passholder of the registration token.
#[utoipa::path(
    put,
    path = "/passholders/me/uitid",
    params(("x-registration-token" = Option<String>, Header)),
    responses((status = 201))
)]
async fn link(
    State(app): State<App>,
    Bare(mut request): Bare,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let token = given_token(&headers)?;
    request.content.extend_from_slice(token.as_bytes());
    uitid::link(&app, &request, token).await?;
    Ok(StatusCode::CREATED)
}
