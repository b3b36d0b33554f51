//! Requests that wait for a person, and what became of them.
//!
//! A row ends its state `pending` once, in the transaction that makes whatever follows from it durable: the reservation and the audit
//! records of an approved request, or the record of the no. So nothing is sent twice and nothing without a yes, whoever clicks how often
//! and on how many nodes.

mod write;

use std::net::IpAddr;

use jiff::Timestamp;
use paddock_core::id::{AccessKeyId, ApprovalId, ConnectionId, RequestId, UserId};
use paddock_core::words;
use rust_decimal::Decimal;

use crate::codec::{decimal, hash, instant, maybe_instant, micros, number, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError};

pub use write::{Approved, Consent, Held};
pub(crate) use write::{Stopped, void};

words! {
    /// Where a held request is.
    ApprovalState {
        /// It waits for a person.
        Pending = "pending",
        /// A person said yes, and it was reserved to be sent once.
        Approved = "approved",
        /// A person said no.
        Denied = "denied",
        /// Nobody answered in time.
        Expired = "expired",
        /// Its access key was frozen, revoked, or lost its connection.
        Void = "void",
        /// A person said yes, and it was not sent, for the reason that is recorded.
        Refused = "refused",
    }
}

/// A request that is to be held. What stands here is what a yes sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApproval {
    /// Its identifier.
    pub id: ApprovalId,
    /// The request, which keeps its identifier when it is sent.
    pub request: RequestId,
    /// Who sent it.
    pub key: AccessKeyId,
    /// Where it would go.
    pub connection: ConnectionId,
    /// What is approved: the hash of all that makes it this request.
    pub request_hash: [u8; 32],
    /// Alpaca's operationId.
    pub operation: String,
    /// The method.
    pub method: String,
    /// Canonical path and query.
    pub target: String,
    /// The body as it would be sent.
    pub body: Vec<u8>,
    /// From where it came.
    pub network: IpAddr,
    /// The order in one line, or method and path.
    pub summary: String,
    /// Dollars that it is worth, where that can be told.
    pub notional: Option<Decimal>,
    /// The market's price when it was held, where there was one.
    pub market_price: Option<Decimal>,
    /// By how many percent the market's price may differ when it is sent.
    pub price_band: Decimal,
    /// When it came.
    pub requested_at: Timestamp,
    /// From when on it is not sent any more.
    pub expires_at: Timestamp,
}

/// A held request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What was held.
    pub held: NewApproval,
    /// Where it is.
    pub state: ApprovalState,
    /// When it ended to be pending.
    pub ended_at: Option<Timestamp>,
    /// Who ended it, as they named themselves.
    pub ended_by: Option<String>,
    /// Why: a person's words, or what stood in the way.
    pub reason: Option<String>,
    /// HTTP status and body of the broker's answer, or of what was answered in its place.
    pub answer: Option<(u16, Vec<u8>)>,
    /// What became of it at the broker: `reserved`, `unknown`, `confirmed` or `released`.
    pub outcome: Option<String>,
    /// The broker's order id, where it gave one.
    pub order_id: Option<String>,
}

impl Approval {
    /// The state at an instant: what nobody answered in time is over, whether or not that is recorded yet.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> ApprovalState {
        match self.state {
            ApprovalState::Pending if now >= self.held.expires_at => ApprovalState::Expired,
            state => state,
        }
    }
}

row! {
    struct Columns {
        id: String,
        request_id: String,
        access_key_id: String,
        connection_id: String,
        request_hash: Vec<u8>,
        operation: String,
        method: String,
        target: String,
        body: Vec<u8>,
        network: String,
        summary: String,
        notional: Option<String>,
        market_price: Option<String>,
        price_band: String,
        requested_at: i64,
        expires_at: i64,
        state: String,
        ended_at: Option<i64>,
        ended_by: Option<String>,
        reason: Option<String>,
        answer_status: Option<i64>,
        answer: Option<Vec<u8>>,
        outcome: Option<String>,
        order_id: Option<String>,
    }
}

const WHAT: &str = "approval";

impl Columns {
    fn approval(self) -> Result<Approval, StoreError> {
        let maybe = |text: Option<String>| text.as_deref().map(decimal).transpose();
        let status = self.answer_status.map(number::<u16>).transpose()?;
        Ok(Approval {
            held: NewApproval {
                id: parse(&self.id, WHAT)?,
                request: parse(&self.request_id, WHAT)?,
                key: parse(&self.access_key_id, WHAT)?,
                connection: parse(&self.connection_id, WHAT)?,
                request_hash: hash(self.request_hash)?,
                operation: self.operation,
                method: self.method,
                target: self.target,
                body: self.body,
                network: parse(&self.network, WHAT)?,
                summary: self.summary,
                notional: maybe(self.notional)?,
                market_price: maybe(self.market_price)?,
                price_band: decimal(&self.price_band)?,
                requested_at: instant(self.requested_at)?,
                expires_at: instant(self.expires_at)?,
            },
            state: parse(&self.state, WHAT)?,
            ended_at: maybe_instant(self.ended_at)?,
            ended_by: self.ended_by,
            reason: self.reason,
            answer: status.zip(self.answer),
            outcome: self.outcome,
            order_id: self.order_id,
        })
    }
}

/// The columns of [`Columns`], with what became of the request at the broker.
macro_rules! approvals {
    ($rest:literal) => {
        concat!(
            "SELECT approvals.id AS id, approvals.request_id AS request_id, approvals.access_key_id AS access_key_id,
                    approvals.connection_id AS connection_id, request_hash, approvals.operation AS operation, method, target,
                    body, network, summary, approvals.notional AS notional, market_price, price_band, requested_at, expires_at,
                    approvals.state AS state, ended_at, ended_by, reason, answer_status, answer,
                    reservations.state AS outcome, reservations.order_id AS order_id
             FROM approvals LEFT JOIN reservations ON reservations.request_id = approvals.request_id ",
            $rest
        )
    };
}

impl Store {
    /// The held request of that identifier.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn approval(&self, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
        find(&mut self.begin_read().await?, id).await
    }

    /// A team's held requests, the newest first: those that wait at `now`, or all, and of those the ones that come after `before`, which is an
    /// instant and the identifier of the request that came at it. At most 1,001.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn approvals(
        &self,
        user: UserId,
        waiting_at: Option<Timestamp>,
        before: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<Approval>, StoreError> {
        let mut tx = self.begin_read().await?;
        let limit = i64::from(limit.clamp(1, 1001));
        let (at, id) = before.map_or((i64::MAX, ""), |(at, id)| (micros(at), id));
        let rows = match waiting_at {
            Some(now) => sql!(tx, fetch_all Columns:
                approvals!("WHERE approvals.connection_id IN (SELECT id FROM connections WHERE user_id = $1)
                            AND approvals.state = 'pending' AND expires_at > $2
                            AND (requested_at < $3 OR (requested_at = $3 AND approvals.id < $4))
                            ORDER BY requested_at DESC, approvals.id DESC LIMIT $5"),
                user.to_string(), micros(now), at, id, limit)?,
            None => sql!(tx, fetch_all Columns:
                approvals!("WHERE approvals.connection_id IN (SELECT id FROM connections WHERE user_id = $1)
                            AND (requested_at < $2 OR (requested_at = $2 AND approvals.id < $3))
                            ORDER BY requested_at DESC, approvals.id DESC LIMIT $4"),
                user.to_string(), at, id, limit)?,
        };
        rows.into_iter().map(Columns::approval).collect()
    }
}

async fn find(tx: &mut Tx, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
    let row = sql!(tx, fetch_optional Columns: approvals!("WHERE approvals.id = $1"), id.to_string())?;
    row.map(Columns::approval).transpose()
}
