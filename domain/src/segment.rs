//! A segment of passholders to write to: only those who opted in to that kind of message, and no
//! figure that tells of those who did not (R-KSB-05). Source: FAQ "Gericht communiceren".

use crate::insight::{SHOWN_FROM, Shown, shown};
use crate::passholder::registration::Preferences;

/// A kind of message, and by what it is sent.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
    strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Message {
    ServiceMail,
    MilestoneMail,
    InfoMail,
    Sms,
    Post,
}

impl Message {
    /// Whether the passholder agreed to it.
    pub fn is_wanted_by(self, preferences: &Preferences) -> bool {
        match self {
            Message::ServiceMail => preferences.service_mails,
            Message::MilestoneMail => preferences.milestone_mails,
            Message::InfoMail => preferences.info_mails,
            Message::Sms => preferences.sms,
            Message::Post => preferences.post,
        }
    }
}

/// How large a segment is, as it is shown, where `recipients` of each kind of message are listed:
/// whoever lists them must not learn by the rest that a few gave no consent.
pub fn size(all: u64, recipients: &[u64]) -> Shown {
    let tells_of_few =
        |recipients: &u64| (1..SHOWN_FROM).contains(&all.saturating_sub(*recipients));
    match shown(all) {
        Shown::Exactly(_) if recipients.iter().any(tells_of_few) => Shown::Many,
        size => size,
    }
}
