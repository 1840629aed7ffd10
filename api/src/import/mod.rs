//! Reading what others publish: activities of UiTdatabank, lists of cards, verdicts on social status,
//! codes of rewards, vouchers. A broken record is told with its line, the others go on. Nothing here writes: the caller says what
//! to do with it.

pub mod activities;
pub mod cards;
pub mod codes;
mod fields;
mod records;
pub mod rows;
pub mod verdicts;
pub mod vouchers;
