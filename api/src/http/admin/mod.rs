//! `/admin/v1`: what a counter, a KSB and the system owner need that the contract lacks.

mod activities;
mod associations;
mod audit;
mod bulk;
mod card_stock;
mod card_systems;
mod cards;
mod clients;
pub mod counters;
mod coupons;
pub mod export;
mod group_passes;
mod insight;
mod kiosks;
mod memberships;
mod notes;
mod onboarding;
mod online_rewards;
mod orders;
mod overviews;
mod payments;
mod renewal;
mod segments;
mod view;

use utoipa_axum::router::OpenApiRouter;

use super::documentation::about;
use crate::app::App;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(about("Activities", activities::router()))
        .merge(about("Card systems", card_systems::router()))
        .merge(about("Audit", audit::router()))
        .merge(about("Bulk actions", bulk::router()))
        .merge(about("Cards", cards::router()))
        .merge(about("Cards", card_stock::router()))
        .merge(about("Clients", clients::router()))
        .merge(about("Counters", counters::router()))
        .merge(about("Coupons", coupons::router()))
        .merge(about("Group passes", group_passes::router()))
        .merge(about("Associations", associations::router()))
        .merge(about("Kiosks", kiosks::router()))
        .merge(about("Memberships", memberships::router()))
        .merge(about("Expense notes", notes::router()))
        .merge(about("Counters", onboarding::router()))
        .merge(about("Orders", orders::router()))
        .merge(about("Overviews", overviews::router()))
        .merge(about("Expense notes", payments::router()))
        .merge(about("Renewal of social status", renewal::router()))
        .merge(about("Rewards", online_rewards::router()))
        .merge(about("Insight", insight::router()))
        .merge(about("Insight", segments::router()))
        .merge(about("Export", export::router()))
        .merge(about("Counter view", view::router()))
}
