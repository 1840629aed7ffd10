//! Taking cards in, blocking and replacing them, and what a KSB admin does to a membership.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
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

use crate::actions::cards::{self, Blocking, Replacement};
use crate::actions::check_ins;
use crate::actions::social_status::{self, KsbAct};
use crate::app::App;
use crate::http::extract::{Id, Ids, Write};
use crate::http::shapes::GivenDay;
use crate::problem::{Answer, Problem, REQUIRED};

pub fn router() -> Router<App> {
    Router::new()
        .route("/cards", post(take_in))
        .route("/passholders/{id}/cards", post(replace))
        .route("/passholders/{id}/cards/{number}/block", post(block))
        .route("/passholders/{id}/memberships/{cardSystem}", post(change_membership))
        .route("/checkins/{id}/correction", post(correct_check_in))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewCard {
    uitpas_number: CardNumber,
    chip_number: Option<ChipNumber>,
    card_system_id: CardSystemId,
    #[serde(default = "NewCard::local_stock")]
    stage: Stage,
    organizer_id: Option<CounterId>,
}

impl NewCard {
    const fn local_stock() -> Stage {
        Stage::LocalStock
    }
}

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewBlock {
    organizer_id: CounterId,
    kind: BlockKind,
    reason: BlockReason,
}

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewReplacement {
    organizer_id: CounterId,
    card_system_id: Option<CardSystemId>,
    /// Absent: a digital card.
    uitpas_number: Option<CardNumber>,
    social_tariff: Option<SocialTariff>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SocialTariff {
    social_tariff_end_date: Option<GivenDay>,
    proof: Option<Proof>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replaced {
    uitpas_number: String,
    card_system_id: CardSystemId,
}

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
    let replaced = Replaced { uitpas_number, card_system_id: replaced.card_system };
    Ok((StatusCode::CREATED, Json(replaced)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MembershipChange {
    organizer_id: CounterId,
    action: MembershipAction,
    until: Option<GivenDay>,
    reason: Reason,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum MembershipAction {
    Suspend,
    LiftSuspension,
    Block,
}

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

#[derive(Deserialize)]
struct Correction {
    reason: Reason,
}

async fn correct_check_in(
    State(app): State<App>,
    Id(check_in): Id<CheckInId>,
    Write { request, body }: Write<Correction>,
) -> Answer<StatusCode> {
    check_ins::correct(&app, &request, check_in, Some(body.reason)).await?;
    Ok(StatusCode::NO_CONTENT)
}
