//! `GET /tariffs`: what a ticket costs for one pass.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::ActivityId;
use uitpas_domain::passholder::Refused;
use uitpas_domain::passholder::ticket_sales::SaleRefused;
use uitpas_domain::values::card_number::CardNumber;

use super::extract::Query;
use super::shapes::{Amount, EndUserMessage, GivenPrice};
use crate::actions::ticket_sales::{self, NewSale};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// The id of the social tariff in requests and answers.
pub const SOCIAL_TARIFF: &str = "SOCIALTARIFF";

pub fn router() -> Router<App> {
    Router::new().route("/tariffs", get(tariffs))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    regular_price: GivenPrice,
    event_id: ActivityId,
    uitpas_number: CardNumber,
    #[serde(default, rename = "type")]
    kind: Kind,
}

#[derive(Deserialize, Default, PartialEq)]
enum Kind {
    #[default]
    #[serde(rename = "ANY")]
    Any,
    #[serde(rename = "SOCIALTARIFF")]
    SocialTariff,
    #[serde(rename = "COUPON")]
    Coupon,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tariffs {
    available: Vec<Tariff>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_user_message: Option<EndUserMessage>,
}

#[derive(Serialize)]
struct Tariff {
    id: &'static str,
    name: &'static str,
    price: Amount,
    #[serde(rename = "type")]
    kind: &'static str,
    /// What can be bought in one request: one for a person (R-TAR-05).
    remaining: u32,
}

/// Computed by the decision of a sale, so that it never disagrees with one. Outside the region, or
/// at a limit, the answer is an empty list with words (R-TAR-04).
async fn tariffs(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Tariffs>> {
    let sale = NewSale {
        activity: asked.event_id,
        card: asked.uitpas_number,
        price: asked.regular_price.0,
        price_name: None,
    };
    let none = |end_user_message| Ok(Json(Tariffs { available: vec![], end_user_message }));
    match ticket_sales::quote(&app, &caller, &sale).await {
        Ok(_) if asked.kind == Kind::Coupon => none(None),
        Ok(quote) => {
            let tariff = Tariff {
                id: SOCIAL_TARIFF,
                name: "Kansentarief",
                price: Amount(quote.shares.passholder),
                kind: "SOCIALTARIFF",
                remaining: 1,
            };
            Ok(Json(Tariffs { available: vec![tariff], end_user_message: None }))
        }
        Err(problem) if is_answered_in_words(&problem) => {
            none(problem.end_user_message().map(|nl| EndUserMessage { nl }))
        }
        Err(problem) => Err(problem),
    }
}

fn is_answered_in_words(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::Passholder(Refused::Sale(
            SaleRefused::NoKey
                | SaleRefused::NoSocialStatus
                | SaleRefused::NoPayer
                | SaleRefused::Free
                | SaleRefused::NotAPrice(_)
                | SaleRefused::LimitReached { .. }
        ))
    )
}
