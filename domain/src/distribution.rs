//! Who pays which part of a ticket at the social tariff (R-TAR-01, R-TAR-02, R-TAR-06).
//! Source: publiq, basic principles (20-40-40, at most 25%); the bounds of rounding are our choice.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::DistributionKeyId;
use crate::values::euro::{Euro, Price};
use crate::values::text::Text;

/// Hundredths of a percent in one percent, and in the whole.
const PERCENT: i64 = 100;
pub(crate) const WHOLE: i64 = 100 * PERCENT;
/// The passholder pays at most a quarter...
const PASSHOLDER_MAX: i64 = 25 * PERCENT;
/// ...and the organizer bears at least a tenth, which is 2/15 of what is left beyond the quarter.
const ORGANIZER_MIN: i64 = 10 * PERCENT;
const ORGANIZER_OF_REST_MIN: (u64, u64) = (2, 15);
/// What the passholder pays at least.
const ONE_CENT: i64 = 1;

/// A key that splits the price of a ticket. Only keys within the bounds of R-TAR-01 exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Terms", into = "Terms")]
pub struct DistributionKey(Split);

/// The terms of a key as they are set, stored and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Terms {
    /// Percents of the price, of at most two decimals, 100 together.
    Percentages { passholder: Decimal, organizer: Decimal, municipality: Decimal },
    /// A fixed amount for the passholder; the others bear the rest in this ratio.
    Fixed { passholder: Euro, organizer_part: u32, municipality_part: u32 },
}

/// The same in whole numbers; percents in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Split {
    Percentages { passholder: i64, organizer: i64, municipality: i64 },
    Fixed { passholder: Euro, organizer_part: u32, municipality_part: u32 },
}

/// Which bound a key breaks; the first one in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    #[error("a share is 0 to 100 percent with at most two decimals")]
    Share,
    #[error("the shares sum to {0} percent instead of 100")]
    Sum(Decimal),
    #[error("the passholder pays more than 0")]
    PassholderPaysNothing,
    #[error("the passholder pays {0} percent, at most 25 is allowed")]
    PassholderPaysTooMuch(Decimal),
    #[error("the organizer bears {0} percent, at least 10 is needed")]
    OrganizerBearsTooLittle(Decimal),
    #[error("the organizer's part of the rest is at least 2/15")]
    OrganizerPartTooSmall,
}

/// What each pays, to the cent; together the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shares {
    pub passholder: Euro,
    pub organizer: Euro,
    pub municipality: Euro,
}

impl DistributionKey {
    pub fn percentages(
        passholder: Decimal,
        organizer: Decimal,
        municipality: Decimal,
    ) -> Result<Self, InvalidKey> {
        Terms::Percentages { passholder, organizer, municipality }.try_into()
    }

    pub fn fixed(
        passholder: Euro,
        organizer_part: u32,
        municipality_part: u32,
    ) -> Result<Self, InvalidKey> {
        Terms::Fixed { passholder, organizer_part, municipality_part }.try_into()
    }

    pub fn terms(&self) -> Terms {
        (*self).into()
    }

    /// Splits a price once, when the ticket is sold; a free price has nothing to split. The
    /// municipality's share is rounded half up, the organizer bears what is left.
    pub fn split(&self, price: Price) -> Shares {
        if price.is_free() {
            return Shares {
                passholder: Euro::ZERO,
                organizer: Euro::ZERO,
                municipality: Euro::ZERO,
            };
        }
        let price = price.as_cents();
        let cap = price * PASSHOLDER_MAX / WHOLE;
        let (passholder, municipality) = match self.0 {
            Split::Percentages { passholder, municipality, .. } => {
                let passholder = half_up(price * passholder, WHOLE).min(cap).max(ONE_CENT);
                (passholder, half_up(price * municipality, WHOLE))
            }
            Split::Fixed { passholder, organizer_part, municipality_part } => {
                let passholder = passholder.as_cents().min(cap).max(ONE_CENT);
                let parts = i64::from(organizer_part) + i64::from(municipality_part);
                let rest = price - passholder;
                (passholder, half_up(rest * i64::from(municipality_part), parts))
            }
        };
        let municipality = municipality.min(price - passholder);
        Shares {
            passholder: Euro::cents(passholder),
            organizer: Euro::cents(price - passholder - municipality),
            municipality: Euro::cents(municipality),
        }
    }
}

/// 20-40-40.
impl Default for DistributionKey {
    fn default() -> Self {
        Self(Split::Percentages {
            passholder: 20 * PERCENT,
            organizer: 40 * PERCENT,
            municipality: 40 * PERCENT,
        })
    }
}

/// A quotient of non-negative numbers, rounded to the nearest whole one, and a half upwards.
pub(crate) fn half_up(dividend: i64, divisor: i64) -> i64 {
    (dividend * 2 + divisor) / (divisor * 2)
}

/// A percentage of 0 to 100 in hundredths; `None` where that is not what it is.
pub(crate) fn hundredths(percent: Decimal) -> Option<i64> {
    let within = (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&percent);
    let hundredths = within.then(|| percent * Decimal::from(PERCENT))?;
    if hundredths.is_integer() { hundredths.try_into().ok() } else { None }
}

pub(crate) fn percent(hundredths: i64) -> Decimal {
    Decimal::new(hundredths, 2).normalize()
}

impl TryFrom<Terms> for DistributionKey {
    type Error = InvalidKey;

    fn try_from(terms: Terms) -> Result<Self, InvalidKey> {
        match terms {
            Terms::Percentages { passholder, organizer, municipality } => {
                let passholder = hundredths(passholder).ok_or(InvalidKey::Share)?;
                let organizer = hundredths(organizer).ok_or(InvalidKey::Share)?;
                let municipality = hundredths(municipality).ok_or(InvalidKey::Share)?;
                let sum = passholder + organizer + municipality;
                if sum != WHOLE {
                    return Err(InvalidKey::Sum(percent(sum)));
                }
                if passholder == 0 {
                    return Err(InvalidKey::PassholderPaysNothing);
                }
                if passholder > PASSHOLDER_MAX {
                    return Err(InvalidKey::PassholderPaysTooMuch(percent(passholder)));
                }
                if organizer < ORGANIZER_MIN {
                    return Err(InvalidKey::OrganizerBearsTooLittle(percent(organizer)));
                }
                Ok(Self(Split::Percentages { passholder, organizer, municipality }))
            }
            Terms::Fixed { passholder, organizer_part, municipality_part } => {
                if passholder <= Euro::ZERO {
                    return Err(InvalidKey::PassholderPaysNothing);
                }
                let parts = u64::from(organizer_part) + u64::from(municipality_part);
                let (part_min, of) = ORGANIZER_OF_REST_MIN;
                if parts == 0 || u64::from(organizer_part) * of < parts * part_min {
                    return Err(InvalidKey::OrganizerPartTooSmall);
                }
                Ok(Self(Split::Fixed { passholder, organizer_part, municipality_part }))
            }
        }
    }
}

impl From<DistributionKey> for Terms {
    fn from(key: DistributionKey) -> Terms {
        match key.0 {
            Split::Percentages { passholder, organizer, municipality } => Terms::Percentages {
                passholder: percent(passholder),
                organizer: percent(organizer),
                municipality: percent(municipality),
            },
            Split::Fixed { passholder, organizer_part, municipality_part } => {
                Terms::Fixed { passholder, organizer_part, municipality_part }
            }
        }
    }
}

/// For whom a key is: those with social status in the activity's own region, or in any.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Region {
    Own,
    Any,
}

/// A key as a card system defines it, with its conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinedKey {
    pub id: DistributionKeyId,
    pub name: Text<80>,
    pub key: DistributionKey,
    pub region: Region,
    /// Only for prices below this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_below: Option<Euro>,
}

impl DefinedKey {
    /// Whether the conditions of the key hold.
    pub fn holds(&self, own_region: bool, price: Price) -> bool {
        (own_region || self.region == Region::Any)
            && self.price_below.is_none_or(|limit| price.euro() < limit)
    }
}

/// Among the keys whose conditions hold the cheapest for the passholder, then the lowest id.
pub fn cheapest<'a>(
    keys: impl Iterator<Item = &'a DefinedKey>,
    own_region: bool,
    price: Price,
) -> Option<&'a DefinedKey> {
    keys.filter(|defined| defined.holds(own_region, price))
        .min_by_key(|defined| (defined.key.split(price).passholder, defined.id))
}
