//! `POST /api/v1/vault/rotate`

use axum::Json;
use axum::response::{IntoResponse, Response};

use crate::desk::Desk;
use crate::document::{bodies, problems, views};
use crate::fields::Fields;
use crate::fresh::Matter;
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 1] = ["what"];

/// Replaces the key-encryption key (`kek`) or the data-encryption key (`dek`). The gateway does it, since resealing opens.
/// An interrupted rotation goes on when it is asked for again.
#[utoipa::path(
    post,
    path = "/api/v1/vault/rotate",
    operation_id = "rotateVault",
    tag = "system",
    request_body = bodies::RotateVault,
    responses(
        (status = 200, description = "What was done", body = views::Rotation),
    ),
    extensions(("x-problems" = json!(["first_team_only", problems::FIELDS, problems::VAULT, "gateway"]))),
)]
pub(crate) async fn rotate(desk: Desk, mut fields: Fields) -> Result<Response, Problem> {
    let what = fields.need_text("what", "`kek` or `dek`")?;
    fields.finish(&FIELDS)?;
    desk.need_fresh(Matter::Work)?;
    match what.as_str() {
        "kek" => {
            // It wraps the keys of all teams.
            desk.need_first_team()?;
            Ok(Json(desk.control.rotate_kek(&desk.actor()).await?).into_response())
        }
        "dek" => Ok(Json(desk.control.rotate_dek(desk.user, &desk.actor()).await?).into_response()),
        other => Err(Problem::not_allowed("what", other, &["kek", "dek"])),
    }
}
