//! What happens to a held request.

use jiff::Timestamp;
use paddock_core::audit::{Actor, ApprovalEnd, AuditEvent};
use paddock_core::id::{AccessKeyId, ApprovalId, ConnectionId};
use paddock_core::{Permit, Refusal};

use super::{ApprovalState, NewApproval};
use crate::caps::{self, Decide, Intent, Settle, Settlement};
use crate::codec::{instant, micros, number, parse};
use crate::db::{Tx, row, sql};
use crate::freeze::Subject;
use crate::writer::{Waiting, Work, waiting};
use crate::{Store, StoreError, audit};

/// What came of holding a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It waits, or the same request waited already.
    Waits {
        /// Under this identifier.
        id: ApprovalId,
        /// Until then.
        expires_at: Timestamp,
    },
    /// So many requests of the access key wait that no more may.
    TooMany,
}

/// Who says yes or no, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Which request.
    pub id: ApprovalId,
    /// Who, as the audit names them.
    pub actor: Actor,
    /// Who, as they name themselves.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What came of a yes.
#[derive(Debug)]
pub enum Approved {
    /// It is reserved and recorded: send it, once.
    Permitted(Permit),
    /// Something stands in the way, and it is over.
    Refused(Refusal),
    /// It did not wait any more.
    Ended(ApprovalState),
}

/// Whose requests end when something is stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stopped {
    Key(AccessKeyId),
    Connection(ConnectionId),
    Everything,
}

impl From<Subject> for Stopped {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Key(id) => Self::Key(id),
            Subject::Connection(id) => Self::Connection(id),
            Subject::Everything => Self::Everything,
        }
    }
}

impl Store {
    /// Holds a request for a person, unless the same one waits already, or `most` requests of its access key do.
    ///
    /// # Errors
    /// When the database fails; nothing is held then.
    pub async fn hold(&self, held: NewApproval, actor: &Actor, most: u32) -> Result<Held, StoreError> {
        self.write(Hold { held, actor: actor.clone(), most }).await
    }

    /// A person's yes: ends the wait, decides, reserves and records, all in one transaction. `decide` is asked as by
    /// [`Store::reserve`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; otherwise those of [`Store::reserve`]. The request must not be sent then.
    pub async fn approve(
        &self,
        consent: Consent,
        intent: Intent,
        decide: Decide,
    ) -> Result<Approved, StoreError> {
        self.write(Approve { consent, intent, decide }).await
    }

    /// A person's no. Yields the state in which it already was, if it did not wait any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; otherwise when the database fails.
    pub async fn deny(&self, consent: Consent) -> Result<Option<ApprovalState>, StoreError> {
        self.write(Deny(consent)).await
    }

    /// A yes that came to nothing before anything was decided: the market has moved, for example.
    ///
    /// # Errors
    /// As [`Store::deny`].
    pub async fn refuse_approved(
        &self,
        consent: Consent,
        refusal: &Refusal,
    ) -> Result<Option<ApprovalState>, StoreError> {
        self.write(Refuse { consent, refusal: refusal.clone() }).await
    }

    /// Keeps what was answered to a request that was approved, for whoever waits for it on any node.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_answer(&self, id: ApprovalId, status: u16, body: &[u8]) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute "UPDATE approvals SET answer_status = $1, answer = $2 WHERE id = $3 AND state = 'approved'",
            i64::from(status), body, id.to_string())?;
        tx.commit().await
    }

    /// Ends the requests that nobody answered in time. Yields how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire_approvals(&self, now: Timestamp) -> Result<u32, StoreError> {
        // Most of the time there is nothing to do, which takes no lock to see.
        let mut tx = self.begin_read().await?;
        let (late,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM approvals WHERE state = 'pending' AND expires_at <= $1", micros(now))?;
        drop(tx);
        if late == 0 {
            return Ok(0);
        }
        self.write(Expire(now)).await
    }
}

row! {
    struct Pending { id: String, request_id: String, state: String, expires_at: i64 }
}

struct Hold {
    held: NewApproval,
    actor: Actor,
    most: u32,
}

impl Work for Hold {
    type Output = Held;

    async fn run(&mut self, tx: &mut Tx) -> Result<Held, StoreError> {
        let held = &self.held;
        expire(tx, held.requested_at).await?;
        let same = sql!(tx, fetch_optional Pending:
            "SELECT id, request_id, state, expires_at FROM approvals
             WHERE access_key_id = $1 AND request_hash = $2 AND state = 'pending'",
            held.key.to_string(), held.request_hash.as_slice())?;
        if let Some(same) = same {
            return Ok(Held::Waits {
                id: parse(&same.id, "approval")?,
                expires_at: instant(same.expires_at)?,
            });
        }
        let (waiting,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM approvals WHERE access_key_id = $1 AND state = 'pending'", held.key.to_string())?;
        if number::<u32>(waiting)? >= self.most {
            return Ok(Held::TooMany);
        }
        sql!(tx, execute
            "INSERT INTO approvals (id, request_id, access_key_id, connection_id, request_hash, operation, method, target, body,
                                    network, summary, notional, market_price, price_band, requested_at, expires_at, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'pending')",
            held.id.to_string(), held.request.to_string(), held.key.to_string(), held.connection.to_string(),
            held.request_hash.as_slice(), held.operation.as_str(), held.method.as_str(), held.target.as_str(),
            held.body.as_slice(), held.network.to_string(), held.summary.as_str(),
            held.notional.map(|amount| amount.to_string()), held.market_price.map(|price| price.to_string()),
            held.price_band.to_string(), micros(held.requested_at), micros(held.expires_at))?;
        let event = AuditEvent::ApprovalRequested {
            approval: held.id,
            request: held.request,
            connection: held.connection,
            operation: held.operation.clone(),
            target: format!("{} {}", held.method, held.target),
            request_hash: hex::encode(held.request_hash),
            summary: held.summary.clone(),
            notional: held.notional,
            market_price: held.market_price,
            expires_at: held.expires_at,
        };
        audit::append(tx, &self.actor, &event, held.requested_at).await?;
        Ok(Held::Waits { id: held.id, expires_at: held.expires_at })
    }
}

struct Approve {
    consent: Consent,
    intent: Intent,
    decide: Decide,
}

impl Work for Approve {
    type Output = Approved;

    async fn run(&mut self, tx: &mut Tx) -> Result<Approved, StoreError> {
        let consent = &self.consent;
        let row = pending(tx, consent.id).await?;
        if let Some(ended) = no_longer(&row, consent.at)? {
            return Ok(Approved::Ended(ended));
        }
        // The reservation must be this request's, whose identifier is used up with it.
        if row.request_id != self.intent.request.to_string() {
            return Err(StoreError::Malformed { what: "approval" });
        }
        let event = AuditEvent::ApprovalGranted {
            approval: consent.id,
            request: self.intent.request,
            by: consent.by.clone(),
            reason: consent.reason.clone(),
        };
        // What decides is asked first, so that a refusal leaves no record of a permit.
        let permit = match caps::reserve(tx, &self.intent, &mut self.decide).await? {
            Ok(permit) => permit,
            Err(refusal) => {
                refuse(tx, consent, &refusal).await?;
                return Ok(Approved::Refused(refusal));
            }
        };
        end(tx, consent, ApprovalState::Approved, consent.reason.as_deref()).await?;
        audit::append(tx, &consent.actor, &event, consent.at).await?;
        Ok(Approved::Permitted(permit))
    }

    fn is_for_caller_only(&self) -> bool {
        true
    }

    fn unclaimed(&self, output: Approved) -> Option<Waiting> {
        // Whoever has no permit sends nothing.
        let released = Settlement::Released { status: None };
        let (request, at) = (self.intent.request, self.intent.at);
        let settle = Settle { request, outcome: released, placed: Vec::new(), at };
        matches!(output, Approved::Permitted(_)).then(|| waiting(settle).0)
    }
}

struct Deny(Consent);

impl Work for Deny {
    type Output = Option<ApprovalState>;

    async fn run(&mut self, tx: &mut Tx) -> Result<Self::Output, StoreError> {
        let consent = &self.0;
        if let Some(ended) = no_longer(&pending(tx, consent.id).await?, consent.at)? {
            return Ok(Some(ended));
        }
        end(tx, consent, ApprovalState::Denied, consent.reason.as_deref()).await?;
        let event = AuditEvent::ApprovalDenied {
            approval: consent.id,
            by: consent.by.clone(),
            reason: consent.reason.clone(),
        };
        audit::append(tx, &consent.actor, &event, consent.at).await?;
        Ok(None)
    }
}

struct Refuse {
    consent: Consent,
    refusal: Refusal,
}

impl Work for Refuse {
    type Output = Option<ApprovalState>;

    async fn run(&mut self, tx: &mut Tx) -> Result<Self::Output, StoreError> {
        if let Some(ended) = no_longer(&pending(tx, self.consent.id).await?, self.consent.at)? {
            return Ok(Some(ended));
        }
        refuse(tx, &self.consent, &self.refusal).await?;
        Ok(None)
    }
}

struct Expire(Timestamp);

impl Work for Expire {
    type Output = u32;

    async fn run(&mut self, tx: &mut Tx) -> Result<u32, StoreError> {
        expire(tx, self.0).await
    }
}

async fn pending(tx: &mut Tx, id: ApprovalId) -> Result<Pending, StoreError> {
    let row = sql!(tx, fetch_optional Pending:
        "SELECT id, request_id, state, expires_at FROM approvals WHERE id = $1", id.to_string())?;
    row.ok_or(StoreError::NotFound { what: "approval" })
}

/// The state in which it does not wait any more.
fn no_longer(row: &Pending, now: Timestamp) -> Result<Option<ApprovalState>, StoreError> {
    Ok(match parse(&row.state, "approval")? {
        ApprovalState::Pending if now >= instant(row.expires_at)? => Some(ApprovalState::Expired),
        ApprovalState::Pending => None,
        ended => Some(ended),
    })
}

async fn end(
    tx: &mut Tx,
    consent: &Consent,
    state: ApprovalState,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    sql!(tx, execute
        "UPDATE approvals SET state = $1, ended_at = $2, ended_by = $3, reason = $4 WHERE id = $5 AND state = 'pending'",
        state.as_str(), micros(consent.at), consent.by.as_deref(), reason, consent.id.to_string())?;
    Ok(())
}

async fn refuse(tx: &mut Tx, consent: &Consent, refusal: &Refusal) -> Result<(), StoreError> {
    end(tx, consent, ApprovalState::Refused, Some(&refusal.message)).await?;
    let event = AuditEvent::ApprovalEnded {
        approval: consent.id,
        why: ApprovalEnd::Refused,
        message: Some(refusal.message.clone()),
    };
    audit::append(tx, &consent.actor, &event, consent.at).await?;
    Ok(())
}

async fn expire(tx: &mut Tx, now: Timestamp) -> Result<u32, StoreError> {
    let late = sql!(tx, fetch_all Pending:
        "SELECT id, request_id, state, expires_at FROM approvals
         WHERE state = 'pending' AND expires_at <= $1 ORDER BY id", micros(now))?;
    over(tx, late, ApprovalState::Expired, ApprovalEnd::Expired, &Actor::System, now).await
}

/// Ends what waits of an access key, a connection or everything, because it was frozen or revoked.
pub(crate) async fn void(
    tx: &mut Tx,
    what: Stopped,
    why: ApprovalEnd,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    let rows = sql!(tx, fetch_all Pending:
        "SELECT id, request_id, state, expires_at FROM approvals
         WHERE state = 'pending' AND ($1 IS NULL OR access_key_id = $1) AND ($2 IS NULL OR connection_id = $2) ORDER BY id",
        match what { Stopped::Key(key) => Some(key.to_string()), _ => None },
        match what { Stopped::Connection(connection) => Some(connection.to_string()), _ => None })?;
    over(tx, rows, ApprovalState::Void, why, actor, at).await.map(drop)
}

async fn over(
    tx: &mut Tx,
    rows: Vec<Pending>,
    state: ApprovalState,
    why: ApprovalEnd,
    actor: &Actor,
    at: Timestamp,
) -> Result<u32, StoreError> {
    let mut ended = 0;
    for row in rows {
        sql!(tx, execute "UPDATE approvals SET state = $1, ended_at = $2 WHERE id = $3 AND state = 'pending'",
            state.as_str(), micros(at), row.id.as_str())?;
        let event = AuditEvent::ApprovalEnded { approval: parse(&row.id, "approval")?, why, message: None };
        audit::append(tx, actor, &event, at).await?;
        ended += 1;
    }
    Ok(ended)
}
