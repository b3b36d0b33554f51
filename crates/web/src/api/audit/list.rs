//! `GET /api/v1/audit`

use axum::Json;
use jiff::Timestamp;
use paddock_core::audit::{AuditRecord, ChainHash};
use paddock_store::AuditQuery;
use serde::Serialize;
use serde_json::Value;

use crate::desk::Desk;
use crate::problem::Problem;
use crate::query::Query;

/// A page of records.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    records: Vec<RecordView>,
}

/// A record with its texts read as JSON.
#[derive(Debug, Serialize)]
struct RecordView {
    seq: u64,
    at: Timestamp,
    actor: Value,
    event: Value,
    previous: ChainHash,
    hash: ChainHash,
}

impl From<AuditRecord> for RecordView {
    fn from(record: AuditRecord) -> Self {
        // What cannot be read as JSON is shown as the text that it is; only a changed record looks like that.
        let read = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            seq: record.seq,
            at: record.at,
            actor: read(record.actor),
            event: read(record.event),
            previous: record.previous,
            hash: record.hash,
        }
    }
}

/// Records of the chain: the newest first, or from `after` on the oldest first. `event` keeps those of one name.
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page>, Problem> {
    let wanted = AuditQuery {
        before: query.number("before")?,
        after: query.number("after")?,
        limit: query.limit(100, 1000)?,
        event: query.text("event"),
    };
    query.finish(&["before", "after", "limit", "event"])?;
    let records = desk.store.audit_page(&wanted).await?;
    Ok(Json(Page { records: records.into_iter().map(RecordView::from).collect() }))
}
