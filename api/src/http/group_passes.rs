//! Group passes, as a counter looks them up: `/grouppasses`.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uitpas_domain::counter::Task;
use uitpas_domain::ids::GroupPassId;
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::chip_number::ChipNumber;
use uitpas_domain::values::place::Address;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::coupons::{AskedCoupons, GrantedCoupon, asked_for};
use super::extract::{Id, Query, paging};
use super::passholders::Sort;
use super::shapes::{CardSystemRef, Page, instant, last_instant};
use super::words;
use crate::actions::coupons;
use crate::actions::group_passes::{self, Known, Number};
use crate::app::App;
use crate::auth::{Caller, Kind};
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(list_coupons))
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
    /// A number is of one group pass at most, whichever the order.
    #[serde(rename = "sort[name]", default)]
    #[param(inline)]
    #[expect(dead_code, reason = "accepted, as the contract has it")]
    sort: Sort,
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupPass {
    #[schema(value_type = Uuid)]
    id: GroupPassId,
    uitpas_number: String,
    /// Absent for a client that merely says who it is, as is the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// `ACTIVE` or `BLOCKED`.
    card_status: &'static str,
    creation_date: DateTime<FixedOffset>,
    /// Absent without social status: then it carries coupons only.
    #[serde(skip_serializing_if = "Option::is_none")]
    social_tariff: Option<GroupSocialTariff>,
    card_system: CardSystemRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<PostalAddress>,
    /// Beyond the contract: the end of its last day, with social status or without.
    end_date: DateTime<FixedOffset>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GroupSocialTariff {
    /// `ACTIVE` or `EXPIRED`: there is no grace.
    status: &'static str,
    end_date: DateTime<FixedOffset>,
    total_tickets_per_year: u32,
    available_tickets: u32,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PostalAddress {
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    postal_code: String,
    city: String,
    country: String,
}

impl From<&Address> for PostalAddress {
    fn from(address: &Address) -> Self {
        Self {
            street: address.street.as_ref().map(ToString::to_string),
            postal_code: address.postal_code.to_string(),
            city: address.city.to_string(),
            country: address.country.to_string(),
        }
    }
}

impl From<Known> for GroupPass {
    fn from(known: Known) -> Self {
        let Known { id, pass, card_system, is_over, tickets_left } = known;
        let end_date = last_instant(pass.terms.until);
        Self {
            id,
            uitpas_number: pass.card.to_string(),
            name: Some(pass.terms.name.to_string()),
            card_status: if pass.blocked { "BLOCKED" } else { "ACTIVE" },
            creation_date: instant(pass.made_at),
            social_tariff: pass.terms.tickets_per_year.map(|total_tickets_per_year| {
                GroupSocialTariff {
                    status: if is_over { "EXPIRED" } else { "ACTIVE" },
                    end_date,
                    total_tickets_per_year,
                    available_tickets: tickets_left,
                }
            }),
            card_system: CardSystemRef { id: pass.card_system, name: card_system },
            address: Some(PostalAddress::from(&pass.terms.address)),
            end_date,
        }
    }
}

/// By the number of its card, blocked or not.
#[utoipa::path(
    get,
    path = "/grouppasses",
    params(Asked),
    responses((status = 200, body = Page<GroupPass>), (status = 429)),
    security(("token" = ["GROUPPASSES_SEARCH"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<GroupPass>>> {
    app.demand_task(&caller, Task::Identify).await?;
    if caller.kind == Kind::ClientId {
        app.guesses.count(&caller)?;
    }
    let number = match (asked.uitpas_number, asked.chip_number) {
        (Some(number), None) => Number::Card(number),
        (None, Some(chip)) => Number::Chip(chip),
        (Some(_), Some(_)) | (None, None) => {
            let reason = "give either uitpasNumber or chipNumber".to_owned();
            return Err(Problem::Query("chipNumber".to_owned(), reason));
        }
    };
    let paging = paging(asked.start, asked.limit)?;
    let found: Vec<Known> = group_passes::find(&app, &number).await?.into_iter().collect();
    let hides = caller.kind == Kind::ClientId;
    Ok(Json(Page::cut(found, paging, |known| match GroupPass::from(known) {
        pass if hides => GroupPass { name: None, address: None, ..pass },
        pass => pass,
    })))
}

#[utoipa::path(
    get,
    path = "/grouppasses/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = GroupPass)),
    security(("token" = ["GROUPPASSES_SEARCH"]))
)]
async fn one(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<GroupPassId>,
) -> Answer<Json<GroupPass>> {
    app.demand_task(&caller, Task::Identify).await?;
    Ok(Json(group_passes::read(&app, id).await?.into()))
}

/// Those that were granted to this pass by name, with what is left of each (R-GRP-02).
#[utoipa::path(
    get,
    path = "/grouppasses/{id}/coupons",
    params(("id" = Uuid, Path), AskedCoupons),
    responses((status = 200, body = Vec<GrantedCoupon>)),
    security(("token" = ["GROUPPASS_COUPONS_READ"]))
)]
async fn list_coupons(
    State(app): State<App>,
    caller: Caller,
    Id(pass): Id<GroupPassId>,
    Query(asked): Query<AskedCoupons>,
) -> Answer<Json<Vec<GrantedCoupon>>> {
    app.demand_task(&caller, Task::GrantTariff).await?;
    let card_systems = asked.card_systems(&app, &caller).await?;
    let granted = coupons::granted_to_group(&app, &caller, pass, card_systems).await?;
    Ok(Json(asked_for(granted, asked.status)))
}
