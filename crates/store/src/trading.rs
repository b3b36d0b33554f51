//! Who decides about new trades of the engine, by user.

use jiff::Timestamp;
use paddock_core::TradingMode;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::UserId;

use crate::codec::{instant, micros, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, audit};

/// How a user's account is traded by the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trading {
    /// Who decides about new trades.
    pub mode: TradingMode,
    /// Whether no new trade is opened, whatever the mode.
    pub paused: bool,
    /// Why it is as it is, in the words of whoever changed it last.
    pub reason: Option<String>,
    /// Who changed it last, and when; nobody has, until somebody does.
    pub changed: Option<(Actor, Timestamp)>,
}

impl Default for Trading {
    /// Nothing is opened until a person says so.
    fn default() -> Self {
        Self { mode: TradingMode::Manual, paused: false, reason: None, changed: None }
    }
}

/// What is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TradingChange {
    /// Another mode.
    pub mode: Option<TradingMode>,
    /// Pause, or go on.
    pub paused: Option<bool>,
    /// Why.
    pub reason: Option<String>,
}

row! {
    struct Columns {
        mode: String,
        paused: bool,
        reason: Option<String>,
        actor: String,
        at: i64,
    }
}

impl Store {
    /// How a user's account is traded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn trading(&self, user: UserId) -> Result<Trading, StoreError> {
        read(&mut self.begin_read().await?, user).await
    }

    /// Changes it, with the audit record, and gives how it is now. What is so already is not recorded again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_trading(
        &self,
        user: UserId,
        change: &TradingChange,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Trading, StoreError> {
        let mut tx = self.begin_write().await?;
        let before = read(&mut tx, user).await?;
        let (mode, paused) = (change.mode.unwrap_or(before.mode), change.paused.unwrap_or(before.paused));
        if (mode, paused) == (before.mode, before.paused) {
            return Ok(before);
        }
        let written =
            serde_json::to_string(actor).map_err(|_| StoreError::Failed { code: "actor".to_owned() })?;
        sql!(tx, execute
            "INSERT INTO trading (user_id, mode, paused, reason, actor, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (user_id) DO UPDATE SET mode = excluded.mode, paused = excluded.paused, reason = excluded.reason,
                                                actor = excluded.actor, at = excluded.at",
            user.to_string(), mode.as_str(), paused, change.reason.as_deref(), written.as_str(), micros(at))?;
        let reason = change.reason.clone();
        let event = AuditEvent::TradingChanged { user, mode, paused, reason: reason.clone() };
        let record = audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await?;
        Ok(Trading { mode, paused, reason, changed: Some((actor.clone(), record.at)) })
    }
}

async fn read(tx: &mut Tx, user: UserId) -> Result<Trading, StoreError> {
    let row = sql!(tx, fetch_optional Columns:
        "SELECT mode, paused, reason, actor, at FROM trading WHERE user_id = $1", user.to_string())?;
    let Some(row) = row else { return Ok(Trading::default()) };
    let actor = serde_json::from_str(&row.actor).map_err(|_| StoreError::Malformed { what: "actor" })?;
    Ok(Trading {
        mode: parse(&row.mode, "trading mode")?,
        paused: row.paused,
        reason: row.reason,
        changed: Some((actor, instant(row.at)?)),
    })
}
