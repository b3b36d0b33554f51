//! `POST /api/v1/connections/{name}/freeze` and `/unfreeze`

use axum::Json;
use paddock_store::Subject;

use super::ConnectionView;
use crate::api::freeze::{self, Asked, Frozen};
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// Stops every access key of a connection, but for what is allowed to pass: cancels, unless something else is said.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/freeze",
    operation_id = "freezeConnection",
    tag = "connections",
    params(params::ConnectionName),
    request_body = bodies::Freeze,
    responses(
        (status = 200, description = "It is frozen", body = Frozen<ConnectionView>),
        (status = 207, description = "It is frozen, and this became of open orders and positions", body = Frozen<ConnectionView>),
    ),
    extensions(("x-problems" = json!([problems::FREEZE, "unknown_connection", "not_found"]))),
)]
pub(crate) async fn freeze(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Frozen<ConnectionView>, Problem> {
    let asked = Asked::read(fields)?;
    let connection = super::named(&desk, &name).await?;
    let done = freeze::freeze(&desk, Subject::Connection(connection.id), asked).await?;
    Ok(Frozen { subject: super::shown_by_name(&desk, &name).await?, done })
}

/// Lets the access keys of a connection work again.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/unfreeze",
    operation_id = "unfreezeConnection",
    tag = "connections",
    params(params::ConnectionName),
    responses(
        (status = 200, description = "It goes on", body = ConnectionView),
    ),
    extensions(("x-problems" = json!(["second_factor_needed", problems::RELOAD, "unknown_connection", "not_found", "frozen_by_file"]))),
)]
pub(crate) async fn unfreeze(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<ConnectionView>, Problem> {
    fields.finish(&[])?;
    let connection = super::named(&desk, &name).await?;
    freeze::unfreeze(&desk, Subject::Connection(connection.id)).await?;
    Ok(Json(super::shown_by_name(&desk, &name).await?))
}
