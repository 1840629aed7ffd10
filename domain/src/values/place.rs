//! Where people live: addresses, and the municipality that pays for them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::Text;

/// A Belgian postal code, 1000 to 9992.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PostalCode(u16);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlace {
    #[error("a Belgian postal code has 4 digits, 1000 to 9992")]
    PostalCode,
    #[error("a country is two letters, as in ISO 3166-1")]
    Country,
}

impl PostalCode {
    const RANGE: std::ops::RangeInclusive<u16> = 1000..=9992;

    pub fn number(self) -> u16 {
        self.0
    }
}

impl FromStr for PostalCode {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let text = text.trim();
        if text.len() != 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidPlace::PostalCode);
        }
        let code = text.parse().map_err(|_| InvalidPlace::PostalCode)?;
        if Self::RANGE.contains(&code) { Ok(Self(code)) } else { Err(InvalidPlace::PostalCode) }
    }
}

super::written_as_text!(PostalCode, InvalidPlace);

impl fmt::Display for PostalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A Belgian municipality (or a part of one), by postal code and name: one code holds several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Municipality {
    pub postal_code: PostalCode,
    pub name: Text<80>,
}

impl fmt::Display for Municipality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.postal_code, self.name)
    }
}

/// A country by its two letters of ISO 3166-1, in lower case. Only the shape is checked: the list
/// of countries changes, what is stored must stay readable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    pub const BELGIUM: Self = Self(*b"be");
}

impl Default for Country {
    fn default() -> Self {
        Self::BELGIUM
    }
}

impl FromStr for Country {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let letters: [u8; 2] =
            text.trim().as_bytes().try_into().map_err(|_| InvalidPlace::Country)?;
        if !letters.iter().all(u8::is_ascii_alphabetic) {
            return Err(InvalidPlace::Country);
        }
        Ok(Self(letters.map(|letter| letter.to_ascii_lowercase())))
    }
}

super::written_as_text!(Country, InvalidPlace);

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).expect("the door lets ASCII letters in only"))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({self})")
    }
}

/// Where a person lives. In Belgium the postal code is a Belgian one; build it by [`Address::new`].
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Address {
    /// Street, number and box in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<Text<200>>,
    pub postal_code: Text<16>,
    pub city: Text<80>,
    pub country: Country,
}

/// The fields of an address before they were looked at together.
#[derive(Deserialize)]
struct Unchecked {
    street: Option<Text<200>>,
    postal_code: Text<16>,
    city: Text<80>,
    #[serde(default)]
    country: Country,
}

impl TryFrom<Unchecked> for Address {
    type Error = InvalidPlace;
    fn try_from(address: Unchecked) -> Result<Self, InvalidPlace> {
        Self::new(address.street, address.postal_code, address.city, address.country)
    }
}

impl Address {
    pub fn new(
        street: Option<Text<200>>,
        postal_code: Text<16>,
        city: Text<80>,
        country: Country,
    ) -> Result<Self, InvalidPlace> {
        if country == Country::BELGIUM {
            postal_code.as_str().parse::<PostalCode>()?;
        }
        Ok(Self { street, postal_code, city, country })
    }

    /// The municipality of a Belgian address.
    pub fn municipality(&self) -> Option<Municipality> {
        if self.country != Country::BELGIUM {
            return None;
        }
        let postal_code = self.postal_code.as_str().parse().ok()?;
        Some(Municipality { postal_code, name: self.city.clone() })
    }
}

/// Without the address, which is personal.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address")
    }
}
