//! What staff keep of a person beside his details: a note among themselves, and a picture. Both are
//! readable only while the person's key exists (R-PRV-01).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Event, Holder, Refused};
use crate::counter::{Authority, NotAllowed, Task};
use crate::sealed::Sealed;
use crate::values::digest::Digest;
use crate::values::text::Lines;

/// A note of staff on a passholder.
pub type Note = Lines<2000>;

/// A picture that lies, sealed, beside the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Of the sealed bytes: what lies there is what was laid there.
    pub digest: Digest,
    pub kind: PictureKind,
    /// Of the picture itself.
    pub bytes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PictureKind {
    Jpeg,
    Png,
}

/// The largest picture. Source: our choice; a passport photo of a phone takes less, and as base64 in
/// a registration it fits in one request.
pub const PICTURE_BYTES_MAX: usize = 700_000;

#[derive(Debug, Clone)]
pub struct SetNote {
    pub by: Authority,
    /// Absent: there is nothing to say any more.
    pub note: Option<Sealed<Note>>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct SetPicture {
    pub by: Authority,
    /// Absent: it is taken away.
    pub picture: Option<Picture>,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureRefused {
    #[error("this passholder has no picture")]
    None,
}

impl PictureKind {
    /// By its content, whatever it is called; absent where it is something else.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        const JPEG: &[u8] = &[0xff, 0xd8, 0xff];
        /// The signature, then the length and name of the first chunk.
        const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR";
        if bytes.starts_with(JPEG) {
            return Some(PictureKind::Jpeg);
        }
        bytes.starts_with(PNG).then_some(PictureKind::Png)
    }
}

impl Holder {
    fn demand_kept_by(&self, by: &Authority) -> Result<(), Refused> {
        match self.memberships.keys().any(|card_system| by.may_in(*card_system, Task::Edit)) {
            true => Ok(()),
            false => Err(NotAllowed::Task(Task::Edit).into()),
        }
    }

    pub(super) fn set_note(&self, set: SetNote) -> Result<Vec<Event>, Refused> {
        let SetNote { by, note, at } = set;
        self.demand_kept_by(&by)?;
        match note == self.note {
            true => Ok(vec![]),
            false => Ok(vec![Event::PrivateNoteSet { note, at }]),
        }
    }

    pub(super) fn set_picture(&self, set: SetPicture) -> Result<Vec<Event>, Refused> {
        let SetPicture { by, picture, at } = set;
        self.demand_kept_by(&by)?;
        match (picture, self.picture) {
            (Some(picture), _) => Ok(vec![Event::PictureSet { picture, at }]),
            (None, Some(_)) => Ok(vec![Event::PictureRemoved { at }]),
            (None, None) => Err(PictureRefused::None.into()),
        }
    }
}
