//! `POST /api/v1/connections/{name}/activate`

use axum::Json;

use super::ConnectionView;
use crate::desk::Desk;
use crate::document::{params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Makes a connection the active one; the one that was active stops being it.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/activate",
    operation_id = "activateConnection",
    tag = "connections",
    params(params::ConnectionName),
    responses(
        (status = 200, description = "The connection, now active", body = ConnectionView),
    ),
    extensions(("x-problems" = json!([problems::RELOAD, "unknown_connection", "not_found"]))),
)]
pub(crate) async fn activate(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<ConnectionView>, Problem> {
    fields.finish(&[])?;
    let connection = super::named(&desk, &name).await?;
    if !connection.active {
        desk.store.activate_connection(connection.id, &desk.actor(), desk.now()).await?;
        desk.reload().await?;
    }
    Ok(Json(super::shown_by_name(&desk, &name).await?))
}
