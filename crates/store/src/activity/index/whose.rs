//! Whose the records of a page are.

use std::collections::HashMap;

use serde_json::Value;

use crate::StoreError;
use crate::db::{Tx, sql};

/// What is found out about whose something is, for as long as a page is read.
#[derive(Default)]
pub(super) struct Whose {
    first: Option<String>,
    known: HashMap<(&'static str, String), Option<String>>,
    connections: HashMap<String, Option<String>>,
}

impl Whose {
    /// Notes whose a request is.
    pub(super) fn note_request(&mut self, request: String, user: String) {
        self.known.insert(("request", request), Some(user));
    }

    /// The connection that an access key opens: older records do not say it.
    pub(super) async fn connection_of(
        &mut self,
        tx: &mut Tx,
        key: &str,
    ) -> Result<Option<String>, StoreError> {
        if let Some(known) = self.connections.get(key) {
            return Ok(known.clone());
        }
        let found =
            sql!(tx, fetch_optional (String,): "SELECT connection_id FROM access_keys WHERE id = $1", key)?;
        let found = found.map(|(connection,)| connection);
        self.connections.insert(key.to_owned(), found.clone());
        Ok(found)
    }

    /// The user that an audit record belongs to. What is about this machine, or about nothing that is known, belongs to the first.
    pub(super) async fn of(
        &mut self,
        tx: &mut Tx,
        event: &Value,
        actor: &Value,
    ) -> Result<String, StoreError> {
        if let Some(user) = event["user"].as_str().or(event["team"].as_str()) {
            return Ok(user.to_owned());
        }
        let frozen = match event["what"].as_str() {
            Some("key") => Some(("key", &event["id"])),
            Some("connection") => Some(("connection", &event["id"])),
            _ => None,
        };
        let named = ["connection", "key", "request", "approval", "person"].map(|name| (name, &event[name]));
        let by_key = (actor["kind"] == "access_key").then_some(("key", &actor["id"]));
        let by_person = (actor["kind"] == "person").then_some(("person", &actor["id"]));
        for (kind, id) in frozen.into_iter().chain(named).chain(by_key).chain(by_person) {
            if let Some(id) = id.as_str()
                && let Some(user) = self.user_of(tx, kind, id).await?
            {
                return Ok(user);
            }
        }
        self.first(tx).await
    }

    async fn user_of(
        &mut self,
        tx: &mut Tx,
        kind: &'static str,
        id: &str,
    ) -> Result<Option<String>, StoreError> {
        if let Some(known) = self.known.get(&(kind, id.to_owned())) {
            return Ok(known.clone());
        }
        let found = match kind {
            "connection" => sql!(tx, fetch_optional (String,):
                "SELECT user_id FROM connections WHERE id = $1", id)?,
            "key" => sql!(tx, fetch_optional (String,):
                "SELECT user_id FROM access_keys WHERE id = $1", id)?,
            "person" => sql!(tx, fetch_optional (String,):
                "SELECT user_id FROM persons WHERE id = $1", id)?,
            "request" => sql!(tx, fetch_optional (String,):
                "SELECT user_id FROM activity WHERE request_id = $1", id)?,
            "approval" => sql!(tx, fetch_optional (String,):
                "SELECT c.user_id FROM approvals a JOIN connections c ON c.id = a.connection_id WHERE a.id = $1", id)?,
            _ => None,
        };
        let found = found.map(|(user,)| user);
        // A request is written down later in the same page.
        if found.is_some() || kind != "request" {
            self.known.insert((kind, id.to_owned()), found.clone());
        }
        Ok(found)
    }

    async fn first(&mut self, tx: &mut Tx) -> Result<String, StoreError> {
        if let Some(first) = &self.first {
            return Ok(first.clone());
        }
        let first =
            sql!(tx, fetch_optional (String,): "SELECT id FROM users ORDER BY created_at, id LIMIT 1")?;
        let first = first.map(|(first,)| first).unwrap_or_default();
        self.first = Some(first.clone());
        Ok(first)
    }
}
