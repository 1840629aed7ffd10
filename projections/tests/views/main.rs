//! The views on a real server: what they make of the log, live, rebuilt and verified.

mod following;
mod million;
mod notes;
mod overviews;
mod proving;
mod rebuilding;
mod world;
