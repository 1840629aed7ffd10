//! Values: small things with a rule of their own. Each has a private field and one fallible door,
//! and serde goes through that door, so that forms, JSON bodies and stored events are all checked
//! by the same lines.

pub mod card_number;
pub mod chip_number;
pub mod contact;
pub mod digest;
pub mod euro;
pub mod iban;
pub mod identifier;
pub mod insz;
pub mod place;
pub mod text;

/// Leads serde through a value's `FromStr` and `Display`.
macro_rules! written_as_text {
    ($value:ty, $invalid:ty) => {
        impl TryFrom<String> for $value {
            type Error = $invalid;
            fn try_from(text: String) -> Result<Self, $invalid> {
                text.parse()
            }
        }

        impl From<$value> for String {
            fn from(value: $value) -> String {
                value.to_string()
            }
        }
    };
}
use written_as_text;
