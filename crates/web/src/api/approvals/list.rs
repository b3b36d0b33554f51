//! `GET /api/v1/approvals`

use axum::Json;

use super::ApprovalView;
use crate::desk::Desk;
use crate::document::params;
use crate::paging::{Page, Paging, Since};
use crate::problem::Problem;
use crate::query::Query;

/// The requests that wait for a person, the newest first; with `?all=true` those that waited too.
#[utoipa::path(
    get,
    path = "/api/v1/approvals",
    operation_id = "listApprovals",
    tag = "approvals",
    params(("all" = Option<bool>, Query, description = "Those that waited, too"), params::Listing),
    responses(
        (status = 200, description = "A page of held requests", body = Page<ApprovalView>),
    ),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page<ApprovalView>>, Problem> {
    let all = query.flag("all")?;
    let paging: Paging<Since> = Paging::read(&mut query, "approvals")?;
    query.finish(&["all", "limit", "cursor"])?;
    let waiting_at = (!all).then(|| desk.now());
    let before = paging.after.as_ref().map(|place| (place.at, place.id.as_str()));
    let found = desk.store.approvals(desk.user, waiting_at, before, paging.lookahead()).await?;
    let page = paging.page(found, |one| Since::new(one.held.requested_at, one.held.id));
    let mut items = Vec::with_capacity(page.items.len());
    for approval in page.items {
        items.push(super::view(&desk, approval).await?);
    }
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}
