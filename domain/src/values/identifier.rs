//! What is typed or scanned to identify a pass (R-ID-04).

use std::fmt;
use std::str::FromStr;

use super::card_number::{CardNumber, InvalidCardNumber};
use super::chip_number::ChipNumber;
use super::insz::{Insz, InvalidInsz};

/// One of the three numbers a counter may identify a pass by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identifier {
    Card(CardNumber),
    Chip(ChipNumber),
    Insz(Insz),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentifier {
    #[error("nothing was entered")]
    Empty,
    #[error(transparent)]
    Card(#[from] InvalidCardNumber),
    #[error(transparent)]
    Insz(#[from] InvalidInsz),
    #[error(
        "this is no UiTPAS number (13 digits), chip number (14 hexadecimal digits) or INSZ (11 digits)"
    )]
    Unknown,
}

impl FromStr for Identifier {
    type Err = InvalidIdentifier;

    /// The shape tells the kind, so that the answer is about the number that was meant.
    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidIdentifier::Empty);
        }
        if text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Card(text.parse()?));
        }
        if let Ok(chip) = text.parse() {
            return Ok(Self::Chip(chip));
        }
        match text.parse() {
            Ok(insz) => Ok(Self::Insz(insz)),
            Err(InvalidInsz::NotDigits | InvalidInsz::Length) => Err(InvalidIdentifier::Unknown),
            Err(wrong) => Err(wrong.into()),
        }
    }
}

/// Without the digits: an INSZ is personal.
impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Card(_) => "Identifier::Card",
            Self::Chip(_) => "Identifier::Chip",
            Self::Insz(_) => "Identifier::Insz",
        })
    }
}
