//! `GET /api/v1/activity`

use axum::Json;
use paddock_store::ActivityCursor;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::Names;
use super::{Filter, RequestView, catch_up};
use crate::desk::Desk;
use crate::document::params;
use crate::paging::Paging;
use crate::problem::Problem;
use crate::query::Query;

/// A page of requests.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ActivityPage)]
pub(crate) struct Listed {
    /// The newest first.
    pub(crate) items: Vec<RequestView>,
    /// What to send as `cursor` for the next page; nothing on the last one.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
    /// Audit records that are not in the list yet, because it is being made.
    pub(crate) unindexed: u64,
}

/// Requests that changed something, or would have, or were refused: the newest first, filtered.
#[utoipa::path(
    get,
    path = "/api/v1/activity",
    operation_id = "listActivity",
    tag = "activity",
    params(params::ActivityFilter, params::Listing),
    responses((status = 200, description = "A page of requests", body = Listed)),
    extensions(("x-problems" = json!(["unknown_connection", "ambiguous_connection"]))),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Listed>, Problem> {
    let filter = Filter::take(&mut query)?;
    let paging = read_paging(&mut query)?;
    let mut known = super::FILTERS.to_vec();
    known.extend(["limit", "cursor"]);
    query.finish(&known)?;
    page(&desk, &filter, &paging).await.map(Json)
}

/// Which page is wanted.
pub(crate) fn read_paging(query: &mut Query) -> Result<Paging<ActivityCursor>, Problem> {
    Paging::read(query, "activity")
}

/// A page of requests.
pub(crate) async fn page(
    desk: &Desk,
    filter: &Filter,
    paging: &Paging<ActivityCursor>,
) -> Result<Listed, Problem> {
    let mut wanted = filter.query(desk).await?;
    wanted.before = paging.after;
    wanted.limit = paging.lookahead();
    let unindexed = catch_up(desk).await?;
    let page = paging.page(desk.store.activity(&wanted).await?, paddock_store::Activity::cursor);
    let names = Names::of(desk, &page.items).await?;
    let items = page.items.into_iter().map(|row| names.view(row)).collect();
    Ok(Listed { items, next_cursor: page.next_cursor, unindexed })
}
