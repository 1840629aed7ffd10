//! `/admin/v1`: what a counter, a KSB and the system owner need that the contract lacks.

mod activities;
mod card_systems;
mod cards;
mod counters;
mod overviews;
mod view;

use axum::Router;

use crate::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .merge(activities::router())
        .merge(card_systems::router())
        .merge(cards::router())
        .merge(counters::router())
        .merge(overviews::router())
        .merge(view::router())
}
