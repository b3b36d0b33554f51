//! `GET /api/v1/audit/key` and `POST /api/v1/audit/key/rotate`

use axum::Json;
use paddock_gateway::AuditKeys;

use crate::desk::Desk;
use crate::document::{problems, views};
use crate::fields::Fields;
use crate::fresh::Matter;
use crate::problem::Problem;
use crate::query::Query;

/// The public keys with which the chain is signed, and how far it is.
#[utoipa::path(
    get,
    path = "/api/v1/audit/key",
    operation_id = "getAuditKey",
    tag = "audit",
    responses(
        (status = 200, description = "The keys", body = views::AuditKeys),
    ),
    extensions(("x-problems" = json!([problems::VAULT, "gateway"]))),
)]
pub(crate) async fn show(desk: Desk, query: Query) -> Result<Json<AuditKeys>, Problem> {
    query.finish(&[])?;
    Ok(Json(desk.control.audit_keys().await?))
}

/// Has a new key sign from now on, which the present one signs.
#[utoipa::path(
    post,
    path = "/api/v1/audit/key/rotate",
    operation_id = "rotateAuditKey",
    tag = "audit",
    responses(
        (status = 200, description = "The keys, with the new one", body = views::AuditKeys),
    ),
    extensions(("x-problems" = json!([problems::VAULT, "gateway"]))),
)]
pub(crate) async fn rotate(desk: Desk, fields: Fields) -> Result<Json<AuditKeys>, Problem> {
    fields.finish(&[])?;
    desk.need_fresh(Matter::Work)?;
    desk.control.rotate_audit_key().await?;
    Ok(Json(desk.control.audit_keys().await?))
}
