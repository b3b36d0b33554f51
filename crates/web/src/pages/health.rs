//! Whether Paddock lives, whether it can serve, and what it measures.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{StatusCode, header};

use crate::WebState;

/// Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /livez`: the process answers.
pub(crate) async fn alive() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], "alive\n")
}

/// `GET /readyz`: 200 when requests can be served, else 503; which part is not ready, in JSON.
pub(crate) async fn ready(State(state): State<Arc<WebState>>) -> impl IntoResponse {
    let health = state.control.health().await;
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(health))
}

/// `GET /metrics`, for Prometheus.
#[utoipa::path(
    get,
    path = "/api/v1/metrics",
    operation_id = "getMetrics",
    tag = "system",
    responses(
        (status = 200, description = "Figures in the format of Prometheus", body = String, content_type = "text/plain; version=0.0.4; charset=utf-8"),
    ),
)]
pub(crate) async fn metrics(State(state): State<Arc<WebState>>) -> impl IntoResponse {
    let text = state.control.metrics().await;
    ([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")], text)
}
