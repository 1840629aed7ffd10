//! The number of the chip in a card (R-ID-03).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The seven bytes that identify a chip, written as 14 hexadecimal digits in upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChipNumber([u8; 7]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a chip number has 14 hexadecimal digits")]
pub struct InvalidChipNumber;

impl FromStr for ChipNumber {
    type Err = InvalidChipNumber;

    fn from_str(text: &str) -> Result<Self, InvalidChipNumber> {
        let text = text.trim();
        if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidChipNumber);
        }
        let mut bytes = [0; 7];
        for (byte, pair) in bytes.iter_mut().zip((0..14).step_by(2)) {
            *byte = u8::from_str_radix(&text[pair..pair + 2], 16).map_err(|_| InvalidChipNumber)?;
        }
        Ok(Self(bytes))
    }
}

super::written_as_text!(ChipNumber, InvalidChipNumber);

impl fmt::Display for ChipNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for ChipNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChipNumber({self})")
    }
}
