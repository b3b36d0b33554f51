//! `GET /api/v1/audit/key` and `POST /api/v1/audit/key/rotate`

use axum::Json;
use paddock_gateway::AuditKeys;

use crate::desk::Desk;
use crate::problem::Problem;
use crate::query::Query;

/// The public keys with which the chain is signed, and how far it is.
pub(crate) async fn show(desk: Desk, query: Query) -> Result<Json<AuditKeys>, Problem> {
    query.finish(&[])?;
    Ok(Json(desk.control.audit_keys().await?))
}

/// Has a new key sign from now on, which the present one signs.
pub(crate) async fn rotate(desk: Desk) -> Result<Json<AuditKeys>, Problem> {
    desk.control.rotate_audit_key().await?;
    Ok(Json(desk.control.audit_keys().await?))
}
