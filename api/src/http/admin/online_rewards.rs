//! What follows a redemption online: a link, or one code of a list.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::RewardId;
use uitpas_domain::reward::Online;
use uitpas_domain::values::text::{Lines, Text};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::renewal::BrokenLine;
use crate::actions::online_rewards;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Bare, CsvUpload, Id, Write};
use crate::http::words;
use crate::import::codes;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read, set, end)).routes(routes!(add_codes))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GivenOnline {
    #[schema(schema_with = words::optional::text::<4000>)]
    text: Option<Lines<4000>>,
    #[schema(schema_with = words::optional::text::<500>)]
    link: Option<Text<500>>,
    #[schema(schema_with = words::optional::text::<80>)]
    label: Option<Text<80>>,
    /// Whether each redemption gets a code of the list.
    #[serde(default)]
    with_codes: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OnlineReward {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    with_codes: bool,
    codes: usize,
    codes_unused: usize,
    /// Units that are to be had: of units and codes the fewest; absent where neither is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    units_available: Option<u32>,
}

/// How a reward is taken up online, and how many codes are left. The codes themselves are shown to
/// nobody but those who get one.
#[utoipa::path(
    get,
    path = "/rewards/{id}/online",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = OnlineReward)),
    security(("token" = ["ksb-admin"]))
)]
async fn read(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<RewardId>,
) -> Answer<Json<OnlineReward>> {
    let reward = online_rewards::read(&app, &caller, id).await?;
    let online = reward.online.as_ref();
    Ok(Json(OnlineReward {
        text: online.and_then(|online| online.text.as_ref()).map(ToString::to_string),
        link: online.and_then(|online| online.link.as_ref()).map(ToString::to_string),
        label: online.and_then(|online| online.label.as_ref()).map(ToString::to_string),
        with_codes: online.is_some_and(|online| online.with_codes),
        codes: reward.codes_known(),
        codes_unused: reward.unused.len(),
        units_available: reward.units_available(),
    }))
}

/// A link, codes, or both.
#[utoipa::path(
    put,
    path = "/rewards/{id}/online",
    params(("id" = Uuid, Path)),
    request_body = GivenOnline,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn set(
    State(app): State<App>,
    Id(id): Id<RewardId>,
    Write { request, body }: Write<GivenOnline>,
) -> Answer<StatusCode> {
    let GivenOnline { text, link, label, with_codes } = body;
    let online = Online { text, link, label, with_codes };
    online_rewards::set(&app, &request, id, Some(&online)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The reward is taken up at counters alone.
#[utoipa::path(
    delete,
    path = "/rewards/{id}/online",
    params(("id" = Uuid, Path)),
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn end(
    State(app): State<App>,
    Id(id): Id<RewardId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    online_rewards::set(&app, &request, id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
struct AddedCodes {
    added: usize,
    /// Codes that were there already.
    known: usize,
    broken: Vec<BrokenLine>,
}

/// Adds codes from a CSV file with a column `code`. A code that is there already, also one that was
/// handed out, is not added again.
#[utoipa::path(
    post,
    path = "/rewards/{id}/codes",
    params(("id" = Uuid, Path)),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = AddedCodes)),
    security(("token" = ["ksb-admin"]))
)]
async fn add_codes(
    State(app): State<App>,
    Id(id): Id<RewardId>,
    CsvUpload { request, text }: CsvUpload,
) -> Answer<Json<AddedCodes>> {
    let codes = codes::read(text.as_slice()).map_err(Problem::csv)?;
    let added = online_rewards::add_codes(&app, &request, id, &codes.codes).await?;
    let broken = codes.broken.into_iter().map(BrokenLine::from).collect();
    Ok(Json(AddedCodes { added, known: codes.codes.len().saturating_sub(added), broken }))
}
