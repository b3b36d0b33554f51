//! Requests that came with an Idempotency-Key: each is done once, whatever is sent again, restarts or dies.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::codec::{hash, instant, micros, number};
use crate::db::{row, sql};
use crate::{Store, StoreError};

/// How long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How long a request can be under way. What has no answer by then was cut short.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

/// A request with its key.
#[derive(Clone, Copy, Debug)]
pub struct KeyedRequest<'a> {
    /// Who asks: another one's keys are other keys.
    pub who: &'a str,
    /// The key.
    pub key: &'a str,
    /// A hash of method, address and body.
    pub request: &'a [u8; 32],
    /// Names the process that works on it.
    pub run: &'a str,
}

/// An answer as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The type of the body.
    pub content_type: Option<String>,
    /// The body; absent where it held a secret or was too long.
    pub body: Option<Vec<u8>>,
}

impl fmt::Debug for KeptAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptAnswer({}, {:?} bytes)", self.status, self.body.as_ref().map(Vec::len))
    }
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: do it, then tell the answer.
    Fresh,
    /// It was done.
    Answered(KeptAnswer),
    /// It is of another request.
    AnotherRequest,
    /// It is being done.
    UnderWay,
    /// It was begun and whoever did it is gone: it may have happened or not.
    Unknown,
}

row! {
    struct Columns {
        request_hash: Vec<u8>,
        run: String,
        at: i64,
        status: Option<i64>,
        content_type: Option<String>,
        body: Option<Vec<u8>>,
    }
}

impl Store {
    /// Takes a key for a request, or says what is known of it. Durable when this returns.
    ///
    /// # Errors
    /// When the database fails. The request must not be done then.
    pub async fn begin_keyed(&self, it: KeyedRequest<'_>, at: Timestamp) -> Result<Begun, StoreError> {
        let mut tx = self.begin_write().await?;
        let kept = micros(at.saturating_sub(KEPT).unwrap_or(at));
        sql!(tx, execute "DELETE FROM idempotency_keys WHERE at < $1", kept)?;
        let fresh = sql!(tx, execute
            "INSERT INTO idempotency_keys (who, key, request_hash, run, at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (who, key) DO NOTHING",
            it.who, it.key, it.request.as_slice(), it.run, micros(at))?;
        if fresh == 1 {
            tx.commit().await?;
            return Ok(Begun::Fresh);
        }
        let row = sql!(tx, fetch_one Columns:
            "SELECT request_hash, run, at, status, content_type, body FROM idempotency_keys WHERE who = $1 AND key = $2",
            it.who, it.key)?;
        if hash(row.request_hash)? != *it.request {
            return Ok(Begun::AnotherRequest);
        }
        if let Some(status) = row.status {
            let answer =
                KeptAnswer { status: number(status)?, content_type: row.content_type, body: row.body };
            return Ok(Begun::Answered(answer));
        }
        // Another process can be at work only where another can have this database.
        let is_gone = self.is_alone() && row.run != it.run;
        let is_late = at.duration_since(instant(row.at)?) > LONGEST;
        Ok(if is_gone || is_late { Begun::Unknown } else { Begun::UnderWay })
    }

    /// Keeps the answer to a request whose key was fresh.
    ///
    /// # Errors
    /// When the database fails. The request stays one whose outcome is unknown.
    pub async fn answer_keyed(&self, it: KeyedRequest<'_>, answer: &KeptAnswer) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "UPDATE idempotency_keys SET status = $1, content_type = $2, body = $3
             WHERE who = $4 AND key = $5 AND run = $6 AND status IS NULL",
            i64::from(answer.status), answer.content_type.as_deref(), answer.body.as_deref(), it.who, it.key, it.run)?;
        tx.commit().await
    }

    /// Forgets a key whose request came to nothing, so that it may be sent again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_keyed(&self, it: KeyedRequest<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute "DELETE FROM idempotency_keys WHERE who = $1 AND key = $2 AND run = $3 AND status IS NULL",
            it.who, it.key, it.run)?;
        tx.commit().await
    }
}
