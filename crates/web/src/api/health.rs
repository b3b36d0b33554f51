//! `GET /api/v1/health`

use axum::Json;
use paddock_gateway::Health;

use crate::desk::Desk;

/// Whether requests can be served, and what stands in the way.
pub(crate) async fn show(desk: Desk) -> Json<Health> {
    Json(desk.control.health().await)
}
