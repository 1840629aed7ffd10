//! The account of an organizer, to which municipalities repay (R-CTR-03).

use std::fmt;
use std::str::FromStr;

use iban::IbanLike;
use serde::{Deserialize, Serialize};

/// An IBAN (ISO 13616), checked by check digits and by the length and form of its country. Stored
/// and printed compact, in upper case.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Iban(iban::Iban);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no IBAN")]
pub struct InvalidIban;

impl Iban {
    /// As printed on paper, in groups of four.
    pub fn grouped(&self) -> String {
        self.0.to_string()
    }
}

impl FromStr for Iban {
    type Err = InvalidIban;

    fn from_str(text: &str) -> Result<Self, InvalidIban> {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        compact.to_ascii_uppercase().parse().map(Self).map_err(|_| InvalidIban)
    }
}

super::written_as_text!(Iban, InvalidIban);

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.electronic_str())
    }
}

/// Without the number, which does not belong in logs.
impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iban")
    }
}
