//! `POST /api/v1/keys/{name}/freeze` and `/unfreeze`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use paddock_store::Subject;

use super::KeyView;
use crate::WebState;
use crate::api::freeze::{self, Asked, Frozen};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Stops an access key, but for what is allowed to pass: cancels, unless something else is said.
pub(crate) async fn freeze(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Frozen<KeyView>, Problem> {
    let asked = Asked::read(fields)?;
    let key = super::named(&state, &name).await?;
    let done = freeze::freeze(&state, Subject::Key(key.id), asked).await?;
    Ok(Frozen { subject: super::shown_by_id(&state, key.id).await?, done })
}

/// Lets an access key work again.
pub(crate) async fn unfreeze(
    State(state): State<Arc<WebState>>,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<KeyView>, Problem> {
    fields.finish(&[])?;
    let key = super::named(&state, &name).await?;
    freeze::unfreeze(&state, Subject::Key(key.id)).await?;
    Ok(Json(super::shown_by_id(&state, key.id).await?))
}
