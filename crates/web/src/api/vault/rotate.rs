//! `POST /api/v1/vault/rotate`

use axum::Json;
use axum::response::{IntoResponse, Response};

use crate::desk::Desk;
use crate::fields::Fields;
use crate::problem::Problem;

/// Replaces the key-encryption key (`kek`) or the data-encryption key (`dek`). The gateway does it, since resealing opens.
/// An interrupted rotation goes on when it is asked for again.
pub(crate) async fn rotate(desk: Desk, mut fields: Fields) -> Result<Response, Problem> {
    let what = fields.need_text("what", "`kek` or `dek`")?;
    fields.finish(&["what"])?;
    match what.as_str() {
        "kek" => Ok(Json(desk.control.rotate_kek().await?).into_response()),
        "dek" => Ok(Json(desk.control.rotate_dek().await?).into_response()),
        other => Err(Problem::not_allowed("what", other, &["kek", "dek"])),
    }
}
