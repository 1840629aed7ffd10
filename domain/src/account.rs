//! A UiTID that has logged in: who is appointed by e-mail address must be known (R-CTR-02). The
//! address stands here sealed; whose it is, a keyed hash beside the log tells.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::aggregate;
use crate::ids::SubjectId;
use crate::sealed::Sealed;
use crate::values::contact::Email;

#[derive(Debug, Clone)]
pub enum Command {
    /// A token showed an address that was verified, and that is not the one known.
    ShowEmail { email: Sealed<Email>, at: DateTime<Utc> },
    /// Another UiTID showed the address: it is this one's no more.
    LoseEmail { at: DateTime<Utc> },
}

/// The storage format of this stream: a changed shape needs a new version and an upcaster.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames,
)]
pub enum Event {
    EmailShown { email: Sealed<Email>, at: DateTime<Utc> },
    EmailLost { at: DateTime<Utc> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this UiTID has no e-mail address here")]
    NoEmail,
}

/// The account as decisions know it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub email: Option<Sealed<Email>>,
}

aggregate!(Account, "account", SubjectId, Command, Event, Refused);

impl Account {
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Refused> {
        match command {
            Command::ShowEmail { email, at } => Ok(vec![Event::EmailShown { email, at }]),
            Command::LoseEmail { at } => match self.email {
                Some(_) => Ok(vec![Event::EmailLost { at }]),
                None => Err(Refused::NoEmail),
            },
        }
    }

    pub fn evolve(&mut self, event: Event) {
        match event {
            Event::EmailShown { email, .. } => self.email = Some(email),
            Event::EmailLost { .. } => self.email = None,
        }
    }
}
