//! Taking cards in, blocking and replacing them, and what a KSB admin does to a membership.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::card::{Stage, TakeIn};
use uitpas_domain::ids::{CardSystemId, CheckInId, CounterId, PassholderId};
use uitpas_domain::passholder::Reason;
use uitpas_domain::passholder::cards::{Block, BlockKind, BlockReason};
use uitpas_domain::passholder::registration::AskedSocialStatus;
use uitpas_domain::social_status::Proof;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::chip_number::ChipNumber;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::cards::{self, Blocking, Replacement};
use crate::actions::check_ins;
use crate::actions::social_status::{self, KsbAct};
use crate::app::App;
use crate::http::extract::{Id, Ids, Write};
use crate::http::shapes::{Amount, GivenDay};
use crate::http::words;
use crate::problem::{Answer, Problem, REQUIRED};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(take_in))
        .routes(routes!(replace))
        .routes(routes!(block))
        .routes(routes!(change_membership))
        .routes(routes!(correct_check_in))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewCard {
    #[schema(schema_with = words::uitpas_number)]
    uitpas_number: CardNumber,
    #[schema(schema_with = words::optional::chip_number)]
    chip_number: Option<ChipNumber>,
    #[schema(value_type = u32)]
    card_system_id: CardSystemId,
    #[serde(default = "NewCard::local_stock")]
    #[schema(schema_with = words::of::<Stage>)]
    stage: Stage,
    #[schema(value_type = Option<String>)]
    organizer_id: Option<CounterId>,
}

impl NewCard {
    const fn local_stock() -> Stage {
        Stage::LocalStock
    }
}

#[utoipa::path(
    post,
    path = "/cards",
    request_body = NewCard,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn take_in(
    State(app): State<App>,
    Write { request, body }: Write<NewCard>,
) -> Answer<StatusCode> {
    let card = TakeIn {
        card_system: body.card_system_id,
        chip: body.chip_number,
        stage: body.stage,
        counter: body.organizer_id,
        at: app.now(),
    };
    cards::take_in(&app, &request, body.uitpas_number, &card).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewBlock {
    #[schema(value_type = String)]
    organizer_id: CounterId,
    #[schema(schema_with = words::of::<BlockKind>)]
    kind: BlockKind,
    #[schema(schema_with = words::of::<BlockReason>)]
    reason: BlockReason,
}

#[utoipa::path(
    post,
    path = "/passholders/{id}/cards/{number}/block",
    params(("id" = Uuid, Path), ("number" = String, Path)),
    request_body = NewBlock,
    responses((status = 204)),
    security(("token" = ["registration-counter"]))
)]
async fn block(
    State(app): State<App>,
    Ids(passholder, card): Ids<PassholderId, CardNumber>,
    Write { request, body }: Write<NewBlock>,
) -> Answer<StatusCode> {
    let block = Block { kind: body.kind, reason: body.reason };
    let blocking = Blocking { counter: body.organizer_id, block };
    cards::block(&app, &request, passholder, card, &blocking).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewReplacement {
    #[schema(value_type = String)]
    organizer_id: CounterId,
    #[schema(value_type = Option<u32>)]
    card_system_id: Option<CardSystemId>,
    /// Absent: a digital card.
    #[schema(schema_with = words::optional::uitpas_number)]
    uitpas_number: Option<CardNumber>,
    social_tariff: Option<AskedSocialTariff>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AskedSocialTariff {
    #[schema(schema_with = words::optional::day)]
    social_tariff_end_date: Option<GivenDay>,
    #[schema(schema_with = words::optional::of::<Proof>)]
    proof: Option<Proof>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Replaced {
    uitpas_number: String,
    #[schema(value_type = u32)]
    card_system_id: CardSystemId,
    price: Amount,
}

#[utoipa::path(
    post,
    path = "/passholders/{id}/cards",
    params(("id" = Uuid, Path)),
    request_body = NewReplacement,
    responses((status = 201, body = Replaced)),
    security(("token" = ["registration-counter"]))
)]
async fn replace(
    State(app): State<App>,
    Id(passholder): Id<PassholderId>,
    Write { request, body }: Write<NewReplacement>,
) -> Answer<(StatusCode, Json<Replaced>)> {
    let replacement = Replacement {
        counter: body.organizer_id,
        card_system: body.card_system_id,
        card: body.uitpas_number,
        social_status: body.social_tariff.map(|asked| AskedSocialStatus {
            until: asked.social_tariff_end_date.map(NaiveDate::from),
            proof: asked.proof,
        }),
    };
    let replaced = cards::replace(&app, &request, passholder, &replacement).await?;
    let uitpas_number = replaced.card.to_string();
    let (card_system_id, price) = (replaced.card_system, replaced.price.into());
    let replaced = Replaced { uitpas_number, card_system_id, price };
    Ok((StatusCode::CREATED, Json(replaced)))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MembershipChange {
    #[schema(value_type = String)]
    organizer_id: CounterId,
    action: MembershipAction,
    #[schema(schema_with = words::optional::day)]
    until: Option<GivenDay>,
    #[schema(value_type = String)]
    reason: Reason,
}

#[derive(Deserialize, Clone, Copy, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum MembershipAction {
    Suspend,
    LiftSuspension,
    Block,
}

#[utoipa::path(
    post,
    path = "/passholders/{id}/memberships/{cardSystem}",
    params(("id" = Uuid, Path), ("cardSystem" = u32, Path)),
    request_body = MembershipChange,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn change_membership(
    State(app): State<App>,
    Ids(passholder, card_system): Ids<PassholderId, CardSystemId>,
    Write { request, body }: Write<MembershipChange>,
) -> Answer<StatusCode> {
    let act = match body.action {
        MembershipAction::Suspend => {
            let required = || Problem::BodyData("/until".to_owned(), REQUIRED.to_owned());
            KsbAct::Suspend { until: body.until.ok_or_else(required)?.0 }
        }
        MembershipAction::LiftSuspension => KsbAct::LiftSuspension,
        MembershipAction::Block => KsbAct::BlockMembership,
    };
    let act = (&act, &body.reason);
    let counter = &body.organizer_id;
    social_status::by_ksb(&app, &request, counter, passholder, card_system, act).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
struct Correction {
    #[schema(value_type = String)]
    reason: Reason,
}

#[utoipa::path(
    post,
    path = "/checkins/{id}/correction",
    params(("id" = Uuid, Path)),
    request_body = Correction,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn correct_check_in(
    State(app): State<App>,
    Id(check_in): Id<CheckInId>,
    Write { request, body }: Write<Correction>,
) -> Answer<StatusCode> {
    check_ins::correct(&app, &request, check_in, Some(body.reason)).await?;
    Ok(StatusCode::NO_CONTENT)
}
