//! `POST /api/v1/audit/prune`

use axum::Json;
use http::StatusCode;
use jiff::Timestamp;
use paddock_core::audit::Actor;
use paddock_store::AuditFault;
use serde::Serialize;
use utoipa::ToSchema;

use super::when;
use crate::WebState;
use crate::desk::Desk;
use crate::document::{bodies, problems};
use crate::fields::Fields;
use crate::fresh::Matter;
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 1] = ["before"];

/// What was removed.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Pruned {
    /// How many records.
    pub removed: u64,
    /// The last of them; the chain begins after it. Nothing when none was old enough.
    #[schema(required)]
    pub through: Option<u64>,
}

/// Removes the records that were signed before an instant. The chain then begins at the checkpoint that signed the last of them.
#[utoipa::path(
    post,
    path = "/api/v1/audit/prune",
    operation_id = "pruneAudit",
    tag = "audit",
    request_body = bodies::Prune,
    responses(
        (status = 200, description = "What was removed", body = Pruned),
    ),
    extensions(("x-problems" = json!([problems::FIELDS, "audit_fault"]))),
)]
pub(crate) async fn prune(desk: Desk, mut fields: Fields) -> Result<Json<Pruned>, Problem> {
    let before = fields.need_text("before", when::EXPECTED)?;
    fields.finish(&FIELDS)?;
    desk.need_fresh(Matter::Work)?;
    let before = when::parse_start(&before).ok_or_else(|| Problem::field("before", when::EXPECTED))?;
    Ok(Json(prune_before(&desk, before, &desk.actor()).await?))
}

/// Removes the records that were signed before an instant, if the whole chain verifies.
///
/// # Errors
/// [`Problem`] when the chain is not whole, which removes nothing, or the database fails.
pub async fn prune_before(state: &WebState, before: Timestamp, actor: &Actor) -> Result<Pruned, Problem> {
    let Some(checkpoint) = state.store.checkpoint_signed_before(before).await? else {
        return Ok(Pruned { removed: 0, through: None });
    };
    if checkpoint.seq <= state.store.audit_start().await?.seq {
        let removed = state.store.finish_pruning().await?;
        return Ok(Pruned { removed, through: Some(checkpoint.seq) });
    }
    // Whoever forged a record must not get rid of it this way.
    state.store.verify_signed_audit(paddock_vault::verify_signature).await.map_err(broken)?;
    let removed = state.store.prune_audit(&checkpoint, actor, state.now()).await.map_err(broken)?;
    Ok(Pruned { removed, through: Some(checkpoint.seq) })
}

fn broken(fault: AuditFault) -> Problem {
    match fault {
        AuditFault::Store(error) => error.into(),
        fault => {
            tracing::error!(%fault, "the audit is not pruned, because it is not whole");
            Problem::new(
                StatusCode::CONFLICT,
                "audit_fault",
                "Audit chain broken",
                fault.to_string(),
                "nothing was removed: run `paddock audit verify`, and keep this data directory as evidence",
            )
        }
    }
}
