//! What goes around every request: its place in the log, its id, its line in the log of requests.

use std::sync::atomic::Ordering;

use axum::extract::{MatchedPath, Request};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS,
    ALLOW, CONTENT_TYPE, ORIGIN, VARY,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use uitpas_domain::ids::CommandId;
use uuid::Uuid;

use super::metrics;
use crate::app::{CORRELATION, POSITION, Position};
use crate::problem::Problem;

/// The id of a request: the caller's, where it is a UUID, else one of ours. It stands in the answer,
/// in the log of requests, and beside the events that came of it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
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

/// What a page of another origin may read of an answer.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "uitpas-position, etag, x-request-id, retry-after, content-disposition, www-authenticate",
);
/// What it may send, where it does not ask for more.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, uitpas-after, x-client-id, \
     x-custom-token, x-registration-token, x-request-id",
);

/// Pages of every origin may call; nothing here rests on cookies. `OPTIONS` tells which methods an
/// address knows.
pub async fn any_origin(request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let wanted = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let asks = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    let methods = response.headers().get(ALLOW).cloned();
    if let Some(methods) = methods.filter(|_| asks) {
        response = StatusCode::OK.into_response();
        let headers = response.headers_mut();
        headers.insert(ALLOW, methods.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.unwrap_or(ACCEPTED));
    }
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("origin"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    match origin {
        // To one that is named, credentials may be sent along (the contract wants to say so).
        Some(origin) => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        None => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
    }
    response
}

/// One span per request. The route and not the address: addresses and queries may be personal.
pub async fn traced(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let id = given.and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_else(Uuid::now_v7);
    let method = request.method().clone();
    let span = tracing::info_span!("request", %id, %method, route);
    let respond = async {
        let began = std::time::Instant::now();
        let mut response = next.run(request).await;
        let (status, took) = (response.status(), began.elapsed());
        metrics::answered(&method, route, status, took);
        tracing::info!(status = status.as_u16(), duration_ms = took.as_millis(), "answered");
        let id = HeaderValue::try_from(id.to_string()).expect("a UUID is ASCII");
        response.headers_mut().insert(REQUEST_ID, id);
        response
    };
    CORRELATION.scope(CommandId(id), respond.instrument(span)).await
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
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::UnsupportedMediaType("application/json"),
        StatusCode::SERVICE_UNAVAILABLE => Problem::Busy,
        status if status.is_client_error() => {
            Problem::BodySyntax("the request cannot be read".to_owned())
        }
        _ => Problem::Internal("a layer failed".into()),
    }
    .into_response()
}
