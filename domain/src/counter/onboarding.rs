//! Taking up a new organizer, in steps (R-CTR-07). Some are done when somebody says so; the others show
//! from what is set. Source: KSB manual, "Nieuwe aanbieder"; association manual, "Inschrijving".

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Counter, Event, StaffKind};

/// What is done when somebody says so.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Step {
    InformationSheetSigned,
    DeclarationOfHonourSigned,
    AgreementSigned,
    /// By the college of the municipality.
    ApprovedByMunicipality,
    /// The organizer was told how it works.
    Informed,
}

/// What is yet to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Open {
    Step(Step),
    FirstAdmin,
    Iban,
    Permissions,
    DistributionKey,
}

/// All, in the order in which they are usually taken.
const ALL: [Open; 9] = [
    Open::Step(Step::InformationSheetSigned),
    Open::Step(Step::DeclarationOfHonourSigned),
    Open::Step(Step::AgreementSigned),
    Open::Step(Step::ApprovedByMunicipality),
    Open::FirstAdmin,
    Open::Iban,
    Open::Permissions,
    Open::DistributionKey,
    Open::Step(Step::Informed),
];

impl Counter {
    /// The steps that are yet to be taken. A counter without a key of its own has those of its card
    /// systems, where they have any.
    pub fn open_steps(&self, has_default_key: bool) -> Vec<Open> {
        let is_done = |open: &Open| match open {
            Open::Step(step) => self.steps.contains(step),
            Open::FirstAdmin => self.staff.values().any(|kind| *kind == StaffKind::Admin),
            Open::Iban => self.iban.is_some(),
            Open::Permissions => self.terms.values().any(|terms| !terms.groups.is_empty()),
            Open::DistributionKey => {
                has_default_key || self.terms.values().any(|terms| !terms.keys.is_empty())
            }
        };
        ALL.into_iter().filter(|open| !is_done(open)).collect()
    }

    pub(super) fn complete_step(&self, step: Step, at: DateTime<Utc>) -> Vec<Event> {
        let news = !self.steps.contains(&step);
        if news { vec![Event::StepCompleted { step, at }] } else { vec![] }
    }

    pub(super) fn reopen_step(&self, step: Step, at: DateTime<Utc>) -> Vec<Event> {
        let news = self.steps.contains(&step);
        if news { vec![Event::StepReopened { step, at }] } else { vec![] }
    }
}
