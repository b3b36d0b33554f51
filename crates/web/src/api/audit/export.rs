//! `GET /api/v1/audit/export`

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use paddock_core::audit_file::{CheckpointLine, EndLine, FORMAT, Header, LineDigest, Position};
use paddock_store::AuditQuery;
use serde::Serialize;

use super::when;
use crate::WebState;
use crate::desk::Desk;
use crate::document::problems;
use crate::problem::Problem;
use crate::query::Query;

/// How many records are read at a time.
const PAGE: u32 = 1000;

/// The chain, or the part of it that covers `from` to `to`, as JSON lines that can be verified elsewhere (`docs/audit.md`). A part
/// begins after a signed record or at the chain's own beginning, and ends with a signed one, so it may hold more than was asked for.
/// If the database fails on the way, the answer breaks off, without the line that would sign it.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export",
    operation_id = "exportAudit",
    tag = "audit",
    params(("from" = Option<String>, Query, description = "The day (of UTC) or instant from which on"), ("to" = Option<String>, Query, description = "The day or instant up to which")),
    responses(
        (status = 200, description = "JSON lines, the last of which is signed: see docs/audit.md", body = String, content_type = "application/x-ndjson"),
    ),
    extensions(("x-problems" = json!([problems::VAULT, "gateway"]))),
)]
pub(crate) async fn export(desk: Desk, mut query: Query) -> Result<Response, Problem> {
    let (from, to) = (when::start(&mut query, "from")?, when::end(&mut query, "to")?);
    query.finish(&["from", "to"])?;
    let store = &desk.store;
    let start = store.audit_start().await?;
    let after = match from {
        None => start,
        Some(from) => {
            // What nothing was recorded since begins at the end.
            let first = store.first_record_since(from).await?.unwrap_or(u64::MAX);
            let before = store.checkpoint_before(first.saturating_sub(1)).await?;
            before.map_or(start, |one| Position { seq: one.seq, hash: one.hash })
        }
    };
    let last = match to {
        None => None,
        Some(to) => store.last_record_before(to).await?,
    };
    let signed = match last {
        Some(last) => store.checkpoint_after(last.max(after.seq)).await?,
        None => None,
    };
    // What is there now, and not what is added while the answer is read: otherwise a busy chain never ends.
    let through = match signed {
        Some(checkpoint) => checkpoint.seq,
        None => desk.control.sign_audit().await?.map_or(0, |checkpoint| checkpoint.seq),
    };
    let keys = store.audit_keys().await?.into_iter().map(|key| key.key).collect();
    let mut writer = Writer { state: desk.shared(), digest: LineDigest::default(), lines: Vec::new() };
    writer.line(&Header { paddock_audit: FORMAT, after, keys }).map_err(|error| unwritable(&error))?;
    if after.seq > 0 {
        writer.checkpoints(after.seq, after.seq).await.map_err(|error| unwritable(&error))?;
    }
    let pages = stream::try_unfold(Step::Records(writer, after.seq), move |step| step.next(through));
    let mut response = Response::new(Body::from_stream(pages));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

fn unwritable(error: &std::io::Error) -> Problem {
    Problem::new(
        http::StatusCode::SERVICE_UNAVAILABLE,
        "database",
        "Database not available",
        format!("the records cannot be read: {error}"),
        "run `paddock doctor`",
    )
}

enum Step {
    /// Records after that position are next.
    Records(Writer, u64),
    Done,
}

struct Writer {
    state: Arc<WebState>,
    digest: LineDigest,
    lines: Vec<u8>,
}

impl Step {
    async fn next(self, through: u64) -> Result<Option<(Bytes, Self)>, std::io::Error> {
        let Self::Records(mut writer, after) = self else { return Ok(None) };
        if after >= through {
            let end =
                writer.state.control.sign_export(&writer.digest).await.map_err(std::io::Error::other)?;
            writer.line(&EndLine { end })?;
            return Ok(Some((writer.take(), Self::Done)));
        }
        let query = AuditQuery { after: Some(after), limit: PAGE, ..AuditQuery::default() };
        let records = writer.state.store.audit_page(&query).await.map_err(std::io::Error::other)?;
        let Some(end) = records.last().map(|record| record.seq.min(through)) else {
            return Err(std::io::Error::other("records are missing"));
        };
        let checkpoints =
            writer.state.store.checkpoints(after + 1, end).await.map_err(std::io::Error::other)?;
        let mut checkpoints = checkpoints.into_iter().peekable();
        for record in records.iter().take_while(|record| record.seq <= end) {
            writer.line(record)?;
            if let Some(checkpoint) = checkpoints.next_if(|one| one.seq == record.seq) {
                writer.line(&CheckpointLine { checkpoint })?;
            }
        }
        Ok(Some((writer.take(), Self::Records(writer, end))))
    }
}

impl Writer {
    fn line(&mut self, line: &impl Serialize) -> std::io::Result<()> {
        let begin = self.lines.len();
        serde_json::to_writer(&mut self.lines, line)?;
        self.lines.push(b'\n');
        self.digest.add(self.lines.get(begin..).unwrap_or_default());
        Ok(())
    }

    async fn checkpoints(&mut self, from: u64, through: u64) -> std::io::Result<()> {
        let found = self.state.store.checkpoints(from, through).await.map_err(std::io::Error::other)?;
        for checkpoint in found {
            self.line(&CheckpointLine { checkpoint })?;
        }
        Ok(())
    }

    fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.lines))
    }
}
