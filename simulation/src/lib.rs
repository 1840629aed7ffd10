//! A region that does not exist, over years: a log as the counters of a real one would have filled
//! it. Every event is decided by the rules of the domain, in the order in which it happens; what
//! they refuse does not happen. Only the appending is quicker than by commands
//! ([`uitpas_store::fill`]).
//!
//! - [`names`]: places, people and titles, all made up of common ones
//! - [`pen`]: decisions on their way into the log
//! - [`region`]: the card system, its counters, rewards and coupon
//! - [`days`]: what happens from day to day

mod days;
mod names;
mod pen;
mod region;

use chrono::NaiveDate;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sqlx::postgres::PgConnectOptions;
use uitpas_domain::ids::CardSystemId;
use uitpas_store::Failed;
use uitpas_store::fill::Filling;
use uitpas_store::sealing::MasterKey;

use crate::days::Days;
use crate::pen::Pen;
use crate::region::Region;

/// The one card system there is.
pub const SYSTEM: CardSystemId = CardSystemId(5);

/// Its KSB admin.
pub const KSB: &str = "ksb";

/// How large a region, and for how long. From equal plans come equal events, apart from what is
/// sealed, which never is twice the same, and the hashes over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub passholders: u32,
    pub years: u32,
    pub seed: u64,
    /// The first day.
    pub from: NaiveDate,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    pub events: u64,
    pub counters: u64,
    pub passholders: u64,
    pub check_ins: u64,
    pub sales: u64,
    pub cancellations: u64,
    pub redemptions: u64,
    pub notes: u64,
}

impl Plan {
    /// The first day after it.
    pub fn end(&self) -> NaiveDate {
        let months = chrono::Months::new(12 * self.years);
        self.from.checked_add_months(months).unwrap_or(NaiveDate::MAX)
    }

    pub fn days(&self) -> u64 {
        (self.end() - self.from).num_days().unsigned_abs()
    }
}

/// Writes the region into an empty log, as its owner. `progress` hears how many days are over.
pub async fn write(
    owner: PgConnectOptions,
    master: &MasterKey,
    plan: &Plan,
    progress: impl FnMut(u64),
) -> Result<Written, Failed> {
    let filling = Filling::begin(owner).await?;
    if filling.position() > 0 {
        return Err(Failed::new("there is something in this log already"));
    }
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut pen = Pen::new(filling, plan.seed);
    let region = Region::found(&mut pen, &mut random, plan).await?;
    let days = Days::new(*plan, region, random, master);
    days.pass(pen, progress).await
}
