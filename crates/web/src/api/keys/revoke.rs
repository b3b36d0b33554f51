//! `POST /api/v1/keys/{name}/revoke`

use axum::Json;
use paddock_core::id::AccessKeyId;

use super::KeyView;
use crate::desk::Desk;
use crate::document::{params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Ends an access key for good. Its name may be used again.
#[utoipa::path(
    post,
    path = "/api/v1/keys/{name}/revoke",
    operation_id = "revokeKey",
    tag = "keys",
    params(params::KeyName),
    responses(
        (status = 200, description = "It opens nothing any more", body = KeyView),
    ),
    extensions(("x-problems" = json!([problems::RELOAD, "unknown_key", "not_found"]))),
)]
pub(crate) async fn revoke(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<KeyView>, Problem> {
    fields.finish(&[])?;
    let key = super::named(&desk, &name).await?;
    end(&desk, key.id).await?;
    super::shown_by_id(&desk, key.id).await.map(Json)
}

/// Ends it: from the next request on it opens nothing.
pub(crate) async fn end(desk: &Desk, key: AccessKeyId) -> Result<(), Problem> {
    desk.store.revoke_key(key, &desk.actor(), desk.now()).await?;
    desk.reload().await
}
