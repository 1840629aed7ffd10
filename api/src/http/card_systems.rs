//! Card systems, for whoever looks for the one of his town: `/card-systems`.

use std::cmp::Ordering;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use uitpas_domain::card_system::{self, CardSystem as Known, PriceBracket};
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::values::place::{Municipality, PostalCode};
use uitpas_projections::counters as view;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Id, Query, paging};
use super::shapes::{Amount, Page, sought};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(city_settings))
        .routes(routes!(prices))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    /// All card systems here are permanent: with `false` there are none.
    permanent: Option<bool>,
    /// The name of a municipality, whatever its capitals.
    #[serde(default)]
    city: Vec<String>,
    #[serde(default)]
    postal_code: Vec<String>,
    /// Names, separated by commas; with `-` before it the other way round: `name`, `postalCode`, which
    /// is how far the number of the nearest town is from `postalCodeSort`.
    #[serde(default, deserialize_with = "sought")]
    sort: Option<String>,
    /// Required to sort by postal code.
    #[serde(default, deserialize_with = "sought")]
    postal_code_sort: Option<String>,
    start: Option<u32>,
    limit: Option<u32>,
}

/// What a list is sorted by.
#[derive(Clone, Copy)]
enum Key {
    Name,
    /// How near a town of it is.
    PostalCode(PostalCode),
}

fn postal_code(text: &str) -> Answer<PostalCode> {
    text.parse().map_err(|_| Problem::InvalidPostalCode)
}

/// The keys in turn; of each whether the list runs the other way.
fn keys(asked: &Asked) -> Answer<Vec<(Key, bool)>> {
    let near = asked.postal_code_sort.as_deref().map(postal_code).transpose()?;
    let key = |name: &str| {
        let (name, descending) = match name.trim().strip_prefix('-') {
            Some(name) => (name, true),
            None => (name.trim(), false),
        };
        match name.to_lowercase().as_str() {
            "name" => Ok((Key::Name, descending)),
            "postalcode" => {
                Ok((Key::PostalCode(near.ok_or(Problem::PostalCodeRequired)?), descending))
            }
            _ => Err(Problem::Query("sort".to_owned(), "name or postalCode".to_owned())),
        }
    };
    asked.sort.as_deref().unwrap_or("name").split(',').map(key).collect()
}

/// Neighbours have numbers that lie close.
fn distance(system: &view::CardSystem, near: PostalCode) -> u32 {
    let number = |code: PostalCode| code.to_string().parse::<u32>().unwrap_or_default();
    let towns = system.municipalities.0.iter();
    let distances = towns.map(|town| number(town.postal_code).abs_diff(number(near)));
    distances.min().unwrap_or(u32::MAX)
}

fn compare(keys: &[(Key, bool)], a: &view::CardSystem, b: &view::CardSystem) -> Ordering {
    let by = |(key, descending): &(Key, bool)| {
        let order = match key {
            Key::Name => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
            Key::PostalCode(near) => distance(a, *near).cmp(&distance(b, *near)),
        };
        if *descending { order.reverse() } else { order }
    };
    keys.iter().map(by).find(|order| order.is_ne()).unwrap_or_else(|| a.id.cmp(&b.id))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CardSystem {
    #[schema(value_type = u32)]
    id: CardSystemId,
    name: String,
    cities: Vec<ListedCity>,
    permanent: bool,
    /// Digital cards are given at a counter.
    allows_cardless_registration: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedCity {
    postal_code: String,
    name: String,
}

impl CardSystem {
    fn of(id: CardSystemId, name: String, municipalities: &[Municipality]) -> Self {
        let city = |municipality: &Municipality| ListedCity {
            postal_code: municipality.postal_code.to_string(),
            name: municipality.name.to_string(),
        };
        let cities = municipalities.iter().map(city).collect();
        Self { id, name, cities, permanent: true, allows_cardless_registration: true }
    }
}

/// Those that have one of the cities, and one of the postal codes.
#[utoipa::path(
    get,
    path = "/card-systems",
    params(Asked),
    responses((status = 200, body = Page<CardSystem>))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<CardSystem>>> {
    let paging = paging(asked.start, asked.limit)?;
    app.caught_up(&caller, view::PROJECTION.name).await?;
    let keys = keys(&asked)?;
    let postal_codes = asked.postal_code.iter().map(|code| postal_code(code));
    let postal_codes = postal_codes.collect::<Answer<Vec<_>>>()?;
    let cities: Vec<_> = asked.city.iter().map(|city| city.to_lowercase()).collect();
    let mut found: Vec<_> = view::card_systems(app.pool(), None).await?;
    found.retain(|system| {
        let municipalities = &system.municipalities.0;
        let has_city = |of: &Municipality| cities.contains(&of.name.as_str().to_lowercase());
        let has_code = |of: &Municipality| postal_codes.contains(&of.postal_code);
        asked.permanent != Some(false)
            && (cities.is_empty() || municipalities.iter().any(has_city))
            && (postal_codes.is_empty() || municipalities.iter().any(has_code))
    });
    found.sort_by(|a, b| compare(&keys, a, b));
    let print = |system: view::CardSystem| {
        CardSystem::of(view::card_system_id(system.id), system.name, &system.municipalities.0)
    };
    Ok(Json(Page::cut(found, paging, print)))
}

async fn known(app: &App, id: CardSystemId) -> Answer<Known> {
    let known = app.store.load::<Known>(&id).await?;
    match known.exists() {
        true => Ok(Known::clone(&known.state)),
        false => Err(Problem::CardSystem(card_system::Refused::Unknown)),
    }
}

#[utoipa::path(
    get,
    path = "/card-systems/{id}",
    params(("id" = u32, Path)),
    responses((status = 200, body = CardSystem))
)]
async fn one(
    State(app): State<App>,
    _: Caller,
    Id(id): Id<CardSystemId>,
) -> Answer<Json<CardSystem>> {
    let known = known(&app, id).await?;
    let name = known.name.as_ref().map(ToString::to_string);
    Ok(Json(CardSystem::of(id, name.unwrap_or_default(), &known.municipalities)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedCities {
    /// Those of these postal codes; none: all.
    #[serde(default)]
    postal_code: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CitySettings {
    /// In capitals.
    city: String,
    allows_cardless_registration: bool,
    /// Of the region; absent until its KSB has given one.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_email: Option<String>,
}

/// How it goes in each city of the card system.
#[utoipa::path(
    get,
    path = "/card-systems/{id}/city-settings",
    params(("id" = u32, Path), AskedCities),
    responses((status = 200, body = Vec<CitySettings>))
)]
async fn city_settings(
    State(app): State<App>,
    _: Caller,
    Id(id): Id<CardSystemId>,
    Query(asked): Query<AskedCities>,
) -> Answer<Json<Vec<CitySettings>>> {
    let known = known(&app, id).await?;
    let mut codes: Vec<PostalCode> = Vec::with_capacity(asked.postal_code.len());
    for code in &asked.postal_code {
        let code = code.parse().map_err(|_| Problem::InvalidPostalCode)?;
        if !known.has_inhabitants_of(&code) {
            return Err(Problem::PostalCodeElsewhere);
        }
        codes.push(code);
    }
    let is_asked = |of: &&Municipality| codes.is_empty() || codes.contains(&of.postal_code);
    let print = |of: &Municipality| CitySettings {
        city: of.name.as_str().to_uppercase(),
        allows_cardless_registration: true,
        contact_email: known.contact.as_ref().map(|email| email.as_str().to_owned()),
    };
    Ok(Json(known.municipalities.iter().filter(is_asked).map(print).collect()))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedPrices {
    #[param(inline)]
    #[expect(dead_code, reason = "the contract requires it; here both kinds cost the same")]
    card_type: super::passholders::CardType,
}

#[derive(Serialize, ToSchema)]
struct ListedMembershipPrice {
    price: Amount,
    label: String,
    description: String,
}

/// What a membership costs by age, without and with social status (R-REG-06).
#[utoipa::path(
    get,
    path = "/card-systems/{id}/membership-prices",
    params(("id" = u32, Path), AskedPrices),
    responses((status = 200, body = Vec<ListedMembershipPrice>))
)]
async fn prices(
    State(app): State<App>,
    _: Caller,
    Id(id): Id<CardSystemId>,
    Query(_asked): Query<AskedPrices>,
) -> Answer<Json<Vec<ListedMembershipPrice>>> {
    let known = known(&app, id).await?;
    let mut prices = Vec::with_capacity(2 * known.prices.len());
    for bracket in &known.prices {
        let ages = ages(bracket);
        for (price, label) in
            [(bracket.regular, "UiTPAS"), (bracket.with_social_status, "UiTPAS met kansenstatuut")]
        {
            let (price, label) = (price.into(), label.to_owned());
            prices.push(ListedMembershipPrice { price, label, description: ages.clone() });
        }
    }
    Ok(Json(prices))
}

fn ages(bracket: &PriceBracket) -> String {
    match (bracket.from_age, bracket.until_age) {
        (0, None) => "Alle leeftijden".to_owned(),
        (0, Some(until)) => format!("Tot en met {until} jaar"),
        (from, None) => format!("Vanaf {from} jaar"),
        (from, Some(until)) => format!("Van {from} tot en met {until} jaar"),
    }
}
