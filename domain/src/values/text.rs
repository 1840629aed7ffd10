//! Text that people typed: one Unicode form (NFC), trimmed, without controls, of bounded length.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// One line of 1 to `MAX` characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MAX: usize>(Box<str>);

/// Lines of 1 to `MAX` characters together; every line break is a line feed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lines<const MAX: usize>(Box<str>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    #[error("the text is empty")]
    Empty,
    #[error("the text has a control character")]
    Control,
    #[error("the text is longer than {0} characters")]
    TooLong(usize),
}

fn clean(text: &str, max: usize, allowed: impl Fn(char) -> bool) -> Result<Box<str>, InvalidText> {
    let composed = if is_nfc(text) { Cow::Borrowed(text) } else { text.nfc().collect() };
    let text = composed.trim();
    if text.is_empty() {
        return Err(InvalidText::Empty);
    }
    if !text.chars().all(allowed) {
        return Err(InvalidText::Control);
    }
    if text.chars().count() > max {
        return Err(InvalidText::TooLong(max));
    }
    Ok(text.into())
}

/// Whether a character may stand in a line: no control, and none of Unicode's own line breaks.
fn is_plain(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

impl<const MAX: usize> FromStr for Text<MAX> {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        clean(text, MAX, is_plain).map(Self)
    }
}

impl<const MAX: usize> FromStr for Lines<MAX> {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        clean(&text, MAX, |c| c == '\n' || is_plain(c)).map(Self)
    }
}

macro_rules! text {
    ($name:ident) => {
        impl<const MAX: usize> $name<MAX> {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<const MAX: usize> TryFrom<String> for $name<MAX> {
            type Error = InvalidText;
            fn try_from(text: String) -> Result<Self, InvalidText> {
                text.parse()
            }
        }

        impl<const MAX: usize> From<$name<MAX>> for String {
            fn from(text: $name<MAX>) -> String {
                text.0.into()
            }
        }

        impl<const MAX: usize> fmt::Display for $name<MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text!(Text);
text!(Lines);
