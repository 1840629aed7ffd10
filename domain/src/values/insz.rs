//! The number of a person in the Belgian national register (R-ID-02).

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

const LENGTH: usize = 11;
const MODULUS: u64 = 97;
/// Stands in front of the first nine digits for those born from 2000 on.
const BORN_FROM_2000: u64 = 2_000_000_000;

/// An INSZ (rijksregisternummer or BIS number): year, month and day of birth in two digits each, a
/// serial of three, and a check of two that also tells the century. Serialised as eleven digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Insz {
    digits: [u8; LENGTH],
    born_from_2000: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInsz {
    #[error("an INSZ has digits only, with dots, hyphens or blanks between them")]
    NotDigits,
    #[error("an INSZ has 11 digits")]
    Length,
    #[error("the check digits of the INSZ are wrong")]
    CheckDigits,
    #[error("the birth date in the INSZ does not exist")]
    BirthDate,
}

impl Insz {
    /// The birth date, where the number carries one: a month or day of 00 means unknown.
    pub fn birth_date(&self) -> Option<NaiveDate> {
        let (month, day) = (self.month(), self.pair(4));
        NaiveDate::from_ymd_opt(self.year(), month, day)
    }

    /// Whether someone with this number can be born on that day.
    pub fn agrees_with(&self, birth: NaiveDate) -> bool {
        self.birth_date().is_none_or(|carried| carried == birth)
    }

    fn year(&self) -> i32 {
        let century = if self.born_from_2000 { 2000 } else { 1900 };
        century + self.pair(0) as i32
    }

    /// The calendar month. A BIS number adds 20 where the gender is unknown, or 40.
    fn month(&self) -> u32 {
        match self.pair(2) {
            bis @ 20..=32 => bis - 20,
            bis @ 40..=52 => bis - 40,
            month => month,
        }
    }

    fn pair(&self, at: usize) -> u32 {
        number(&self.digits[at..at + 2]) as u32
    }

    /// Whether a birth date that is given in full is one of the calendar.
    fn is_of_the_calendar(&self) -> bool {
        let unknown = self.month() == 0 || self.pair(4) == 0;
        (unknown && self.month() <= 12 && self.pair(4) <= 31) || self.birth_date().is_some()
    }
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

impl FromStr for Insz {
    type Err = InvalidInsz;

    fn from_str(text: &str) -> Result<Self, InvalidInsz> {
        let separator = |c: &char| matches!(c, '.' | '-') || c.is_whitespace();
        let text: String = text.chars().filter(|c| !separator(c)).collect();
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidInsz::NotDigits);
        }
        let digits: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| InvalidInsz::Length)?;
        let (serial, check) = (number(&digits[..9]), number(&digits[9..]));
        let born_from_2000 = if check == MODULUS - serial % MODULUS {
            false
        } else if check == MODULUS - (BORN_FROM_2000 + serial) % MODULUS {
            true
        } else {
            return Err(InvalidInsz::CheckDigits);
        };
        let insz = Self { digits, born_from_2000 };
        if insz.is_of_the_calendar() { Ok(insz) } else { Err(InvalidInsz::BirthDate) }
    }
}

super::written_as_text!(Insz, InvalidInsz);

impl fmt::Display for Insz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits).expect("the door lets ASCII digits in only"))
    }
}

/// Without the digits, which are personal.
impl fmt::Debug for Insz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Insz")
    }
}
