//! What municipalities are to pay for approved expense notes, and the payments by which they do.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::card_system::Command;
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::payment::{Account, PaymentOrdered};
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::iban::Iban;
use uitpas_domain::values::place::{Municipality, PostalCode};
use uitpas_domain::values::text::Text;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::payments::{self, NewPayment, Payable, PayableNote};
use crate::actions::{audit, card_systems};
use crate::app::App;
use crate::auth::Caller;
use crate::files;
use crate::http::extract::{Bare, Id, Ids, Query, Write};
use crate::http::shapes::{Amount, GivenDay};
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(set_account))
        .routes(routes!(list, order))
        .routes(routes!(file, withdraw))
}

#[derive(Deserialize, ToSchema)]
struct NewAccount {
    /// One postal code may hold several municipalities.
    #[schema(schema_with = words::text::<80>)]
    municipality: Text<80>,
    /// In whose name the account is.
    #[schema(schema_with = words::text::<70>)]
    holder: Text<70>,
    #[schema(value_type = String)]
    iban: Iban,
}

/// Says from where a municipality pays its expense notes.
#[utoipa::path(
    put,
    path = "/card-systems/{id}/accounts/{postalCode}",
    params(("id" = u32, Path), ("postalCode" = String, Path)),
    request_body = NewAccount,
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn set_account(
    State(app): State<App>,
    Ids(id, postal_code): Ids<CardSystemId, PostalCode>,
    Write { request, body }: Write<NewAccount>,
) -> Answer<StatusCode> {
    let municipality = Municipality { postal_code, name: body.municipality };
    let account = Account { municipality, holder: body.holder, iban: body.iban };
    let command = Command::SetAccount { account, at: app.now() };
    card_systems::carry_out(&app, &request, id, &command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The KSB, and those who audit this card system.
async fn demand_sight(app: &App, caller: &Caller, id: CardSystemId) -> Answer<()> {
    match audit::audited(app, caller).await?.contains(&id) {
        true => Ok(()),
        false => card_systems::demand_admin(app, caller, id).await,
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedPeriod {
    /// A note belongs to the period that holds its last day.
    #[param(schema_with = words::day)]
    start_date: GivenDay,
    #[param(schema_with = words::day)]
    end_date: GivenDay,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PrintedPayable {
    postal_code: String,
    name: String,
    /// What no payment was ordered of yet.
    open: Amount,
    /// Absent until it is known from where the municipality pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    iban: Option<String>,
    notes: Vec<PrintedTransfer>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PrintedTransfer {
    organizer_id: String,
    organizer_name: String,
    number: i32,
    start_date: NaiveDate,
    end_date: NaiveDate,
    amount: Amount,
    /// Absent until the counter has filled it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    iban: Option<String>,
    /// The number of the payment by which it is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<u32>,
}

impl PrintedPayable {
    fn of(payable: Payable) -> Self {
        Self {
            open: Amount(payable.open()),
            postal_code: payable.municipality.postal_code.to_string(),
            name: payable.municipality.name.to_string(),
            iban: payable.account.map(|account| account.iban.to_string()),
            notes: payable.notes.into_iter().map(PrintedTransfer::of).collect(),
        }
    }
}

impl PrintedTransfer {
    fn of(PayableNote { note, counter, amount, payment }: PayableNote) -> Self {
        Self {
            organizer_id: counter.id,
            organizer_name: counter.name,
            number: note.number,
            start_date: note.from_day,
            end_date: note.until_day,
            amount: Amount(amount),
            iban: counter.iban,
            payment,
        }
    }
}

/// What each municipality is to pay for the approved notes of a period.
#[utoipa::path(
    get,
    path = "/card-systems/{id}/payments",
    params(("id" = u32, Path), AskedPeriod),
    responses((status = 200, body = Vec<PrintedPayable>)),
    security(("token" = ["auditor"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CardSystemId>,
    Query(asked): Query<AskedPeriod>,
) -> Answer<Json<Vec<PrintedPayable>>> {
    demand_sight(&app, &caller, id).await?;
    let (from, until) = (asked.start_date.0, asked.end_date.0);
    let payable = payments::of_period(&app, id, from, until).await?;
    Ok(Json(payable.into_iter().map(PrintedPayable::of).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewPaymentOrder {
    #[schema(value_type = String)]
    postal_code: PostalCode,
    #[schema(schema_with = words::text::<80>)]
    municipality: Text<80>,
    /// A note belongs to the period that holds its last day.
    #[schema(schema_with = words::day)]
    start_date: GivenDay,
    #[schema(schema_with = words::day)]
    end_date: GivenDay,
    /// When the bank carries it out; absent: today.
    #[schema(schema_with = words::day)]
    execution_date: Option<GivenDay>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PrintedPayment {
    /// From 1, per card system.
    number: u32,
    execution_date: NaiveDate,
    total: Amount,
    notes: usize,
}

impl PrintedPayment {
    fn of(ordered: &PaymentOrdered) -> Self {
        let total: Euro = ordered.notes.iter().map(|note| note.amount).sum();
        Self {
            number: ordered.payment,
            execution_date: ordered.day,
            total: Amount(total),
            notes: ordered.notes.len(),
        }
    }
}

/// Orders the payment of all approved notes of a period that one municipality has still to pay.
#[utoipa::path(
    post,
    path = "/card-systems/{id}/payments",
    params(("id" = u32, Path)),
    request_body = NewPaymentOrder,
    responses((status = 201, body = PrintedPayment)),
    security(("token" = ["ksb-admin"]))
)]
async fn order(
    State(app): State<App>,
    Id(id): Id<CardSystemId>,
    Write { request, body }: Write<NewPaymentOrder>,
) -> Answer<(StatusCode, Json<PrintedPayment>)> {
    let new = NewPayment {
        municipality: Municipality { postal_code: body.postal_code, name: body.municipality },
        from: body.start_date.0,
        until: body.end_date.0,
        day: body.execution_date.map(NaiveDate::from),
    };
    card_systems::demand_admin(&app, &request.caller, id).await?;
    let ordered = payments::order(&app, &request, id, &new).await?;
    let ordered = payments::one(&app, id, ordered.payment).await?;
    Ok((StatusCode::CREATED, Json(PrintedPayment::of(&ordered))))
}

/// The file of a payment for the bank of the municipality: a SEPA credit transfer (pain.001.001.09).
#[utoipa::path(
    get,
    path = "/card-systems/{id}/payments/{payment}",
    params(("id" = u32, Path), ("payment" = u32, Path)),
    responses((status = 200, body = String, content_type = "application/xml")),
    security(("token" = ["auditor"]))
)]
async fn file(
    State(app): State<App>,
    caller: Caller,
    Ids(id, payment): Ids<CardSystemId, u32>,
) -> Answer<Response> {
    demand_sight(&app, &caller, id).await?;
    let file = payments::file(&app, id, payment).await?;
    Ok(files::download(&format!("betaling-{id}-{payment}.xml"), "application/xml", file))
}

/// Of a payment that the bank did not carry out: its notes may be paid by another one.
#[utoipa::path(
    delete,
    path = "/card-systems/{id}/payments/{payment}",
    params(("id" = u32, Path), ("payment" = u32, Path)),
    responses((status = 204)),
    security(("token" = ["ksb-admin"]))
)]
async fn withdraw(
    State(app): State<App>,
    Ids(id, payment): Ids<CardSystemId, u32>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    payments::withdraw(&app, &request, id, payment).await?;
    Ok(StatusCode::NO_CONTENT)
}
