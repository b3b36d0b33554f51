//! `GET /api/v1/connections`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::ConnectionView;
use crate::WebState;
use crate::problem::Problem;

/// All connections, in the order in which they were made.
pub(crate) async fn list(State(state): State<Arc<WebState>>) -> Result<Json<Vec<ConnectionView>>, Problem> {
    let connections = state.store.connections(state.user).await?;
    Ok(Json(connections.into_iter().map(ConnectionView::from).collect()))
}
