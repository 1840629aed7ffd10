//! `GET /tariffs`: what a ticket costs for one pass.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use uitpas_domain::group_pass;
use uitpas_domain::ids::{ActivityId, CouponId};
use uitpas_domain::offering::NotOffered;
use uitpas_domain::passholder::Refused;
use uitpas_domain::passholder::ticket_sales::{Granted, SaleRefused};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::Euro;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Query;
use super::shapes::{Amount, EndUserMessage, GivenPrice};
use super::words;
use crate::actions::coupons;
use crate::actions::ticket_sales::{self, NewSale};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

/// The id of the social tariff in requests and answers.
const SOCIAL_TARIFF: &str = "SOCIALTARIFF";
/// What the ids of coupons begin with; their number follows.
const COUPON: &str = "COUPON_";

/// A tariff by its id: the social tariff, or a coupon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TariffId {
    SocialTariff,
    Coupon(CouponId),
}

impl TariffId {
    pub fn coupon(self) -> Option<CouponId> {
        match self {
            TariffId::SocialTariff => None,
            TariffId::Coupon(id) => Some(id),
        }
    }
}

impl FromStr for TariffId {
    type Err = Problem;

    fn from_str(id: &str) -> Result<Self, Problem> {
        if id == SOCIAL_TARIFF {
            return Ok(TariffId::SocialTariff);
        }
        let number = id.strip_prefix(COUPON).and_then(|number| number.parse().ok());
        number.map(TariffId::Coupon).ok_or(Problem::UnknownTariff)
    }
}

/// A tariff as the contract prints it.
#[derive(Serialize, ToSchema)]
pub struct Tariff {
    id: String,
    name: String,
    price: Amount,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Tariff {
    pub fn social(price: Euro) -> Self {
        let (id, name) = (SOCIAL_TARIFF.to_owned(), "Kansentarief".to_owned());
        Self { id, name, price: Amount(price), kind: "SOCIALTARIFF" }
    }

    pub fn coupon(id: CouponId, name: String, price: Euro) -> Self {
        Self { id: format!("{COUPON}{id}"), name, price: Amount(price), kind: "COUPON" }
    }

    /// The tariff of a sale.
    pub fn of(granted: &Granted, price: Euro) -> Self {
        match granted {
            Granted::Key(_) => Self::social(price),
            Granted::Coupon { id, name } => Self::coupon(*id, name.to_string(), price),
        }
    }
}

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
    #[serde(flatten)]
    tariff: Tariff,
    /// What can be bought in one request: one for a person, what is left for a group (R-TAR-05).
    remaining: u32,
}

/// Computed by the decision of a sale, so that it never disagrees with one. Outside the region, or
/// at a limit, the social tariff is left out, with words (R-TAR-04); coupons follow it, by name.
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
        coupon: None,
    };
    let (mut quotes, mut refusal) = (Vec::new(), None);
    if asked.kind != Kind::Coupon {
        match ticket_sales::quote(&app, &caller, &sale).await {
            Ok(quote) => quotes.push(quote),
            Err(problem) => refusal = Some(problem),
        }
    }
    if asked.kind != Kind::SocialTariff {
        let candidates = coupons::candidates(&app, &caller, &sale.activity).await?;
        let usable = coupons::usable(&app, &caller, &sale, &candidates).await?;
        quotes.extend(usable.into_iter().map(|(_, quote)| quote));
    }
    let end_user_message = match refusal {
        None => None,
        Some(problem) if is_answered_in_words(&problem) || !quotes.is_empty() => {
            problem.end_user_message().map(|nl| EndUserMessage { nl })
        }
        Some(problem) => return Err(problem),
    };
    let available = quotes.iter().map(|quote| TariffAvailability {
        tariff: Tariff::of(&quote.granted, quote.shares.passholder),
        remaining: quote.remaining.min(ticket_sales::ITEMS_MAX as u32),
    });
    Ok(Json(Tariffs { available: available.collect(), end_user_message }))
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
    let tariff = TariffAvailability { tariff: Tariff::social(shares.passholder), remaining: 1 };
    Ok(Json(Tariffs { available: vec![tariff], end_user_message: None }))
}

fn is_answered_in_words(problem: &Problem) -> bool {
    use group_pass::Refused as OfGroup;
    match problem {
        Problem::OfGroupPass(OfGroup::NoSocialStatus | OfGroup::YearSpent { .. }) => true,
        Problem::Passholder(Refused::Sale(why)) | Problem::OfGroupPass(OfGroup::Sale(why)) => {
            matches!(
                why,
                SaleRefused::NotOffered(
                    NotOffered::Cancelled
                        | NotOffered::NoCounter
                        | NotOffered::NoPrice
                        | NotOffered::NoCardSystem
                ) | SaleRefused::NoKey
                    | SaleRefused::NoSocialStatus
                    | SaleRefused::NoPayer
                    | SaleRefused::Free
                    | SaleRefused::NotAPrice(_)
                    | SaleRefused::LimitReached { .. }
            )
        }
        _ => false,
    }
}
