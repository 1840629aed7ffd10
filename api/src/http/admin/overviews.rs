//! The overviews of the back office (R-KSB-01): passholders, activities, check-ins, granted tariffs, used
//! coupons and redeemed rewards, of one's own counters and card systems alone (R-KSB-03). Each row
//! has the ids that its correction takes (R-KSB-02). And what a counter adds up to (R-CTR-06).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::{end_of_day, start_of_day};
use uitpas_domain::counter::Task;
use uitpas_domain::ids::{ActivityId, CounterId, PassholderId, RewardId};
use uitpas_domain::reward::Kind;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::Euro;
use uitpas_projections::passholders::SortByName;
use uitpas_projections::{
    Rows, activities, check_ins, passholders, redemptions, settlement, ticket_sales,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Caller;
use crate::http::csv::{self, Cell, Columns, Format};
use crate::http::extract::{Id, Query, paging};
use crate::http::shapes::{Amount, GivenDay, Page, instant, sought};
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_passholders))
        .routes(routes!(list_activities))
        .routes(routes!(list_check_ins))
        .routes(routes!(list_granted_tariffs))
        .routes(routes!(list_used_coupons))
        .routes(routes!(list_redeemed_rewards))
        .routes(routes!(statistics))
        .routes(routes!(totals))
}

/// Filters that most overviews share; what is absent does not restrict. Days are Brussels days.
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
    #[serde(default)]
    #[param(schema_with = words::of::<Sort>)]
    sort: Sort,
    #[serde(default)]
    #[param(schema_with = words::of::<Format>)]
    format: Format,
    start: Option<u32>,
    limit: Option<u32>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::VariantNames)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
enum Sort {
    #[default]
    NewestFirst,
    OldestFirst,
}

impl Asked {
    fn from(&self) -> Option<DateTime<Utc>> {
        self.from.map(|day| start_of_day(day.0))
    }

    fn until(&self) -> Option<DateTime<Utc>> {
        self.until.map(|day| end_of_day(day.0))
    }
}

/// An overview in the form that was asked for.
async fn answer<R, P>(
    format: Format,
    name: &'static str,
    rows: impl FnOnce() -> Rows<R>,
    page: impl Future<Output = sqlx::Result<uitpas_projections::Page<R>>>,
    print: fn(R) -> P,
) -> Answer<Response>
where
    R: Send + 'static,
    P: Columns + Serialize + 'static,
{
    match format {
        Format::Csv => Ok(csv::download(name, rows(), print)),
        Format::Json => Ok(Json(Page::of(page.await?, print)).into_response()),
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedPassholders {
    #[serde(default, deserialize_with = "sought")]
    name: Option<String>,
    #[serde(default, deserialize_with = "sought")]
    first_name: Option<String>,
    /// The residence; `*` stands for any text.
    #[serde(default, deserialize_with = "sought")]
    city: Option<String>,
    #[serde(default, deserialize_with = "sought")]
    postal_code: Option<String>,
    /// Any card, also a blocked one.
    #[param(schema_with = words::uitpas_number)]
    uitpas_number: Option<CardNumber>,
    /// The counter that sold the card.
    #[param(value_type = Option<String>)]
    organizer_id: Option<CounterId>,
    /// By name, backwards.
    #[serde(default)]
    descending: bool,
    #[serde(default)]
    #[param(schema_with = words::of::<Format>)]
    format: Format,
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedPassholder {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    uitpas_number: Option<String>,
    name: Option<String>,
    first_name: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    organizer_id: String,
    registration_date: DateTime<FixedOffset>,
}

impl Columns for ListedPassholder {
    const NAMES: &'static [&'static str] = &[
        "id",
        "uitpasNumber",
        "name",
        "firstName",
        "postalCode",
        "city",
        "organizerId",
        "registrationDate",
    ];

    fn cells(&self) -> Vec<Cell> {
        let text = |text: &Option<String>| text.as_ref().map_or(Cell::Empty, Cell::text);
        vec![
            Cell::plain(self.id),
            Cell::or_empty(self.uitpas_number.as_ref()),
            text(&self.name),
            text(&self.first_name),
            text(&self.postal_code),
            text(&self.city),
            Cell::text(&self.organizer_id),
            Cell::plain(self.registration_date.to_rfc3339()),
        ]
    }
}

/// The passholders of one's card systems. They are edited, blocked and given a new card by their id.
#[utoipa::path(
    get,
    path = "/passholders",
    params(AskedPassholders),
    responses((
        status = 200,
        content((Page<ListedPassholder> = "application/json"), (String = "text/csv"))
    )),
    security(("token" = ["ksb-admin"]))
)]
async fn list_passholders(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<AskedPassholders>,
) -> Answer<Response> {
    let systems = app.card_systems_with(&caller, Task::Search, None).await?;
    let search = passholders::Search {
        card_systems: Some(systems),
        name: asked.name,
        first_name: asked.first_name,
        city: asked.city,
        postal_code: asked.postal_code,
        card: asked.uitpas_number,
        counter: asked.organizer_id,
        sort: match asked.descending {
            true => SortByName::Descending,
            false => SortByName::Ascending,
        },
        paging: paging(asked.start, asked.limit)?,
        ..passholders::Search::default()
    };
    app.caught_up(&caller, passholders::PROJECTION.name).await?;
    let (rows, page) =
        (|| passholders::stream(app.pool(), &search), passholders::search(app.pool(), &search));
    answer(asked.format, "pashouders", rows, page, |row| ListedPassholder {
        id: row.id,
        uitpas_number: row.current_card,
        name: row.name,
        first_name: row.first_name,
        postal_code: row.postal_code,
        city: row.city,
        organizer_id: row.counter,
        registration_date: instant(row.registered_at),
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedActivities {
    /// The CDBID.
    #[param(value_type = Option<String>)]
    event_id: Option<ActivityId>,
    #[serde(default, deserialize_with = "sought")]
    event_title: Option<String>,
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    organizer_id: Vec<CounterId>,
    /// Those that may be on between these days.
    #[param(schema_with = words::day)]
    from: Option<GivenDay>,
    #[param(schema_with = words::day)]
    until: Option<GivenDay>,
    #[serde(default)]
    #[param(schema_with = words::of::<Format>)]
    format: Format,
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OverviewedActivity {
    id: String,
    title: String,
    organizer_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<NaiveDate>,
    points: u32,
    /// Cancelled or withdrawn.
    cancelled: bool,
    /// Where the QR code for checking in is.
    checkin_code: String,
}

impl Columns for OverviewedActivity {
    const NAMES: &'static [&'static str] = &[
        "id",
        "title",
        "organizerId",
        "startDate",
        "endDate",
        "points",
        "cancelled",
        "checkinCode",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::text(&self.id),
            Cell::text(&self.title),
            Cell::text(&self.organizer_id),
            Cell::or_empty(self.start_date),
            Cell::or_empty(self.end_date),
            Cell::plain(self.points),
            Cell::plain(self.cancelled),
            Cell::plain(&self.checkin_code),
        ]
    }
}

/// The activities of one's counters, by title.
#[utoipa::path(
    get,
    path = "/activities",
    params(AskedActivities),
    responses((
        status = 200,
        content((Page<OverviewedActivity> = "application/json"), (String = "text/csv"))
    )),
    security(("token" = ["staff"]))
)]
async fn list_activities(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<AskedActivities>,
) -> Answer<Response> {
    let overview = activities::Overview {
        counters: Some(app.own_counters(&caller, &asked.organizer_id).await?),
        id: asked.event_id,
        title: asked.event_title,
        from: asked.from.map(NaiveDate::from),
        until: asked.until.map(NaiveDate::from),
        paging: paging(asked.start, asked.limit)?,
    };
    app.caught_up(&caller, activities::PROJECTION.name).await?;
    let (rows, page) =
        (|| activities::stream(app.pool(), &overview), activities::overview(app.pool(), &overview));
    answer(asked.format, "activiteiten", rows, page, |row| OverviewedActivity {
        checkin_code: format!("/v4/events/{}/checkin-code", row.id),
        id: row.id,
        title: row.title,
        organizer_id: row.organizer,
        start_date: row.first_day,
        end_date: row.last_day,
        points: row.settings.0.check_in_points,
        cancelled: row.withdrawn || !row.available,
    })
    .await
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

impl Columns for ListedCheckIn {
    const NAMES: &'static [&'static str] = &[
        "id",
        "passholderId",
        "eventId",
        "eventTitle",
        "organizerId",
        "uitpasNumber",
        "points",
        "channel",
        "creationDate",
        "correctedDate",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::plain(self.id),
            Cell::plain(self.passholder_id),
            Cell::text(&self.event_id),
            Cell::text(&self.event_title),
            Cell::text(&self.organizer_id),
            Cell::plain(&self.uitpas_number),
            Cell::plain(self.points),
            Cell::plain(&self.channel),
            Cell::plain(self.creation_date.to_rfc3339()),
            Cell::or_empty(self.corrected_date.map(|at| at.to_rfc3339())),
        ]
    }
}

/// A check-in is corrected by its id.
#[utoipa::path(
    get,
    path = "/checkins",
    params(Asked),
    responses((
        status = 200,
        content((Page<ListedCheckIn> = "application/json"), (String = "text/csv"))
    )),
    security(("token" = ["staff"]))
)]
async fn list_check_ins(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let filter = check_ins::Filter {
        counters: Some(app.own_counters(&caller, &asked.organizer_id).await?),
        from: asked.from(),
        until: asked.until(),
        passholder: asked.passholder_id,
        activity: asked.event_id,
        title: asked.event_title,
        corrected: asked.undone,
        oldest_first: asked.sort == Sort::OldestFirst,
        paging: paging(asked.start, asked.limit)?,
    };
    app.caught_up(&caller, check_ins::PROJECTION.name).await?;
    let (rows, page) =
        (|| check_ins::stream(app.pool(), &filter), check_ins::list(app.pool(), &filter));
    answer(asked.format, "check-ins", rows, page, |row| ListedCheckIn {
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
    })
    .await
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
    /// Or the coupon.
    distribution_key: String,
    municipality: String,
    creation_date: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_date: Option<DateTime<FixedOffset>>,
}

impl Columns for GrantedTariff {
    const NAMES: &'static [&'static str] = &[
        "id",
        "passholderId",
        "eventId",
        "eventTitle",
        "organizerId",
        "uitpasNumber",
        "regularPrice",
        "regularPriceLabel",
        "deviating",
        "passholderShare",
        "organizerShare",
        "municipalityShare",
        "distributionKey",
        "withCoupon",
        "municipality",
        "creationDate",
        "cancelledDate",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::plain(self.id),
            Cell::plain(self.passholder_id),
            Cell::text(&self.event_id),
            Cell::text(&self.event_title),
            Cell::text(&self.organizer_id),
            Cell::plain(&self.uitpas_number),
            Cell::plain(self.regular_price.0),
            self.regular_price_label.as_ref().map_or(Cell::Empty, Cell::text),
            Cell::plain(self.deviating),
            Cell::plain(self.passholder_share.0),
            Cell::plain(self.organizer_share.0),
            Cell::plain(self.municipality_share.0),
            Cell::text(&self.distribution_key),
            Cell::plain(self.with_coupon),
            Cell::text(&self.municipality),
            Cell::plain(self.creation_date.to_rfc3339()),
            Cell::or_empty(self.cancelled_date.map(|at| at.to_rfc3339())),
        ]
    }
}

fn euro(cents: i64) -> Amount {
    Amount(Euro::cents(cents))
}

/// Tickets at the social tariff and with a coupon. A sale is cancelled by its id.
#[utoipa::path(
    get,
    path = "/granted-tariffs",
    params(Asked),
    responses((
        status = 200,
        content((Page<GrantedTariff> = "application/json"), (String = "text/csv"))
    )),
    security(("token" = ["staff"]))
)]
async fn list_granted_tariffs(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    sales(&app, &caller, asked, "kansentarieven", None).await
}

/// Tickets with a coupon alone.
#[utoipa::path(
    get,
    path = "/used-coupons",
    params(Asked),
    responses((
        status = 200,
        content((Page<GrantedTariff> = "application/json"), (String = "text/csv"))
    )),
    security(("token" = ["staff"]))
)]
async fn list_used_coupons(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    sales(&app, &caller, asked, "kortingsbonnen", Some(true)).await
}

async fn sales(
    app: &App,
    caller: &Caller,
    asked: Asked,
    name: &'static str,
    with_coupon: Option<bool>,
) -> Answer<Response> {
    let filter = ticket_sales::Filter {
        counters: Some(app.own_counters(caller, &asked.organizer_id).await?),
        from: asked.from(),
        until: asked.until(),
        buyer: asked.passholder_id.map(|id| id.0),
        activity: asked.event_id,
        title: asked.event_title,
        cancelled: asked.undone,
        with_coupon,
        oldest_first: asked.sort == Sort::OldestFirst,
        paging: paging(asked.start, asked.limit)?,
    };
    app.caught_up(caller, ticket_sales::PROJECTION.name).await?;
    let (rows, page) =
        (|| ticket_sales::stream(app.pool(), &filter), ticket_sales::list(app.pool(), &filter));
    answer(asked.format, name, rows, page, |row| GrantedTariff {
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
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedRedemptions {
    #[param(value_type = Option<Uuid>)]
    passholder_id: Option<PassholderId>,
    #[param(value_type = Option<Uuid>)]
    reward_id: Option<RewardId>,
    /// Welcome rewards and points rewards apart.
    #[param(schema_with = words::of::<Kind>)]
    kind: Option<Kind>,
    #[serde(default, deserialize_with = "sought")]
    title: Option<String>,
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    organizer_id: Vec<CounterId>,
    #[param(schema_with = words::day)]
    from: Option<GivenDay>,
    #[param(schema_with = words::day)]
    until: Option<GivenDay>,
    /// Cancelled ones only, or without them.
    undone: Option<bool>,
    #[serde(default)]
    #[param(schema_with = words::of::<Sort>)]
    sort: Sort,
    #[serde(default)]
    #[param(schema_with = words::of::<Format>)]
    format: Format,
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TakenUpReward {
    id: Uuid,
    passholder_id: Uuid,
    reward_id: Uuid,
    title: String,
    kind: String,
    points: i32,
    organizer_id: String,
    uitpas_number: String,
    creation_date: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_date: Option<DateTime<FixedOffset>>,
}

impl Columns for TakenUpReward {
    const NAMES: &'static [&'static str] = &[
        "id",
        "passholderId",
        "rewardId",
        "title",
        "kind",
        "points",
        "organizerId",
        "uitpasNumber",
        "creationDate",
        "cancelledDate",
    ];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::plain(self.id),
            Cell::plain(self.passholder_id),
            Cell::plain(self.reward_id),
            Cell::text(&self.title),
            Cell::plain(&self.kind),
            Cell::plain(self.points),
            Cell::text(&self.organizer_id),
            Cell::plain(&self.uitpas_number),
            Cell::plain(self.creation_date.to_rfc3339()),
            Cell::or_empty(self.cancelled_date.map(|at| at.to_rfc3339())),
        ]
    }
}

/// A redeemed reward is cancelled by its id.
#[utoipa::path(
    get,
    path = "/redeemed-rewards",
    params(AskedRedemptions),
    responses((
        status = 200,
        content((Page<TakenUpReward> = "application/json"), (String = "text/csv"))
    )),
    security(("token" = ["staff"]))
)]
async fn list_redeemed_rewards(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<AskedRedemptions>,
) -> Answer<Response> {
    let filter = redemptions::Filter {
        counters: Some(app.own_counters(&caller, &asked.organizer_id).await?),
        passholder: asked.passholder_id,
        reward: asked.reward_id,
        kind: asked.kind,
        title: asked.title,
        from: asked.from.map(|day| start_of_day(day.0)),
        until: asked.until.map(|day| end_of_day(day.0)),
        cancelled: asked.undone,
        oldest_first: asked.sort == Sort::OldestFirst,
        paging: paging(asked.start, asked.limit)?,
    };
    app.caught_up(&caller, redemptions::PROJECTION.name).await?;
    let (rows, page) =
        (|| redemptions::stream(app.pool(), &filter), redemptions::list(app.pool(), &filter));
    answer(asked.format, "voordelen", rows, page, |row| TakenUpReward {
        id: row.id,
        passholder_id: row.passholder,
        reward_id: row.reward,
        title: row.title,
        kind: row.kind,
        points: row.points,
        organizer_id: row.counter,
        uitpas_number: row.card,
        creation_date: instant(row.at),
        cancelled_date: row.cancelled_at.map(instant),
    })
    .await
}

/// What a counter did over a period, less what was corrected or cancelled since.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    points_saved: i64,
    points_rewards_redeemed: i64,
    welcome_rewards_redeemed: i64,
    tickets_at_social_tariff: i64,
    tickets_with_coupon: i64,
    /// People who were registered.
    cards_sold: i64,
}

#[utoipa::path(
    get,
    path = "/counters/{id}/statistics",
    params(("id" = String, Path), AskedTotals),
    responses((status = 200, body = Statistics)),
    security(("token" = ["staff"]))
)]
async fn statistics(
    State(app): State<App>,
    caller: Caller,
    Id(counter): Id<CounterId>,
    Query(asked): Query<AskedTotals>,
) -> Answer<Json<Statistics>> {
    app.authority_at(&caller, &counter).await?;
    let head = app.store.head().await?.position;
    for view in [
        check_ins::PROJECTION.name,
        redemptions::PROJECTION.name,
        ticket_sales::PROJECTION.name,
        passholders::PROJECTION.name,
    ] {
        app.wait_for(view, head).await?;
    }
    let (from, until) = (start_of_day(asked.from.0), end_of_day(asked.until.0));
    let pool = app.pool();
    let (points, welcome) = redemptions::taken_up(pool, &counter, from, until).await?;
    let (at_social_tariff, with_coupon) =
        ticket_sales::granted(pool, &counter, from, until).await?;
    Ok(Json(Statistics {
        points_saved: check_ins::points_saved(pool, &counter, from, until).await?,
        points_rewards_redeemed: points,
        welcome_rewards_redeemed: welcome,
        tickets_at_social_tariff: at_social_tariff,
        tickets_with_coupon: with_coupon,
        cards_sold: passholders::cards_sold(pool, &counter, from, until).await?,
    }))
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
