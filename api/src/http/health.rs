//! Is it up, and does it keep up?

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use serde::Serialize;

use crate::app::App;
use crate::problem::Answer;

#[derive(Serialize)]
pub struct Health {
    status: &'static str,
    position: u64,
    projections: Vec<ProjectionHealth>,
}

#[derive(Serialize)]
struct ProjectionHealth {
    name: &'static str,
    position: u64,
    /// Events it has yet to look at.
    lag: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
}

/// 200 when the log can be read and no projection stopped, else 503.
pub async fn health(State(app): State<App>) -> Answer<(StatusCode, Json<Health>)> {
    let head = app.store.head().await?.position;
    let projections: Vec<_> = app
        .projections
        .status()
        .await?
        .into_iter()
        .map(|status| ProjectionHealth {
            name: status.name,
            position: status.position,
            lag: status.behind,
            stopped: status.stopped,
        })
        .collect();
    let stopped = projections.iter().any(|projection| projection.stopped.is_some());
    let (code, status) = match stopped {
        true => (StatusCode::SERVICE_UNAVAILABLE, "stopped"),
        false => (StatusCode::OK, "ok"),
    };
    Ok((code, Json(Health { status, position: head, projections })))
}

/// What stands at the front door; that tokens are of the demo issuer is said on every page.
pub async fn welcome() -> Html<&'static str> {
    Html(include_str!("welcome.html"))
}
