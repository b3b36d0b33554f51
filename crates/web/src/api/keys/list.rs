//! `GET /api/v1/keys`

use axum::Json;

use super::KeyView;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::query::Query;

/// All access keys that are not revoked, oldest first; with `?revoked=true` the revoked ones too.
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Vec<KeyView>>, Problem> {
    let revoked = query.flag("revoked")?;
    query.finish(&["revoked"])?;
    let mut keys = desk.store.keys().await?;
    keys.retain(|key| revoked || key.revoked_at.is_none());
    super::views(&desk, keys).await.map(Json)
}
