//! Card systems and what their KSB admins lay down.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uitpas_domain::activity::{After, Margins};
use uitpas_domain::card_system::{
    AdministrativePrices, Command, PriceBracket, Settings, Voucher, VoucherCode,
};
use uitpas_domain::distribution::{DefinedKey, DistributionKey, Region};
use uitpas_domain::ids::{CardSystemId, DistributionKeyId, SubjectId};
use uitpas_domain::values::contact::Email;
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::place::{Municipality, PostalCode};
use uitpas_domain::values::text::Text;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::renewal::BrokenLine;
use crate::actions::{Request, card_systems, version_of};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Bare, CsvUpload, Id, Ids, IfMatch, Write, etag};
use crate::http::shapes::{GivenDay, GivenPrice};
use crate::http::words;
use crate::import::vouchers;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(add_admin, remove_admin))
        .routes(routes!(add_auditor, remove_auditor))
        .routes(routes!(set_contact))
        .routes(routes!(define_key))
        .routes(routes!(choose_default_keys))
        .routes(routes!(set_prices))
        .routes(routes!(set_administrative_prices))
        .routes(routes!(settings, change_settings))
        .routes(routes!(issue_voucher))
        .routes(routes!(issue_vouchers))
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

#[derive(Deserialize, ToSchema)]
struct NewCardSystem {
    #[schema(schema_with = words::text::<80>)]
    name: Text<80>,
    municipalities: Vec<City>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct City {
    #[schema(value_type = String)]
    postal_code: PostalCode,
    #[schema(schema_with = words::text::<80>)]
    name: Text<80>,
}

#[utoipa::path(
    put,
    path = "/card-systems/{id}",
    params(("id" = u32, Path)),
    request_body = NewCardSystem,
    responses((status = 204)),
    security(("token" = ["system-owner"]))
)]
async fn create(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body }: Write<NewCardSystem>,
) -> Answer<StatusCode> {
    let municipality = |city: City| Municipality { postal_code: city.postal_code, name: city.name };
    let municipalities = body.municipalities.into_iter().map(municipality).collect();
    let at = app.now();
    carry_out(&app, &request, id, Command::Create { name: body.name, municipalities, at }).await
}

#[utoipa::path(
    put,
    path = "/card-systems/{id}/admins/{subject}",
    params(("id" = u32, Path), ("subject" = String, Path)),
    responses((status = 204)),
    security(("token" = ["system-owner"]))
)]
async fn add_admin(
    State(app): State<App>,
    Ids(id, admin): Ids<CardSystemId, SubjectId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    let at = app.now();
    carry_out(&app, &request, id, Command::AddKsbAdmin { admin, at }).await
}

#[utoipa::path(
    delete,
    path = "/card-systems/{id}/admins/{subject}",
    params(("id" = u32, Path), ("subject" = String, Path)),
    responses((status = 204)),
    security(("token" = ["system-owner"]))
)]
async fn remove_admin(
    State(app): State<App>,
    Ids(id, admin): Ids<CardSystemId, SubjectId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    let at = app.now();
    carry_out(&app, &request, id, Command::RemoveKsbAdmin { admin, at }).await
}

/// Either three percentages, or a fixed amount with the ratio of the rest.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewKey {
    #[schema(value_type = u32)]
    id: DistributionKeyId,
    #[schema(schema_with = words::text::<80>)]
    name: Text<80>,
    #[schema(value_type = Option<[f64; 3]>)]
    percentages: Option<[Decimal; 3]>,
    fixed: Option<Fixed>,
    #[serde(default)]
    any_region: bool,
    #[schema(schema_with = words::optional::price)]
    price_below: Option<GivenPrice>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Fixed {
    #[schema(schema_with = words::price)]
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

#[utoipa::path(
    post,
    path = "/card-systems/{id}/distribution-keys",
    params(("id" = u32, Path)),
    request_body = NewKey,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
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

#[utoipa::path(
    put,
    path = "/card-systems/{id}/default-keys",
    params(("id" = u32, Path)),
    request_body = Vec<u32>,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn choose_default_keys(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body: keys }: Write<BTreeSet<DistributionKeyId>>,
) -> Answer<StatusCode> {
    let at = app.now();
    carry_out(&app, &request, id, Command::ChooseDefaultKeys { keys, at }).await
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Bracket {
    from_age: u16,
    until_age: Option<u16>,
    #[schema(schema_with = words::price)]
    regular: GivenPrice,
    #[schema(schema_with = words::price)]
    with_social_status: GivenPrice,
}

#[utoipa::path(
    put,
    path = "/card-systems/{id}/prices",
    params(("id" = u32, Path)),
    request_body = Vec<Bracket>,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
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

#[derive(Deserialize, ToSchema)]
struct NewAdministrativePrices {
    #[schema(schema_with = words::price)]
    replacement: GivenPrice,
    #[schema(schema_with = words::price)]
    upgrade: GivenPrice,
}

#[utoipa::path(
    put,
    path = "/card-systems/{id}/administrative-prices",
    params(("id" = u32, Path)),
    request_body = NewAdministrativePrices,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn set_administrative_prices(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body }: Write<NewAdministrativePrices>,
) -> Answer<StatusCode> {
    let prices = AdministrativePrices { replacement: body.replacement.0, upgrade: body.upgrade.0 };
    let at = app.now();
    carry_out(&app, &request, id, Command::SetAdministrativePrices { prices, at }).await
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CardSystemSettings {
    grace_days: u16,
    #[serde(default)]
    expired_closes_points: bool,
    minutes_before_without_staff: u32,
    minutes_after_without_staff: u32,
}

#[utoipa::path(
    get,
    path = "/card-systems/{id}/settings",
    params(("id" = u32, Path)),
    responses((
        status = 200,
        body = CardSystemSettings,
        headers(("ETag" = String, description = "The version, for `If-Match`."))
    )),
    security(("token" = ["ksb-admin"]))
)]
async fn settings(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CardSystemId>,
) -> Answer<([(HeaderName, String); 1], Json<CardSystemSettings>)> {
    let known = card_systems::settings(&app, &caller, id).await?;
    let After::Minutes(minutes_after_without_staff) = known.without_staff.after else {
        return Err(Problem::Internal("a margin without staff is set in minutes".into()));
    };
    let printed = CardSystemSettings {
        grace_days: known.grace_days,
        expired_closes_points: known.expired_closes_points,
        minutes_before_without_staff: known.without_staff.minutes_before,
        minutes_after_without_staff,
    };
    Ok(([etag(version_of(&known))], Json(printed)))
}

#[utoipa::path(
    put,
    path = "/card-systems/{id}/settings",
    params(
        ("id" = u32, Path),
        ("If-Match" = Option<String>, Header, description = "The version that was looked at.")
    ),
    request_body = CardSystemSettings,
    responses((status = 204), (status = 412)),
    security(("token" = ["ksb-admin"]))
)]
async fn change_settings(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    IfMatch(version): IfMatch,
    Write { request, body }: Write<CardSystemSettings>,
) -> Answer<StatusCode> {
    let settings = Settings {
        grace_days: body.grace_days,
        expired_closes_points: body.expired_closes_points,
        without_staff: Margins {
            minutes_before: body.minutes_before_without_staff,
            after: After::Minutes(body.minutes_after_without_staff),
        },
    };
    card_systems::change_settings(&app, &request, id, &settings, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
struct NewVoucher {
    #[schema(value_type = String)]
    code: VoucherCode,
    #[schema(schema_with = words::price)]
    off: GivenPrice,
    #[schema(schema_with = words::day)]
    until: GivenDay,
}

#[utoipa::path(
    post,
    path = "/card-systems/{id}/vouchers",
    params(("id" = u32, Path)),
    request_body = NewVoucher,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn issue_voucher(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body }: Write<NewVoucher>,
) -> Answer<StatusCode> {
    let voucher = Voucher { off: body.off.0, until: body.until.0 };
    let at = app.now();
    carry_out(&app, &request, id, Command::IssueVoucher { code: body.code, voucher, at }).await
}

#[derive(Serialize, ToSchema)]
struct IssuedVouchers {
    issued: usize,
    /// Codes that were issued before.
    known: usize,
    broken: Vec<BrokenLine>,
}

/// Issues the vouchers of a CSV file, `code,off,until`. A code that was issued before stays as it is.
#[utoipa::path(
    post,
    path = "/card-systems/{id}/voucher-list",
    params(("id" = u32, Path)),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = IssuedVouchers)),
    security(("token" = ["ksb-admin"]))
)]
async fn issue_vouchers(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    CsvUpload { request, text }: CsvUpload,
) -> Answer<Json<IssuedVouchers>> {
    let list = vouchers::read(text.as_slice()).map_err(Problem::csv)?;
    let issued = card_systems::issue_vouchers(&app, &request, id, &list.vouchers).await?;
    let broken = list.broken.into_iter().map(BrokenLine::from).collect();
    Ok(Json(IssuedVouchers { issued, known: list.vouchers.len().saturating_sub(issued), broken }))
}

/// Somebody who reads everything of this card system, and writes nothing.
#[utoipa::path(
    put,
    path = "/card-systems/{id}/auditors/{subject}",
    params(("id" = u32, Path), ("subject" = String, Path)),
    responses((status = 204))
)]
async fn add_auditor(
    State(app): State<App>,
    Ids(id, auditor): Ids<CardSystemId, SubjectId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    let at = app.now();
    carry_out(&app, &request, id, Command::AddAuditor { auditor, at }).await
}

#[utoipa::path(
    delete,
    path = "/card-systems/{id}/auditors/{subject}",
    params(("id" = u32, Path), ("subject" = String, Path)),
    responses((status = 204))
)]
async fn remove_auditor(
    State(app): State<App>,
    Ids(id, auditor): Ids<CardSystemId, SubjectId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    let at = app.now();
    carry_out(&app, &request, id, Command::RemoveAuditor { auditor, at }).await
}

#[derive(Deserialize, ToSchema)]
struct NewContact {
    #[schema(value_type = String)]
    email: Email,
}

/// Where the people of the region turn to: an address of the region, not of a person.
#[utoipa::path(
    put,
    path = "/card-systems/{id}/contact",
    params(("id" = u32, Path)),
    request_body = NewContact,
    responses((status = 204))
)]
async fn set_contact(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body }: Write<NewContact>,
) -> Answer<StatusCode> {
    let at = app.now();
    carry_out(&app, &request, id, Command::SetContact { email: body.email, at }).await
}
