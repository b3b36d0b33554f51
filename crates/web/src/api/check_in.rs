//! `POST /api/v1/check-in`: the operator is there.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_core::audit::Actor;
use serde_json::{Value, json};

use crate::WebState;
use crate::fields::Fields;
use crate::problem::Problem;

/// Gives the sign of life that the dead-man switch waits for. It lifts no freeze.
pub(crate) async fn check_in(
    State(state): State<Arc<WebState>>,
    fields: Fields,
) -> Result<Json<Value>, Problem> {
    fields.finish(&[])?;
    let now = state.now();
    state.store.check_in(&Actor::Operator, now).await?;
    Ok(Json(json!({ "checked_in_at": now, "everything_frozen": state.store.everything_frozen().await? })))
}
