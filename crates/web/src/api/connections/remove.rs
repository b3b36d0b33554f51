//! `DELETE /api/v1/connections/{name}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_core::audit::Actor;
use serde_json::{Value, json};

use crate::WebState;
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Removes a connection: its credential is deleted and its access keys are revoked. Its history stays.
pub(crate) async fn remove(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<Value>, Problem> {
    fields.finish(&[])?;
    let connection = super::named(&state, &name).await?;
    let revoked: Vec<String> = state
        .store
        .keys()
        .await?
        .into_iter()
        .filter(|key| key.connection == connection.id && key.revoked_at.is_none())
        .map(|key| key.name)
        .collect();
    state.store.remove_connection(connection.id, &Actor::Operator, state.now()).await?;
    state.reload().await?;
    Ok(Json(json!({ "removed": connection.name, "revoked_keys": revoked })))
}
