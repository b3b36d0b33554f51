//! `GET /api/v1/approvals`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::ApprovalView;
use crate::WebState;
use crate::problem::Problem;
use crate::query::Query;

/// The requests that wait for a person, the newest first; with `?all=true` those that waited too.
pub(crate) async fn list(
    State(state): State<Arc<WebState>>,
    mut query: Query,
) -> Result<Json<Vec<ApprovalView>>, Problem> {
    let all = query.flag("all")?;
    let limit = query.limit(100, 1000)?;
    query.finish(&["all", "limit"])?;
    let waiting_at = (!all).then(|| state.now());
    let mut views = Vec::new();
    for approval in state.store.approvals(waiting_at, limit).await? {
        views.push(super::view(&state, approval).await?);
    }
    Ok(Json(views))
}
