//! The rulebook, chapter by chapter, against the domain alone. The id above a test is the rule it
//! proves.

mod bulk;
mod calendar;
mod cards;
mod check_ins;
mod clients;
mod completeness;
mod counters;
mod coupons;
mod given;
mod golden;
mod group_passes;
mod identification;
mod invariants;
mod kiosks;
mod ksb;
mod limits;
mod memberships;
mod notes;
mod registration;
mod renewal;
mod rewards;
mod social_status;
mod social_tariff;
mod tariff_shares;
mod values;
