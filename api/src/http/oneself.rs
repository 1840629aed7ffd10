//! Whoever is logged in, about himself: `/passholders/me`.

use std::cmp::Reverse;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::{CardSystemId, PassholderId};
use uitpas_domain::passholder::registration::{PersonalDetails, Preferences};
use uitpas_domain::values::contact::Email;
use uitpas_domain::values::place::{Address, Country, PostalCode};
use uitpas_domain::values::text::Text;
use uitpas_projections::{Paging, check_ins, counters, redemptions};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Bare, Id, Query, Whom, Write, paging};
use super::passholders::{GivenOrganizer, OptIns, Passholder, Sort, print};
use super::shapes::{GivenDay, Page, instant};
use super::words;
use crate::actions::oneself::OwnRegistration;
use crate::actions::{families, oneself, passholders};
use crate::app::App;
use crate::auth::{Caller, Oneself, OwnInsz, Someone};
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(me, register, remove))
        .routes(routes!(set_preferences))
        .routes(routes!(check_in))
        .routes(routes!(transactions))
        .routes(routes!(transactions_of))
}

/// Who he is to the ledger.
#[utoipa::path(
    get,
    path = "/passholders/me",
    responses((status = 200, body = Passholder)),
    security(("token" = ["PASSHOLDERS_SELF_READ"]))
)]
async fn me(State(app): State<App>, Oneself(id): Oneself) -> Answer<Json<Passholder>> {
    Ok(Json(print(&app, passholders::read_own(&app, id).await?)?))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PassholderSelfRegistration {
    #[schema(schema_with = words::text::<100>)]
    name: Text<100>,
    #[schema(schema_with = words::text::<100>)]
    first_name: Text<100>,
    #[schema(schema_with = words::day)]
    date_of_birth: GivenDay,
    #[schema(value_type = Option<String>)]
    email: Option<Email>,
    #[schema(value_type = String)]
    postal_code: PostalCode,
    #[schema(schema_with = words::text::<80>)]
    city: Text<80>,
    card_system: GivenCardSystem,
    registration_organizer: GivenOrganizer,
}

#[derive(Deserialize, ToSchema)]
struct GivenCardSystem {
    #[schema(value_type = u32)]
    id: CardSystemId,
}

/// He registers himself, with the national number in his token, and gets a digital card (R-REG-08).
#[utoipa::path(
    post,
    path = "/passholders/me",
    request_body = PassholderSelfRegistration,
    responses((status = 200, body = Passholder))
)]
async fn register(
    State(app): State<App>,
    OwnInsz(insz): OwnInsz,
    Write { request, body }: Write<PassholderSelfRegistration>,
) -> Answer<Json<Passholder>> {
    let postal_code: String = body.postal_code.into();
    let postal_code = postal_code.parse().expect("a postal code is a short text");
    let address = Address::new(None, postal_code, body.city, Country::BELGIUM);
    let address =
        address.map_err(|error| Problem::BodyData("/postalCode".to_owned(), error.to_string()))?;
    let details = PersonalDetails {
        name: body.name,
        first_name: body.first_name,
        birth_date: body.date_of_birth.0,
        insz: Some(insz),
        gender: None,
        address,
        email: body.email,
        phone: None,
        nationality: None,
    };
    let (counter, card_system) = (body.registration_organizer.id, body.card_system.id);
    let new = OwnRegistration { counter, card_system, details };
    let id = oneself::register(&app, &request, &new).await?;
    Ok(Json(print(&app, passholders::read_own(&app, id).await?)?))
}

/// Beyond the contract: he leaves, and what is known of him becomes unreadable (R-PRV-01).
#[utoipa::path(
    delete,
    path = "/passholders/me",
    responses((status = 204)),
    security(("token" = ["PASSHOLDERS_SELF_READ"]))
)]
async fn remove(
    State(app): State<App>,
    Oneself(id): Oneself,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    oneself::remove(&app, &request, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Beyond the contract: which messages he agrees to, at any time (R-PRV-03).
#[utoipa::path(
    put,
    path = "/passholders/me/preferences",
    request_body = OptIns,
    responses((status = 204)),
    security(("token" = ["PASSHOLDERS_SELF_READ"]))
)]
async fn set_preferences(
    State(app): State<App>,
    Oneself(id): Oneself,
    Write { request, body }: Write<OptIns>,
) -> Answer<StatusCode> {
    oneself::set_preferences(&app, &request, id, Preferences::from(body)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OwnCheckIn {
    /// As it stands in the QR code.
    #[schema(schema_with = words::text::<200>)]
    checkin_code: Text<200>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SavedPoints {
    added_points: u32,
    total_points: i64,
}

/// With the QR code of an activity, while it is on (R-CHK-10): for himself, or for somebody of his
/// family (R-FAM-01).
#[utoipa::path(
    post,
    path = "/passholders/{id}/checkins",
    params(("id" = String, Path, description = "An id, or `me`.")),
    request_body = OwnCheckIn,
    responses((status = 201, body = SavedPoints), (status = 429)),
    security(("token" = ["PASSHOLDERS_SELF_CHECKIN"]))
)]
async fn check_in(
    State(app): State<App>,
    someone: Someone,
    Id(whom): Id<Whom>,
    Write { request, body }: Write<OwnCheckIn>,
) -> Answer<(StatusCode, Json<SavedPoints>)> {
    let id = whom.of(&someone)?;
    let oneself = someone.oneself.ok_or_else(|| {
        Problem::Forbidden("only a passholder, for himself and his family".to_owned())
    })?;
    app.guesses.count(&request.caller)?;
    let code = body.checkin_code.as_str();
    let saved = oneself::check_in(&app, &request, oneself, id, code).await?;
    let saved = SavedPoints { added_points: saved.added, total_points: saved.balance };
    Ok((StatusCode::CREATED, Json(saved)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedTransactions {
    #[serde(rename = "sort[creationDate]", default = "newest_first")]
    #[param(inline)]
    sort: Sort,
    start: Option<u32>,
    limit: Option<u32>,
}

fn newest_first() -> Sort {
    Sort::Desc
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    title: String,
    location: String,
    creation_date: DateTime<FixedOffset>,
    /// Earned, or where negative spent or taken back.
    points: i64,
    /// Beyond the contract: the points after it.
    balance: i64,
}

/// Points that were saved and spent, corrections and cancellations among them.
#[utoipa::path(
    get,
    path = "/passholders/me/transactions",
    params(AskedTransactions),
    responses((status = 200, body = Page<Transaction>)),
    security(("token" = ["PASSHOLDERS_TRANSACTION_HISTORY"]))
)]
async fn transactions(
    State(app): State<App>,
    caller: Caller,
    Oneself(id): Oneself,
    Query(asked): Query<AskedTransactions>,
) -> Answer<Json<Page<Transaction>>> {
    let paging = paging(asked.start, asked.limit)?;
    for view in [check_ins::PROJECTION.name, redemptions::PROJECTION.name] {
        app.caught_up(&caller, view).await?;
    }
    Ok(Json(ledger(&app, id, asked.sort, paging).await?))
}

/// The same by id: of oneself and whoever is of the family, or for staff who may see this passholder.
#[utoipa::path(
    get,
    path = "/passholders/{id}/transactions",
    params(("id" = Uuid, Path), AskedTransactions),
    responses((status = 200, body = Page<Transaction>)),
    security(("token" = ["PASSHOLDERS_TRANSACTION_HISTORY"]))
)]
async fn transactions_of(
    State(app): State<App>,
    someone: Someone,
    Id(id): Id<PassholderId>,
    Query(asked): Query<AskedTransactions>,
) -> Answer<Json<Page<Transaction>>> {
    let paging = paging(asked.start, asked.limit)?;
    match someone.oneself {
        Some(oneself) => families::demand_is_of(&app, oneself, id).await?,
        None => passholders::read(&app, &someone.caller, id).await.map(drop)?,
    }
    for view in [check_ins::PROJECTION.name, redemptions::PROJECTION.name] {
        app.caught_up(&someone.caller, view).await?;
    }
    Ok(Json(ledger(&app, id, asked.sort, paging).await?))
}

/// A line before it is printed: when, of what, at which counter, how many points.
type Line = (DateTime<Utc>, String, String, i64);

/// Points saved and spent, and whatever was taken back as a line of its own, each with the balance
/// after it: the last one is the passholder's.
async fn ledger(
    app: &App,
    passholder: PassholderId,
    sort: Sort,
    paging: Paging,
) -> Answer<Page<Transaction>> {
    let pool = app.pool();
    // One person has some hundreds in a lifetime.
    let all = Paging { start: 0, limit: i64::MAX };
    let saved =
        check_ins::Filter { passholder: Some(passholder), paging: all, ..Default::default() };
    let spent =
        redemptions::Filter { passholder: Some(passholder), paging: all, ..Default::default() };
    let mut lines: Vec<Line> = Vec::new();
    for row in check_ins::list(pool, &saved).await?.rows {
        let points = i64::from(row.points);
        if let Some(at) = row.corrected_at {
            lines.push((at, format!("Correctie: {}", row.title), row.counter.clone(), -points));
        }
        lines.push((row.at, row.title, row.counter, points));
    }
    for row in redemptions::list(pool, &spent).await?.rows {
        let points = i64::from(row.points);
        if let Some(at) = row.cancelled_at {
            lines.push((at, format!("Geannuleerd: {}", row.title), row.counter.clone(), points));
        }
        lines.push((row.at, row.title, row.counter, -points));
    }
    // What happened at the same instant began with what gave points.
    lines.sort_by_key(|(at, _, _, points)| (*at, Reverse(*points)));
    let mut balance = 0;
    let mut with_balance: Vec<(Line, i64)> = Vec::with_capacity(lines.len());
    for line in lines {
        balance += line.3;
        with_balance.push((line, balance));
    }
    if sort == Sort::Desc {
        with_balance.reverse();
    }
    let counters = counters::list(pool, None).await?;
    Ok(Page::cut(with_balance, paging, |((at, title, counter, points), balance)| {
        let known = counters.iter().find(|known| known.id == counter);
        let location = known.map_or(counter, |known| known.name.clone());
        Transaction { title, location, creation_date: instant(at), points, balance }
    }))
}
