//! The overviews of the back office: check-ins, granted tariffs, and what they add up to.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::{end_of_day, start_of_day};
use uitpas_domain::ids::{ActivityId, CounterId, PassholderId};
use uitpas_domain::values::euro::Euro;
use uitpas_projections::{check_ins, settlement, ticket_sales};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Id, Query, paging};
use crate::http::shapes::{Amount, GivenDay, Page, instant, sought};
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_check_ins))
        .routes(routes!(list_granted_tariffs))
        .routes(routes!(totals))
}

/// Every filter of an overview; what is absent does not restrict. Days are Brussels days.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[param(value_type = Option<Uuid>)]
    passholder_id: Option<PassholderId>,
    #[param(value_type = Option<String>)]
    event_id: Option<ActivityId>,
    #[serde(default, deserialize_with = "sought")]
    event_title: Option<String>,
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    organizer_id: Vec<CounterId>,
    #[param(schema_with = words::day)]
    from: Option<GivenDay>,
    #[param(schema_with = words::day)]
    until: Option<GivenDay>,
    /// Corrected check-ins or cancelled sales only, or without them.
    undone: Option<bool>,
    start: Option<u32>,
    limit: Option<u32>,
}

impl Asked {
    fn from(&self) -> Option<DateTime<Utc>> {
        self.from.map(|day| start_of_day(day.0))
    }

    fn until(&self) -> Option<DateTime<Utc>> {
        self.until.map(|day| end_of_day(day.0))
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedCheckIn {
    id: Uuid,
    passholder_id: Uuid,
    event_id: String,
    event_title: String,
    organizer_id: String,
    uitpas_number: String,
    points: i32,
    channel: String,
    creation_date: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected_date: Option<DateTime<FixedOffset>>,
}

#[utoipa::path(
    get,
    path = "/checkins",
    params(Asked),
    responses((status = 200, body = Page<ListedCheckIn>)),
    security(("token" = ["staff"]))
)]
async fn list_check_ins(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<ListedCheckIn>>> {
    let filter = check_ins::Filter {
        counters: Some(app.own_counters(&caller, &asked.organizer_id).await?),
        from: asked.from(),
        until: asked.until(),
        passholder: asked.passholder_id,
        activity: asked.event_id,
        title: asked.event_title,
        corrected: asked.undone,
        paging: paging(asked.start, asked.limit)?,
    };
    app.caught_up(&caller, check_ins::PROJECTION.name).await?;
    let page = check_ins::list(app.pool(), &filter).await?;
    Ok(Json(Page::of(page, |row| ListedCheckIn {
        id: row.id,
        passholder_id: row.passholder,
        event_id: row.activity,
        event_title: row.title,
        organizer_id: row.counter,
        uitpas_number: row.card,
        points: row.points,
        channel: row.channel,
        creation_date: instant(row.at),
        corrected_date: row.corrected_at.map(instant),
    })))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GrantedTariff {
    id: Uuid,
    /// Of the passholder, or of the group pass.
    passholder_id: Uuid,
    group_pass: bool,
    /// Sold with a coupon, and not at the social tariff.
    with_coupon: bool,
    event_id: String,
    event_title: String,
    organizer_id: String,
    uitpas_number: String,
    regular_price: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    regular_price_label: Option<String>,
    deviating: bool,
    passholder_share: Amount,
    organizer_share: Amount,
    municipality_share: Amount,
    distribution_key: String,
    municipality: String,
    creation_date: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_date: Option<DateTime<FixedOffset>>,
}

fn euro(cents: i64) -> Amount {
    Amount(Euro::cents(cents))
}

#[utoipa::path(
    get,
    path = "/granted-tariffs",
    params(Asked),
    responses((status = 200, body = Page<GrantedTariff>)),
    security(("token" = ["staff"]))
)]
async fn list_granted_tariffs(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<GrantedTariff>>> {
    let filter = ticket_sales::Filter {
        counters: Some(app.own_counters(&caller, &asked.organizer_id).await?),
        from: asked.from(),
        until: asked.until(),
        buyer: asked.passholder_id.map(|id| id.0),
        activity: asked.event_id,
        title: asked.event_title,
        cancelled: asked.undone,
        paging: paging(asked.start, asked.limit)?,
    };
    app.caught_up(&caller, ticket_sales::PROJECTION.name).await?;
    let page = ticket_sales::list(app.pool(), &filter).await?;
    Ok(Json(Page::of(page, |row| GrantedTariff {
        id: row.id,
        passholder_id: row.passholder,
        group_pass: row.group_pass,
        with_coupon: row.with_coupon,
        event_id: row.activity,
        event_title: row.title,
        organizer_id: row.counter,
        uitpas_number: row.card,
        regular_price: euro(row.price),
        regular_price_label: row.price_name,
        deviating: row.deviating,
        passholder_share: euro(row.passholder_share),
        organizer_share: euro(row.organizer_share),
        municipality_share: euro(row.municipality_share),
        distribution_key: row.key_name,
        municipality: format!("{} {}", row.payer_postal_code, row.payer_name),
        creation_date: instant(row.at),
        cancelled_date: row.cancelled_at.map(instant),
    })))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedTotals {
    #[param(schema_with = words::day)]
    from: GivenDay,
    #[param(schema_with = words::day)]
    until: GivenDay,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Total {
    postal_code: String,
    municipality: String,
    day: NaiveDate,
    tickets: i64,
    regular_price: Amount,
    passholder_share: Amount,
    organizer_share: Amount,
    municipality_share: Amount,
}

/// Per municipality and day.
#[utoipa::path(
    get,
    path = "/counters/{id}/totals",
    params(("id" = String, Path), AskedTotals),
    responses((status = 200, body = Vec<Total>)),
    security(("token" = ["staff"]))
)]
async fn totals(
    State(app): State<App>,
    caller: Caller,
    Id(counter): Id<CounterId>,
    Query(asked): Query<AskedTotals>,
) -> Answer<Json<Vec<Total>>> {
    app.authority_at(&caller, &counter).await?;
    let head = app.store.head().await?.position;
    app.wait_for(settlement::PROJECTION.name, head).await?;
    let (from, until) = (asked.from.0, asked.until.0);
    let lines = settlement::report_lines(app.pool(), &counter, from, until, head).await?;
    let total = |row: settlement::lines::Total| Total {
        postal_code: row.postal_code,
        municipality: row.municipality,
        day: row.day,
        tickets: row.tickets,
        regular_price: euro(row.price),
        passholder_share: euro(row.passholder_share),
        organizer_share: euro(row.organizer_share),
        municipality_share: euro(row.municipality_share),
    };
    Ok(Json(settlement::lines::totals(&lines).into_iter().map(total).collect()))
}
