//! `POST /api/v1/connections/{name}/rename`

use axum::Json;

use super::ConnectionView;
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::name::{self, PathName};
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 1] = ["name"];

/// Gives a connection another name. Its access keys, its history and its credential stay.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/rename",
    operation_id = "renameConnection",
    tag = "connections",
    params(params::ConnectionName),
    request_body = bodies::Rename,
    responses(
        (status = 200, description = "The connection with its new name", body = ConnectionView),
    ),
    extensions(("x-problems" = json!([problems::RELOAD, problems::FIELDS, "name_looks_like_key", "name_taken", "unknown_connection", "not_found"]))),
)]
pub(crate) async fn rename(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<ConnectionView>, Problem> {
    let new = perform(&desk, &name, fields).await?;
    Ok(Json(super::shown_by_name(&desk, &new).await?))
}

/// Does it; the new name.
pub(crate) async fn perform(desk: &Desk, name: &str, mut fields: Fields) -> Result<String, Problem> {
    // What is not there is that first, whatever is asked of it.
    let connection = super::named(desk, name).await?;
    let new = fields.need_text("name", "the new name, for example `my-paper`")?;
    fields.finish(&FIELDS)?;
    name::check(&new)?;
    if connection.name != new {
        desk.store
            .rename_connection(connection.id, &new, &desk.actor(), desk.now())
            .await
            .map_err(|error| Problem::from(error).at("name"))?;
        desk.reload().await?;
    }
    Ok(new)
}
