//! `POST /api/v1/connections/{name}/freeze` and `/unfreeze`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_core::audit::Actor;

use super::ConnectionView;
use crate::WebState;
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Stops every access key of a connection; cancels still pass.
pub(crate) async fn freeze(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<ConnectionView>, Problem> {
    fields.finish(&[])?;
    let connection = super::named(&state, &name).await?;
    state.store.set_connection_frozen(connection.id, true, &Actor::Operator, state.now()).await?;
    state.reload().await?;
    Ok(Json(super::named(&state, &name).await?.into()))
}

/// Lets the access keys of a connection work again.
pub(crate) async fn unfreeze(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<ConnectionView>, Problem> {
    fields.finish(&[])?;
    let connection = super::named(&state, &name).await?;
    state.store.set_connection_frozen(connection.id, false, &Actor::Operator, state.now()).await?;
    state.reload().await?;
    Ok(Json(super::named(&state, &name).await?.into()))
}
