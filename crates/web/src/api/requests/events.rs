//! `GET /api/v1/events`

use axum::response::Response;
use axum::response::sse::Event;
use http::HeaderMap;
use serde_json::json;

use crate::desk::Desk;
use crate::events::{Change, Happening, stream};
use crate::problem::Problem;
use crate::query::Query;

/// Where a client that comes back says how far it has heard.
const LAST_EVENT_ID: &str = "last-event-id";

/// What happens from now on, as server-sent events. `request` has a line of `GET /api/v1/requests` as its data. `state` says that something
/// changed, with the audit event's name and position as `{"event": ..., "seq": ...}`; the position is also its `id`, and whoever sends it
/// back as `Last-Event-ID` hears what changed since. `missed` counts requests that came faster than they were read. A comment every 15
/// seconds keeps the connection open.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "streamEvents",
    tag = "requests",
    params(("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last `state` event that was heard")),
    responses(
        (status = 200, description = "Server-sent events, for as long as the connection stays", body = String, content_type = "text/event-stream"),
    ),
)]
pub(crate) async fn events(desk: Desk, query: Query, headers: HeaderMap) -> Result<Response, Problem> {
    query.finish(&[])?;
    // Whatever it is that a client took for an identifier of ours: what is no number is not there.
    let since = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.parse().ok());
    stream(&desk, since, None, |happening| match happening {
        Happening::Request(line) => {
            Event::default().event("request").json_data(&line).unwrap_or_else(|_| Event::default())
        }
        Happening::State(Change { seq, event }) => Event::default()
            .event("state")
            .id(seq.to_string())
            .data(json!({ "event": event, "seq": seq }).to_string()),
        Happening::Missed(count) => {
            Event::default().event("missed").data(json!({ "requests": count }).to_string())
        }
        Happening::Checked => Event::default().comment("checked"),
    })
    .await
}
