//! `GET /api/v1/freezes`

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use paddock_core::audit::Actor;
use paddock_core::decide::{Frozen, Passing};
use paddock_store::Subject;
use serde::Serialize;

use crate::WebState;
use crate::problem::Problem;

/// What is stopped.
#[derive(Debug, Serialize)]
pub(crate) struct Freezes {
    /// Whether the file or a signal holds everything frozen, whatever the database says.
    frozen_in_memory: bool,
    freezes: Vec<FreezeView>,
}

#[derive(Debug, Serialize)]
struct FreezeView {
    what: Frozen,
    /// The name of the access key or connection.
    name: Option<String>,
    passes: Passing,
    reason: Option<String>,
    by: Actor,
    at: Timestamp,
}

/// The freezes that hold, the oldest first.
pub(crate) async fn list(State(state): State<Arc<WebState>>) -> Result<Json<Freezes>, Problem> {
    let mut names: BTreeMap<Subject, String> = BTreeMap::new();
    for connection in state.store.connections(state.user).await? {
        names.insert(Subject::Connection(connection.id), connection.name);
    }
    for key in state.store.keys().await?.into_iter().filter(|key| key.revoked_at.is_none()) {
        names.insert(Subject::Key(key.id), key.name);
    }
    let rows = state.store.freezes().await?.into_iter();
    // What was revoked or removed since is frozen for good.
    let rows = rows.filter(|row| row.subject == Subject::Everything || names.contains_key(&row.subject));
    let freezes = rows
        .map(|row| FreezeView {
            what: row.subject.what(),
            name: names.get(&row.subject).cloned(),
            passes: row.passing,
            reason: row.reason,
            by: row.actor,
            at: row.at,
        })
        .collect();
    Ok(Json(Freezes { frozen_in_memory: state.control.is_frozen_in_memory(), freezes }))
}
