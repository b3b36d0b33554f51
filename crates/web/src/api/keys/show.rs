//! `GET /api/v1/keys/{name}`

use axum::Json;

use super::KeyView;
use crate::desk::Desk;
use crate::name::PathName;
use crate::problem::Problem;

/// One access key, by its name or its Key ID.
pub(crate) async fn show(desk: Desk, PathName(name): PathName) -> Result<Json<KeyView>, Problem> {
    let key = super::named(&desk, &name).await?;
    super::shown_by_id(&desk, key.id).await.map(Json)
}
