//! `GET /api/v1/connections`

use axum::Json;

use super::{ConnectionView, Facts};
use crate::desk::Desk;
use crate::document::params;
use crate::paging::{Page, Paging, Since};
use crate::problem::Problem;
use crate::query::Query;

/// The connections, in the order in which they were made; with `?removed=true` those that were removed, whose history stays.
#[utoipa::path(
    get,
    path = "/api/v1/connections",
    operation_id = "listConnections",
    tag = "connections",
    params(("removed" = Option<bool>, Query, description = "Those that were removed, in the place of the others"), params::Listing),
    responses(
        (status = 200, description = "A page of connections", body = Page<ConnectionView>),
    ),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page<ConnectionView>>, Problem> {
    let removed = query.flag("removed")?;
    let paging = Paging::read(&mut query, "connections")?;
    query.finish(&["removed", "limit", "cursor"])?;
    let connections = if removed {
        let mut connections = desk.store.removed_connections(desk.user).await?;
        connections.sort_by_key(|row| (row.created_at, row.id));
        connections
    } else {
        desk.store.connections(desk.user).await?
    };
    let facts = Facts::load(&desk).await?;
    let page = paging.page_of_all(connections, |row| Since::new(row.created_at, row.id));
    Ok(Json(page.with(|rows| rows.into_iter().map(|row| super::view_of(row, &facts)).collect())))
}
