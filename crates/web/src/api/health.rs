//! `GET /api/v1/health`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_gateway::Health;

use crate::WebState;

/// Whether requests can be served, and what stands in the way.
pub(crate) async fn show(State(state): State<Arc<WebState>>) -> Json<Health> {
    Json(state.control.health().await)
}
