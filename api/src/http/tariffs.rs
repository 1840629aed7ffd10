//! `GET /tariffs`: what a ticket costs for one pass.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::ActivityId;
use uitpas_domain::passholder::Refused;
use uitpas_domain::passholder::ticket_sales::SaleRefused;
use uitpas_domain::values::card_number::CardNumber;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use super::shapes::{Amount, EndUserMessage, GivenPrice};
use super::words;
use crate::actions::ticket_sales::{self, NewSale};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// The id of the social tariff in requests and answers.
pub const SOCIAL_TARIFF: &str = "SOCIALTARIFF";

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(tariffs)).routes(routes!(static_tariffs))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[param(schema_with = words::price)]
    regular_price: GivenPrice,
    #[param(value_type = String)]
    event_id: ActivityId,
    #[param(schema_with = words::uitpas_number)]
    uitpas_number: CardNumber,
    #[serde(default, rename = "type")]
    #[param(inline)]
    kind: Kind,
}

#[derive(Deserialize, Default, PartialEq, ToSchema)]
enum Kind {
    #[default]
    #[serde(rename = "ANY")]
    Any,
    #[serde(rename = "SOCIALTARIFF")]
    SocialTariff,
    #[serde(rename = "COUPON")]
    Coupon,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Tariffs {
    available: Vec<TariffAvailability>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_user_message: Option<EndUserMessage>,
}

#[derive(Serialize, ToSchema)]
struct TariffAvailability {
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
#[utoipa::path(
    get,
    path = "/tariffs",
    params(Asked),
    responses((status = 200, body = Tariffs)),
    security(("token" = ["TARIFFS_READ"]))
)]
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
            let tariff = TariffAvailability {
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

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedStatic {
    #[param(schema_with = words::price)]
    regular_price: GivenPrice,
    #[param(value_type = String)]
    event_id: ActivityId,
}

/// What an inhabitant of the organizer's region would pay with social status, without a pass.
#[utoipa::path(
    get,
    path = "/tariffs/static",
    params(AskedStatic),
    responses((status = 200, body = Tariffs)),
    security(("token" = ["TARIFFS_READ"]))
)]
async fn static_tariffs(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<AskedStatic>,
) -> Answer<Json<Tariffs>> {
    let price = asked.regular_price.0;
    let shares = ticket_sales::quote_for_region(&app, &caller, &asked.event_id, price).await?;
    let tariff = TariffAvailability {
        id: SOCIAL_TARIFF,
        name: "Kansentarief",
        price: Amount(shares.passholder),
        kind: "SOCIALTARIFF",
        remaining: 1,
    };
    Ok(Json(Tariffs { available: vec![tariff], end_user_message: None }))
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
