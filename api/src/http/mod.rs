//! The HTTP doors, and their contents page.

pub mod admin;
pub mod associations;
pub mod card_systems;
pub mod cards;
pub mod check_in_codes;
pub mod check_ins;
mod context;
pub mod coupons;
pub mod csv;
mod documentation;
pub mod events;
pub mod extract;
pub mod families;
pub mod financial_reports;
pub mod group_passes;
pub mod health;
pub mod kiosk_devices;
pub mod kiosks;
pub mod links;
pub mod memberships;
pub mod metrics;
pub mod oneself;
pub mod orders;
pub mod organizer_admins;
pub mod organizers;
pub mod passes;
pub mod passholders;
pub mod permissions;
pub mod private;
mod refusals;
pub mod reward_search;
pub mod rewards;
pub mod shapes;
pub mod tariffs;
pub mod ticket_sales;
pub mod uitid;
mod words;

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tower::Layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::normalize_path::NormalizePath;
use tower_http::timeout::TimeoutLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use self::documentation::about;
use crate::access;
use crate::app::App;
use crate::problem::Problem;

/// The largest body. Source: our choice; 200 ticket sales take about 60 kB.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a request may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The operations of the UiTPAS API 4.0.
fn contract() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(about("Passes", passes::router()))
        .merge(about("Cards", cards::router()))
        .merge(about("Passholders", passholders::router()))
        .merge(about("Passholders", private::router()))
        .merge(about("Families", families::router()))
        .merge(about("Memberships", memberships::router()))
        .merge(about("Oneself", oneself::router()))
        .merge(about("Oneself", uitid::router()))
        .merge(about("Check-ins", check_ins::router()))
        .merge(about("Tariffs and ticket sales", tariffs::router()))
        .merge(about("Tariffs and ticket sales", ticket_sales::router()))
        .merge(about("Rewards", reward_search::router()))
        .merge(about("Coupons", coupons::router()))
        .merge(about("Group passes", group_passes::router()))
        .merge(about("Associations", associations::router()))
        .merge(about("Rewards", rewards::router()))
        .merge(about("Kiosks", kiosks::router()))
        .merge(about("Kiosks", kiosk_devices::router()))
        .merge(about("Events", events::router()))
        .merge(about("Events", check_in_codes::router()))
        .merge(about("Orders", orders::router()))
        .merge(about("Card systems", card_systems::router()))
        .merge(about("Organizers", organizers::router()))
        .merge(about("Organizers", organizer_admins::router()))
        .merge(about("Permissions", permissions::router()))
        .merge(about("Financial reports", financial_reports::router()))
}

/// Where the two parts of the API stand.
const V4: &str = "/v4";
const ADMIN: &str = "/admin/v1";

/// The parts of the API, each with where it stands and its description.
fn parts() -> [(&'static str, Router<App>, OpenApi); 2] {
    let part = |base, title, router: OpenApiRouter<App>| {
        let (router, api) = router.split_for_parts();
        (base, router, documentation::complete(api, base, title))
    };
    [part(V4, "UiTPAS API", contract()), part(ADMIN, "Back office of UiTPAS", admin::router())]
}

/// The descriptions of all operations, and where they stand.
pub fn descriptions() -> [(&'static str, OpenApi); 2] {
    parts().map(|(base, _, api)| (base, api))
}

/// The page to read the descriptions and to try them; the scripts come from here too.
fn page() -> Router {
    let documents = [V4, ADMIN].map(|base| format!("{base}/openapi.json"));
    SwaggerUi::new("/docs").config(Config::new(documents).persist_authorization(true)).into()
}

pub fn router(app: App) -> Router {
    metrics::start();
    let parts = parts().into_iter().fold(Router::new(), |all, (base, router, api)| {
        all.nest(base, router.route("/openapi.json", get(|| async move { Json(api) })))
    });
    let router = parts
        .route("/", get(health::welcome))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .fallback(|| async { Problem::NoSuchUrl })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .layer(axum::middleware::from_fn(access::operation_of))
        .layer(axum::middleware::from_fn(context::position))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::Internal("a handler panicked".into()).into_response()
        }))
        .layer(axum::middleware::from_fn(context::problems))
        .layer(axum::middleware::from_fn(refusals::as_the_operation_has_it))
        .layer(axum::middleware::from_fn(context::traced))
        .layer(CompressionLayer::new())
        .with_state(app);
    // Around the routes: which methods an address knows is told by them, after their own layers.
    let router = axum::middleware::from_fn(context::any_origin).layer(router);
    // With or without a slash at the end it is the same address (the contract's own guides use both).
    page().fallback_service(NormalizePath::trim_trailing_slash(router))
}
