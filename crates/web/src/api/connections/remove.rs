//! `DELETE /api/v1/connections/{name}`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::{params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Removed {
    /// The connection's name.
    removed: String,
    /// The names of the access keys that were revoked with it.
    revoked_keys: Vec<String>,
}

/// Removes a connection: its credential is deleted and its access keys are revoked. Its history stays.
#[utoipa::path(
    delete,
    path = "/api/v1/connections/{name}",
    operation_id = "removeConnection",
    tag = "connections",
    params(params::ConnectionName),
    responses(
        (status = 200, description = "What is gone", body = Removed),
    ),
    extensions(("x-problems" = json!([problems::RELOAD, "unknown_connection", "not_found"]))),
)]
pub(crate) async fn remove(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<Removed>, Problem> {
    fields.finish(&[])?;
    let connection = super::named(&desk, &name).await?;
    let revoked: Vec<String> = desk
        .store
        .keys(desk.user)
        .await?
        .into_iter()
        .filter(|key| key.connection == connection.id && key.revoked_at.is_none())
        .map(|key| key.name)
        .collect();
    desk.store.remove_connection(connection.id, &desk.actor(), desk.now()).await?;
    desk.reload().await?;
    Ok(Json(Removed { removed: connection.name, revoked_keys: revoked }))
}
