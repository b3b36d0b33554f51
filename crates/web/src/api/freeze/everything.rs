//! `POST /api/v1/freeze` and `/unfreeze`: everything at once.

use axum::Json;
use paddock_store::Subject;
use serde_json::{Value, json};

use super::{Asked, Frozen};
use crate::desk::Desk;
use crate::fields::Fields;
use crate::problem::Problem;

/// Stops every access key of every connection, but for what is allowed to pass: cancels, unless something else is said.
pub(crate) async fn freeze(desk: Desk, fields: Fields) -> Result<Frozen<Value>, Problem> {
    let done = super::freeze(&desk, Subject::Everything, Asked::read(fields)?).await?;
    Ok(Frozen { subject: json!({ "everything_frozen": true }), done })
}

/// Ends the freeze of everything. What was frozen by itself stays frozen.
pub(crate) async fn unfreeze(desk: Desk, fields: Fields) -> Result<Json<Value>, Problem> {
    fields.finish(&[])?;
    super::unfreeze(&desk, Subject::Everything).await?;
    Ok(Json(json!({ "everything_frozen": false })))
}
