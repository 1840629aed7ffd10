//! The number of a UiTPAS (R-ID-01).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const LENGTH: usize = 13;

/// The thirteen digits on a UiTPAS, kept as ASCII. Any leading digit, hence never an integer. The
/// last but one is 1 on a card for social status, the last one is the check digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CardNumber([u8; LENGTH]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCardNumber {
    #[error("a UiTPAS number has 13 digits")]
    Length,
    #[error("a UiTPAS number has digits only")]
    NotDigits,
    #[error("the check digit of the UiTPAS number is wrong")]
    CheckDigit,
    #[error("the second-to-last digit of a UiTPAS number is 0 or 1")]
    StatusDigit,
}

impl CardNumber {
    /// Whether the card is one for social status. Fixed for the life of the card; the right of its
    /// holder is another matter.
    pub fn is_for_social_status(&self) -> bool {
        self.0[LENGTH - 2] == b'1'
    }

    /// As printed on the card: `09000 00095 902`.
    pub fn grouped(&self) -> String {
        let digits = self.as_str();
        format!("{} {} {}", &digits[..5], &digits[5..10], &digits[10..])
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the door lets ASCII digits in only")
    }
}

/// The Luhn check, from the right: every second digit doubled, the sum a multiple of ten.
fn luhn_holds(digits: &[u8; LENGTH]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            let weighted = if place % 2 == 1 { digit * 2 } else { digit };
            weighted / 10 + weighted % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

impl FromStr for CardNumber {
    type Err = InvalidCardNumber;

    /// Surrounding blanks are ignored: scanners type the number and Enter (R-ID-04).
    fn from_str(text: &str) -> Result<Self, InvalidCardNumber> {
        let text = text.trim();
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidCardNumber::NotDigits);
        }
        let digits = text.as_bytes().try_into().map_err(|_| InvalidCardNumber::Length)?;
        if !luhn_holds(&digits) {
            return Err(InvalidCardNumber::CheckDigit);
        }
        match digits[LENGTH - 2] {
            b'0' | b'1' => Ok(Self(digits)),
            _ => Err(InvalidCardNumber::StatusDigit),
        }
    }
}

super::written_as_text!(CardNumber, InvalidCardNumber);

impl fmt::Display for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardNumber({})", self.as_str())
    }
}
