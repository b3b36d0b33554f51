//! `GET /events`: the page's own events, with rows as they stand in the page.

use std::sync::Arc;

use askama::Template;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};

use super::rows::RequestRow;
use crate::desk::Desk;
use crate::events::{Happening, stream};

/// Requests as rows (`request`), and a hint that something else on the page is out of date (`state`).
pub(super) async fn events(desk: Desk) -> Response {
    let clock = Arc::clone(&desk.clock);
    let checks = Some(desk.chain.late());
    let events = stream(&desk, None, checks, move |happening| match happening {
        Happening::Request(line) => match RequestRow::new(*line, clock.now()).render() {
            Ok(row) => Event::default().event("request").data(row),
            Err(_) => Event::default().event("state").data("request"),
        },
        Happening::State(change) => Event::default().event("state").data(change.event),
        Happening::Missed(_) => Event::default().event("state").data("missed"),
        Happening::Checked => Event::default().event("state").data("checked"),
    });
    events.await.into_response()
}
