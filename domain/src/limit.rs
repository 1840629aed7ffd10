//! How often something may be had: so many times per calendar period (R-CHK-03, R-TAR-05, R-RWD-04).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::calendar::Period;

/// At most `volume` uses in one `period` of the Belgian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limit {
    pub volume: u32,
    pub period: Period,
}

impl Limit {
    /// The default for an activity with a single occurrence.
    pub const ONCE_EVER: Self = Self { volume: 1, period: Period::Absolute };
    /// The default for multiple, periodic and permanent activities.
    pub const ONCE_A_DAY: Self = Self { volume: 1, period: Period::Day };

    /// What is left in the period that holds `today`, after the uses made on these days.
    pub fn left(&self, uses: impl Iterator<Item = NaiveDate>, today: NaiveDate) -> u32 {
        let used = uses.filter(|day| self.period.same(*day, today)).count();
        self.volume.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }
}
