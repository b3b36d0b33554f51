//! `GET /api/v1/requests`

use axum::Json;
use paddock_gateway::RequestLine;

use crate::desk::Desk;
use crate::problem::Problem;
use crate::query::Query;

/// The last requests since the start, newest first. The audit holds what changes state for good.
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Vec<RequestLine>>, Problem> {
    let limit = query.limit(50, 500)?;
    query.finish(&["limit"])?;
    Ok(Json(desk.control.recent(usize::try_from(limit).unwrap_or(usize::MAX))))
}
