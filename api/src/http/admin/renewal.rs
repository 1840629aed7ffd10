//! The yearly renewal of social status: the agreements of municipalities, the run, and its lists.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::VariantNames;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::card_system::{CardSystem, Command};
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::values::place::PostalCode;
use uitpas_projections::passholders;
use uitpas_projections::passholders::renewals::{self, Listed, RenewalList};
use uitpas_projections::{Page as Rows, Paging};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actions::{card_systems, renewal};
use crate::app::{App, in_a_task};
use crate::auth::Caller;
use crate::http::csv::{self, Cell, Columns};
use crate::http::extract::{Bare, CsvUpload, Id, Ids, Query, Write, paging, wants_csv};
use crate::http::shapes::{GivenDay, Page};
use crate::http::words;
use crate::import::rows::Broken;
use crate::import::verdicts;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(agreements))
        .routes(routes!(agree, end_agreement))
        .routes(routes!(run, outcome))
        .routes(routes!(list))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedAgreement {
    #[schema(value_type = String)]
    postal_code: PostalCode,
    agreed_on: NaiveDate,
}

/// The postal codes whose municipality agreed to the renewal.
#[utoipa::path(
    get,
    path = "/card-systems/{id}/renewal-agreements",
    params(("id" = u32, Path)),
    responses((status = 200, body = Vec<ListedAgreement>)),
    security(("token" = ["ksb-admin"]))
)]
async fn agreements(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CardSystemId>,
) -> Answer<Json<Vec<ListedAgreement>>> {
    card_systems::demand_admin(&app, &caller, id).await?;
    let system = app.store.load::<CardSystem>(&id).await?;
    let agreements: &BTreeMap<_, _> = &system.state.renewal_agreements;
    let print = |(postal_code, agreed_on): (&PostalCode, &NaiveDate)| ListedAgreement {
        postal_code: *postal_code,
        agreed_on: *agreed_on,
    };
    Ok(Json(agreements.iter().map(print).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Agreement {
    /// From this day on the postal code is enrolled.
    #[schema(schema_with = words::day)]
    agreed_on: GivenDay,
}

#[utoipa::path(
    put,
    path = "/card-systems/{id}/renewal-agreements/{postalCode}",
    params(("id" = u32, Path), ("postalCode" = String, Path)),
    request_body = Agreement,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn agree(
    State(app): State<App>,
    Ids(id, postal_code): Ids<CardSystemId, PostalCode>,
    Write { request, body }: Write<Agreement>,
) -> Answer<StatusCode> {
    let at = app.now();
    let agree = Command::AgreeToRenewal { postal_code, agreed_on: body.agreed_on.0, at };
    card_systems::carry_out(&app, &request, id, &agree).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    delete,
    path = "/card-systems/{id}/renewal-agreements/{postalCode}",
    params(("id" = u32, Path), ("postalCode" = String, Path)),
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn end_agreement(
    State(app): State<App>,
    Ids(id, postal_code): Ids<CardSystemId, PostalCode>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    let end = Command::EndRenewalAgreement { postal_code, at: app.now() };
    card_systems::carry_out(&app, &request, id, &end).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
struct RenewalRun {
    /// Passholders who were up for renewal.
    candidates: u64,
    /// Of those, whose outcome is another than before.
    changed: u64,
    /// Verdicts on numbers that no passholder has.
    unknown: u64,
    broken: Vec<BrokenLine>,
}

#[derive(Serialize, ToSchema)]
pub struct BrokenLine {
    line: u64,
    reason: String,
}

impl From<Broken> for BrokenLine {
    fn from(broken: Broken) -> Self {
        Self { line: broken.line, reason: broken.reason.to_string() }
    }
}

/// Renews social status from a list of verdicts: CSV, `inszNumber,verdict`, where a verdict is
/// `positive` or `negative`. Only from 15 to 30 April. The same list again changes nothing; a run
/// that takes longer than a request may is carried on to its end all the same.
#[utoipa::path(
    post,
    path = "/card-systems/{id}/renewal",
    params(("id" = u32, Path)),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = RenewalRun)),
    security(("token" = ["ksb-admin"]))
)]
async fn run(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    CsvUpload { request, text }: CsvUpload,
) -> Answer<Json<RenewalRun>> {
    let list = verdicts::read(text.as_slice()).map_err(Problem::csv)?;
    let known = list.known;
    let run = in_a_task(async move {
        renewal::run(&app, &request, id, &known, |_, _| {}).await.map(|ran| (app, request, ran))
    });
    let (app, request, ran) = run.await.map_err(|died| Problem::Internal(died.into()))??;
    let head = app.store.head().await?.position;
    app.has_seen(&request.caller, head);
    Ok(Json(RenewalRun {
        candidates: ran.candidates,
        changed: ran.changed,
        unknown: ran.unknown,
        broken: list.broken.into_iter().map(BrokenLine::from).collect(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedYear {
    /// That of the run; this year where it is left out.
    year: Option<i32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RenewalOutcome {
    year: i32,
    renewed: i64,
    /// Of the renewed, with an e-mail address.
    notification: i64,
    /// Of the renewed, the others.
    letter: i64,
    negative: i64,
    not_in_list: i64,
}

/// How many passholders are on each list.
#[utoipa::path(
    get,
    path = "/card-systems/{id}/renewal",
    params(("id" = u32, Path), AskedYear),
    responses((status = 200, body = RenewalOutcome)),
    security(("token" = ["ksb-admin"]))
)]
async fn outcome(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CardSystemId>,
    Query(asked): Query<AskedYear>,
) -> Answer<Json<RenewalOutcome>> {
    card_systems::demand_admin(&app, &caller, id).await?;
    app.caught_up(&caller, passholders::PROJECTION.name).await?;
    let year = asked.year.unwrap_or_else(|| day_in_belgium(app.now()).year());
    let counts = renewals::counts(app.pool(), id, year).await?;
    let (notification, letter) = (counts.renewed_with_email, counts.renewed_without_email);
    Ok(Json(RenewalOutcome {
        year,
        renewed: notification + letter,
        notification,
        letter,
        negative: counts.negative,
        not_in_list: counts.not_in_list,
    }))
}

#[derive(Debug, Clone, Copy, strum::EnumString, VariantNames)]
#[strum(serialize_all = "kebab-case")]
enum ListName {
    Renewed,
    /// Of the renewed, those with an e-mail address.
    Notification,
    /// The other renewed ones.
    Letter,
    Negative,
    NotInList,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedList {
    /// That of the run; this year where it is left out.
    year: Option<i32>,
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UpForRenewal {
    passholder_id: Uuid,
    name: String,
    first_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    street: String,
    postal_code: String,
    city: String,
    country: String,
    /// The end date of the social status now.
    #[serde(skip_serializing_if = "Option::is_none")]
    social_tariff_end_date: Option<NaiveDate>,
}

impl UpForRenewal {
    fn of(id: CardSystemId, row: passholders::Passholder) -> Self {
        let status = row.memberships.0.get(&id).and_then(|known| known.social_status.as_ref());
        Self {
            passholder_id: row.id,
            name: row.name.unwrap_or_default(),
            first_name: row.first_name.unwrap_or_default(),
            email: row.email,
            street: row.street.unwrap_or_default(),
            postal_code: row.postal_code.unwrap_or_default(),
            city: row.city.unwrap_or_default(),
            country: row.country.unwrap_or_default(),
            social_tariff_end_date: status.map(|status| status.until),
        }
    }
}

impl Columns for UpForRenewal {
    const NAMES: &'static [&'static str] = &[
        "passholderId",
        "name",
        "firstName",
        "email",
        "street",
        "postalCode",
        "city",
        "country",
        "socialTariffEndDate",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::plain(self.passholder_id),
            Cell::text(&self.name),
            Cell::text(&self.first_name),
            Cell::text(self.email.as_deref().unwrap_or_default()),
            Cell::text(&self.street),
            Cell::text(&self.postal_code),
            Cell::text(&self.city),
            Cell::text(&self.country),
            Cell::or_empty(self.social_tariff_end_date),
        ]
    }
}

/// Who is on a list. With `Accept: text/csv` the whole of it.
#[utoipa::path(
    get,
    path = "/card-systems/{id}/renewal/{list}",
    params(
        ("id" = u32, Path),
        ("list" = inline(String), Path, description = "`renewed`, `negative` or `not-in-list`; of \
            the renewed `notification` are those with an e-mail address, `letter` the others"),
        AskedList,
    ),
    responses((status = 200, content((Page<UpForRenewal> = "application/json"), (String = "text/csv")))),
    security(("token" = ["ksb-admin"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Ids(id, list): Ids<CardSystemId, ListName>,
    headers: HeaderMap,
    Query(asked): Query<AskedList>,
) -> Answer<Response> {
    card_systems::demand_admin(&app, &caller, id).await?;
    app.caught_up(&caller, passholders::PROJECTION.name).await?;
    let (list, with_email) = match list {
        ListName::Renewed => (RenewalList::Renewed, None),
        ListName::Notification => (RenewalList::Renewed, Some(true)),
        ListName::Letter => (RenewalList::Renewed, Some(false)),
        ListName::Negative => (RenewalList::Negative, None),
        ListName::NotInList => (RenewalList::NotInList, None),
    };
    let year = asked.year.unwrap_or_else(|| day_in_belgium(app.now()).year());
    let as_csv = wants_csv(&headers);
    let paging = match as_csv {
        true => Paging { start: 0, limit: i64::MAX },
        false => paging(asked.start, asked.limit)?,
    };
    let listed = Listed { card_system: id, year, list, with_email, paging };
    let rows: Rows<_> = renewals::listed(app.pool(), &listed).await?;
    let print = |row| UpForRenewal::of(id, row);
    Ok(match as_csv {
        true => csv::list(rows.rows.into_iter().map(print))?,
        false => Json(Page::of(rows, print)).into_response(),
    })
}
