//! How a person is reached.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An e-mail address as its owner writes it. Compare by [`Email::normalised`].
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(Box<str>);

/// A telephone number as its owner writes it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(Box<str>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no e-mail address")]
pub struct InvalidEmail;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no telephone number")]
pub struct InvalidPhone;

impl Email {
    /// Longest address that can be delivered to, and longest part before the @ (RFC 5321).
    const LENGTH_MAX: usize = 254;
    const LOCAL_LENGTH_MAX: usize = 64;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case: the form in which two addresses are the same one.
    pub fn normalised(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// The unquoted form of RFC 5321 with a domain of at least two labels. Whether mail arrives only
/// sending it can tell.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let word = |word: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
        !word.is_empty() && word.bytes().all(allowed)
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= Email::LENGTH_MAX
        && local.len() <= Email::LOCAL_LENGTH_MAX
        && local.split('.').all(word)
        && domain.contains('.')
        && domain.split('.').all(label)
}

impl FromStr for Email {
    type Err = InvalidEmail;
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        if is_email(text) { Ok(Self(text.into())) } else { Err(InvalidEmail) }
    }
}

impl Phone {
    /// Digits of a number: short national ones up to the longest international one (E.164).
    const DIGITS: std::ops::RangeInclusive<usize> = 6..=15;
    const LENGTH_MAX: usize = 32;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Phone {
    type Err = InvalidPhone;

    fn from_str(text: &str) -> Result<Self, InvalidPhone> {
        let text = text.trim();
        let number = text.strip_prefix('+').unwrap_or(text);
        let allowed = |b: u8| b.is_ascii_digit() || b" ./-()".contains(&b);
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        if !number.bytes().all(allowed)
            || !Self::DIGITS.contains(&digits)
            || text.len() > Self::LENGTH_MAX
        {
            return Err(InvalidPhone);
        }
        Ok(Self(text.into()))
    }
}

super::written_as_text!(Email, InvalidEmail);
super::written_as_text!(Phone, InvalidPhone);

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Without the address, which is personal.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email")
    }
}

/// Without the number, which is personal.
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone")
    }
}
