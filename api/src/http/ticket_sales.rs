//! Granted tariffs: `/ticket-sales`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uitpas_domain::card::Holder as Buyer;
use uitpas_domain::ids::{ActivityId, CheckInId, CounterId, CouponId, PassholderId, SaleId};
use uitpas_domain::passholder::check_ins::{NoPoint, PointOfSale};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::text::Text;
use uitpas_projections::ticket_sales as overview;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Bare, Id, Query, Write, paging};
use super::passholders::{Passholder, beside};
use super::shapes::{Amount, EndUserMessage, GivenPrice, Page, instant, sought};
use super::tariffs::{Tariff, TariffId};
use super::words;
use crate::actions::passholders::{read_after, read_at};
use crate::actions::ticket_sales::{self, NewSale, Sold};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem, REQUIRED};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, sell)).routes(routes!(cancel))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewTicketSale {
    #[schema(schema_with = words::price)]
    regular_price: GivenPrice,
    #[schema(schema_with = words::optional::text::<120>)]
    regular_price_label: Option<Text<120>>,
    tariff: Option<ChosenTariff>,
    /// The old alias of `tariff.id`.
    tariff_id: Option<String>,
    #[schema(value_type = String)]
    event_id: ActivityId,
    #[schema(schema_with = words::uitpas_number)]
    uitpas_number: CardNumber,
}

#[derive(Deserialize, ToSchema)]
struct ChosenTariff {
    id: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketSale {
    #[schema(value_type = Uuid)]
    id: SaleId,
    creation_date: DateTime<FixedOffset>,
    regular_price: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    regular_price_label: Option<String>,
    tariff: Tariff,
    event_id: String,
    event_title: String,
    uitpas_number: String,
    /// For who may search at that counter.
    #[serde(skip_serializing_if = "Option::is_none")]
    passholder: Option<Passholder>,
    /// Beyond the contract: the point that came along, or why none did (R-CHK-07).
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<Point>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Point {
    given: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    checkin_id: Option<CheckInId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_user_message: Option<EndUserMessage>,
}

#[utoipa::path(
    post,
    path = "/ticket-sales",
    request_body = Vec<NewTicketSale>,
    responses((status = 200, body = Vec<TicketSale>)),
    security(("token" = ["TICKETSALES_REGISTER"]))
)]
async fn sell(
    State(app): State<App>,
    Write { request, body }: Write<Vec<NewTicketSale>>,
) -> Answer<Json<Vec<TicketSale>>> {
    let mut sales = Vec::with_capacity(body.len());
    for (index, sale) in body.into_iter().enumerate() {
        let chosen = sale.tariff.map(|tariff| tariff.id).or(sale.tariff_id);
        let chosen = chosen
            .ok_or_else(|| Problem::BodyData(format!("/{index}/tariff"), REQUIRED.to_owned()))?;
        let chosen: TariffId = chosen.parse().map_err(|unknown: Problem| {
            Problem::BodyData(format!("/{index}/tariff/id"), unknown.to_string())
        })?;
        sales.push(NewSale {
            activity: sale.event_id,
            card: sale.uitpas_number,
            price: sale.regular_price.0,
            price_name: sale.regular_price_label,
            coupon: chosen.coupon(),
        });
    }
    let mut printed = Vec::with_capacity(sales.len());
    for sold in ticket_sales::sell(&app, &request, &sales).await? {
        let passholder = match (&sold.counter, sold.passholder) {
            (Some(counter), Some(id)) => read_after(&app, &request.caller, counter, id).await?,
            _ => None,
        };
        let passholder = beside(&app, passholder)?;
        printed.push(TicketSale { passholder, ..sold.into() });
    }
    Ok(Json(printed))
}

impl From<Sold> for TicketSale {
    fn from(sold: Sold) -> Self {
        TicketSale {
            id: sold.id,
            creation_date: instant(sold.at),
            regular_price: sold.price.into(),
            regular_price_label: sold.price_name,
            tariff: match sold.coupon {
                None => Tariff::social(sold.pays),
                Some((id, name)) => Tariff::coupon(id, name, sold.pays),
            },
            event_id: sold.activity.to_string(),
            event_title: sold.title,
            uitpas_number: sold.card.to_string(),
            passholder: None,
            point: sold.point.as_ref().map(point),
        }
    }
}

fn point(point: &PointOfSale) -> Point {
    let reason = match point {
        PointOfSale::Given(check_in) => {
            return Point { given: true, checkin_id: Some(*check_in), end_user_message: None };
        }
        PointOfSale::NotGiven(reason) => reason,
    };
    let nl = match reason {
        NoPoint::OpensAt(opens) => {
            format!(
                "Het punt kan gespaard worden vanaf {}.",
                instant(*opens).format("%d/%m/%Y om %H:%M")
            )
        }
        NoPoint::Closed => "Het punt kan niet meer gespaard worden.".to_owned(),
        NoPoint::GivenAlready(at) => {
            format!("Het punt is al gespaard op {}.", instant(*at).format("%d/%m/%Y om %H:%M"))
        }
        NoPoint::ActivityGivesNone => "Deze activiteit geeft geen punten.".to_owned(),
        NoPoint::GroupPass => "Een groepspas spaart geen punten.".to_owned(),
        NoPoint::StatusExpired => "Het kansenstatuut is verlopen: er is geen punt bij.".to_owned(),
    };
    Point { given: false, checkin_id: None, end_user_message: Some(EndUserMessage { nl }) }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[param(value_type = Option<String>)]
    event_id: Option<ActivityId>,
    /// Of a passholder, or of a group pass.
    #[param(value_type = Option<Uuid>)]
    passholder_id: Option<PassholderId>,
    /// At least one with `passholderId`.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    organizer_id: Vec<CounterId>,
    #[serde(default, deserialize_with = "sought")]
    event_title: Option<String>,
    start: Option<u32>,
    limit: Option<u32>,
}

/// Newest first; only at counters where the caller has a role.
#[utoipa::path(
    get,
    path = "/ticket-sales",
    params(Asked),
    responses((status = 200, body = Page<TicketSale>)),
    security(("token" = ["TICKETSALES_SEARCH"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<TicketSale>>> {
    if asked.event_id.is_none() && asked.passholder_id.is_none() {
        let reason = "eventId or passholderId is required".to_owned();
        return Err(Problem::Query("eventId".to_owned(), reason));
    }
    if asked.passholder_id.is_some() && asked.organizer_id.is_empty() {
        return Err(Problem::Query("organizerId".to_owned(), REQUIRED.to_owned()));
    }
    let counters = app.own_counters(&caller, &asked.organizer_id).await?;
    let filter = overview::Filter {
        buyer: asked.passholder_id.map(|id| id.0),
        activity: asked.event_id,
        counters: Some(counters),
        title: asked.event_title,
        cancelled: Some(false),
        paging: paging(asked.start, asked.limit)?,
        ..Default::default()
    };
    app.caught_up(&caller, overview::PROJECTION.name).await?;
    let page = overview::list(app.pool(), &filter).await?;
    let mut member = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        let passholder = match (row.counter.parse(), row.buyer()) {
            (Ok(counter), Buyer::Passholder(id)) => read_at(&app, &caller, &counter, id).await?,
            (Ok(_), Buyer::GroupPass(_)) | (Err(_), _) => None,
        };
        member.push(TicketSale {
            tariff: tariff(&row),
            id: SaleId(row.id),
            creation_date: instant(row.at),
            regular_price: Amount(Euro::cents(row.price)),
            regular_price_label: row.price_name,
            event_id: row.activity,
            event_title: row.title,
            uitpas_number: row.card,
            passholder: beside(&app, passholder)?,
            point: None,
        });
    }
    Ok(Json(Page { total_items: page.total.unsigned_abs(), member }))
}

fn tariff(row: &overview::TicketSale) -> Tariff {
    let price = Euro::cents(row.passholder_share);
    match row.with_coupon {
        false => Tariff::social(price),
        true => Tariff::coupon(CouponId(row.key_id.cast_unsigned()), row.key_name.clone(), price),
    }
}

#[utoipa::path(
    delete,
    path = "/ticket-sales/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 204)),
    security(("token" = ["TICKETSALES_REGISTER"]))
)]
async fn cancel(
    State(app): State<App>,
    Id(sale): Id<SaleId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    ticket_sales::cancel(&app, &request, sale).await?;
    Ok(StatusCode::NO_CONTENT)
}
