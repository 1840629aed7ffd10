//! Card systems and what their KSB admins lay down.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{post, put};
use rust_decimal::Decimal;
use serde::Deserialize;
use uitpas_domain::activity::{After, Margins};
use uitpas_domain::card_system::{Command, PriceBracket, Settings, Voucher, VoucherCode};
use uitpas_domain::distribution::{DefinedKey, DistributionKey, Region};
use uitpas_domain::ids::{CardSystemId, DistributionKeyId, SubjectId};
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::place::{Municipality, PostalCode};
use uitpas_domain::values::text::Text;

use crate::actions::{Request, card_systems};
use crate::app::App;
use crate::http::extract::{Bare, Id, Ids, Write};
use crate::http::shapes::{GivenDay, GivenPrice};
use crate::problem::{Answer, Problem};

pub fn router() -> Router<App> {
    Router::new()
        .route("/card-systems/{id}", put(create))
        .route("/card-systems/{id}/admins/{subject}", put(add_admin).delete(remove_admin))
        .route("/card-systems/{id}/distribution-keys", post(define_key))
        .route("/card-systems/{id}/default-keys", put(choose_default_keys))
        .route("/card-systems/{id}/prices", put(set_prices))
        .route("/card-systems/{id}/settings", put(change_settings))
        .route("/card-systems/{id}/vouchers", post(issue_voucher))
}

async fn carry_out(
    app: &App,
    request: &Request,
    id: CardSystemId,
    command: Command,
) -> Answer<StatusCode> {
    card_systems::carry_out(app, request, id, &command).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct New {
    name: Text<80>,
    municipalities: Vec<City>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct City {
    postal_code: PostalCode,
    name: Text<80>,
}

async fn create(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body }: Write<New>,
) -> Answer<StatusCode> {
    let municipality = |city: City| Municipality { postal_code: city.postal_code, name: city.name };
    let municipalities = body.municipalities.into_iter().map(municipality).collect();
    let at = app.now();
    carry_out(&app, &request, id, Command::Create { name: body.name, municipalities, at }).await
}

async fn add_admin(
    State(app): State<App>,
    Ids(id, admin): Ids<CardSystemId, SubjectId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    let at = app.now();
    carry_out(&app, &request, id, Command::AddKsbAdmin { admin, at }).await
}

async fn remove_admin(
    State(app): State<App>,
    Ids(id, admin): Ids<CardSystemId, SubjectId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    let at = app.now();
    carry_out(&app, &request, id, Command::RemoveKsbAdmin { admin, at }).await
}

/// Either three percentages, or a fixed amount with the ratio of the rest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewKey {
    id: DistributionKeyId,
    name: Text<80>,
    percentages: Option<[Decimal; 3]>,
    fixed: Option<Fixed>,
    #[serde(default)]
    any_region: bool,
    price_below: Option<GivenPrice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fixed {
    passholder: GivenPrice,
    #[serde(default = "Fixed::forty")]
    organizer_part: u32,
    #[serde(default = "Fixed::forty")]
    municipality_part: u32,
}

impl Fixed {
    const fn forty() -> u32 {
        40
    }
}

async fn define_key(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body }: Write<NewKey>,
) -> Answer<StatusCode> {
    let invalid = |field: &str, reason: String| Problem::BodyData(format!("/{field}"), reason);
    let key = match (body.percentages, body.fixed) {
        (Some([passholder, organizer, municipality]), None) => {
            DistributionKey::percentages(passholder, organizer, municipality)
                .map_err(|error| invalid("percentages", error.to_string()))?
        }
        (None, Some(fixed)) => DistributionKey::fixed(
            fixed.passholder.0.euro(),
            fixed.organizer_part,
            fixed.municipality_part,
        )
        .map_err(|error| invalid("fixed", error.to_string()))?,
        _ => return Err(invalid("percentages", "give either percentages or fixed".to_owned())),
    };
    let key = DefinedKey {
        id: body.id,
        name: body.name,
        key,
        region: if body.any_region { Region::Any } else { Region::Own },
        price_below: body.price_below.map(|price| -> Euro { price.0.euro() }),
    };
    let at = app.now();
    carry_out(&app, &request, id, Command::DefineKey { key, at }).await
}

async fn choose_default_keys(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body: keys }: Write<BTreeSet<DistributionKeyId>>,
) -> Answer<StatusCode> {
    let at = app.now();
    carry_out(&app, &request, id, Command::ChooseDefaultKeys { keys, at }).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bracket {
    from_age: u16,
    until_age: Option<u16>,
    regular: GivenPrice,
    with_social_status: GivenPrice,
}

async fn set_prices(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body }: Write<Vec<Bracket>>,
) -> Answer<StatusCode> {
    let bracket = |bracket: Bracket| PriceBracket {
        from_age: bracket.from_age,
        until_age: bracket.until_age,
        regular: bracket.regular.0,
        with_social_status: bracket.with_social_status.0,
    };
    let brackets = body.into_iter().map(bracket).collect();
    let at = app.now();
    carry_out(&app, &request, id, Command::SetPrices { brackets, at }).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewSettings {
    grace_days: u16,
    #[serde(default)]
    expired_closes_points: bool,
    minutes_before_without_staff: u32,
    minutes_after_without_staff: u32,
}

async fn change_settings(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body }: Write<NewSettings>,
) -> Answer<StatusCode> {
    let settings = Settings {
        grace_days: body.grace_days,
        expired_closes_points: body.expired_closes_points,
        without_staff: Margins {
            minutes_before: body.minutes_before_without_staff,
            after: After::Minutes(body.minutes_after_without_staff),
        },
    };
    let at = app.now();
    carry_out(&app, &request, id, Command::ChangeSettings { settings, at }).await
}

#[derive(Deserialize)]
struct NewVoucher {
    code: VoucherCode,
    off: GivenPrice,
    until: GivenDay,
}

async fn issue_voucher(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body }: Write<NewVoucher>,
) -> Answer<StatusCode> {
    let voucher = Voucher { off: body.off.0, until: body.until.0 };
    let at = app.now();
    carry_out(&app, &request, id, Command::IssueVoucher { code: body.code, voucher, at }).await
}
