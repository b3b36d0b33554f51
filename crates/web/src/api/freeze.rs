//! `POST /api/v1/freeze` and `/unfreeze`: everything at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_core::audit::Actor;
use serde_json::{Value, json};

use crate::WebState;
use crate::fields::Fields;
use crate::problem::Problem;

/// Stops every access key of every connection; cancels still pass.
pub(crate) async fn freeze(
    State(state): State<Arc<WebState>>,
    fields: Fields,
) -> Result<Json<Value>, Problem> {
    fields.finish(&[])?;
    state.store.set_everything_frozen(true, &Actor::Operator, state.now()).await?;
    state.reload().await?;
    Ok(Json(json!({ "everything_frozen": true })))
}

/// Ends the freeze of everything. What was frozen by itself stays frozen.
pub(crate) async fn unfreeze(
    State(state): State<Arc<WebState>>,
    fields: Fields,
) -> Result<Json<Value>, Problem> {
    fields.finish(&[])?;
    state.store.set_everything_frozen(false, &Actor::Operator, state.now()).await?;
    state.reload().await?;
    Ok(Json(json!({ "everything_frozen": false })))
}
