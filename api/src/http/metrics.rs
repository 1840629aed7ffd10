//! What Prometheus reads at `/metrics`. Labels are routes, methods and statuses: an address may be
//! personal, a route is not (R-PRV-02).

use std::sync::LazyLock;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Seconds; from what a check-in takes to what nobody waits for.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// Units of work that one append writes.
const UNITS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// The one recorder of this process.
static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Suffix("_units".to_owned()), &UNITS)
        })
        .and_then(PrometheusBuilder::install_recorder)
        .expect("there are buckets, and no other recorder")
});

/// From here on everything is counted.
pub fn start() {
    LazyLock::force(&RECORDER);
}

/// Takes in what was counted since, so that it does not pile up where nobody reads it.
pub fn take_in() {
    RECORDER.run_upkeep();
}

/// The text form of Prometheus.
pub async fn metrics() -> String {
    RECORDER.render()
}

pub fn answered(method: &Method, route: &str, status: StatusCode, took: Duration) {
    // Callers make up methods; each would be a series of its own.
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    };
    metrics::histogram!(
        "uitpas_http_request_seconds",
        "method" => method,
        "route" => route.to_owned(),
        "status" => status.as_str().to_owned()
    )
    .record(took.as_secs_f64());
}
