//! What a person does to an account's orders and positions, on a page or at the command line.
//!
//! It takes the same way as any other request: decided, recorded, forwarded and observed. Who it is was found out where they signed in;
//! the scope is one of Paddock's own that allows nothing but cancels and closes, so that no click can open a position. A freeze holds
//! for persons too, and lets pass what it lets pass. The test order of a rotation comes here with a scope of its own (`test_order.rs`).
//!
//! Nothing is sent twice: what a page was sent for carries a name that is kept, and while one close of a position is on its way, or its
//! answer is lost, there is no other. Only a cancel that the broker refused for its pair, which has died, goes again with the next one.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::client::{AccountClient, ClientError};
use paddock_alpaca::close_position::{ClosePart, closing_order};
use paddock_alpaca::operation;
use paddock_alpaca::path::{CanonicalPath, Query};
use paddock_alpaca::wire::Order;
use paddock_alpaca::wire::order::CanceledOrder;
use paddock_alpaca::{AlpacaError, Credential};
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::decide::{self, Act, Decision, Manner, Opens, OrderFacts};
use paddock_core::id::{ConnectionId, RequestId};
use paddock_core::scope::PositionRule;
use paddock_core::{PermissionClass, Permit, Refusal, Scope, Usage, decide as decide_request};
use paddock_store::{BegunByHand, HandRequest, StepState, StoreError};
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::ALL_ORDERS;
use crate::answer::Fault;
use crate::budget::{Asker, Priority, Ticket};
use crate::change::InFlight;
use crate::crash::CrashPoint;
use crate::directory::ConnectionEntry;
use crate::halt::rotation;
use crate::observe::{WholeAnswer, read_whole};
use crate::requests::{Outcome, RequestLine};
use crate::shared::{GatewayError, Shared};
use crate::target::{Target, summary};
use crate::test_order::{self, TestOrder};
use crate::upstream::{ANSWER_TIMEOUT, NoAnswer};

/// A close whose answer is lost can still arrive at the broker for so long.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(75);

/// What a person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandAct {
    /// Cancel one order.
    Cancel(Uuid),
    /// Cancel all open orders.
    CancelAll,
    /// Close a position, or a part of it.
    Close {
        /// The symbol; that of a pair with or without its slash.
        symbol: String,
        /// How much of it.
        part: ClosePart,
    },
    /// The test order of a rotation, which no person can make.
    Test(TestOrder),
}

/// What a person wants of a connection.
#[derive(Clone, Debug)]
pub struct HandOrder {
    /// The connection.
    pub connection: ConnectionId,
    /// What.
    pub act: HandAct,
    /// Who.
    pub actor: Actor,
    /// Where they are, if they came over a network.
    pub network: Option<IpAddr>,
    /// Names this one intention, at most 64 characters: whatever comes under the same name again is not sent again.
    pub once: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandOutcome {
    /// The broker did it.
    Done(HandDone),
    /// It was sent before, under the same name. As it is now.
    Repeated(Box<HandRequest>),
    /// The name is that of something else; nothing was sent.
    NameTaken,
    /// A freeze or the scope stands in the way; nothing was sent.
    Refused(Refusal),
    /// The broker refuses, in its own words.
    Alpaca(AlpacaError),
    /// Another close of the same position was sent then and has no answer. Nothing was sent.
    Busy(Timestamp),
    /// Nothing was sent, for the reason that is given.
    NotSent(String),
    /// No usable answer came: it is not known whether the broker acted. It is not sent again.
    Unknown(RequestId),
    /// There is no such connection.
    NoSuchConnection,
}

/// What the broker did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandDone {
    /// The request.
    pub request: RequestId,
    /// The order that closes the position.
    pub order_id: Option<String>,
    /// Orders of which the broker took the cancel.
    pub canceled: u32,
    /// Orders that could not be canceled.
    pub failed: u32,
}

/// Takes a person's order to its end, whoever stops listening.
pub(crate) async fn act(shared: &Arc<Shared>, order: HandOrder) -> Result<HandOutcome, GatewayError> {
    let request = RequestId::generate(shared.clock.now(), &*shared.entropy);
    let task = {
        let shared = Arc::clone(shared);
        async move { Hand::begin(&shared, request, order).await }
    };
    // A task that was cut short may have sent it.
    shared.changes.spawn(task).await.unwrap_or(Ok(HandOutcome::Unknown(request)))
}

/// Closes the book on what a process that died, or a database that failed, left open. Gives how many that were.
pub(crate) async fn settle_lost(shared: &Shared) -> Result<u32, StoreError> {
    let mut settled = 0;
    let now = shared.clock.now();
    let before = now.saturating_sub(ON_ITS_WAY).unwrap_or(now);
    for mut lost in shared.store.unsettled_by_hand(before).await? {
        if !shared.is_in_flight(lost.request) {
            lost.state = StepState::Unknown;
            lost.detail = Some("no answer was recorded".to_owned());
            shared.store.settle_by_hand(&lost, now).await?;
            settled += 1;
        }
    }
    Ok(settled)
}

/// Cancels, and closes that only close.
fn scope() -> Scope {
    Scope {
        classes: [PermissionClass::Cancel, PermissionClass::PositionClose].into(),
        positions: Some(PositionRule::ReduceOnly),
        ..Scope::default()
    }
}

/// A person's order on its way.
struct Hand<'a> {
    shared: &'a Shared,
    entry: Arc<ConnectionEntry>,
    order: HandOrder,
    request: RequestId,
    at: Timestamp,
    target: Target,
    act: Act,
    line: RequestLine,
}

impl<'a> Hand<'a> {
    async fn begin(
        shared: &'a Shared,
        request: RequestId,
        order: HandOrder,
    ) -> Result<HandOutcome, GatewayError> {
        let Some(entry) = shared.directory.load().connection(order.connection).cloned() else {
            return Ok(HandOutcome::NoSuchConnection);
        };
        let credential = match entry.open(&shared.opener) {
            Ok(credential) => credential,
            Err(error) => return Ok(HandOutcome::NotSent(error.to_string())),
        };
        let at = shared.clock.now();
        let (target, act) = match aimed(shared, &entry, &credential, &order.act).await {
            Ok(aimed) => aimed,
            Err(outcome) => return Ok(outcome),
        };
        let line = RequestLine {
            user: Some(entry.connection.user),
            network: order.network.map(|network| network.to_canonical()),
            person: Some(match &order.actor {
                Actor::Person { name, .. } | Actor::AccessKey { name, .. } => name.clone(),
                Actor::Operator => "operator".to_owned(),
                Actor::System => "Paddock".to_owned(),
            }),
            connection: Some(entry.connection.name.clone()),
            environment: Some(entry.connection.environment),
            path: target.path.to_upstream().to_owned(),
            operation: Some(target.operation.id),
            summary: summary_of(&act),
            ..RequestLine::begun(request, at, &method(&order.act))
        };
        let mut hand = Self { shared, entry, order, request, at, target, act, line };
        let _in_flight = InFlight::enter(shared, request);
        let outcome = hand.run(&credential).await?;
        hand.note(&outcome);
        Ok(outcome)
    }

    async fn run(&mut self, credential: &Credential) -> Result<HandOutcome, GatewayError> {
        let shared = self.shared;
        let manner = Manner::of(self.target.operation.class, &self.act);
        let permit = match self.decide() {
            Ok(permit) => permit,
            Err(refusal) => return self.refuse(refusal).await,
        };
        // Before anything is written down: what waits here in vain was not sent.
        let asker = Asker { key: None, priority: Priority::of(self.target.operation.class) };
        let account = shared.meters.account(self.order.connection);
        let budget = account.budget(self.target.operation.api);
        let Ok(ticket) = budget.acquire(&shared.clock, asker, budget.patience(asker.priority)).await else {
            return Ok(HandOutcome::NotSent(
                "the requests that alpaca allows this account in a minute are used up: try again in a minute"
                    .to_owned(),
            ));
        };
        let mut row = self.row();
        let event = self.event(&permit);
        let alone_for = matches!(self.order.act, HandAct::Close { .. }).then_some(ON_ITS_WAY);
        match shared.store.begin_by_hand(&row, &event, alone_for).await? {
            BegunByHand::Begun => {}
            BegunByHand::Repeated(known) => return Ok(HandOutcome::Repeated(known)),
            BegunByHand::NameTaken => return Ok(HandOutcome::NameTaken),
            BegunByHand::Busy(since) => return Ok(HandOutcome::Busy(since)),
        }
        CrashPoint::Reserved.reached();
        let sent = match shared.sending.last_look_by_hand(shared, row.connection, self.request, manner) {
            Ok(sent) => sent,
            Err(refusal) => {
                (row.state, row.detail) = (StepState::Failed, Some(refusal.message.clone()));
                shared.store.settle_by_hand(&row, shared.clock.now()).await?;
                return self.refuse(refusal).await;
            }
        };
        let mut outcome = self.forward(&mut row, permit, ticket, credential).await;
        drop(sent);
        CrashPoint::Forwarded.reached();
        if row.status == Some(401) {
            shared.refused.note(&self.entry);
            if let Some(anew) = self.once_more(&mut row, manner).await {
                outcome = anew;
            }
        }
        if let Err(error) = shared.store.settle_by_hand(&row, shared.clock.now()).await {
            // What became of it is known here and told; the row is settled as lost later.
            tracing::error!(%error, request = %self.request, "what became of a request by hand could not be recorded");
        }
        shared.looks.forget(row.connection);
        Ok(outcome)
    }

    /// A cancel that the broker refused for its pair, which has died, goes once more with the next one; `None` when there is none to be waited
    /// for, or something stands in the way meanwhile.
    async fn once_more(&mut self, row: &mut HandRequest, manner: Manner) -> Option<HandOutcome> {
        let shared = self.shared;
        let cancels = matches!(self.order.act, HandAct::Cancel(_) | HandAct::CancelAll);
        if !cancels || rotation::another_credential(shared, &self.entry).await != Ok(true) {
            return None;
        }
        self.entry = shared.directory.load().connection(self.order.connection).cloned()?;
        let credential = self.entry.open(&shared.opener).ok()?;
        let permit = self.decide().ok()?;
        let asker = Asker { key: None, priority: Priority::of(self.target.operation.class) };
        let account = shared.meters.account(self.order.connection);
        let budget = account.budget(self.target.operation.api);
        let ticket = budget.acquire(&shared.clock, asker, budget.patience(asker.priority)).await.ok()?;
        let sent = shared.sending.last_look_by_hand(shared, row.connection, self.request, manner).ok()?;
        (row.state, row.status, row.detail) = (StepState::Sent, None, None);
        let outcome = self.forward(row, permit, ticket, &credential).await;
        drop(sent);
        Some(outcome)
    }

    fn decide(&self) -> Result<Permit, Refusal> {
        let request = decide::Request {
            operation: self.target.operation.id,
            class: self.target.operation.class,
            at: self.at,
            network: self.order.network.unwrap_or(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            frozen: self.shared.directory.load().frozen_connection(self.order.connection),
            act: self.act.clone(),
            account: decide::AccountFigures::default(),
        };
        let scope = match self.order.act {
            HandAct::Test(_) => test_order::scope(),
            HandAct::Cancel(_) | HandAct::CancelAll | HandAct::Close { .. } => scope(),
        };
        match decide_request(&scope, &request, &Usage::none(Date::ZERO)) {
            Decision::Permit(permit) => Ok(permit),
            Decision::Refuse(refusal) => Err(refusal),
        }
    }

    async fn refuse(&self, refusal: Refusal) -> Result<HandOutcome, GatewayError> {
        let event = AuditEvent::RequestRefused {
            request: self.request,
            operation: self.target.operation.id.to_owned(),
            target: self.target.label(),
            reason: refusal.code,
            message: refusal.message.clone(),
            numbers: refusal.numbers.clone(),
            connection: Some(self.order.connection),
            summary: summary_of(&self.act),
            network: self.line.network,
        };
        self.shared.store.append_audit(&self.order.actor, &event, self.at).await?;
        Ok(HandOutcome::Refused(refusal))
    }

    fn row(&self) -> HandRequest {
        HandRequest {
            request: self.request,
            connection: self.order.connection,
            actor: self.order.actor.clone(),
            operation: self.target.operation.id.to_owned(),
            target: match &self.order.act {
                HandAct::Cancel(order) => order.to_string(),
                HandAct::CancelAll => ALL_ORDERS.to_owned(),
                HandAct::Close { .. } => self.target.params.first().unwrap_or_default().to_owned(),
                HandAct::Test(order) => order.name().to_owned(),
            },
            wanted: self.wanted(),
            once: self.order.once.clone(),
            state: StepState::Sent,
            status: None,
            order_id: None,
            detail: None,
            at: self.at,
            settled_at: None,
        }
    }

    /// Method, path and query.
    fn wanted(&self) -> String {
        format!("{} {}", self.target.operation.method, self.target.written())
    }

    fn event(&self, permit: &Permit) -> AuditEvent {
        // What makes a position smaller is worth nothing to anybody's caps.
        let (orders, notional) = match self.order.act {
            HandAct::Test(_) => (permit.charge().orders, permit.charge().notional),
            HandAct::Cancel(_) | HandAct::CancelAll | HandAct::Close { .. } => (0, Decimal::ZERO),
        };
        let body = self.body();
        AuditEvent::RequestPermitted {
            request: self.request,
            connection: self.order.connection,
            operation: self.target.operation.id.to_owned(),
            target: self.wanted(),
            body_digest: (!body.is_empty()).then(|| hex::encode(Sha256::digest(&body))),
            summary: summary_of(&self.act),
            orders,
            notional,
            network: self.line.network,
        }
    }

    fn body(&self) -> Bytes {
        match &self.order.act {
            HandAct::Test(order) => order.body().into(),
            HandAct::Cancel(_) | HandAct::CancelAll | HandAct::Close { .. } => Bytes::new(),
        }
    }

    async fn forward(
        &self,
        row: &mut HandRequest,
        _permit: Permit,
        mut ticket: Ticket,
        credential: &Credential,
    ) -> HandOutcome {
        let shared = self.shared;
        let url = self.target.url(shared, self.entry.connection.environment);
        ticket.sent();
        let (method, body) = (method(&self.order.act), self.body());
        let sent = shared.for_changes.send(&url, method, body, &HeaderMap::new(), credential).await;
        let (status, answer) = match sent {
            Ok(response) => {
                ticket.answered(response.status(), response.headers());
                let status = response.status().as_u16();
                let whole = tokio::time::timeout(ANSWER_TIMEOUT, read_whole(response, credential)).await;
                (Some(status), whole.ok().and_then(Result::ok))
            }
            Err(NoAnswer::NotSent) => {
                return self.failed(row, HandOutcome::NotSent(Fault::upstream_unreachable().message));
            }
            Err(NoAnswer::Broken | NoAnswer::Timeout) => (None, None),
        };
        row.status = status;
        match (status, answer) {
            (Some(200..=299), Some(answer)) => self.done(row, &answer),
            (Some(401), _) => self.failed(row, HandOutcome::NotSent(Fault::credential_refused().message)),
            (Some(429), _) => self.failed(
                row,
                HandOutcome::NotSent(
                    "alpaca takes no more requests for now: try again in a minute".to_owned(),
                ),
            ),
            (Some(status @ 400..=499), answer) => {
                let body = answer.map(|answer| answer.body).unwrap_or_default();
                self.failed(row, HandOutcome::Alpaca(AlpacaError::parse(status, &body)))
            }
            // An answer of 200 that could not be read says that it acted, and not what came of it.
            _ => {
                row.state = StepState::Unknown;
                row.detail = Some("no usable answer came".to_owned());
                HandOutcome::Unknown(self.request)
            }
        }
    }

    /// The broker did not do it, for certain.
    fn failed(&self, row: &mut HandRequest, outcome: HandOutcome) -> HandOutcome {
        row.state = StepState::Failed;
        row.detail = match &outcome {
            HandOutcome::NotSent(why) => Some(why.clone()),
            HandOutcome::Alpaca(error) => Some(error.message.chars().take(300).collect()),
            _ => None,
        };
        outcome
    }

    fn done(&self, row: &mut HandRequest, answer: &WholeAnswer) -> HandOutcome {
        row.state = StepState::Done;
        let mut done = HandDone { request: self.request, order_id: None, canceled: 1, failed: 0 };
        match &self.order.act {
            HandAct::Cancel(_) => {}
            HandAct::CancelAll => {
                let orders: Vec<CanceledOrder> = serde_json::from_slice(&answer.body).unwrap_or_default();
                let count = |good: bool| orders.iter().filter(|one| (one.status < 400) == good).count();
                done.canceled = u32::try_from(count(true)).unwrap_or(u32::MAX);
                done.failed = u32::try_from(count(false)).unwrap_or(u32::MAX);
                row.detail = Some(format!("{} canceled, {} not", done.canceled, done.failed));
            }
            HandAct::Close { .. } | HandAct::Test(_) => {
                done.canceled = 0;
                let order: Option<Order> = serde_json::from_slice(&answer.body).ok();
                row.order_id = order.map(|order| order.id.to_string());
                done.order_id.clone_from(&row.order_id);
            }
        }
        HandOutcome::Done(done)
    }

    /// Tells those who watch.
    fn note(&mut self, outcome: &HandOutcome) {
        let failed = |reason: &str, message: String| Outcome::Failed { reason: reason.to_owned(), message };
        let (outcome, status) = match outcome {
            HandOutcome::Done(_) => (Outcome::Permitted, 200),
            HandOutcome::Refused(refusal) => {
                (Outcome::Refused { reason: refusal.code.to_string(), message: refusal.message.clone() }, 403)
            }
            HandOutcome::Alpaca(error) => (failed("alpaca_error", error.message.to_string()), error.status),
            HandOutcome::NotSent(why) => (failed("not_sent", why.clone()), 503),
            HandOutcome::Unknown(_) => (failed("upstream_failed", Fault::upstream_failed().message), 502),
            // Nothing was done about it, so there is nothing to tell.
            HandOutcome::Repeated(_)
            | HandOutcome::NameTaken
            | HandOutcome::Busy(_)
            | HandOutcome::NoSuchConnection => return,
        };
        self.line.outcome = outcome;
        self.line.status = status;
        let took = self.shared.clock.now().duration_since(self.at).as_micros();
        self.line.micros = u64::try_from(took).unwrap_or(0);
        self.shared.log.note(self.line.clone());
    }
}

/// What a person's wish is at the broker, and what it would do.
async fn aimed(
    shared: &Shared,
    entry: &ConnectionEntry,
    credential: &Credential,
    act: &HandAct,
) -> Result<(Target, Act), HandOutcome> {
    match act {
        HandAct::Cancel(order) => Ok((target("DELETE", &format!("/v2/orders/{order}"), &[])?, Act::Plain)),
        HandAct::CancelAll => Ok((target("DELETE", "/v2/orders", &[])?, Act::Plain)),
        HandAct::Test(order) => Ok((target("POST", "/v2/orders", &[])?, order.act())),
        HandAct::Close { symbol, part } => {
            let asker = Asker { key: None, priority: Priority::Close };
            let asking = shared
                .asking(entry, credential, asker)
                .map_err(|error| HandOutcome::NotSent(error.to_string()))?;
            let order = closing(&asking, symbol, *part).await?;
            let amount = match part {
                ClosePart::All => None,
                ClosePart::Quantity(quantity) => Some(("qty", quantity.normalize().to_string())),
                ClosePart::Percentage(percentage) => Some(("percentage", percentage.normalize().to_string())),
            };
            let query: Vec<(&str, &str)> =
                amount.iter().map(|(name, value)| (*name, value.as_str())).collect();
            // The broker spells pairs without their slash here.
            let path = format!("/v2/positions/{}", order.order.symbol.as_str().replace('/', ""));
            Ok((target("DELETE", &path, &query)?, Act::Orders(vec![order])))
        }
    }
}

/// The order that closes a position, or a part of it.
async fn closing(
    asking: &AccountClient<'_>,
    symbol: &str,
    part: ClosePart,
) -> Result<OrderFacts, HandOutcome> {
    let position = asking.position(&symbol.replace('/', "")).await.map_err(|error| match error {
        ClientError::Api(error) if error.status == 401 => {
            HandOutcome::NotSent(Fault::credential_refused().message)
        }
        ClientError::Api(error) => HandOutcome::Alpaca(error),
        error => HandOutcome::NotSent(format!("the position could not be read from alpaca: {error}")),
    })?;
    let order = closing_order(&position, part).map_err(HandOutcome::Alpaca)?;
    Ok(OrderFacts {
        order,
        quote: None,
        closes: true,
        already_charged: Decimal::ZERO,
        replaced_quantity: None,
        opens: Opens::Nothing,
    })
}

const fn method(act: &HandAct) -> Method {
    match act {
        HandAct::Test(_) => Method::POST,
        HandAct::Cancel(_) | HandAct::CancelAll | HandAct::Close { .. } => Method::DELETE,
    }
}

fn target(method: &str, path: &str, query: &[(&str, &str)]) -> Result<Target, HandOutcome> {
    let found = CanonicalPath::parse(path).ok().and_then(|path| {
        let (operation, params) = operation::find(method, &path)?;
        Some(Target { operation, params, path, query: Query::of(query) })
    });
    found.ok_or_else(|| HandOutcome::NotSent("that is no order or position of Alpaca's".to_owned()))
}

fn summary_of(act: &Act) -> Option<String> {
    match act {
        Act::Orders(orders) => orders.first().map(|facts| summary(&facts.order)),
        Act::Plain | Act::Data(_) | Act::Opaque => None,
    }
}
