//! `POST /api/v1/keys/{name}/freeze` and `/unfreeze`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_core::audit::Actor;

use super::KeyView;
use crate::WebState;
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Stops an access key; cancels still pass.
pub(crate) async fn freeze(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<KeyView>, Problem> {
    fields.finish(&[])?;
    let key = super::named(&state, &name).await?;
    state.store.set_key_frozen(key.id, true, &Actor::Operator, state.now()).await?;
    state.reload().await?;
    super::shown_by_id(&state, key.id).await.map(Json)
}

/// Lets an access key work again.
pub(crate) async fn unfreeze(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<KeyView>, Problem> {
    fields.finish(&[])?;
    let key = super::named(&state, &name).await?;
    state.store.set_key_frozen(key.id, false, &Actor::Operator, state.now()).await?;
    state.reload().await?;
    super::shown_by_id(&state, key.id).await.map(Json)
}
