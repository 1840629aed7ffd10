//! Memberships of a card system: taking one up, what that comes to, and what it costs.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::{day_in_belgium, next_30_april};
use uitpas_domain::card_system::{Occasion, VoucherCode};
use uitpas_domain::counter::Task;
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId};
use uitpas_domain::passholder::registration::AskedSocialStatus;
use uitpas_domain::social_status::Proof;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::place::PostalCode;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Id, Ids, Query, Write};
use super::passholders::{CardSystemMembership, CardType, GivenOrganizer, print_membership};
use super::shapes::{Amount, GivenAddress, GivenDay};
use super::words;
use crate::actions::memberships::{self, Buyer, NewMembership};
use crate::actions::passholders;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem, REQUIRED};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(preview, take_up))
        .routes(routes!(price_for_new))
        .routes(routes!(price_for_known))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MembershipRequest {
    card_type: CardType,
    #[schema(schema_with = words::uitpas_number)]
    uitpas_number: Option<CardNumber>,
    address: Option<GivenAddress>,
    social_tariff: Option<WantedSocialTariff>,
    #[schema(schema_with = words::text::<40>)]
    voucher: Option<VoucherCode>,
    registration_organizer: GivenOrganizer,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WantedSocialTariff {
    #[schema(schema_with = words::day)]
    social_tariff_end_date: Option<GivenDay>,
    #[schema(schema_with = words::of::<Proof>)]
    /// Beyond the contract: by what the social status was shown (R-REG-05).
    proof: Option<Proof>,
}

#[utoipa::path(
    post,
    path = "/passholders/{id}/memberships/{cardSystem}",
    params(("id" = Uuid, Path), ("cardSystem" = u32, Path)),
    request_body = MembershipRequest,
    responses((status = 201), (status = 429)),
    security(("token" = ["PASSHOLDERS_WRITE"]))
)]
async fn take_up(
    State(app): State<App>,
    Ids(passholder, card_system): Ids<PassholderId, CardSystemId>,
    Write { request, body }: Write<MembershipRequest>,
) -> Answer<StatusCode> {
    let wrong = |field: &str, why: &str| Problem::BodyData(format!("/{field}"), why.to_owned());
    let card = match body.card_type {
        CardType::Digital => None,
        CardType::Nfc => Some(body.uitpas_number.ok_or_else(|| wrong("uitpasNumber", REQUIRED))?),
    };
    if body.address.is_some() && body.social_tariff.is_none() {
        return Err(wrong("address", "only a membership with social tariff moves someone"));
    }
    let social_status = body.social_tariff.map(|wanted| AskedSocialStatus {
        until: wanted.social_tariff_end_date.map(NaiveDate::from),
        proof: wanted.proof,
    });
    let new = NewMembership {
        counter: body.registration_organizer.id,
        card_system,
        card,
        social_status,
        address: body.address.map(|given| given.checked()).transpose()?,
        voucher: body.voucher,
    };
    // Vouchers are worth money.
    if new.voucher.is_some() {
        app.guesses.count(&request.caller)?;
    }
    memberships::take_up(&app, &request, passholder, &new).await?;
    Ok(StatusCode::CREATED)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedPreview {
    social_tariff: bool,
    #[param(value_type = String)]
    organizer_id: CounterId,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MembershipPreview {
    #[serde(rename = "type")]
    kind: &'static str,
    address_change_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    social_tariff_end_date: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_membership: Option<CardSystemMembership>,
}

#[utoipa::path(
    get,
    path = "/passholders/{id}/memberships/{cardSystem}",
    params(("id" = Uuid, Path), ("cardSystem" = u32, Path), AskedPreview),
    responses((status = 200, body = MembershipPreview)),
    security(("token" = ["PASSHOLDERS_WRITE"]))
)]
async fn preview(
    State(app): State<App>,
    caller: Caller,
    Ids(passholder, card_system): Ids<PassholderId, CardSystemId>,
    Query(asked): Query<AskedPreview>,
) -> Answer<Json<MembershipPreview>> {
    let by = (&asked.organizer_id, passholder);
    let preview = memberships::preview(&app, &caller, by, card_system, asked.social_tariff).await?;
    let Some(preview) = preview else {
        return Ok(Json(MembershipPreview {
            kind: "NOT_POSSIBLE",
            address_change_required: false,
            social_tariff_end_date: None,
            replaced_membership: None,
        }));
    };
    let today = day_in_belgium(app.now());
    let known = passholders::read_own(&app, passholder).await?;
    Ok(Json(MembershipPreview {
        kind: match preview.occasion {
            Occasion::Upgrade => "NEW_MEMBERSHIP",
            Occasion::Replacement => "REPLACE_MEMBERSHIP",
        },
        address_change_required: preview.must_move,
        social_tariff_end_date: asked.social_tariff.then(|| next_30_april(today)),
        replaced_membership: preview.replaced.and_then(|id| print_membership(&known, id, today)),
    }))
}

/// What the contract asks of a price for someone new.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedNewPrice {
    /// `0000` is abroad.
    postal_code: String,
    #[param(schema_with = words::day)]
    date_of_birth: GivenDay,
    #[serde(default)]
    social_tariff: bool,
    #[param(schema_with = words::text::<40>)]
    voucher: Option<VoucherCode>,
    #[expect(dead_code, reason = "the contract requires it; it makes no difference")]
    #[param(inline)]
    card_type: CardType,
}

/// The same for a passholder.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedPrice {
    #[serde(default)]
    social_tariff: bool,
    #[param(schema_with = words::text::<40>)]
    voucher: Option<VoucherCode>,
    #[expect(dead_code, reason = "the contract requires it; it makes no difference")]
    #[param(inline)]
    card_type: CardType,
}

#[derive(Serialize, ToSchema)]
struct MembershipPrice {
    price: Amount,
    label: &'static str,
    description: String,
}

/// How the contract writes the postal code of someone abroad.
const ABROAD: &str = "0000";

#[utoipa::path(
    get,
    path = "/passholders/membership-prices/{cardSystem}",
    params(("cardSystem" = u32, Path), AskedNewPrice),
    responses((status = 200, body = MembershipPrice), (status = 429)),
    security(("token" = ["MEMBERSHIP_PRICES_READ"]))
)]
async fn price_for_new(
    State(app): State<App>,
    caller: Caller,
    Id(card_system): Id<CardSystemId>,
    Query(asked): Query<AskedNewPrice>,
) -> Answer<Json<MembershipPrice>> {
    if asked.postal_code != ABROAD {
        asked.postal_code.parse::<PostalCode>().map_err(|_| Problem::InvalidPostalCode)?;
    }
    let buyer = Buyer::New { birth_date: asked.date_of_birth.0 };
    price(&app, &caller, buyer, card_system, (asked.social_tariff, asked.voucher)).await
}

#[utoipa::path(
    get,
    path = "/passholders/{id}/membership-prices/{cardSystem}",
    params(("id" = Uuid, Path), ("cardSystem" = u32, Path), AskedPrice),
    responses((status = 200, body = MembershipPrice), (status = 429)),
    security(("token" = ["MEMBERSHIP_PRICES_READ"]))
)]
async fn price_for_known(
    State(app): State<App>,
    caller: Caller,
    Ids(passholder, card_system): Ids<PassholderId, CardSystemId>,
    Query(asked): Query<AskedPrice>,
) -> Answer<Json<MembershipPrice>> {
    let buyer = Buyer::Known(passholder);
    price(&app, &caller, buyer, card_system, (asked.social_tariff, asked.voucher)).await
}

async fn price(
    app: &App,
    caller: &Caller,
    buyer: Buyer,
    card_system: CardSystemId,
    (with_social_status, voucher): (bool, Option<VoucherCode>),
) -> Answer<Json<MembershipPrice>> {
    app.demand_task(caller, Task::Register).await?;
    // Vouchers are worth money.
    if voucher.is_some() {
        app.guesses.count(caller)?;
    }
    let voucher = voucher.as_ref();
    let price = memberships::price(app, buyer, card_system, with_social_status, voucher).await?;
    let label = match with_social_status {
        true => "UiTPAS met kansenstatuut",
        false => "UiTPAS",
    };
    let description = match price.is_free() {
        true => format!("{label}: gratis"),
        false => format!("{label}: € {}", price.to_string().replace('.', ",")),
    };
    Ok(Json(MembershipPrice { price: price.into(), label, description }))
}
