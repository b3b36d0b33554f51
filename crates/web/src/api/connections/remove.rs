//! `DELETE /api/v1/connections/{name}`

use axum::Json;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Removes a connection: its credential is deleted and its access keys are revoked. Its history stays.
pub(crate) async fn remove(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<Value>, Problem> {
    fields.finish(&[])?;
    let connection = super::named(&desk, &name).await?;
    let revoked: Vec<String> = desk
        .store
        .keys()
        .await?
        .into_iter()
        .filter(|key| key.connection == connection.id && key.revoked_at.is_none())
        .map(|key| key.name)
        .collect();
    desk.store.remove_connection(connection.id, &desk.actor(), desk.now()).await?;
    desk.reload().await?;
    Ok(Json(json!({ "removed": connection.name, "revoked_keys": revoked })))
}
