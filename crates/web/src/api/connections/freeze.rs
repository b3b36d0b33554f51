//! `POST /api/v1/connections/{name}/freeze` and `/unfreeze`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_store::Subject;

use super::ConnectionView;
use crate::WebState;
use crate::api::freeze::{self, Asked, Frozen};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Stops every access key of a connection, but for what is allowed to pass: cancels, unless something else is said.
pub(crate) async fn freeze(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Frozen<ConnectionView>, Problem> {
    let asked = Asked::read(fields)?;
    let connection = super::named(&state, &name).await?;
    let done = freeze::freeze(&state, Subject::Connection(connection.id), asked).await?;
    Ok(Frozen { subject: super::named(&state, &name).await?.into(), done })
}

/// Lets the access keys of a connection work again.
pub(crate) async fn unfreeze(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<ConnectionView>, Problem> {
    fields.finish(&[])?;
    let connection = super::named(&state, &name).await?;
    freeze::unfreeze(&state, Subject::Connection(connection.id)).await?;
    Ok(Json(super::named(&state, &name).await?.into()))
}
