//! `POST /api/v1/keys/{name}/revoke`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_core::audit::Actor;

use super::KeyView;
use crate::WebState;
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Ends an access key for good. Its name may be used again.
pub(crate) async fn revoke(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<KeyView>, Problem> {
    fields.finish(&[])?;
    let key = super::named(&state, &name).await?;
    state.store.revoke_key(key.id, &Actor::Operator, state.now()).await?;
    state.reload().await?;
    super::shown_by_id(&state, key.id).await.map(Json)
}
