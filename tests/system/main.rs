//! The system from outside: a region and its people, through HTTP alone. One database per test.
//! The id above a test is the rule it proves.

mod access;
mod answer;
mod audit;
mod bad_input;
mod bulk;
mod cards;
mod check_in_codes;
mod check_ins;
mod clients;
mod contract;
mod coupons;
mod described;
mod documentation;
mod doors;
mod flows;
mod group_passes;
mod idempotency;
mod kiosks;
mod memberships;
mod notes;
mod oneself;
mod operations;
mod outside_issuer;
mod privacy;
mod region;
mod registration;
mod renewal;
mod reports;
mod rewards;
mod staff;
mod tariffs;
