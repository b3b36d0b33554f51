//! `GET /api/v1/events`

use axum::response::Response;
use axum::response::sse::Event;
use serde_json::json;

use crate::desk::Desk;
use crate::events::{Happening, stream};
use crate::problem::Problem;
use crate::query::Query;

/// What happens from now on, as server-sent events: `request` with a line of `GET /api/v1/requests` as its data, and `state` when
/// connections, access keys or freezes changed, with the name of the audit event.
pub(crate) async fn events(desk: Desk, query: Query) -> Result<Response, Problem> {
    query.finish(&[])?;
    stream(desk.shared(), |happening| match happening {
        Happening::Request(line) => {
            Event::default().event("request").json_data(&line).unwrap_or_else(|_| Event::default())
        }
        Happening::State(event) => {
            Event::default().event("state").data(json!({ "event": event }).to_string())
        }
        Happening::Missed(count) => {
            Event::default().event("missed").data(json!({ "requests": count }).to_string())
        }
    })
    .await
}
