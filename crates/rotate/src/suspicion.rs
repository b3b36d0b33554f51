//! Pairs that died by surprise: a paper account that was reset, a pair that was regenerated elsewhere. Noticed by the next request or by the
//! next look, whichever comes first; then trading is paused and another pair is waited for.

use std::time::Duration;

use paddock_alpaca::connect_fault::OtherHost;
use paddock_alpaca::{ConnectFault, Credential, probe};
use paddock_core::CredentialKind;
use paddock_core::audit::Actor;
use paddock_core::id::ConnectionId;
use paddock_core::rotation::{Cause, Event};
use paddock_store::{Connection, RotationRow, SealedCredential, StoreError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{RotateError, Rotations};

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
    /// Looks whether a connection's pair is dead, and opens a rotation if it is. That it is, is believed only when both environments refuse
    /// it; an account that is inactive or restricted is told apart.
    ///
    /// # Errors
    /// [`RotateError`] when the database or the vault cannot take part.
    pub async fn suspect(&self, connection: ConnectionId) -> Result<Suspicion, RotateError> {
        let snapshot = self.options.store.snapshot().await?;
        let found = snapshot.connections.into_iter().find(|(row, _)| row.id == connection);
        match found {
            Some((row, credential)) => self.look_into(&row, &credential).await,
            None => Ok(Suspicion::NoSuchConnection),
        }
    }

    /// Looks at every connection once, gently: two requests for each.
    ///
    /// # Errors
    /// [`RotateError`] when the database cannot be read. What goes wrong with one connection is logged and holds up no other.
    pub async fn look_at_all(&self) -> Result<(), RotateError> {
        for (row, credential) in self.options.store.snapshot().await?.connections {
            self.note(row.id, self.look_into(&row, &credential).await);
        }
        Ok(())
    }

    /// Looks at connections whose pair was refused as soon as `refused` tells of them, and at all of them every so often, until `stop`.
    pub async fn watch(&self, mut refused: Receiver<ConnectionId>, every: Duration, stop: CancellationToken) {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut listening = true;
        loop {
            let told = tokio::select! {
                () = stop.cancelled() => return,
                told = refused.recv(), if listening => told,
                _ = looks.tick() => Err(RecvError::Lagged(0)),
            };
            match told {
                Ok(connection) => self.note(connection, self.suspect(connection).await),
                Err(RecvError::Lagged(_)) => {
                    if let Err(error) = self.look_at_all().await {
                        tracing::error!(%error, "the connections could not be looked at; it is tried again");
                    }
                }
                Err(RecvError::Closed) => listening = false,
            }
        }
    }

    async fn look_into(&self, row: &Connection, sealed: &SealedCredential) -> Result<Suspicion, RotateError> {
        let options = &self.options;
        if sealed.secret.kind() == CredentialKind::OauthToken {
            return Ok(Suspicion::NotAPair);
        }
        let pair = options.of_connection(row.user, sealed).await?;
        let credential: Credential = pair.credential();
        match probe(&options.client, &credential, row.environment).await {
            Ok(account) => {
                // What was seen is kept for people, and not written again and again.
                if account.status != row.status {
                    options.store.mark_checked(row.id, &account.status, options.clock.now()).await?;
                }
                Ok(Suspicion::Healthy)
            }
            Err(ConnectFault::InvalidCredentials { other: OtherHost::Refused, .. }) => {
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
            Err(fault) => {
                if let ConnectFault::AccountInactive { status } = &fault
                    && *status != row.status
                {
                    options.store.mark_checked(row.id, status, options.clock.now()).await?;
                }
                Ok(Suspicion::Faulty(fault))
            }
        }
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
