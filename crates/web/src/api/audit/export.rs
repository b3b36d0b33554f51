//! `GET /api/v1/audit/export`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use paddock_store::AuditQuery;

use crate::WebState;
use crate::problem::Problem;
use crate::query::Query;

/// How many records are read at a time.
const PAGE: u32 = 1000;

/// The whole chain as JSON lines, each record with its texts exactly as they were hashed, so that it can be verified elsewhere.
/// If the database fails on the way, the answer breaks off and does not end as if it were whole.
pub(crate) async fn export(State(state): State<Arc<WebState>>, query: Query) -> Result<Response, Problem> {
    query.finish(&[])?;
    // What is there now, and not what is added while the answer is read: otherwise a busy chain never ends.
    let (last, _) = state.store.audit_head().await?;
    let pages = stream::try_unfold(0_u64, move |after| {
        let state = Arc::clone(&state);
        async move {
            if after >= last {
                return Ok(None);
            }
            let query = AuditQuery { after: Some(after), limit: PAGE, ..AuditQuery::default() };
            let records = state.store.audit_page(&query).await.map_err(std::io::Error::other)?;
            let Some(end) = records.last().map(|record| record.seq) else { return Ok(None) };
            let mut lines = Vec::new();
            for record in records.iter().take_while(|record| record.seq <= last) {
                serde_json::to_writer(&mut lines, record)?;
                lines.push(b'\n');
            }
            Ok::<_, std::io::Error>(Some((Bytes::from(lines), end)))
        }
    });
    let mut response = Response::new(Body::from_stream(pages));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}
