//! Bulk actions: one act for many passholders at once, each by itself. Source: counter manual,
//! "Bulkacties".

use std::collections::BTreeSet;

use crate::ids::PassholderId;

/// Passholders in one bulk action (R-BLK-01).
pub const PASSHOLDERS_MAX: usize = 200;

/// Why a list is refused whole (R-BLK-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListRefused {
    #[error("no passholder is named")]
    Empty,
    #[error("at most {PASSHOLDERS_MAX} passholders at once")]
    TooMany,
    #[error("the passholder at place {0} was named before")]
    Duplicate(usize),
}

/// Whether these may be acted on at once: 1 to 200, each of them once. Places count from 1.
pub fn demand_list(passholders: &[PassholderId]) -> Result<(), ListRefused> {
    if passholders.is_empty() {
        return Err(ListRefused::Empty);
    }
    if passholders.len() > PASSHOLDERS_MAX {
        return Err(ListRefused::TooMany);
    }
    let mut seen = BTreeSet::new();
    match passholders.iter().position(|passholder| !seen.insert(passholder)) {
        Some(index) => Err(ListRefused::Duplicate(index + 1)),
        None => Ok(()),
    }
}
