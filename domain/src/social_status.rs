//! Social status (kansenstatuut): facts with dates, whose state on a day is computed, never stored.
//! Source: FAQ "Kansenstatuut"; R-SOC-02.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

/// The social status of a membership, as granted, extended and suspended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocialStatus {
    /// The last day, before grace.
    pub until: NaiveDate,
    /// No social tariff before this day; absent when not suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_until: Option<NaiveDate>,
}

/// What a social status comes down to on a day.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum OnDay {
    /// There is none.
    None,
    Active,
    /// Past its end date, and still entitled.
    Grace,
    Expired,
    Suspended,
    /// The membership is blocked.
    Blocked,
}

impl SocialStatus {
    /// The state on a day. Blocked goes before expired, then suspended, grace, active (R-SOC-02).
    pub fn on(&self, day: NaiveDate, grace_days: u16, membership_blocked: bool) -> OnDay {
        let last_of_grace =
            self.until.checked_add_days(Days::new(u64::from(grace_days))).unwrap_or(NaiveDate::MAX);
        if membership_blocked {
            OnDay::Blocked
        } else if day > last_of_grace {
            OnDay::Expired
        } else if self.suspended_until.is_some_and(|until| day < until) {
            OnDay::Suspended
        } else if day > self.until {
            OnDay::Grace
        } else {
            OnDay::Active
        }
    }
}

impl OnDay {
    /// Whether it buys the social tariff.
    pub fn entitles(self) -> bool {
        matches!(self, OnDay::Active | OnDay::Grace)
    }
}

/// By what a social status was shown (R-REG-05). Source: FAQ "Wie heeft recht op kansentarief?"
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Proof {
    IncreasedReimbursement,
    LivingWage,
    BudgetManagementOrGuidance,
    DebtMediationOrCollectiveSettlement,
    IncomeGuaranteeForTheElderly,
    IncomeReplacementForDisability,
    OtherLocalCriterion,
    IndividualDecision,
}
