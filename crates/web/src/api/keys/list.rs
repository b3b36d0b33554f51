//! `GET /api/v1/keys`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::KeyView;
use crate::WebState;
use crate::problem::Problem;
use crate::query::Query;

/// All access keys that are not revoked, oldest first; with `?revoked=true` the revoked ones too.
pub(crate) async fn list(
    State(state): State<Arc<WebState>>,
    mut query: Query,
) -> Result<Json<Vec<KeyView>>, Problem> {
    let revoked = query.flag("revoked")?;
    query.finish(&["revoked"])?;
    let mut keys = state.store.keys().await?;
    keys.retain(|key| revoked || key.revoked_at.is_none());
    super::views(&state, keys).await.map(Json)
}
