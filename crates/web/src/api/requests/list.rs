//! `GET /api/v1/requests`

use axum::Json;
use paddock_core::id::RequestId;
use paddock_gateway::RequestLine;

use crate::desk::Desk;
use crate::document::{params, views};
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::query::Query;

/// The last requests since the start, newest first. The audit holds what changes state for good.
#[utoipa::path(
    get,
    path = "/api/v1/requests",
    operation_id = "listRequests",
    tag = "requests",
    params(params::Listing),
    responses(
        (status = 200, description = "A page of requests", body = Page<views::RequestLine>),
    ),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page<RequestLine>>, Problem> {
    let paging: Paging<RequestId> = Paging::read(&mut query, "requests")?;
    query.finish(&["limit", "cursor"])?;
    let mut lines = desk.control.recent_of(desk.user, usize::MAX);
    if let Some(after) = &paging.after {
        // What is kept in memory is short: where that line is gone, all that is older is gone too.
        let next =
            lines.iter().position(|line| line.request == *after).map_or(lines.len(), |place| place + 1);
        lines.drain(..next);
    }
    Ok(Json(paging.page(lines, |line| line.request)))
}
