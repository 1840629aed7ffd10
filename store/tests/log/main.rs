//! The log on a real server: what is appended, once, in which order, and what it survives.

mod altered;
mod appended;
mod commands;
mod framework;
mod outage;
mod read;
mod tally;
