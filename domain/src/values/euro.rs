//! Money: euro with exactly two decimals, never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An amount in euro cents, possibly negative (a correction). Amounts enter from -9,999,999.99 to
/// 9,999,999.99; sums may go beyond, and it takes nine thousand million of them to leave an `i64`.
/// Serialised as a decimal string: `"1.50"`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Euro(i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEuro {
    #[error("an amount is digits with at most two decimals after a point")]
    NotAnAmount,
    #[error("an amount has no parts of a cent")]
    PartOfACent,
    #[error("an amount lies between -9999999.99 and 9999999.99")]
    OutOfRange,
}

impl Euro {
    pub const ZERO: Self = Self(0);
    /// The largest amount that enters.
    pub const MAX: Self = Self(999_999_999);

    pub const fn cents(cents: i64) -> Self {
        Self(cents)
    }

    pub const fn as_cents(self) -> i64 {
        self.0
    }

    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, 2)
    }
}

impl TryFrom<Decimal> for Euro {
    type Error = InvalidEuro;

    /// Judged by value: 1.5, 1.50 and 1.500 are the same amount, 1.505 is none.
    fn try_from(amount: Decimal) -> Result<Self, InvalidEuro> {
        if amount.abs() > Self::MAX.to_decimal() {
            return Err(InvalidEuro::OutOfRange);
        }
        let cents = amount * Decimal::ONE_HUNDRED;
        if !cents.is_integer() {
            return Err(InvalidEuro::PartOfACent);
        }
        i64::try_from(cents).map(Self).map_err(|_| InvalidEuro::OutOfRange)
    }
}

impl FromStr for Euro {
    type Err = InvalidEuro;

    fn from_str(text: &str) -> Result<Self, InvalidEuro> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole.strip_prefix('-').unwrap_or(whole)) || !digits(part) {
            return Err(InvalidEuro::NotAnAmount);
        }
        // Only the number of digits can be wrong now.
        Decimal::from_str_exact(text).map_err(|_| InvalidEuro::OutOfRange)?.try_into()
    }
}

super::written_as_text!(Euro, InvalidEuro);

impl fmt::Display for Euro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

impl Add for Euro {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Euro {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Euro {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Euro {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Euro {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Euro {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// The price of a ticket: 0.00 (free) to 9,999.99.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "Euro", into = "Euro")]
pub struct Price(Euro);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrice {
    #[error(transparent)]
    Amount(#[from] InvalidEuro),
    #[error("a price lies between 0.00 and 9999.99")]
    OutOfRange,
}

impl Price {
    pub const FREE: Self = Self(Euro::ZERO);
    pub const MAX: Self = Self(Euro::cents(999_999));

    pub const fn euro(self) -> Euro {
        self.0
    }

    pub const fn as_cents(self) -> i64 {
        self.0.as_cents()
    }

    pub fn is_free(self) -> bool {
        self == Self::FREE
    }
}

impl TryFrom<Euro> for Price {
    type Error = InvalidPrice;

    fn try_from(amount: Euro) -> Result<Self, InvalidPrice> {
        if amount < Self::FREE.0 || amount > Self::MAX.0 {
            return Err(InvalidPrice::OutOfRange);
        }
        Ok(Self(amount))
    }
}

impl TryFrom<Decimal> for Price {
    type Error = InvalidPrice;
    fn try_from(amount: Decimal) -> Result<Self, InvalidPrice> {
        Euro::try_from(amount)?.try_into()
    }
}

impl FromStr for Price {
    type Err = InvalidPrice;
    fn from_str(text: &str) -> Result<Self, InvalidPrice> {
        text.parse::<Euro>()?.try_into()
    }
}

impl From<Price> for Euro {
    fn from(price: Price) -> Euro {
        price.0
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
