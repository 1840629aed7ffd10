//! A simple model of the rules, and stories to hold the two against each other.
//!
//! - [`setting`]: the region they play in, and [`step`]: what may happen
//! - [`simple`]: the rulebook once more, written without the domain
//! - [`world`]: the domain, with the facts that the doors would look up
//! - [`stories`]: both through one story, and the shortest story in which they part

pub mod answer;
mod refusals;
mod region;
pub mod setting;
pub mod simple;
pub mod step;
pub mod stories;
pub mod world;

pub use region::{counter_id, number, person, reward_id, slot_of};
