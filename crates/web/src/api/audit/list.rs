//! `GET /api/v1/audit`

use axum::Json;
use jiff::Timestamp;
use paddock_core::audit::{AuditRecord, ChainHash};
use paddock_store::RecordQuery;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::when;
use crate::api::activity::catch_up;
use crate::desk::Desk;
use crate::document::{params, views, words};
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::query::Query;

/// A record with its texts read as JSON.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub(crate) struct RecordView {
    seq: u64,
    at: Timestamp,
    #[schema(value_type = views::Actor)]
    actor: Value,
    #[schema(value_type = views::Event)]
    event: Value,
    #[schema(value_type = words::Hash)]
    previous: ChainHash,
    #[schema(value_type = words::Hash)]
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

/// Records of the chain that are about the one who asks: the newest first, or from `after` on the oldest first. `event` keeps those of
/// one name, `actor` those that an access key or person of that name, `operator` or `paddock` caused.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "listAudit",
    tag = "audit",
    params(("before" = Option<u64>, Query, description = "Only records before this one"), ("after" = Option<u64>, Query, description = "Only records after this one, the oldest first"), ("event" = Option<String>, Query, description = "Only events of this name"), ("actor" = Option<String>, Query, description = "Only what that access key or person caused, `operator` or `paddock`"), ("from" = Option<String>, Query, description = "Only from that day of UTC or instant on"), ("to" = Option<String>, Query, description = "Only until the end of that day of UTC or that instant"), params::Listing),
    responses(
        (status = 200, description = "A page of records", body = Page<RecordView>),
    ),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page<RecordView>>, Problem> {
    let (mut before, mut after) = (query.number("before")?, query.number("after")?);
    let (event, actor) = (query.text("event"), query.text("actor"));
    let (from, to) = (when::start(&mut query, "from")?, when::end(&mut query, "to")?);
    let paging: Paging<u64> = Paging::read(&mut query, "audit")?;
    query.finish(&["before", "after", "event", "actor", "from", "to", "limit", "cursor"])?;
    if let Some(seq) = paging.after {
        // Pages go on in the direction in which they began.
        match &mut after {
            Some(after) => *after = seq.max(*after),
            None => before = Some(before.map_or(seq, |before| before.min(seq))),
        }
    }
    let limit = paging.lookahead();
    let wanted = RecordQuery { user: desk.user, before, after, limit, event, actor, from, to };
    let page = paging.page(records(&desk, &wanted).await?, |record| record.seq);
    Ok(Json(page.with(|records| records.into_iter().map(RecordView::from).collect())))
}

/// The same, for a page.
pub(crate) async fn records(desk: &Desk, wanted: &RecordQuery) -> Result<Vec<AuditRecord>, Problem> {
    catch_up(desk).await?;
    Ok(desk.store.records_of(wanted).await?)
}
