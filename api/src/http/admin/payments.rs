//! What municipalities are to pay for approved expense notes, and the orders for their banks.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::card_system::{Account, Command};
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::values::iban::Iban;
use uitpas_domain::values::place::{Municipality, PostalCode};
use uitpas_domain::values::text::Text;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::actions::payments::{self, Payable, PayableNote};
use crate::actions::{audit, card_systems};
use crate::app::App;
use crate::auth::Caller;
use crate::files;
use crate::http::extract::{Id, Ids, Query, Write};
use crate::http::shapes::{Amount, GivenDay};
use crate::http::words;
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(set_account)).routes(routes!(list)).routes(routes!(order))
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
    total: Amount,
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
}

impl PrintedPayable {
    fn of(payable: Payable) -> Self {
        Self {
            total: Amount(payable.total()),
            postal_code: payable.municipality.postal_code.to_string(),
            name: payable.municipality.name.to_string(),
            iban: payable.account.map(|account| account.iban.to_string()),
            notes: payable.notes.into_iter().map(PrintedTransfer::of).collect(),
        }
    }
}

impl PrintedTransfer {
    fn of(PayableNote { note, counter, amount }: PayableNote) -> Self {
        Self {
            organizer_id: counter.id,
            organizer_name: counter.name,
            number: note.number,
            start_date: note.from_day,
            end_date: note.until_day,
            amount: Amount(amount),
            iban: counter.iban,
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

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedOrder {
    #[param(schema_with = words::text::<80>)]
    municipality: Text<80>,
    /// A note belongs to the period that holds its last day.
    #[param(schema_with = words::day)]
    start_date: GivenDay,
    #[param(schema_with = words::day)]
    end_date: GivenDay,
    /// When the bank carries it out; absent: today.
    #[param(schema_with = words::day)]
    execution_date: Option<GivenDay>,
}

/// The order for the bank of one municipality: a SEPA credit transfer (pain.001.001.09).
#[utoipa::path(
    get,
    path = "/card-systems/{id}/payments/{postalCode}",
    params(("id" = u32, Path), ("postalCode" = String, Path), AskedOrder),
    responses(
        (status = 200, body = String, content_type = "application/xml"),
        // Of the municipality, or of a counter that is to be paid.
        (status = 409, description = "An account is not known."),
    ),
    security(("token" = ["auditor"]))
)]
async fn order(
    State(app): State<App>,
    caller: Caller,
    Ids(id, postal_code): Ids<CardSystemId, PostalCode>,
    Query(asked): Query<AskedOrder>,
) -> Answer<Response> {
    demand_sight(&app, &caller, id).await?;
    let municipality = Municipality { postal_code, name: asked.municipality };
    let (from, until) = (asked.start_date.0, asked.end_date.0);
    let day = asked.execution_date.map(NaiveDate::from);
    let order = payments::order(&app, id, &municipality, (from, until), day).await?;
    let name = format!("betaling-{postal_code}-{from}-{until}.xml");
    Ok(files::download(&name, "application/xml", order))
}
