//! `GET /api/v1/approvals/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::ApprovalView;
use crate::WebState;
use crate::name::PathName;
use crate::problem::Problem;

/// One held request: what would be sent, and what became of it.
pub(crate) async fn show(
    State(state): State<Arc<WebState>>,
    PathName(id): PathName,
) -> Result<Json<ApprovalView>, Problem> {
    super::found(&state, super::read_id(&id)?).await.map(Json)
}
