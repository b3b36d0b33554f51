//! `POST /api/v1/connections/{name}/activate`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_core::audit::Actor;

use super::ConnectionView;
use crate::WebState;
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Makes a connection the active one; the one that was active stops being it.
pub(crate) async fn activate(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<ConnectionView>, Problem> {
    fields.finish(&[])?;
    let connection = super::named(&state, &name).await?;
    if !connection.active {
        state.store.activate_connection(connection.id, &Actor::Operator, state.now()).await?;
        state.reload().await?;
    }
    Ok(Json(super::named(&state, &name).await?.into()))
}
