//! The counter view: a passholder at a counter. Balance and social status, today's activities with
//! what each costs and whether the point is given, the rewards that can be taken up, the history.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};
use uitpas_domain::activity::Audience;
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::counter::Task;
use uitpas_domain::ids::{ActivityId, CounterId, PassholderId, RewardId};
use uitpas_domain::passholder::Refused;
use uitpas_domain::passholder::check_ins::CheckInRefused;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::identifier::Identifier;
use uitpas_projections::{Paging, activities, check_ins, redemptions, rewards, ticket_sales};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actions::ticket_sales::NewSale;
use crate::actions::{self, passholders};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Id, Query};
use crate::http::passholders::{Passholder, print};
use crate::http::shapes::{Amount, GivenDay, instant};
use crate::http::tariffs::Tariff;
use crate::http::words;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_activities)).routes(routes!(view))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskedDay {
    /// Absent: today (R-CTR-08).
    #[param(schema_with = words::day)]
    day: Option<GivenDay>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedActivity {
    id: String,
    title: String,
    audience: &'static str,
    prices: Vec<ListedPrice>,
}

#[derive(Serialize, ToSchema)]
struct ListedPrice {
    name: String,
    price: Amount,
}

/// What is on at a counter, activities for members included (R-CTR-08).
#[utoipa::path(
    get,
    path = "/counters/{id}/activities",
    params(("id" = String, Path), AskedDay),
    responses((status = 200, body = Vec<ListedActivity>)),
    security(("token" = ["staff"]))
)]
async fn list_activities(
    State(app): State<App>,
    caller: Caller,
    Id(counter): Id<CounterId>,
    Query(asked): Query<AskedDay>,
) -> Answer<Json<Vec<ListedActivity>>> {
    app.authority_at(&caller, &counter).await?;
    let day = asked.day.map_or_else(|| day_in_belgium(app.now()), NaiveDate::from);
    let rows = activities_on(&app, &caller, &counter, day).await?;
    let listed = |row: &activities::Activity| ListedActivity {
        id: row.id.clone(),
        title: row.title.clone(),
        audience: match row.description.0.audience {
            Audience::Everyone => "everyone",
            Audience::Members => "members",
            Audience::Education => "education",
        },
        prices: prices(row),
    };
    Ok(Json(rows.iter().map(listed).collect()))
}

async fn activities_on(
    app: &App,
    caller: &Caller,
    counter: &CounterId,
    day: NaiveDate,
) -> Answer<Vec<activities::Activity>> {
    app.caught_up(caller, activities::PROJECTION.name).await?;
    let filter = activities::Filter {
        counters: Some(vec![counter.clone()]),
        day: Some(day),
        with_members_only: true,
        ..Default::default()
    };
    Ok(activities::list(app.pool(), &filter).await?)
}

fn prices(row: &activities::Activity) -> Vec<ListedPrice> {
    let listed = row.description.0.prices.iter();
    listed
        .map(|listed| ListedPrice { name: listed.name.to_string(), price: listed.price.into() })
        .collect()
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// A card number, chip number or national number, as scanned.
    identifier: String,
    /// Absent: today.
    #[param(schema_with = words::day)]
    day: Option<GivenDay>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct View {
    passholder: Passholder,
    activities: Vec<OfferedActivity>,
    rewards: Vec<RedeemableReward>,
    history: Vec<Act>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OfferedActivity {
    id: String,
    title: String,
    point: OfferedPoint,
    prices: Vec<OfferedPrice>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OfferedPoint {
    /// Whether it can be saved now.
    allowed: bool,
    /// Whether it was saved already.
    given: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OfferedPrice {
    name: String,
    price: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    social_tariff: Option<Amount>,
    /// Why there is no social tariff.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// What it costs with a coupon (R-CPN-02).
    coupons: Vec<Tariff>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RedeemableReward {
    id: Uuid,
    title: String,
    points: i32,
}

/// Something that happened at this counter, with what can be undone of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Act {
    kind: &'static str,
    id: Uuid,
    title: String,
    at: DateTime<FixedOffset>,
    points: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid: Option<Amount>,
    undone: bool,
}

/// How many acts of each kind the history shows. Source: our choice; a screenful.
const HISTORY: Paging = Paging { start: 0, limit: 20 };

#[utoipa::path(
    get,
    path = "/counters/{id}/view",
    params(("id" = String, Path), Asked),
    responses((status = 200, body = View), (status = 429)),
    security(("token" = ["staff"]))
)]
async fn view(
    State(app): State<App>,
    caller: Caller,
    Id(counter): Id<CounterId>,
    Query(asked): Query<Asked>,
) -> Answer<Json<View>> {
    app.authority_at(&caller, &counter).await?.demand(Task::Identify)?;
    let identifier: Identifier = asked.identifier.parse()?;
    if matches!(identifier, Identifier::Insz(_)) {
        app.guesses.count(&caller)?;
    }
    let (card, id) = app.identified(&identifier).await?;
    let known = passholders::read_own(&app, id).await?;
    let day = asked.day.map_or_else(|| day_in_belgium(app.now()), NaiveDate::from);
    let mut offered = Vec::new();
    for row in activities_on(&app, &caller, &counter, day).await? {
        offered.push(offer(&app, &caller, card, &row).await?);
    }
    Ok(Json(View {
        passholder: print(&app, known)?,
        activities: offered,
        rewards: redeemable(&app, &caller, &counter, card).await?,
        history: history(&app, &caller, &counter, id).await?,
    }))
}

async fn offer(
    app: &App,
    caller: &Caller,
    card: CardNumber,
    row: &activities::Activity,
) -> Answer<OfferedActivity> {
    let activity: ActivityId = row.id.parse().map_err(|_| Problem::EventNotFound)?;
    let point = match actions::check_ins::preview(app, caller, &activity, card).await {
        Ok(()) => OfferedPoint { allowed: true, given: false, message: None },
        Err(Problem::Passholder(refused)) => OfferedPoint {
            allowed: false,
            given: matches!(refused, Refused::CheckIn(CheckInRefused::AlreadyGiven(_))),
            message: Problem::Passholder(refused).end_user_message(),
        },
        Err(problem) => return Err(problem),
    };
    let candidates = actions::coupons::candidates(app, caller, &activity).await?;
    let mut prices = Vec::new();
    for listed in &row.description.0.prices {
        let sale = NewSale {
            activity: activity.clone(),
            card,
            price: listed.price,
            price_name: Some(listed.name.clone()),
            coupon: None,
        };
        let (social_tariff, message) = match actions::ticket_sales::quote(app, caller, &sale).await
        {
            Ok(quote) => (Some(Amount(quote.shares.passholder)), None),
            Err(problem @ Problem::Passholder(_)) => (None, problem.end_user_message()),
            Err(problem) => return Err(problem),
        };
        let usable = actions::coupons::usable(app, caller, &sale, &candidates).await?;
        let coupons = usable
            .into_iter()
            .map(|(_, quote)| Tariff::of(&quote.granted, quote.shares.passholder))
            .collect();
        let (name, price) = (listed.name.to_string(), listed.price.into());
        prices.push(OfferedPrice { name, price, social_tariff, message, coupons });
    }
    Ok(OfferedActivity { id: row.id.clone(), title: row.title.clone(), point, prices })
}

/// Only what can be taken up here and now (R-RWD-06).
async fn redeemable(
    app: &App,
    caller: &Caller,
    counter: &CounterId,
    card: CardNumber,
) -> Answer<Vec<RedeemableReward>> {
    app.caught_up(caller, rewards::PROJECTION.name).await?;
    let filter = rewards::Filter {
        subset: rewards::Subset::Redeemable,
        counters: Some(vec![counter.clone()]),
        in_stock: true,
        paging: Paging { start: 0, limit: 500 },
        ..rewards::Filter::on(day_in_belgium(app.now()))
    };
    let mut redeemable = Vec::new();
    for row in rewards::list(app.pool(), &filter).await?.rows {
        let reward = RewardId(row.id);
        let new = actions::rewards::NewRedemption { reward, card, counter: Some(counter.clone()) };
        match actions::rewards::preview(app, caller, &new).await {
            Ok(()) => {
                let (id, title, points) = (row.id, row.title, row.points);
                redeemable.push(RedeemableReward { id, title, points });
            }
            Err(Problem::Passholder(_) | Problem::Reward(_)) => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(redeemable)
}

async fn history(
    app: &App,
    caller: &Caller,
    counter: &CounterId,
    passholder: PassholderId,
) -> Answer<Vec<Act>> {
    for view in
        [check_ins::PROJECTION.name, ticket_sales::PROJECTION.name, redemptions::PROJECTION.name]
    {
        app.caught_up(caller, view).await?;
    }
    let (passholder, counters) = (Some(passholder), Some(vec![counter.clone()]));
    let of_check_ins = check_ins::Filter {
        passholder,
        counters: counters.clone(),
        paging: HISTORY,
        ..Default::default()
    };
    let of_sales = ticket_sales::Filter {
        buyer: passholder.map(|id| id.0),
        counters: counters.clone(),
        paging: HISTORY,
        ..Default::default()
    };
    let of_redemptions =
        redemptions::Filter { passholder, counters, paging: HISTORY, ..Default::default() };
    let pool = app.pool();
    let mut acts = Vec::new();
    acts.extend(check_ins::list(pool, &of_check_ins).await?.rows.into_iter().map(|row| Act {
        kind: "check-in",
        id: row.id,
        title: row.title,
        at: instant(row.at),
        points: row.points,
        paid: None,
        undone: row.corrected_at.is_some(),
    }));
    acts.extend(ticket_sales::list(pool, &of_sales).await?.rows.into_iter().map(|row| Act {
        kind: "ticket-sale",
        id: row.id,
        title: row.title,
        at: instant(row.at),
        points: 0,
        paid: Some(Amount(Euro::cents(row.passholder_share))),
        undone: row.cancelled_at.is_some(),
    }));
    acts.extend(redemptions::list(pool, &of_redemptions).await?.rows.into_iter().map(|row| Act {
        kind: "redemption",
        id: row.id,
        title: row.title,
        at: instant(row.at),
        points: -row.points,
        paid: None,
        undone: row.cancelled_at.is_some(),
    }));
    acts.sort_by(|a, b| b.at.cmp(&a.at).then(b.id.cmp(&a.id)));
    Ok(acts)
}
