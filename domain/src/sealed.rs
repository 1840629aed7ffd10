//! Personal data in events: sealed under a key of its person, so that it can be forgotten.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

/// A value of type `T`, encrypted. Only the store seals and opens; here it is opaque text, read
/// back from events as it was written. Once the person's key is destroyed it stays closed.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed<T> {
    ciphertext: String,
    #[serde(skip)]
    content: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// The ciphertext, as text.
    pub fn as_str(&self) -> &str {
        &self.ciphertext
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self { ciphertext: self.ciphertext.clone(), content: PhantomData }
    }
}

impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.ciphertext == other.ciphertext
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed")
    }
}

/// What opening a sealed value gives. Erased is normal: the person was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened<T> {
    Readable(T),
    Erased,
}

impl<T> Opened<T> {
    /// The value, unless it was erased.
    pub fn readable(self) -> Option<T> {
        match self {
            Opened::Readable(value) => Some(value),
            Opened::Erased => None,
        }
    }
}
