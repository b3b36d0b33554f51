//! `GET /api/v1/approvals`

use axum::Json;

use super::ApprovalView;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::query::Query;

/// The requests that wait for a person, the newest first; with `?all=true` those that waited too.
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Vec<ApprovalView>>, Problem> {
    let all = query.flag("all")?;
    let limit = query.limit(100, 1000)?;
    query.finish(&["all", "limit"])?;
    let waiting_at = (!all).then(|| desk.now());
    let mut views = Vec::new();
    for approval in desk.store.approvals(waiting_at, limit).await? {
        views.push(super::view(&desk, approval).await?);
    }
    Ok(Json(views))
}
