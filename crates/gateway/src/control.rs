//! The handle by which pages and command line steer the gateway.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use paddock_alpaca::Credential;
use paddock_alpaca::client::Pacer;
use paddock_alpaca::connect_fault::ConnectFault;
use paddock_alpaca::operation::Api;
use paddock_alpaca::probe::probe;
use paddock_alpaca::wire::history::PortfolioHistory;
use paddock_alpaca::wire::{Account, Order, Position};
use paddock_core::audit::Actor;
use paddock_core::audit_file::{End, LineDigest};
use paddock_core::checkpoint::{Checkpoint, PublicKey};
use paddock_core::decide::Passing;
use paddock_core::id::{AccessKeyId, ConnectionId, RequestId, RotationId, UserId};
use paddock_core::rotation::Failure;
use paddock_store::{ApprovalState, ConnectionFault, Consent, Look, StoreError, Subject};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::approvals::ApprovalOutcome;
use crate::budget::{Asker, BudgetView, Pace, Priority};
use crate::by_hand::{HandOrder, HandOutcome};
use crate::checkpoints::{self, AuditKeys};
use crate::explain::Explanation;
use crate::halt::Unanswered;
use crate::halt::deadman::{Deadman, DeadmanOptions};
use crate::health::Health;
use crate::looks::{self, EquityPeriod, LookFault};
use crate::requests::{Counters, RequestLine};
use crate::rotation::{DekRotation, KekRotation};
use crate::shared::{GatewayError, Shared};

/// Steers the gateway. Clones steer the same one.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
}

/// What came of checking a connection.
#[derive(Debug)]
pub enum ConnectionCheck {
    /// Alpaca accepts the credential and the account may trade.
    Healthy(Box<Account>),
    /// Something is wrong.
    Faulty(ConnectFault),
    /// There is no such connection.
    NoSuchConnection,
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Reads connections, access keys and freezes anew. Call it after each change of them; it holds for the next request.
    ///
    /// # Errors
    /// [`GatewayError`] when the database or its content cannot be used; the gateway then goes on with what it knew.
    pub async fn reload(&self) -> Result<(), GatewayError> {
        self.shared.reload().await
    }

    /// Waits a moment for the broker's answers to what was being sent when a freeze took hold, and gives the requests of which none has
    /// come. Call it after [`Control::reload`]: whatever is not among them was answered before, or will be refused.
    pub async fn settled(&self, subject: Subject) -> Vec<RequestId> {
        self.shared.sending.settled(subject).await
    }

    /// Reads that a rotation holds back a connection's new orders, waits a moment for the answers to those that were being sent, by this node or
    /// another one, and gives how many have none. When there are none left, no node sends a new order of the connection until the
    /// rotation lets them pass.
    ///
    /// # Errors
    /// [`GatewayError`] when the database cannot take part: then it is not known.
    pub async fn confirm_pause(&self, connection: ConnectionId) -> Result<Unanswered, GatewayError> {
        crate::halt::rotation::confirm(&self.shared, connection).await
    }

    /// Freezes everything at once and in memory, whatever becomes of the database, or ends that. Freezes in the database stay.
    pub fn freeze_in_memory(&self, frozen: bool) {
        if self.shared.emergency.set(frozen) {
            self.shared.tell_of_change();
        }
    }

    /// Freezes something in memory before that is stored, so that it holds at once and whatever the database does; [`Control::let_go`]
    /// ends it.
    pub fn hold(&self, subject: Subject, passing: Passing) {
        self.shared.emergency.hold(subject, passing);
        self.shared.tell_of_change();
    }

    /// Ends a freeze in memory. Call it when the one in the database was read, or there shall be none.
    pub fn let_go(&self, subject: Subject) {
        self.shared.emergency.let_go(subject);
        self.shared.tell_of_change();
    }

    /// Begins what freezes have to do about open orders and positions, and waits until it is done, but no longer than `wait`. It goes on
    /// after that.
    ///
    /// # Errors
    /// [`GatewayError`] when the database cannot take part.
    pub async fn wind_down(&self, wait: Duration) -> Result<(), GatewayError> {
        crate::halt::wind_down::resume(&self.shared).await?;
        _ = tokio::time::timeout(wait, self.shared.wind_downs.idle()).await;
        Ok(())
    }

    /// Begins to wait for signs of life.
    ///
    /// # Errors
    /// [`GatewayError`] when the database cannot take part.
    pub async fn deadman(&self, options: DeadmanOptions) -> Result<Deadman, GatewayError> {
        Deadman::begin(Arc::clone(&self.shared), options).await
    }

    /// Tells of connections whose credential the broker refuses to a request or a stream although it was stored as good, at most once a minute
    /// for each credential: it was probably regenerated, or the account reset.
    #[must_use]
    pub fn refused_credentials(&self) -> broadcast::Receiver<ConnectionId> {
        self.shared.refused.listen()
    }

    /// Whether everything is frozen in memory by the file or a signal.
    #[must_use]
    pub fn is_frozen_in_memory(&self) -> bool {
        self.shared.emergency.is_set()
    }

    /// Requests from now on, as they are answered. A watcher that falls behind by 256 misses some.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<RequestLine> {
        self.shared.log.subscribe()
    }

    /// The last requests that a team may see, newest first, at most 500: those of its own connections, and for the team that runs this
    /// Paddock also 500 of nobody.
    #[must_use]
    pub fn recent_of(&self, user: UserId, limit: usize) -> Vec<RequestLine> {
        let teams: &[Option<UserId>] =
            if user == self.shared.user { &[Some(user), None] } else { &[Some(user)] };
        let mut lines = self.shared.log.recent(teams);
        lines.truncate(limit);
        lines
    }

    /// Whether a team may see a request.
    #[must_use]
    pub fn may_see(&self, user: UserId, line: &RequestLine) -> bool {
        match line.user {
            Some(owner) => owner == user,
            None => user == self.shared.user,
        }
    }

    /// Totals since the start of the requests that a team may see.
    #[must_use]
    pub fn counters_of(&self, user: UserId) -> Counters {
        let own = self.shared.log.counters_of(Some(user));
        if user == self.shared.user { own.and(self.shared.log.counters_of(None)) } else { own }
    }

    /// Everything that is measured, in Prometheus' text format. Not for everybody: it names keys and tells what they do.
    pub async fn metrics(&self) -> String {
        crate::metrics::text(&self.shared).await
    }

    /// Whether requests can be served, and what stands in the way. At most one look in a second.
    pub async fn health(&self) -> Health {
        crate::health::look(&self.shared).await
    }

    /// How each account's budgets of requests stand, by connection.
    #[must_use]
    pub fn budgets(&self) -> Vec<BudgetView> {
        crate::budget::view::all(&self.shared)
    }

    /// Asks Alpaca about a connection with its stored credential, and keeps what it says until the next look.
    ///
    /// # Errors
    /// [`GatewayError`] when the vault or the database cannot take part; what Alpaca says is no error.
    pub async fn check_connection(&self, connection: ConnectionId) -> Result<ConnectionCheck, GatewayError> {
        let Some(entry) = self.shared.directory.load().connection(connection).cloned() else {
            return Ok(ConnectionCheck::NoSuchConnection);
        };
        let credential: Credential = entry.open(&self.shared.opener)?;
        let environment = entry.connection.environment;
        let shared = &self.shared;
        // The probe asks this account once.
        let asker = Asker { key: None, priority: Priority::Read };
        let account = shared.meters.account(connection);
        let budget = account.budget(Api::Trading);
        let ticket = budget.acquire(&shared.clock, asker, budget.patience(asker.priority)).await;
        let mut ticket = match ticket {
            Ok(ticket) => ticket,
            Err(exhausted) => {
                let retry_after = Some(Duration::from_secs(exhausted.retry_after));
                return Ok(ConnectionCheck::Faulty(ConnectFault::RateLimited { retry_after }));
            }
        };
        ticket.sent();
        match probe(&shared.client, &credential, environment).await {
            Ok(account) => {
                let look = Look { status: Some(&account.status), fault: None };
                shared.store.note_look(connection, entry.fingerprint(), look, shared.clock.now()).await?;
                shared.reload().await?;
                Ok(ConnectionCheck::Healthy(Box::new(account)))
            }
            Err(fault) => {
                if matches!(fault, ConnectFault::InvalidCredentials { .. }) {
                    shared.refused.note(&entry);
                }
                let at = shared.clock.now();
                let found = ConnectionFault {
                    code: fault.code().to_owned(),
                    title: fault.label().to_owned(),
                    detail: fault.sentence_when_stored(),
                    next_step: fault.next_step_when_stored(),
                    at,
                };
                let look = Look { status: fault.account_status(), fault: Some(found) };
                shared.store.note_look(connection, entry.fingerprint(), look, at).await?;
                Ok(ConnectionCheck::Faulty(fault))
            }
        }
    }

    /// Takes what Paddock's own upkeep asks of an account out of the account's budget of requests, after whatever programs want.
    #[must_use]
    pub fn pacer(&self, connection: ConnectionId) -> Arc<dyn Pacer> {
        let account = self.shared.meters.account(connection);
        let asker = Asker { key: None, priority: Priority::Read };
        Arc::new(Pace { account, asker, clock: Arc::clone(&self.shared.clock) })
    }

    /// Cancels or closes for a person, once: decided, recorded, forwarded and observed like any other request.
    ///
    /// # Errors
    /// [`GatewayError`] when the database cannot take part; nothing was sent then.
    pub async fn act_by_hand(&self, order: HandOrder) -> Result<HandOutcome, GatewayError> {
        crate::by_hand::act(&self.shared, order).await
    }

    /// Places the test order of a rotation on a paper account, sees it and cancels it; what was done of this before is not done again. Gives
    /// the order in one line.
    ///
    /// # Errors
    /// What stands in the way, and whether it may pass.
    pub async fn test_order(
        &self,
        connection: ConnectionId,
        rotation: RotationId,
    ) -> Result<String, Failure> {
        crate::test_order::run(&self.shared, connection, rotation).await
    }

    /// An account's figures as Alpaca has them now. An answer is good for a second.
    ///
    /// # Errors
    /// [`LookFault`] when there is none.
    pub async fn account(&self, connection: ConnectionId) -> Result<Arc<Account>, LookFault> {
        looks::account(&self.shared, connection).await
    }

    /// An account's positions, likewise.
    ///
    /// # Errors
    /// [`LookFault`] when Alpaca does not say.
    pub async fn positions(&self, connection: ConnectionId) -> Result<Arc<Vec<Position>>, LookFault> {
        looks::positions(&self.shared, connection).await
    }

    /// An account's open orders, or so many of the newest of all, likewise.
    ///
    /// # Errors
    /// [`LookFault`] when Alpaca does not say.
    pub async fn orders(
        &self,
        connection: ConnectionId,
        recent: Option<usize>,
    ) -> Result<Arc<Vec<Order>>, LookFault> {
        looks::orders(&self.shared, connection, recent).await
    }

    /// One order of an account, likewise.
    ///
    /// # Errors
    /// [`LookFault`] when Alpaca does not say.
    pub async fn order(&self, connection: ConnectionId, id: Uuid) -> Result<Arc<Order>, LookFault> {
        looks::order(&self.shared, connection, id).await
    }

    /// What an account was worth over a period.
    ///
    /// # Errors
    /// [`LookFault`] when Alpaca does not say.
    pub async fn equity(
        &self,
        connection: ConnectionId,
        period: EquityPeriod,
    ) -> Result<Arc<PortfolioHistory>, LookFault> {
        looks::equity(&self.shared, connection, period).await
    }

    /// Since when the gateway runs, and so remembers requests.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.shared.started_at
    }

    /// What would become of an order, given as the body of `POST /v2/orders`, that an access key sent from `network` now. Nothing
    /// is reserved, recorded or sent. `None` when there is no such key, or it is revoked.
    ///
    /// # Errors
    /// [`GatewayError`] when the database cannot take part.
    pub async fn explain(
        &self,
        key: AccessKeyId,
        order: Bytes,
        network: IpAddr,
    ) -> Result<Option<Explanation>, GatewayError> {
        crate::explain::explain(&self.shared, key, &order, network).await
    }

    /// Takes a person's yes to a held request: decides everything again and sends it, once.
    ///
    /// # Errors
    /// [`GatewayError`] when the database cannot take part; whether the yes was recorded is then told by its state.
    pub async fn approve(&self, consent: Consent) -> Result<ApprovalOutcome, GatewayError> {
        crate::approvals::send::approve(&self.shared, consent).await
    }

    /// Takes a person's no to a held request. Yields the state in which it was already, if it did not wait any more.
    ///
    /// # Errors
    /// [`GatewayError`] when there is no such request, or the database cannot take part.
    pub async fn deny(&self, consent: Consent) -> Result<Option<ApprovalState>, GatewayError> {
        let was = self.shared.store.deny(consent).await?;
        self.shared.bell.ring();
        Ok(was)
    }

    /// Looks once at every request whose fate is unknown and settles those that can be told; the server does so by itself
    /// every quarter of a minute. Gives how many were settled.
    ///
    /// # Errors
    /// [`GatewayError`] when the database cannot take part.
    pub async fn recover(&self) -> Result<u32, GatewayError> {
        crate::recover::recover(&self.shared).await
    }

    /// The keys that sign the audit chain, and how far it is signed.
    ///
    /// # Errors
    /// [`GatewayError`] when the vault or the database cannot take part.
    pub async fn audit_keys(&self) -> Result<AuditKeys, GatewayError> {
        checkpoints::keys(&self.shared).await
    }

    /// Has a new key sign the audit chain from now on, which the present one signs.
    ///
    /// # Errors
    /// [`GatewayError`] when the vault or the database cannot take part; the present key then goes on.
    pub async fn rotate_audit_key(&self) -> Result<PublicKey, GatewayError> {
        checkpoints::rotate_key(&self.shared).await
    }

    /// Signs the end of the audit chain now. Nothing for an empty chain.
    ///
    /// # Errors
    /// [`GatewayError`] when the vault or the database cannot take part.
    pub async fn sign_audit(&self) -> Result<Option<Checkpoint>, GatewayError> {
        checkpoints::checkpoint(&self.shared).await
    }

    /// Signs the lines of an export of the audit chain.
    ///
    /// # Errors
    /// [`GatewayError`] when the vault or the database cannot take part.
    pub async fn sign_export(&self, lines: &LineDigest) -> Result<End, GatewayError> {
        checkpoints::sign_export(&self.shared, lines).await
    }

    /// Writes now what was counted of the use of access keys; the server does so by itself every quarter of a minute.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; it is tried again later.
    pub async fn write_key_use(&self) -> Result<(), StoreError> {
        crate::key_use::write(&self.shared).await
    }

    /// Exchanges the key-encryption key and wraps every data-encryption key anew. After an interruption, calling it again
    /// finishes the same rotation.
    ///
    /// # Errors
    /// [`GatewayError`] when the vault or the database cannot take part; both keys then still open.
    pub async fn rotate_kek(&self, actor: &Actor) -> Result<KekRotation, GatewayError> {
        crate::rotation::rotate_kek(&self.shared, actor).await
    }

    /// Makes a new data-encryption key for a team and seals every credential of theirs anew under it.
    ///
    /// # Errors
    /// [`GatewayError`] when the vault or the database cannot take part; every credential then still opens.
    pub async fn rotate_dek(&self, user: UserId, actor: &Actor) -> Result<DekRotation, GatewayError> {
        crate::rotation::rotate_dek(&self.shared, user, actor).await
    }
}
