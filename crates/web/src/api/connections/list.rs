//! `GET /api/v1/connections`

use axum::Json;

use super::ConnectionView;
use crate::desk::Desk;
use crate::problem::Problem;

/// All connections, in the order in which they were made.
pub(crate) async fn list(desk: Desk) -> Result<Json<Vec<ConnectionView>>, Problem> {
    let connections = desk.store.connections(desk.user).await?;
    Ok(Json(connections.into_iter().map(ConnectionView::from).collect()))
}
