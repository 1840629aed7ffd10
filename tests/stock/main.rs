//! Why there is a store of our own. The faults of the published cqrs-es 0.5.0 and postgres-es 0.5.0
//! that would cost points and money here, each shown on those crates as they are, with what our log
//! and views make of the same story beside it; and the contract: what both must give alike.
//!
//! When a newer version mends one of them, its test fails here, and this choice can be made anew.

mod both;
mod contract;
mod memory;
mod replay;
mod snapshots;
mod views;
mod writes;
