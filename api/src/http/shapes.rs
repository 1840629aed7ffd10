//! Shapes that several operations share, as the contract writes them.

use std::fmt;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use chrono_tz::Europe::Brussels;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{self, Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uitpas_domain::calendar::{self, end_of_day};
use uitpas_domain::ids::{CardSystemId, CounterId};
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_domain::values::place::{Address, Country};
use uitpas_domain::values::text::Text;
use uitpas_projections::Paging;
use utoipa::ToSchema;

use super::words;
use crate::problem::Problem;

/// A page of a list, with the number of all that there are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub total_items: u64,
    pub member: Vec<T>,
}

impl<T> Page<T> {
    /// A page of what is all at hand.
    pub fn cut<R>(all: Vec<R>, paging: Paging, print: impl FnMut(R) -> T) -> Self {
        let at_hand = |count: i64| usize::try_from(count).unwrap_or(usize::MAX);
        let total_items = all.len() as u64;
        let rows = all.into_iter().skip(at_hand(paging.start)).take(at_hand(paging.limit));
        Page { total_items, member: rows.map(print).collect() }
    }

    /// A page of a view, each row printed.
    pub fn of<R>(page: uitpas_projections::Page<R>, print: impl FnMut(R) -> T) -> Self {
        Page {
            total_items: page.total.unsigned_abs(),
            member: page.rows.into_iter().map(print).collect(),
        }
    }
}

/// An amount as the contract writes it: a JSON number of euro. It is a decimal everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = f64)]
pub struct Amount(pub Euro);

impl From<Price> for Amount {
    fn from(price: Price) -> Self {
        Amount(price.euro())
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The nearest double prints back as the same two decimals.
        let number = self.0.to_decimal().to_f64().unwrap_or_default();
        serializer.serialize_f64(number)
    }
}

/// A price that comes in as a JSON number, or as text in a query.
#[derive(Debug, Clone, Copy)]
pub struct GivenPrice(pub Price);

impl<'de> Deserialize<'de> for GivenPrice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PriceVisitor)
    }
}

struct PriceVisitor;

impl Visitor<'_> for PriceVisitor {
    type Value = GivenPrice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of euro, from 0 to 9999.99")
    }

    fn visit_u64<E: de::Error>(self, euro: u64) -> Result<GivenPrice, E> {
        self.visit_str(&euro.to_string())
    }

    fn visit_i64<E: de::Error>(self, euro: i64) -> Result<GivenPrice, E> {
        self.visit_str(&euro.to_string())
    }

    /// The shortest decimal that is this number: what was written.
    fn visit_f64<E: de::Error>(self, euro: f64) -> Result<GivenPrice, E> {
        self.visit_str(&euro.to_string())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<GivenPrice, E> {
        let decimal = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text));
        let decimal = decimal.map_err(|_| E::invalid_value(Unexpected::Other("text"), &self))?;
        Price::try_from(decimal).map(GivenPrice).map_err(E::custom)
    }
}

/// A day that comes in, of a year that the calendar knows.
#[derive(Debug, Clone, Copy)]
pub struct GivenDay(pub NaiveDate);

impl<'de> Deserialize<'de> for GivenDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let day = NaiveDate::deserialize(deserializer)?;
        calendar::date(day).map(GivenDay).map_err(D::Error::custom)
    }
}

impl From<GivenDay> for NaiveDate {
    fn from(given: GivenDay) -> Self {
        given.0
    }
}

/// A text to search by, in a query; an empty one does not restrict.
pub fn sought<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let given = String::deserialize(deserializer)?;
    if given.trim().is_empty() {
        return Ok(None);
    }
    let text: Text<200> = given.parse().map_err(D::Error::custom)?;
    Ok(Some(text.into()))
}

/// An address that comes in; in Belgium unless it says otherwise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivenAddress {
    #[schema(schema_with = words::optional::text::<200>)]
    street: Option<Text<200>>,
    #[schema(schema_with = words::text::<16>)]
    postal_code: Text<16>,
    #[schema(schema_with = words::text::<80>)]
    city: Text<80>,
    #[schema(value_type = Option<String>)]
    country: Option<Country>,
}

impl GivenAddress {
    pub fn checked(&self) -> Result<Address, Problem> {
        let country = self.country.unwrap_or(Country::BELGIUM);
        let (postal_code, city) = (self.postal_code.clone(), self.city.clone());
        Address::new(self.street.clone(), postal_code, city, country)
            .map_err(|error| Problem::BodyData("/address/postalCode".to_owned(), error.to_string()))
    }
}

/// Words for the person at the counter.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndUserMessage {
    pub nl: String,
}

/// An organizer, by id and perhaps name.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizerRef {
    #[schema(value_type = String)]
    pub id: CounterId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A card system, by id and name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CardSystemRef {
    #[schema(value_type = u32)]
    pub id: CardSystemId,
    pub name: String,
}

/// An instant with the offset of Brussels.
pub fn instant(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    at.with_timezone(&Brussels).fixed_offset()
}

/// The end of a last day, as an instant to the second.
pub fn last_instant(day: NaiveDate) -> DateTime<FixedOffset> {
    use chrono::SubsecRound;
    instant(end_of_day(day)).trunc_subsecs(0)
}
