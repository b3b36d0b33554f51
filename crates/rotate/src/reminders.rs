//! Pairs that are due: whoever watches is told two weeks, a week and a day before, and when the day has come.
//!
//! Each is written down before it is told, so that it is told once, whatever dies. Consumers that take messages (Slack, a webhook) are told too,
//! and tried until they took it. No value is in any of it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use paddock_core::Environment;
use paddock_core::id::{ConnectionId, ConsumerId};
use paddock_core::rotation::{Nearness, days_left};
use paddock_store::{Notice, Reminder, RotationDue};
use sha2::{Digest as _, Sha256};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{RotateError, Rotations};

/// How soon a notice is tried again.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// After so many tries it is given up.
const MOST_TRIES: u32 = 24;

/// What a consumer is told of a pair that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairDue {
    /// The same for the same message, however often it is sent.
    pub token: Uuid,
    /// The connection's name.
    pub connection: String,
    /// Alpaca's world.
    pub environment: Environment,
    /// When it is due.
    pub due_at: Timestamp,
    /// Whole days until then; none or less when it was due.
    pub days_left: i64,
}

impl Rotations {
    /// Tells of the pairs that are due, every so often, until `stop`.
    pub async fn remind_every(&self, every: Duration, stop: CancellationToken) {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = looks.tick() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                reminded = self.remind() => if let Err(error) = reminded {
                    tracing::error!(%error, "nobody could be told which pairs are due; it is tried again");
                }
            }
        }
    }

    /// Tells of the pairs that are due soon or were due, each once for each nearness. A connection whose rotation is under way is left alone.
    ///
    /// # Errors
    /// [`RotateError`] when the database or the vault cannot take part; what was not told is told the next time.
    pub async fn remind(&self) -> Result<(), RotateError> {
        let (store, now) = (&self.options.store, self.options.clock.now());
        let open = store.open_rotations().await?;
        let under_way: BTreeSet<ConnectionId> =
            open.iter().filter(|row| !row.rotation.rehearsal).map(|row| row.rotation.connection).collect();
        let users: BTreeSet<_> =
            store.snapshot().await?.connections.iter().map(|(connection, _)| connection.user).collect();
        for user in users {
            for due in store.rotations_due(user).await? {
                let Some(nearness) = Nearness::of(due.due_at, due.days, now) else { continue };
                if !under_way.contains(&due.connection) {
                    self.remind_of(&due, nearness, now).await?;
                }
            }
        }
        for notice in store.notices_due(now).await? {
            self.notify(&notice, now).await?;
        }
        Ok(())
    }

    async fn remind_of(
        &self,
        due: &RotationDue,
        nearness: Nearness,
        now: Timestamp,
    ) -> Result<(), RotateError> {
        let reminder = Reminder { connection: due.connection, due_at: due.due_at, nearness };
        if self.options.store.is_reminded(&reminder).await? {
            return Ok(());
        }
        let mut takers = Vec::new();
        for consumer in self.options.store.consumers_of(due.connection).await? {
            // One that cannot be made is not told: a look at it says why.
            if let Ok((_, made)) = self.consumer(consumer.id).await?
                && made.remind(&message(due, &reminder, consumer.id, now)).is_some()
            {
                takers.push(consumer.id);
            }
        }
        if self.options.store.remind(&reminder, &takers, now).await? {
            tracing::warn!(connection = %due.name, due_at = %due.due_at, %nearness, "a key pair is due to be replaced");
        }
        Ok(())
    }

    async fn notify(&self, notice: &Notice, now: Timestamp) -> Result<(), RotateError> {
        let store = &self.options.store;
        let again = now.checked_add(AGAIN).unwrap_or(Timestamp::MAX);
        if !store.try_notice(notice, again).await? {
            return Ok(());
        }
        let connection = store.connection(notice.reminder.connection).await?;
        let due = match connection.filter(|connection| connection.removed_at.is_none()) {
            Some(connection) => {
                let dues = store.rotations_due(connection.user).await?;
                dues.into_iter().find(|due| due.connection == connection.id)
            }
            None => None,
        };
        // A pair that was replaced meanwhile, or is due on another day, is no news.
        let Some(due) = due.filter(|due| due.due_at == notice.reminder.due_at) else {
            return Ok(store.end_notice(notice, Some("it is not due any more")).await?);
        };
        let made = match self.consumer(notice.consumer).await? {
            Ok((_, made)) => made,
            Err(failure) => return Ok(store.end_notice(notice, Some(&failure.message)).await?),
        };
        let message = message(&due, &notice.reminder, notice.consumer, now);
        let Some(telling) = made.remind(&message) else {
            return Ok(store.end_notice(notice, Some("it takes no messages any more")).await?);
        };
        let failed = match telling.await {
            Ok(()) => None,
            Err(fault) if fault.kind.may_pass() && notice.tries < MOST_TRIES => return Ok(()),
            Err(fault) => {
                tracing::warn!(connection = %due.name, code = fault.kind.code(), "a consumer was not told that a pair is due: {}", fault.message);
                Some(fault.message)
            }
        };
        Ok(store.end_notice(notice, failed.as_deref()).await?)
    }
}

fn message(due: &RotationDue, reminder: &Reminder, consumer: ConsumerId, now: Timestamp) -> PairDue {
    let mut hasher = Sha256::new();
    hasher.update(b"paddock reminder v1\0");
    hasher.update(reminder.connection.as_uuid().as_bytes());
    hasher.update(consumer.as_uuid().as_bytes());
    hasher.update(reminder.due_at.as_microsecond().to_be_bytes());
    hasher.update(reminder.nearness.as_str());
    let hash: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    PairDue {
        token: uuid::Builder::from_custom_bytes(bytes).into_uuid(),
        connection: due.name.clone(),
        environment: due.environment,
        due_at: due.due_at,
        days_left: days_left(due.due_at, now),
    }
}
