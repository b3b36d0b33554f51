//! What persons did by hand to orders and positions.
//!
//! A row is written, with the audit record, before the request is sent. A form that arrives twice finds the row of the first time, and a
//! close of a position finds that another one is on its way.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{ConnectionId, RequestId};

use crate::codec::{instant, maybe_instant, micros, number, parse};
use crate::db::{row, sql};
use crate::wind_downs::StepState;
use crate::{Store, StoreError, audit};

/// One request of a person's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandRequest {
    /// The request.
    pub request: RequestId,
    /// The connection that it goes to.
    pub connection: ConnectionId,
    /// Who.
    pub actor: Actor,
    /// Alpaca's operationId.
    pub operation: String,
    /// What it is about: the broker's id of an order, a symbol, or all open orders.
    pub target: String,
    /// Method, path and query.
    pub wanted: String,
    /// Names one intention of the person's: what carries the same name is carried out once.
    pub once: Option<String>,
    /// What became of it.
    pub state: StepState,
    /// HTTP status of the broker's answer.
    pub status: Option<u16>,
    /// The broker's id of the order that came of it.
    pub order_id: Option<String>,
    /// What there is to say about it.
    pub detail: Option<String>,
    /// When it came.
    pub at: Timestamp,
    /// When it was known what became of it.
    pub settled_at: Option<Timestamp>,
}

/// What came of beginning a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BegunByHand {
    /// It is written down and may be sent.
    Begun,
    /// It was begun before under the same name; as it is now.
    Repeated(Box<HandRequest>),
    /// The name is that of something else.
    NameTaken,
    /// Another one about the same thing is on its way since then, or its answer was lost.
    Busy(Timestamp),
}

row! {
    struct Columns {
        request_id: String,
        connection_id: String,
        actor: String,
        operation: String,
        target: String,
        wanted: String,
        once: Option<String>,
        state: String,
        status: Option<i64>,
        order_id: Option<String>,
        detail: Option<String>,
        at: i64,
        settled_at: Option<i64>,
    }
}

impl Columns {
    fn request(self) -> Result<HandRequest, StoreError> {
        Ok(HandRequest {
            request: parse(&self.request_id, "request by hand")?,
            connection: parse(&self.connection_id, "request by hand")?,
            actor: read_actor(&self.actor)?,
            operation: self.operation,
            target: self.target,
            wanted: self.wanted,
            once: self.once,
            state: parse(&self.state, "request by hand")?,
            status: self.status.map(number).transpose()?,
            order_id: self.order_id,
            detail: self.detail,
            at: instant(self.at)?,
            settled_at: maybe_instant(self.settled_at)?,
        })
    }
}

fn read_actor(text: &str) -> Result<Actor, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Malformed { what: "actor" })
}

impl Store {
    /// Writes down a request that is about to be sent, together with the audit record of it. Both are durable when this says
    /// [`BegunByHand::Begun`]; otherwise nothing was written and nothing must be sent. `alone_for` says for how long nothing else about
    /// the same target may be on its way, or lost, before it.
    ///
    /// # Errors
    /// When the database fails. The request must not be sent then.
    pub async fn begin_by_hand(
        &self,
        request: &HandRequest,
        event: &AuditEvent,
        alone_for: Option<SignedDuration>,
    ) -> Result<BegunByHand, StoreError> {
        let mut tx = self.begin_write().await?;
        let connection = request.connection.to_string();
        if let Some(once) = &request.once {
            let known = sql!(tx, fetch_optional Columns:
                "SELECT request_id, connection_id, actor, operation, target, wanted, once, state, status, order_id, detail, at, settled_at
                 FROM hand_requests WHERE connection_id = $1 AND once = $2", connection.as_str(), once.as_str())?;
            if let Some(known) = known {
                let known = known.request()?;
                let same = known.wanted == request.wanted;
                return Ok(if same {
                    BegunByHand::Repeated(Box::new(known))
                } else {
                    BegunByHand::NameTaken
                });
            }
        }
        if let Some(alone_for) = alone_for {
            let since = request.at.saturating_sub(alone_for).unwrap_or(request.at);
            let (newest,) = sql!(tx, fetch_one (Option<i64>,):
                "SELECT MAX(at) FROM hand_requests
                 WHERE connection_id = $1 AND target = $2 AND at > $3 AND state IN ('sent', 'unknown')",
                connection.as_str(), request.target.as_str(), micros(since))?;
            if let Some(newest) = newest {
                return Ok(BegunByHand::Busy(instant(newest)?));
            }
        }
        let actor = serde_json::to_string(&request.actor)
            .map_err(|_| StoreError::Failed { code: "actor".to_owned() })?;
        sql!(tx, execute
            "INSERT INTO hand_requests (request_id, connection_id, actor, operation, target, wanted, once, state, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'sent', $8)",
            request.request.to_string(), connection.as_str(), actor.as_str(), request.operation.as_str(),
            request.target.as_str(), request.wanted.as_str(), request.once.as_deref(), micros(request.at))?;
        audit::append(&mut tx, &request.actor, event, request.at).await?;
        tx.commit().await?;
        Ok(BegunByHand::Begun)
    }

    /// Writes down what became of a request, with the audit record of the answer. What is settled stays so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle_by_hand(&self, request: &HandRequest, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let settled = sql!(tx, execute
            "UPDATE hand_requests SET state = $1, status = $2, order_id = $3, detail = $4, settled_at = $5
             WHERE request_id = $6 AND state = 'sent'",
            request.state.as_str(), request.status.map(i64::from), request.order_id.as_deref(),
            request.detail.as_deref(), micros(at), request.request.to_string())?;
        if settled == 0 {
            return Ok(());
        }
        let event = AuditEvent::RequestAnswered {
            request: request.request,
            status: request.status,
            order_id: request.order_id.clone(),
        };
        audit::append(&mut tx, &request.actor, &event, at).await?;
        tx.commit().await
    }

    /// A request by its identifier.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_hand(&self, request: RequestId) -> Result<Option<HandRequest>, StoreError> {
        let mut tx = self.begin_read().await?;
        let found = sql!(tx, fetch_optional Columns:
            "SELECT request_id, connection_id, actor, operation, target, wanted, once, state, status, order_id, detail, at, settled_at
             FROM hand_requests WHERE request_id = $1", request.to_string())?;
        found.map(Columns::request).transpose()
    }

    /// A request by the name of its intention.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_hand_named(
        &self,
        connection: ConnectionId,
        once: &str,
    ) -> Result<Option<HandRequest>, StoreError> {
        let mut tx = self.begin_read().await?;
        let found = sql!(tx, fetch_optional Columns:
            "SELECT request_id, connection_id, actor, operation, target, wanted, once, state, status, order_id, detail, at, settled_at
             FROM hand_requests WHERE connection_id = $1 AND once = $2", connection.to_string(), once)?;
        found.map(Columns::request).transpose()
    }

    /// The requests that were written down before an instant, and of which nothing has become: the process died, or the database
    /// failed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsettled_by_hand(&self, before: Timestamp) -> Result<Vec<HandRequest>, StoreError> {
        let mut tx = self.begin_read().await?;
        let found = sql!(tx, fetch_all Columns:
            "SELECT request_id, connection_id, actor, operation, target, wanted, once, state, status, order_id, detail, at, settled_at
             FROM hand_requests WHERE state = 'sent' AND at < $1 ORDER BY at, request_id", micros(before))?;
        found.into_iter().map(Columns::request).collect()
    }

    /// Who closed positions by these orders, by the broker's ids; the others are missing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn who_closed(
        &self,
        connection: ConnectionId,
        order_ids: &[String],
    ) -> Result<HashMap<String, Actor>, StoreError> {
        let (connection, mut actors) = (connection.to_string(), HashMap::new());
        let mut tx = self.begin_read().await?;
        for id in order_ids {
            let found = sql!(tx, fetch_optional (String,):
                "SELECT actor FROM hand_requests
                 WHERE connection_id = $1 AND order_id = $2 AND operation <> 'postOrder'", connection.as_str(), id.as_str())?;
            if let Some((actor,)) = found {
                actors.insert(id.clone(), read_actor(&actor)?);
            }
        }
        Ok(actors)
    }
}
