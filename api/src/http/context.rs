//! What goes around every request: its place in the log, its id, its line in the log of requests.

use std::sync::atomic::Ordering;

use axum::extract::{MatchedPath, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use crate::app::{POSITION, Position};
use crate::problem::Problem;

/// What a read must have seen of the log.
const AFTER: HeaderName = HeaderName::from_static("uitpas-after");
/// Up to where in the log the answer is true.
const REACHED: HeaderName = HeaderName::from_static("uitpas-position");

/// Reads `Uitpas-After`, and answers `Uitpas-Position` where the request wrote.
pub async fn position(request: Request, next: Next) -> Response {
    let after = match request.headers().get(AFTER) {
        None => 0,
        Some(value) => match value.to_str().ok().and_then(|value| value.parse().ok()) {
            Some(after) => after,
            None => {
                let reason = "a position in the log, as an answer gave it".to_owned();
                return Problem::Header("Uitpas-After", reason).into_response();
            }
        },
    };
    let respond = async {
        let mut response = next.run(request).await;
        let reached = POSITION.with(|of| of.reached.load(Ordering::Relaxed));
        if reached > 0 {
            response.headers_mut().insert(REACHED, HeaderValue::from(reached));
        }
        response
    };
    POSITION.scope(Position { after, ..Position::default() }, respond).await
}

/// One span per request. The route and not the address: addresses and queries may be personal.
pub async fn traced(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let span = tracing::info_span!("request", method = %request.method(), route);
    async {
        let began = std::time::Instant::now();
        let response = next.run(request).await;
        let duration_ms = began.elapsed().as_millis();
        tracing::info!(status = response.status().as_u16(), duration_ms, "answered");
        response
    }
    .instrument(span)
    .await
}

/// What a layer refused in its own words goes out as a problem too.
pub async fn problems(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_json =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    match status {
        StatusCode::NOT_FOUND => Problem::NoSuchUrl,
        StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Problem::BodyTooLarge(super::BODY_BYTES_MAX),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::UnsupportedMediaType,
        StatusCode::SERVICE_UNAVAILABLE => Problem::Busy,
        status if status.is_client_error() => {
            Problem::BodySyntax("the request cannot be read".to_owned())
        }
        _ => Problem::Internal("a layer failed".into()),
    }
    .into_response()
}
