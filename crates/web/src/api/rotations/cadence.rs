//! `POST /api/v1/connections/{name}/cadence`

use axum::Json;

use super::matrix::{self, Matrix};
use crate::api::connections;
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 1] = ["days"];

/// The most days that a pair may be kept.
const MOST_DAYS: u32 = 3650;

/// Says how often a connection's pair is to be replaced.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/cadence",
    operation_id = "setCadence",
    tag = "rotations",
    params(params::ConnectionName),
    request_body = bodies::Cadence,
    responses((status = 200, description = "Everything that rotates", body = Matrix)),
    extensions(("x-problems" = json!([problems::FIELDS, problems::VAULT, "gateway", "unknown_connection", "not_found"]))),
)]
pub(crate) async fn set(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<Matrix>, Problem> {
    perform(&desk, &name, fields).await?;
    Ok(Json(matrix::load(&desk).await?))
}

/// Does it.
pub(crate) async fn perform(desk: &Desk, name: &str, mut fields: Fields) -> Result<(), Problem> {
    let days = fields.within("days", 1..=MOST_DAYS)?;
    let days = days.ok_or_else(|| Problem::missing("days", "a whole number of days, from 1 to 3650"))?;
    fields.finish(&FIELDS)?;
    let connection = connections::named(desk, name).await?;
    desk.store.set_rotation_days(connection.id, days, &desk.actor(), desk.now()).await?;
    Ok(())
}
