//! The doors of UiTPAS: HTTP and command line.
//!
//! A write visits `http` -> `actions` -> `domain`; a read, `http` -> `projections`.

pub mod access;
pub mod actions;
pub mod app;
pub mod auth;
pub mod cli;
pub mod demo_activities;
pub mod files;
pub mod guesses;
pub mod http;
pub mod import;
pub mod kit;
pub mod ledger;
pub mod oidc;
pub mod problem;
pub mod seal;
