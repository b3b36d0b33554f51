//! `POST /api/v1/check-in`: the operator is there.

use axum::Json;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::fields::Fields;
use crate::problem::Problem;

/// Gives the sign of life that the dead-man switch waits for. It lifts no freeze.
pub(crate) async fn check_in(desk: Desk, fields: Fields) -> Result<Json<Value>, Problem> {
    fields.finish(&[])?;
    let now = desk.now();
    desk.store.check_in(&desk.actor(), now).await?;
    Ok(Json(json!({ "checked_in_at": now, "everything_frozen": desk.store.everything_frozen().await? })))
}
