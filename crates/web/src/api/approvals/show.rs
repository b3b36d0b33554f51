//! `GET /api/v1/approvals/{id}`

use axum::Json;

use super::ApprovalView;
use crate::desk::Desk;
use crate::document::params;
use crate::name::PathName;
use crate::problem::Problem;

/// One held request: what would be sent, and what became of it.
#[utoipa::path(
    get,
    path = "/api/v1/approvals/{id}",
    operation_id = "getApproval",
    tag = "approvals",
    params(params::ApprovalPath),
    responses(
        (status = 200, description = "The held request", body = ApprovalView),
    ),
    extensions(("x-problems" = json!(["unknown_approval"]))),
)]
pub(crate) async fn show(desk: Desk, PathName(id): PathName) -> Result<Json<ApprovalView>, Problem> {
    super::found(&desk, super::read_id(&id)?).await.map(Json)
}
