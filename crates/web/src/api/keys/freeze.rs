//! `POST /api/v1/keys/{name}/freeze` and `/unfreeze`

use axum::Json;
use paddock_store::Subject;

use super::KeyView;
use crate::api::freeze::{self, Asked, Frozen};
use crate::desk::Desk;
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Stops an access key, but for what is allowed to pass: cancels, unless something else is said.
pub(crate) async fn freeze(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Frozen<KeyView>, Problem> {
    let asked = Asked::read(fields)?;
    let key = super::named(&desk, &name).await?;
    let done = freeze::freeze(&desk, Subject::Key(key.id), asked).await?;
    Ok(Frozen { subject: super::shown_by_id(&desk, key.id).await?, done })
}

/// Lets an access key work again.
pub(crate) async fn unfreeze(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<KeyView>, Problem> {
    fields.finish(&[])?;
    let key = super::named(&desk, &name).await?;
    freeze::unfreeze(&desk, Subject::Key(key.id)).await?;
    Ok(Json(super::shown_by_id(&desk, key.id).await?))
}
