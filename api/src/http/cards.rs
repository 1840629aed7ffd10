//! `GET /cards`: what there is to know of a card, whoever has it.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use uitpas_domain::card::{Card as Known, Stage, State as CardState};
use uitpas_domain::counter::Task;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::chip_number::ChipNumber;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use super::shapes::CardSystemRef;
use super::words;
use crate::actions::{card_system_name, identify};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(card))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    /// Either this one.
    #[param(schema_with = words::uitpas_number)]
    uitpas_number: Option<CardNumber>,
    /// Or this one.
    #[param(schema_with = words::chip_number)]
    chip_number: Option<ChipNumber>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Card {
    uitpas_number: String,
    card_system: CardSystemRef,
    card_type: &'static str,
    status: &'static str,
    /// By its number (R-ID-01).
    social_tariff: bool,
}

/// Its state, so that a counter knows whether it can be given (R-CRD-01).
#[utoipa::path(
    get,
    path = "/cards",
    params(Asked),
    responses((status = 200, body = Card)),
    security(("token" = ["CARDS_READ"]))
)]
async fn card(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Card>> {
    app.demand_task(&caller, Task::Register).await?;
    let (number, chip) = match (asked.uitpas_number, asked.chip_number) {
        (Some(_), Some(_)) | (None, None) => {
            let reason = "give either uitpasNumber or chipNumber".to_owned();
            return Err(Problem::Query("chipNumber".to_owned(), reason));
        }
        asked => asked,
    };
    let card = app.store.preview(|work| async move {
        let number = match (number, chip) {
            (Some(number), _) => number,
            (None, Some(chip)) => identify::card_of_chip(&work, &chip.to_string()).await?,
            (None, None) => Err(Problem::PassNotFound)?,
        };
        let known = work.load::<Known>(&number).await?.state.clone();
        let status = status(known.state).ok_or(Problem::PassNotFound)?;
        let card_system = known.card_system.ok_or(Problem::PassNotFound)?;
        Ok(Card {
            uitpas_number: number.to_string(),
            card_system: CardSystemRef {
                id: card_system,
                name: card_system_name(&work, card_system).await?,
            },
            card_type: if known.digital { "DIGITAL" } else { "NFC_CARD" },
            status,
            social_tariff: number.is_for_social_status(),
        })
    });
    Ok(Json(card.await?))
}

/// None for a card that nobody knows.
fn status(state: CardState) -> Option<&'static str> {
    match state {
        CardState::Unknown => None,
        CardState::Waiting(Stage::LocalStock) => Some("LOCAL_STOCK"),
        CardState::Waiting(Stage::Provisioned | Stage::Stock | Stage::SentToCounter) => {
            Some("PROVISIONED")
        }
        CardState::Active(_) => Some("ACTIVE"),
        CardState::Blocked(_) => Some("BLOCKED"),
        CardState::Deleted => Some("DELETED"),
    }
}
