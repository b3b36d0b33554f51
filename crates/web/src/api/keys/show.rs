//! `GET /api/v1/keys/{name}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::KeyView;
use crate::WebState;
use crate::name::PathName;
use crate::problem::Problem;

/// One access key, by its name or its Key ID.
pub(crate) async fn show(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
) -> Result<Json<KeyView>, Problem> {
    let key = super::named(&state, &name).await?;
    super::shown_by_id(&state, key.id).await.map(Json)
}
