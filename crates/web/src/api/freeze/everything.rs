//! `POST /api/v1/freeze` and `/unfreeze`: everything at once.

use axum::Json;
use paddock_store::Subject;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Asked, Frozen};
use crate::desk::Desk;
use crate::document::{bodies, problems};
use crate::fields::Fields;
use crate::problem::Problem;

/// Whether everything is frozen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Everything {
    /// That.
    everything_frozen: bool,
}

/// Stops every access key of every connection, but for what is allowed to pass: cancels, unless something else is said.
#[utoipa::path(
    post,
    path = "/api/v1/freeze",
    operation_id = "freezeEverything",
    tag = "freezes",
    request_body = bodies::Freeze,
    responses(
        (status = 200, description = "Everything is frozen", body = Frozen<Everything>),
        (status = 207, description = "Everything is frozen, and this became of open orders and positions", body = Frozen<Everything>),
    ),
    extensions(("x-problems" = json!([problems::FREEZE]))),
)]
pub(crate) async fn freeze(desk: Desk, fields: Fields) -> Result<Frozen<Everything>, Problem> {
    let done = super::freeze(&desk, Subject::Everything, Asked::read(fields)?).await?;
    Ok(Frozen { subject: Everything { everything_frozen: true }, done })
}

/// Ends the freeze of everything. What was frozen by itself stays frozen.
#[utoipa::path(
    post,
    path = "/api/v1/unfreeze",
    operation_id = "unfreezeEverything",
    tag = "freezes",
    responses(
        (status = 200, description = "It goes on", body = Everything),
    ),
    extensions(("x-problems" = json!(["second_factor_needed", problems::RELOAD, "frozen_by_file"]))),
)]
pub(crate) async fn unfreeze(desk: Desk, fields: Fields) -> Result<Json<Everything>, Problem> {
    fields.finish(&[])?;
    super::unfreeze(&desk, Subject::Everything).await?;
    Ok(Json(Everything { everything_frozen: false }))
}
