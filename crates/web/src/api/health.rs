//! `GET /api/v1/health`

use axum::Json;
use paddock_gateway::Health;

use crate::desk::Desk;
use crate::document::views;

/// Whether requests can be served, and what stands in the way.
#[utoipa::path(
    get,
    path = "/api/v1/health",
    operation_id = "getHealth",
    tag = "system",
    responses(
        (status = 200, description = "How it is", body = views::Health),
    ),
)]
pub(crate) async fn show(desk: Desk) -> Json<Health> {
    Json(desk.control.health().await)
}
