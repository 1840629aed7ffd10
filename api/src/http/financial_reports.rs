//! Expense notes for organizers: `/organizers/{id}/financial-reports`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::{completed_quarters, day_in_belgium};
use uitpas_domain::counter::Report as Requested;
use uitpas_domain::ids::CounterId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Id, Ids, Query, Write};
use super::links::{self, DownloadLink, Signed};
use super::shapes::{GivenDay, instant};
use super::words;
use crate::actions::reports;
use crate::app::App;
use crate::auth::Caller;
use crate::files;
use crate::problem::{Answer, NOTHING_IN_PERIOD, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(periods))
        .routes(routes!(list, request))
        .routes(routes!(one))
        .routes(routes!(link))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AskedPeriod {
    #[schema(schema_with = words::day)]
    start_date: GivenDay,
    #[schema(schema_with = words::day)]
    end_date: GivenDay,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReportPeriod {
    start_date: NaiveDate,
    end_date: NaiveDate,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Report {
    status: &'static str,
    id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    period: ReportPeriod,
    creation_date: DateTime<FixedOffset>,
}

/// How many completed quarters are suggested. Source: our choice; two years.
const QUARTERS: usize = 8;

/// The completed quarters, newest first (R-NOTE-03).
#[utoipa::path(
    get,
    path = "/organizers/{id}/financial-reports/periods",
    params(("id" = String, Path)),
    responses((status = 200, body = Vec<ReportPeriod>)),
    security(("token" = ["ORGANIZERS_REPORTS"]))
)]
async fn periods(
    State(app): State<App>,
    caller: Caller,
    Id(counter): Id<CounterId>,
) -> Answer<Json<Vec<ReportPeriod>>> {
    reports::of_counter(&app, &caller, &counter).await?;
    let quarters = completed_quarters(day_in_belgium(app.now()), QUARTERS);
    let period = |(start_date, end_date)| ReportPeriod { start_date, end_date };
    Ok(Json(quarters.into_iter().map(period).collect()))
}

#[utoipa::path(
    post,
    path = "/organizers/{id}/financial-reports",
    params(("id" = String, Path)),
    request_body = AskedPeriod,
    responses((status = 200, body = Report)),
    security(("token" = ["ORGANIZERS_REPORTS"]))
)]
async fn request(
    State(app): State<App>,
    Id(counter): Id<CounterId>,
    Write { request, body }: Write<AskedPeriod>,
) -> Answer<Json<Report>> {
    let (from, until) = (body.start_date.0, body.end_date.0);
    let requested = reports::request(&app, &request, &counter, from, until).await?;
    let report = reports::one(&app, &request.caller, &counter, requested.report).await?;
    Ok(Json(print(&app, &counter, requested.report, report).await?))
}

#[utoipa::path(
    get,
    path = "/organizers/{id}/financial-reports",
    params(("id" = String, Path)),
    responses((status = 200, body = Vec<Report>)),
    security(("token" = ["ORGANIZERS_REPORTS"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Id(counter): Id<CounterId>,
) -> Answer<Json<Vec<Report>>> {
    let mut printed = Vec::new();
    for (number, report) in reports::of_counter(&app, &caller, &counter).await? {
        printed.push(print(&app, &counter, number, report).await?);
    }
    Ok(Json(printed))
}

async fn print(app: &App, counter: &CounterId, id: u32, report: Requested) -> Answer<Report> {
    let notes = reports::notes_of(app, counter, &report).await?;
    let (status, message) =
        if notes.is_empty() { ("FAILED", Some(NOTHING_IN_PERIOD)) } else { ("AVAILABLE", None) };
    Ok(Report {
        status,
        id,
        message,
        period: ReportPeriod { start_date: report.from, end_date: report.until },
        creation_date: instant(report.requested_at),
    })
}

/// A report, or with `.zip` its files; the files with a token or with a signed link.
#[utoipa::path(
    get,
    path = "/organizers/{id}/financial-reports/{report}",
    params(("id" = String, Path), ("report" = String, Path), Signed),
    responses((status = 200, content((Report = "application/json"), (Vec<u8> = "application/x-zip-compressed")))),
    security(("token" = ["ORGANIZERS_REPORTS"]))
)]
async fn one(
    State(app): State<App>,
    Ids(counter, report): Ids<CounterId, String>,
    Query(signed): Query<Signed>,
    headers: HeaderMap,
    caller: Result<Caller, Problem>,
) -> Answer<Response> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| Problem::ReportNotFound);
    let Some(zipped) = report.strip_suffix(".zip") else {
        let caller = caller?;
        let number = number(&report)?;
        let found = reports::one(&app, &caller, &counter, number).await?;
        return Ok(Json(print(&app, &counter, number, found).await?).into_response());
    };
    let number = number(zipped)?;
    let found = if signed.is_shown() && !headers.contains_key("authorization") {
        signed.demand(&app, &zip_of(&counter, number))?;
        reports::unchecked(&app, &counter, number).await?
    } else {
        reports::one(&app, &caller?, &counter, number).await?
    };
    let zip = reports::files_of(&app, &counter, &found).await?.ok_or(Problem::ReportEmpty)?;
    let name = format!("financieel-rapport-{counter}-{number}.zip");
    Ok(files::download(&name, files::ZIP, zip))
}

fn zip_of(counter: &CounterId, number: u32) -> String {
    format!("/v4/organizers/{counter}/financial-reports/{number}.zip")
}

#[utoipa::path(
    get,
    path = "/organizers/{id}/financial-reports/{report}/download-link",
    params(("id" = String, Path), ("report" = u32, Path)),
    responses((status = 200, body = DownloadLink)),
    security(("token" = ["ORGANIZERS_REPORTS"]))
)]
async fn link(
    State(app): State<App>,
    caller: Caller,
    Ids(counter, number): Ids<CounterId, u32>,
    headers: HeaderMap,
) -> Answer<Json<DownloadLink>> {
    let report = reports::one(&app, &caller, &counter, number).await?;
    if reports::notes_of(&app, &counter, &report).await?.is_empty() {
        return Err(Problem::ReportEmpty);
    }
    let download_link = links::to(&app, &headers, &zip_of(&counter, number));
    Ok(Json(DownloadLink { download_link }))
}
