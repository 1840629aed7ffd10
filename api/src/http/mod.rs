//! The HTTP doors, and their contents page.

pub mod admin;
pub mod check_ins;
mod context;
pub mod extract;
pub mod financial_reports;
pub mod health;
pub mod passes;
pub mod passholders;
pub mod permissions;
pub mod rewards;
pub mod shapes;
pub mod tariffs;
pub mod ticket_sales;

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::normalize_path::NormalizePath;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::problem::Problem;

/// The largest body. Source: our choice; 200 ticket sales take about 60 kB.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

pub fn router(app: App) -> Router {
    let v4 = Router::new()
        .merge(passes::router())
        .merge(passholders::router())
        .merge(check_ins::router())
        .merge(tariffs::router())
        .merge(ticket_sales::router())
        .merge(rewards::router())
        .merge(permissions::router())
        .merge(financial_reports::router());
    let router = Router::new()
        .route("/", get(health::welcome))
        .route("/health", get(health::health))
        .nest("/v4", v4)
        .nest("/admin/v1", admin::router())
        .fallback(|| async { Problem::NoSuchUrl })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .layer(axum::middleware::from_fn(context::position))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::Internal("a handler panicked".into()).into_response()
        }))
        .layer(axum::middleware::from_fn(context::problems))
        .layer(axum::middleware::from_fn(context::traced))
        .layer(CompressionLayer::new())
        .layer(CorsLayer::permissive())
        .with_state(app);
    // With or without a slash at the end it is the same address (the contract's own guides use both).
    Router::new().fallback_service(NormalizePath::trim_trailing_slash(router))
}
