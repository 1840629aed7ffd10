//! The UiTID of a passholder, by which he sees himself online. Source: FAQ, "UiTPAS-app".

use chrono::{DateTime, Utc};

use super::{Event, Holder, Refused};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UitidRefused {
    #[error("this passholder has a UiTID already")]
    AlreadyLinked,
}

impl Holder {
    /// That a UiTID is one passholder's at most, the caller sees to.
    pub(super) fn link_uitid(&self, at: DateTime<Utc>) -> Result<Vec<Event>, Refused> {
        match self.with_uitid {
            true => Err(UitidRefused::AlreadyLinked.into()),
            false => Ok(vec![Event::UitidLinked { at }]),
        }
    }
}
