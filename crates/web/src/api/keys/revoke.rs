//! `POST /api/v1/keys/{name}/revoke`

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use paddock_core::audit::Actor;

use super::KeyView;
use crate::WebState;
use crate::fields::Fields;
use crate::problem::Problem;

/// Ends an access key for good. Its name may be used again.
pub(crate) async fn revoke(
    State(state): State<Arc<WebState>>,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Json<KeyView>, Problem> {
    fields.finish(&[])?;
    let key = super::named(&state, &name).await?;
    state.store.revoke_key(key.id, &Actor::Operator, state.now()).await?;
    state.reload().await?;
    super::shown_by_id(&state, key.id).await.map(Json)
}
