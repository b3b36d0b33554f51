//! `POST /api/v1/keys/{name}/freeze` and `/unfreeze`

use axum::Json;
use paddock_store::Subject;

use super::KeyView;
use crate::api::freeze::{self, Asked, Frozen};
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Stops an access key, but for what is allowed to pass: cancels, unless something else is said.
#[utoipa::path(
    post,
    path = "/api/v1/keys/{name}/freeze",
    operation_id = "freezeKey",
    tag = "keys",
    params(params::KeyName),
    request_body = bodies::Freeze,
    responses(
        (status = 200, description = "It is frozen", body = Frozen<KeyView>),
        (status = 207, description = "It is frozen, and this became of its open orders", body = Frozen<KeyView>),
    ),
    extensions(("x-problems" = json!([problems::FREEZE, "unknown_key", "not_found", "positions_are_the_accounts"]))),
)]
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
#[utoipa::path(
    post,
    path = "/api/v1/keys/{name}/unfreeze",
    operation_id = "unfreezeKey",
    tag = "keys",
    params(params::KeyName),
    responses(
        (status = 200, description = "It goes on", body = KeyView),
    ),
    extensions(("x-problems" = json!(["second_factor_needed", problems::RELOAD, "unknown_key", "not_found", "frozen_by_file"]))),
)]
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
