//! `GET /api/v1/audit/verify`

use axum::Json;
use paddock_core::audit::ChainHash;
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::words;
use crate::problem::Problem;

/// What a check of the whole chain found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verified {
    valid: bool,
    records: u64,
    #[schema(value_type = words::Hash)]
    head: ChainHash,
    /// How many of them were removed at the beginning.
    removed: u64,
    /// The last record that a checkpoint signs.
    signed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// Reads the whole chain and checks it. A broken chain is an answer, not an error.
#[utoipa::path(
    get,
    path = "/api/v1/audit/verify",
    operation_id = "verifyAudit",
    tag = "audit",
    responses(
        (status = 200, description = "What the check found", body = Verified),
    ),
)]
pub(crate) async fn verify(desk: Desk) -> Result<Json<Verified>, Problem> {
    match crate::pages::chain::verify(&desk).await? {
        Ok(chain) => Ok(Json(Verified {
            valid: true,
            records: chain.count,
            head: chain.head,
            removed: chain.removed,
            signed: chain.signed,
            fault: None,
        })),
        Err(fault) => {
            let (records, head) = desk.store.audit_head().await?;
            Ok(Json(Verified { valid: false, records, head, removed: 0, signed: 0, fault: Some(fault) }))
        }
    }
}
