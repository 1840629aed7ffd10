//! The cards of a card system: where they are, how many a counter has, and which a passholder had.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use strum::VariantNames;
use uitpas_domain::card::{Command, Stage};
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId};
use uitpas_domain::passholder::cards::{BlockKind, BlockReason};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_projections::{cards as view, passholders};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::card_systems::demand_admin;
use crate::actions::{cards, passholders as persons};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Bare, Id, Query, Write, paging};
use crate::http::shapes::{Page, instant};
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(stock))
        .routes(routes!(relocate))
        .routes(routes!(delete))
        .routes(routes!(history))
}

#[derive(Debug, Clone, Copy, Deserialize, VariantNames, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
enum CardState {
    Provisioned,
    Stock,
    SentToCounter,
    LocalStock,
    Active,
    Blocked,
    Deleted,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedCards {
    /// The counter that has them in stock.
    #[param(value_type = Option<String>)]
    organizer_id: Option<CounterId>,
    #[param(schema_with = words::of::<CardState>)]
    state: Option<CardState>,
    #[param(schema_with = words::uitpas_number)]
    uitpas_number: Option<CardNumber>,
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedCard {
    uitpas_number: String,
    state: String,
    digital: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    organizer_id: Option<String>,
}

/// Cards of a card system, by number.
#[utoipa::path(
    get,
    path = "/card-systems/{id}/cards",
    params(("id" = u32, Path), AskedCards),
    responses((status = 200, body = Page<ListedCard>)),
    security(("token" = ["ksb-admin"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CardSystemId>,
    Query(asked): Query<AskedCards>,
) -> Answer<Json<Page<ListedCard>>> {
    demand_admin(&app, &caller, id).await?;
    app.caught_up(&caller, view::PROJECTION.name).await?;
    let filter = view::Filter {
        card_system: id,
        counter: asked.organizer_id,
        state: asked.state.map(|state| state.to_string()),
        number: asked.uitpas_number,
        paging: paging(asked.start, asked.limit)?,
    };
    let page = view::list(app.pool(), &filter).await?;
    Ok(Json(Page::of(page, |row| ListedCard {
        uitpas_number: row.number,
        state: row.state,
        digital: row.digital,
        organizer_id: row.counter,
    })))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CardStock {
    /// Absent: at no counter.
    #[serde(skip_serializing_if = "Option::is_none")]
    organizer_id: Option<String>,
    #[schema(schema_with = words::of::<Stage>)]
    stage: String,
    /// Whether they are cards for social status.
    social_tariff: bool,
    cards: i64,
}

/// How many cards without holder each counter has, by stage and kind.
#[utoipa::path(
    get,
    path = "/card-systems/{id}/card-stock",
    params(("id" = u32, Path)),
    responses((status = 200, body = Vec<CardStock>)),
    security(("token" = ["ksb-admin"]))
)]
async fn stock(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CardSystemId>,
) -> Answer<Json<Vec<CardStock>>> {
    demand_admin(&app, &caller, id).await?;
    app.caught_up(&caller, view::PROJECTION.name).await?;
    let stock = view::stock(app.pool(), id, Stage::VARIANTS).await?;
    let print = |row: view::Stock| CardStock {
        organizer_id: row.counter,
        stage: row.state,
        social_tariff: row.social,
        cards: row.cards,
    };
    Ok(Json(stock.into_iter().map(print).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewPlace {
    #[schema(schema_with = words::of::<Stage>)]
    stage: Stage,
    /// The counter that gets it; absent: none.
    #[schema(value_type = Option<String>)]
    organizer_id: Option<CounterId>,
}

/// A card without holder moves on.
#[utoipa::path(
    put,
    path = "/cards/{number}/place",
    params(("number" = String, Path)),
    request_body = NewPlace,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn relocate(
    State(app): State<App>,
    Id(number): Id<CardNumber>,
    Write { request, body }: Write<NewPlace>,
) -> Answer<StatusCode> {
    let (stage, counter) = (body.stage, body.organizer_id);
    let relocate = Command::Move { stage, counter, at: app.now() };
    cards::administer(&app, &request, number, &relocate).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A card that nobody uses leaves the books.
#[utoipa::path(
    delete,
    path = "/cards/{number}",
    params(("number" = String, Path)),
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn delete(
    State(app): State<App>,
    Id(number): Id<CardNumber>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    let delete = Command::Delete { at: app.now() };
    cards::administer(&app, &request, number, &delete).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CardOfPassholder {
    uitpas_number: String,
    #[schema(value_type = u32)]
    card_system_id: CardSystemId,
    digital: bool,
    given_date: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_date: Option<DateTime<FixedOffset>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::of::<BlockKind>)]
    block_kind: Option<BlockKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::of::<BlockReason>)]
    block_reason: Option<BlockReason>,
}

/// All cards that a passholder ever had, oldest first.
#[utoipa::path(
    get,
    path = "/passholders/{id}/cards",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Vec<CardOfPassholder>)),
    security(("token" = ["registration-counter"]))
)]
async fn history(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PassholderId>,
) -> Answer<Json<Vec<CardOfPassholder>>> {
    persons::read(&app, &caller, id).await?;
    app.caught_up(&caller, passholders::PROJECTION.name).await?;
    let row = passholders::by_id(app.pool(), id).await?;
    let print = |held: passholders::HeldCard| {
        let block = held.blocked.as_ref().map(|blocked| blocked.block);
        CardOfPassholder {
            uitpas_number: held.card.to_string(),
            card_system_id: held.card_system,
            digital: held.digital,
            given_date: instant(held.since),
            blocked_date: held.blocked.map(|blocked| instant(blocked.at)),
            block_kind: block.map(|block| block.kind),
            block_reason: block.map(|block| block.reason),
        }
    };
    let held = row.map(|row| row.cards.0).unwrap_or_default();
    Ok(Json(held.into_iter().map(print).collect()))
}
