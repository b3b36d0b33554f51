//! What happens, as a stream: requests through the gateway, and changes of connections, access keys and freezes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream as streams;
use paddock_gateway::RequestLine;
use paddock_store::AuditQuery;
use tokio::sync::broadcast::error::RecvError;

use crate::WebState;
use crate::problem::Problem;

/// One thing that happened.
pub(crate) enum Happening {
    /// A request was answered.
    Request(Box<RequestLine>),
    /// Connections, access keys or a freeze changed.
    State(Change),
    /// The listener was too slow and missed so many requests.
    Missed(u64),
}

/// A change, as the audit has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// The record's position.
    pub(crate) seq: u64,
    /// The name of the event.
    pub(crate) event: &'static str,
}

/// How many records are read at a time.
const PAGE: u32 = 1000;

/// The stream of what happens from now on, until shutdown; of changes, from after the record `since` on. `write` turns each happening into an
/// event.
pub(crate) async fn stream(
    state: Arc<WebState>,
    since: Option<u64>,
    write: impl Fn(Happening) -> Event + Send + 'static,
) -> Result<Response, Problem> {
    let requests = state.control.subscribe();
    let changes = state.store.audit_changes();
    let (head, _) = state.store.audit_head().await?;
    // A position that is not there yet is one of another Paddock, or of this one before it was set back.
    let seen = since.filter(|since| *since <= head).unwrap_or(head);
    let source = Source { state, requests, changes, seen, behind: seen < head, pending: VecDeque::new() };
    let events = streams::unfold((source, write), |(mut source, write)| async move {
        let happening = source.next().await?;
        let event = write(happening);
        Some((Ok::<_, Infallible>(event), (source, write)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

struct Source {
    state: Arc<WebState>,
    requests: tokio::sync::broadcast::Receiver<RequestLine>,
    changes: tokio::sync::watch::Receiver<u64>,
    /// The last audit record that was looked at.
    seen: u64,
    /// Whether there are records after it.
    behind: bool,
    /// Changes that were read and not yet told.
    pending: VecDeque<Change>,
}

impl Source {
    /// The next happening; `None` at shutdown.
    async fn next(&mut self) -> Option<Happening> {
        loop {
            if let Some(change) = self.pending.pop_front() {
                return Some(Happening::State(change));
            }
            if self.behind {
                self.read_changes().await;
                continue;
            }
            let closing = self.state.closing.clone();
            tokio::select! {
                () = closing.cancelled() => return None,
                received = self.requests.recv() => return match received {
                    Ok(line) => Some(Happening::Request(Box::new(line))),
                    Err(RecvError::Lagged(missed)) => Some(Happening::Missed(missed)),
                    Err(RecvError::Closed) => None,
                },
                changed = self.changes.changed() => match changed {
                    Ok(()) => self.read_changes().await,
                    Err(_) => return None,
                },
            }
        }
    }

    /// Reads the audit records since the last look and keeps those that change what people see.
    async fn read_changes(&mut self) {
        let query = AuditQuery { after: Some(self.seen), limit: PAGE, ..AuditQuery::default() };
        // Whoever listens asks for the whole state anyway; a database that does not answer shows there.
        let records = self.state.store.audit_page(&query).await.unwrap_or_default();
        self.behind = records.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        for record in records {
            self.seen = record.seq;
            if let Ok(event) = record.event()
                && !event.name().starts_with("request_")
            {
                self.pending.push_back(Change { seq: record.seq, event: event.name() });
            }
        }
    }
}
