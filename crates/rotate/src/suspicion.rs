//! Pairs that died by surprise: a paper account that was reset, a pair that was regenerated elsewhere. Noticed by the next request or by the
//! next look, whichever comes first; then trading is paused and another pair is waited for.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered};
use futures_util::{FutureExt as _, StreamExt as _};
use paddock_alpaca::probe::{ProbeResult, probe_own_host};
use paddock_alpaca::{ConnectFault, Credential};
use paddock_core::CredentialKind;
use paddock_core::audit::Actor;
use paddock_core::id::ConnectionId;
use paddock_core::rotation::{Cause, Event};
use paddock_store::{Connection, ConnectionFault, Look, RotationRow, SealedCredential, StoreError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{RotateError, Rotations};

/// How many connections are looked at at once.
const AT_ONCE: usize = 8;

/// What a look at a connection found out.
#[derive(Debug)]
pub enum Suspicion {
    /// The pair is good.
    Healthy,
    /// The pair is dead: a rotation was opened that waits for another one, and trading is paused.
    Opened(Box<RotationRow>),
    /// The pair is dead, or about to be replaced, and a rotation was open already.
    OpenAlready,
    /// Something else is wrong, which another pair does not mend: the account is inactive or restricted, or Alpaca cannot be heard.
    Faulty(ConnectFault),
    /// It is connected by OAuth, and has no pair.
    NotAPair,
    /// There is no such connection.
    NoSuchConnection,
}

impl Rotations {
    /// Looks whether a connection's pair is dead, and opens a rotation if it is. That it is, is believed when its own host refuses it twice; an
    /// account that is inactive or restricted is told apart. Its questions come after whatever programs ask of the account.
    ///
    /// # Errors
    /// [`RotateError`] when the database or the vault cannot take part.
    pub async fn suspect(&self, connection: ConnectionId) -> Result<Suspicion, RotateError> {
        let store = &self.options.store;
        let row = store.connection(connection).await?.filter(|row| row.removed_at.is_none());
        match (row, store.credential(connection).await?) {
            (Some(row), Some(credential)) => self.look_into(&row, &credential).await,
            _ => Ok(Suspicion::NoSuchConnection),
        }
    }

    /// Looks at every connection once, gently: one request for each, and a few at a time, so that one that is slow holds up no other.
    ///
    /// # Errors
    /// [`RotateError`] when the database cannot be read. What goes wrong with one connection is logged and holds up no other.
    pub async fn look_at_all(&self) -> Result<(), RotateError> {
        let connections = self.options.store.snapshot().await?.connections;
        let looks = connections.into_iter().map(|(row, _)| self.look_and_note(row.id));
        stream::iter(looks).for_each_concurrent(AT_ONCE, |look| look).await;
        Ok(())
    }

    /// Looks at connections whose pair was refused as soon as `refused` tells of them, and at all of them every so often, until `stop`.
    pub async fn watch(&self, mut refused: Receiver<ConnectionId>, every: Duration, stop: CancellationToken) {
        let mut rounds = interval(every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut listening = true;
        let mut looking: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        loop {
            let told = tokio::select! {
                () = stop.cancelled() => return,
                Some(()) = looking.next() => continue,
                told = refused.recv(), if listening => told,
                _ = rounds.tick() => Err(RecvError::Lagged(0)),
            };
            match told {
                Ok(connection) => looking.push(self.look_and_note(connection).boxed()),
                Err(RecvError::Lagged(_)) => looking.push(self.look_at_all_and_note().boxed()),
                Err(RecvError::Closed) => listening = false,
            }
        }
    }

    async fn look_and_note(&self, connection: ConnectionId) {
        self.note(connection, self.suspect(connection).await);
    }

    async fn look_at_all_and_note(&self) {
        if let Err(error) = self.look_at_all().await {
            tracing::error!(%error, "the connections could not be looked at; it is tried again");
        }
    }

    async fn look_into(&self, row: &Connection, sealed: &SealedCredential) -> Result<Suspicion, RotateError> {
        let options = &self.options;
        if sealed.secret.kind() == CredentialKind::OauthToken {
            return Ok(Suspicion::NotAPair);
        }
        let pair = options.of_connection(row.user, sealed).await?;
        let credential: Credential = pair.credential();
        let ask =
            || probe_own_host(&options.client, &credential, row.environment, options.gate.pacer(row.id));
        let mut found = ask().await;
        // A host that has a bad moment is not taken at its first word.
        if let Err(ConnectFault::InvalidCredentials { .. }) = found {
            found = ask().await;
        }
        self.keep_look(row.id, sealed, &found).await?;
        match found {
            Ok(_) => Ok(Suspicion::Healthy),
            Err(ConnectFault::InvalidCredentials { .. }) => {
                // It may have been replaced since the pair was read: then this one's death is no news.
                let now = options.store.credential(row.id).await?;
                if now.is_none_or(|now| now.secret.fingerprint() != sealed.secret.fingerprint()) {
                    return Ok(Suspicion::Healthy);
                }
                let at = options.clock.now();
                match self.force(row.user, row.id, Cause::PairRefused, &Actor::System, at).await {
                    Ok(opened) => Ok(Suspicion::Opened(Box::new(opened))),
                    Err(RotateError::Store(StoreError::RotationIsOpen)) => {
                        self.hurry(row.id, at).await.map(|()| Suspicion::OpenAlready)
                    }
                    Err(error) => Err(error),
                }
            }
            Err(fault) => Ok(Suspicion::Faulty(fault)),
        }
    }

    /// What was found stays for people to see until the next look.
    async fn keep_look(
        &self,
        connection: ConnectionId,
        sealed: &SealedCredential,
        found: &ProbeResult,
    ) -> Result<(), StoreError> {
        let at = self.options.clock.now();
        let look = match found {
            Ok(account) => Look { status: Some(&account.status), fault: None },
            Err(fault) => Look {
                status: fault.account_status(),
                fault: Some(ConnectionFault {
                    code: fault.code().to_owned(),
                    title: fault.label().to_owned(),
                    detail: fault.sentence_when_stored(),
                    next_step: fault.next_step_when_stored(),
                    at,
                }),
            },
        };
        self.options.store.note_look(connection, sealed.secret.fingerprint(), look, at).await
    }

    /// A rotation that was planned, and whose pair has died before its time, waits for the new pair at once.
    async fn hurry(&self, connection: ConnectionId, at: jiff::Timestamp) -> Result<(), RotateError> {
        let open = self.options.store.open_rotations().await?;
        let planned = open.iter().map(|row| &row.rotation).find(|rotation| {
            rotation.connection == connection && !rotation.rehearsal && rotation.state.can_abort()
        });
        let Some(planned) = planned else { return Ok(()) };
        match self.say(planned.id, at, |_| Ok(Event::PairRefused)).await {
            // It has come so far by itself.
            Ok(_) | Err(RotateError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn note(&self, connection: ConnectionId, looked: Result<Suspicion, RotateError>) {
        match looked {
            Ok(Suspicion::Opened(row)) => tracing::warn!(
                rotation = %row.rotation.id,
                connection = %row.rotation.connection_name,
                "alpaca refuses this connection's pair, which was probably regenerated or reset: trading is paused until another is pasted"
            ),
            Ok(Suspicion::Faulty(fault)) => {
                tracing::warn!(%connection, code = fault.code(), "a connection is not in order: {}", fault.sentence());
            }
            Ok(
                Suspicion::Healthy
                | Suspicion::OpenAlready
                | Suspicion::NotAPair
                | Suspicion::NoSuchConnection,
            ) => {}
            Err(error) => tracing::error!(%error, %connection, "a connection could not be looked at"),
        }
    }
}
