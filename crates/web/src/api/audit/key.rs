//! `GET /api/v1/audit/key` and `POST /api/v1/audit/key/rotate`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_gateway::AuditKeys;

use crate::WebState;
use crate::problem::Problem;
use crate::query::Query;

/// The public keys with which the chain is signed, and how far it is.
pub(crate) async fn show(
    State(state): State<Arc<WebState>>,
    query: Query,
) -> Result<Json<AuditKeys>, Problem> {
    query.finish(&[])?;
    Ok(Json(state.control.audit_keys().await?))
}

/// Has a new key sign from now on, which the present one signs.
pub(crate) async fn rotate(State(state): State<Arc<WebState>>) -> Result<Json<AuditKeys>, Problem> {
    state.control.rotate_audit_key().await?;
    Ok(Json(state.control.audit_keys().await?))
}
