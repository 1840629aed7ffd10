//! Saving points: `/checkins` and `/checkin-status`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::{ActivityId, CheckInId, CounterId, PassholderId};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_projections::check_ins as overview;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Bare, Id, Query, Write, paging};
use super::passholders::{Passholder, beside};
use super::shapes::{EndUserMessage, Page, instant, sought};
use super::words;
use crate::actions::check_ins;
use crate::actions::passholders::read_after;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem, REQUIRED};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, check_in))
        .routes(routes!(correct))
        .routes(routes!(status))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewCheckIn {
    #[schema(value_type = String)]
    event_id: ActivityId,
    #[schema(schema_with = words::uitpas_number)]
    uitpas_number: CardNumber,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CheckIn {
    #[schema(value_type = Uuid)]
    id: CheckInId,
    creation_date: DateTime<FixedOffset>,
    event_id: String,
    event_title: String,
    uitpas_number: String,
    points: u32,
    /// For who may search at that counter; in lists never.
    #[serde(skip_serializing_if = "Option::is_none")]
    passholder: Option<Passholder>,
}

#[utoipa::path(
    post,
    path = "/checkins",
    request_body = NewCheckIn,
    responses((status = 201, body = CheckIn)),
    security(("token" = ["CHECKINS_WRITE"]))
)]
async fn check_in(
    State(app): State<App>,
    Write { request, body }: Write<NewCheckIn>,
) -> Answer<(StatusCode, Json<CheckIn>)> {
    let given = check_ins::check_in(&app, &request, &body.event_id, body.uitpas_number).await?;
    let passholder = match &given.counter {
        Some(counter) => read_after(&app, &request.caller, counter, given.passholder).await?,
        None => None,
    };
    let check_in = CheckIn {
        id: given.id,
        creation_date: instant(given.at),
        event_id: given.activity.to_string(),
        event_title: given.title,
        uitpas_number: given.card.to_string(),
        points: given.points,
        passholder: beside(&app, passholder)?,
    };
    Ok((StatusCode::CREATED, Json(check_in)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[param(value_type = Uuid)]
    passholder_id: PassholderId,
    #[serde(default)]
    #[param(value_type = Vec<String>, required = true, min_items = 1)]
    organizer_id: Vec<CounterId>,
    #[serde(default, deserialize_with = "sought")]
    event_title: Option<String>,
    start: Option<u32>,
    limit: Option<u32>,
}

/// Newest first; only at counters where the caller has a role.
#[utoipa::path(
    get,
    path = "/checkins",
    params(Asked),
    responses((status = 200, body = Page<CheckIn>)),
    security(("token" = ["CHECKINS_READ"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<CheckIn>>> {
    if asked.organizer_id.is_empty() {
        return Err(Problem::Query("organizerId".to_owned(), REQUIRED.to_owned()));
    }
    let counters = app.own_counters(&caller, &asked.organizer_id).await?;
    let filter = overview::Filter {
        passholder: Some(asked.passholder_id),
        counters: Some(counters),
        title: asked.event_title,
        paging: paging(asked.start, asked.limit)?,
        ..Default::default()
    };
    app.caught_up(&caller, overview::PROJECTION.name).await?;
    let page = overview::list(app.pool(), &filter).await?;
    Ok(Json(Page::of(page, |row| CheckIn {
        id: CheckInId(row.id),
        creation_date: instant(row.at),
        event_id: row.activity,
        event_title: row.title,
        uitpas_number: row.card,
        points: row.points.unsigned_abs(),
        passholder: None,
    })))
}

/// Takes the points back, without a reason in words: that is for the back office.
#[utoipa::path(
    delete,
    path = "/checkins/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 204)),
    security(("token" = ["CHECKINS_WRITE"]))
)]
async fn correct(
    State(app): State<App>,
    Id(check_in): Id<CheckInId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    check_ins::correct(&app, &request, check_in, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedStatus {
    #[param(schema_with = words::uitpas_number)]
    uitpas_number: CardNumber,
    #[param(value_type = String)]
    event_id: ActivityId,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Status {
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_user_message: Option<EndUserMessage>,
}

/// The same decision as `POST /checkins`, not committed. What is unknown is 404 here.
#[utoipa::path(
    get,
    path = "/checkin-status",
    params(AskedStatus),
    responses((status = 200, body = Status)),
    security(("token" = ["CHECKINS_WRITE"]))
)]
async fn status(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<AskedStatus>,
) -> Answer<Json<Status>> {
    let previewed = check_ins::preview(&app, &caller, &asked.event_id, asked.uitpas_number).await;
    match previewed {
        Ok(()) => Ok(Json(Status { allowed: true, end_user_message: None })),
        Err(
            problem @ (Problem::Passholder(_) | Problem::CardNotActive(_) | Problem::GroupPass),
        ) if problem.status() == StatusCode::BAD_REQUEST => {
            let nl = problem.end_user_message();
            let end_user_message = nl.map(|nl| EndUserMessage { nl });
            Ok(Json(Status { allowed: false, end_user_message }))
        }
        Err(Problem::Activity(uitpas_domain::activity::Refused::Unknown)) => {
            Err(Problem::EventNotFound)
        }
        Err(problem) => Err(problem),
    }
}
