//! `DELETE /api/v1/tokens/{name}`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::params;
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// What was revoked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Revoked {
    /// The token's name.
    revoked: String,
}

/// Revokes an API token for good, by its name or identifier.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{name}",
    operation_id = "revokeToken",
    tag = "people",
    params(params::TokenName),
    responses((status = 200, description = "It opens nothing any more", body = Revoked)),
    extensions(("x-problems" = json!(["several_tokens", "unknown_token", "not_found"]))),
)]
pub(crate) async fn revoke(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<Revoked>, Problem> {
    fields.finish(&[])?;
    Ok(Json(Revoked { revoked: end(&desk, &name).await? }))
}

/// Revokes a token that whoever asks may see. It opens nothing from the next request on.
pub(crate) async fn end(desk: &Desk, name: &str) -> Result<String, Problem> {
    let token = super::named(desk, name).await?;
    desk.store.revoke_token(token.id, desk.user, &desk.actor(), desk.now()).await?;
    Ok(token.name)
}
