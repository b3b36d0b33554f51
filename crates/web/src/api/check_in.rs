//! `POST /api/v1/check-in`: the operator is there.

use axum::Json;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::fields::Fields;
use crate::problem::Problem;

/// That the sign was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckedIn {
    /// When.
    checked_in_at: Timestamp,
    /// Whether everything is frozen; the sign lifts no freeze.
    everything_frozen: bool,
}

/// Gives the sign of life that the dead-man switch waits for. It lifts no freeze.
#[utoipa::path(
    post,
    path = "/api/v1/check-in",
    operation_id = "checkIn",
    tag = "freezes",
    responses(
        (status = 200, description = "When", body = CheckedIn),
    ),
)]
pub(crate) async fn check_in(desk: Desk, fields: Fields) -> Result<Json<CheckedIn>, Problem> {
    fields.finish(&[])?;
    let now = desk.now();
    desk.store.check_in(&desk.actor(), now).await?;
    Ok(Json(CheckedIn { checked_in_at: now, everything_frozen: desk.store.everything_frozen().await? }))
}
