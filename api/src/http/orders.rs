//! Ordering a UiTPAS online: `/orders`. Who is ordered for is registered when the order is free or its
//! payment was confirmed, and then links his UiTID.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::{CardSystemId, OrderId};
use uitpas_domain::order::{Order as Known, Ordered, State as OrderState};
use uitpas_domain::passholder::registration::{Gender, PersonalDetails, Preferences};
use uitpas_domain::values::contact::{Email, Phone};
use uitpas_domain::values::insz::Insz;
use uitpas_domain::values::text::Text;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::extract::{Id, Write};
use super::passholders::{GivenOrganizer, OptIns};
use super::shapes::{Amount, GivenAddress, GivenDay};
use super::words;
use crate::actions::orders::{self, Asked};
use crate::actions::uitid;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem, REQUIRED};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(place)).routes(routes!(one))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewOrder {
    main_passholder_registration: NewRegistration,
    #[serde(default)]
    extra_passholder_registrations: Vec<NewRegistration>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewRegistration {
    #[schema(schema_with = words::text::<100>)]
    name: Text<100>,
    #[schema(schema_with = words::text::<100>)]
    first_name: Text<100>,
    /// As the client has verified it.
    #[schema(schema_with = words::optional::insz_number)]
    insz_number: Option<Insz>,
    #[schema(value_type = Option<String>)]
    email: Option<Email>,
    #[schema(schema_with = words::day)]
    date_of_birth: GivenDay,
    #[schema(schema_with = words::optional::of::<Gender>)]
    gender: Option<Gender>,
    registration_organizer: GivenOrganizer,
    address: GivenAddress,
    #[schema(value_type = Option<String>)]
    phone_number: Option<Phone>,
    opt_in_preferences: Option<OptIns>,
    #[schema(value_type = u32)]
    registration_card_system_id: Option<CardSystemId>,
    registration_social_tariff: Option<OrderedSocialTariff>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrderedSocialTariff {
    #[expect(dead_code, reason = "the contract knows it; no government service gives one here")]
    id_token: Option<String>,
}

impl NewRegistration {
    fn asked(self, at: &str) -> Answer<Asked> {
        if self.registration_social_tariff.is_some() {
            return Err(Problem::NoSocialTariffValidation);
        }
        let card_system = self.registration_card_system_id.ok_or_else(|| {
            Problem::BodyData(format!("{at}/registrationCardSystemId"), REQUIRED.to_owned())
        })?;
        let address = self.address.checked()?;
        let details = PersonalDetails {
            name: self.name,
            first_name: self.first_name,
            birth_date: self.date_of_birth.0,
            insz: self.insz_number,
            gender: self.gender,
            address,
            email: self.email,
            phone: self.phone_number,
            nationality: None,
        };
        let preferences = self.opt_in_preferences.map(Preferences::from).unwrap_or_default();
        Ok(Asked { counter: self.registration_organizer.id, card_system, details, preferences })
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Order {
    #[schema(value_type = Uuid)]
    id: OrderId,
    /// `PENDING_PAYMENT`, `PENDING_UITID_CONNECT`, `COMPLETED` or `CANCELLED`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    total_price: Amount,
    /// To link a UiTID with, once the one who orders is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_token: Option<String>,
    /// Opens `GET /orders/{id}`.
    custom_token: String,
    /// Absent once it was cancelled, or the passholder removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    main_passholder_registration: Option<OrderedRegistration>,
    extra_passholder_registrations: Vec<OrderedRegistration>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrderedRegistration {
    /// Not that of the passholder.
    id: Uuid,
    name: String,
    first_name: String,
    date_of_birth: chrono::NaiveDate,
    registration_organizer: super::shapes::OrganizerRef,
    #[schema(value_type = u32)]
    registration_card_system_id: CardSystemId,
    address: OrderedAddress,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrderedAddress {
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    postal_code: String,
    city: String,
}

fn print_registration(
    id: OrderId,
    index: usize,
    ordered: &Ordered,
    details: PersonalDetails,
) -> OrderedRegistration {
    OrderedRegistration {
        id: Uuid::new_v5(&id.0, &index.to_be_bytes()),
        name: details.name.to_string(),
        first_name: details.first_name.to_string(),
        date_of_birth: details.birth_date,
        registration_organizer: super::shapes::OrganizerRef {
            id: ordered.counter.clone(),
            name: None,
        },
        registration_card_system_id: ordered.card_system,
        address: OrderedAddress {
            street: details.address.street.as_ref().map(ToString::to_string),
            postal_code: details.address.postal_code.to_string(),
            city: details.address.city.to_string(),
        },
    }
}

fn print(app: &App, id: OrderId, known: orders::Known) -> Order {
    let orders::Known { order, people, is_linked } = known;
    let status = match (order.state, is_linked) {
        (OrderState::Unknown | OrderState::AwaitsPayment, _) => "PENDING_PAYMENT",
        (OrderState::Paid, false) => "PENDING_UITID_CONNECT",
        (OrderState::Paid, true) => "COMPLETED",
        (OrderState::Cancelled, _) => "CANCELLED",
    };
    let total_price = Amount(order.total());
    let Known { registrations, state } = order;
    let first = registrations.first().map(|ordered| ordered.passholder);
    let awaits_uitid = state == OrderState::Paid && !is_linked;
    let registration_token =
        first.filter(|_| awaits_uitid).map(|first| uitid::registration_token(app, first));
    let email = people.iter().flatten().next().and_then(|details| details.email.clone());
    let mut printed = registrations.iter().zip(people).enumerate().map(|(index, (ordered, of))| {
        of.map(|details| print_registration(id, index, ordered, details))
    });
    Order {
        id,
        status,
        email: email.map(String::from),
        total_price,
        registration_token,
        custom_token: orders::token_of(app, id),
        main_passholder_registration: printed.next().flatten(),
        extra_passholder_registrations: printed.flatten().collect(),
    }
}

/// A free order is carried out at once. No money is taken here: the payment of another is confirmed in the
/// back office.
#[utoipa::path(
    post,
    path = "/orders",
    request_body = NewOrder,
    responses((status = 200, body = Order))
)]
async fn place(
    State(app): State<App>,
    Write { request, body }: Write<NewOrder>,
) -> Answer<Json<Order>> {
    let mut asked = vec![body.main_passholder_registration.asked("/mainPassholderRegistration")?];
    for (index, extra) in body.extra_passholder_registrations.into_iter().enumerate() {
        asked.push(extra.asked(&format!("/extraPassholderRegistrations/{index}"))?);
    }
    app.guesses.count(&request.caller)?;
    let id = orders::place(&app, &request, &asked).await?;
    Ok(Json(print(&app, id, orders::unchecked(&app, id).await?)))
}

/// Whoever has the token of an order, or may see it.
enum Reader {
    Token(String),
    Caller(Caller),
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match custom_token(&parts.headers) {
            Some(token) => Ok(Self::Token(token)),
            None => Caller::from_request_parts(parts, app).await.map(Self::Caller),
        }
    }
}

fn custom_token(headers: &HeaderMap) -> Option<String> {
    headers.get("x-custom-token")?.to_str().ok().map(str::to_owned)
}

#[utoipa::path(
    get,
    path = "/orders/{orderId}",
    params(("orderId" = Uuid, Path)),
    responses((status = 200, body = Order), (status = 429))
)]
async fn one(State(app): State<App>, Id(id): Id<OrderId>, reader: Reader) -> Answer<Json<Order>> {
    let known = match reader {
        Reader::Token(token) if orders::opens(&app, id, &token) => {
            app.guesses.count_order(id)?;
            orders::unchecked(&app, id).await?
        }
        Reader::Token(_) => return Err(Problem::Unauthorized("this token opens no such order")),
        Reader::Caller(caller) => orders::read(&app, &caller, id).await?,
    };
    Ok(Json(print(&app, id, known)))
}
