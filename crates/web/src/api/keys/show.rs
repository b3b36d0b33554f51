//! `GET /api/v1/keys/{name}`

use axum::Json;

use super::KeyView;
use crate::desk::Desk;
use crate::document::params;
use crate::name::PathName;
use crate::problem::Problem;

/// One access key, by its name or its Key ID; one that is revoked too.
#[utoipa::path(
    get,
    path = "/api/v1/keys/{name}",
    operation_id = "getKey",
    tag = "keys",
    params(params::KeyName),
    responses(
        (status = 200, description = "The access key", body = KeyView),
    ),
    extensions(("x-problems" = json!(["unknown_key"]))),
)]
pub(crate) async fn show(desk: Desk, PathName(name): PathName) -> Result<Json<KeyView>, Problem> {
    let key = super::ever_named(&desk, &name).await?;
    super::shown_by_id(&desk, key.id).await.map(Json)
}
