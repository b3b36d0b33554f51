//! What happens, as a stream: requests through the gateway, and changes of connections, access keys and freezes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream as streams;
use paddock_core::id::UserId;
use paddock_gateway::RequestLine;
use paddock_store::AuditQuery;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

use crate::WebState;
use crate::desk::{Desk, Way};
use crate::people::{api_token, session};
use crate::problem::Problem;

/// How often it is looked whether the session or the API token that listens is still one: another process may have ended it.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The audit events after which that may not be so.
const MAY_END: [&str; 6] =
    ["signed_out", "password_changed", "person_removed", "signed_in", "token_revoked", "role_changed"];

/// One thing that happened.
pub(crate) enum Happening {
    /// A request was answered.
    Request(Box<RequestLine>),
    /// Connections, access keys or a freeze changed.
    State(Change),
    /// The listener was too slow and missed so many requests.
    Missed(u64),
    /// The audit chain was checked, later than pages waited for. Only who asks for it is told.
    Checked,
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
/// event. `checks` is what [`Happening::Checked`] is told by, if at all.
pub(crate) async fn stream(
    desk: &Desk,
    since: Option<u64>,
    checks: Option<watch::Receiver<u64>>,
    write: impl Fn(Happening) -> Event + Send + 'static,
) -> Result<Response, Problem> {
    let state = desk.shared();
    let requests = state.control.subscribe();
    let changes = state.store.audit_changes();
    let (head, _) = state.store.audit_head().await?;
    // A position that is not there yet is one of another Paddock, or of this one before it was set back.
    let seen = since.filter(|since| *since <= head).unwrap_or(head);
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.reset();
    let (user, way, behind, pending) = (desk.user, desk.way.clone(), seen < head, VecDeque::new());
    let source = Source { state, user, way, look, requests, changes, checks, seen, behind, pending };
    let events = streams::unfold((source, write), |(mut source, write)| async move {
        let happening = source.next().await?;
        let event = write(happening);
        Some((Ok::<_, Infallible>(event), (source, write)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// Waits for a check that pages do not show yet.
async fn checked(checks: Option<&mut watch::Receiver<u64>>) {
    if let Some(checks) = checks
        && checks.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

struct Source {
    state: Arc<WebState>,
    /// Whose happenings are told.
    user: UserId,
    /// How the one who listens came to be known; nothing is told any more when that has ended.
    way: Way,
    look: Interval,
    requests: tokio::sync::broadcast::Receiver<RequestLine>,
    changes: watch::Receiver<u64>,
    checks: Option<watch::Receiver<u64>>,
    /// The last audit record that was looked at.
    seen: u64,
    /// Whether there are records after it.
    behind: bool,
    /// Changes that were read and not yet told.
    pending: VecDeque<Change>,
}

impl Source {
    /// The next happening; `None` at shutdown, and when whoever listens may no longer.
    async fn next(&mut self) -> Option<Happening> {
        // An API token that expires leaves no record.
        self.find().await.filter(|_| !self.has_expired())
    }

    async fn find(&mut self) -> Option<Happening> {
        loop {
            if let Some(change) = self.pending.pop_front() {
                return Some(Happening::State(change));
            }
            if self.behind {
                if !self.read_changes().await {
                    return None;
                }
                continue;
            }
            let closing = self.state.closing.clone();
            tokio::select! {
                () = closing.cancelled() => return None,
                received = self.requests.recv() => match received {
                    Ok(line) if !self.state.control.may_see(self.user, &line) => {}
                    Ok(line) => return Some(Happening::Request(Box::new(line))),
                    Err(RecvError::Lagged(missed)) => return Some(Happening::Missed(missed)),
                    Err(RecvError::Closed) => return None,
                },
                changed = self.changes.changed() => match changed {
                    Ok(()) if self.read_changes().await => {}
                    _ => return None,
                },
                () = checked(self.checks.as_mut()) => return Some(Happening::Checked),
                _ = self.look.tick() => if !self.stands().await {
                    return None;
                },
            }
        }
    }

    /// Whether the session or the API token that listens is still one. Whoever may open the admin socket needs none.
    async fn stands(&self) -> bool {
        match &self.way {
            Way::Session(held) => session::still_stands(&self.state, held.id, held.person).await,
            Way::Token { id, .. } => api_token::still_stands(&self.state, *id, self.user).await,
            Way::Socket => true,
        }
    }

    fn has_expired(&self) -> bool {
        matches!(self.way, Way::Token { expires_at, .. } if expires_at <= self.state.now())
    }

    /// Reads the audit records since the last look and keeps those that change what people see. `false` when whoever listens may no longer.
    async fn read_changes(&mut self) -> bool {
        let query = AuditQuery {
            after: Some(self.seen),
            limit: PAGE,
            team: Some(self.user),
            ..AuditQuery::default()
        };
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
        !self.pending.iter().any(|change| MAY_END.contains(&change.event)) || self.stands().await
    }
}
