//! A request that changes something at the broker: decided with its facts and caps, recorded, forwarded once, settled.

mod rotating;

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Incoming;
use paddock_alpaca::wire::order::id_in_answer;
use paddock_alpaca::{ClientError, Credential};
use paddock_core::audit::AuditEvent;
use paddock_core::calendar::trading_date;
use paddock_core::decide::{self, Act, Decision, Figure, Manner, OrderFacts, ReasonCode};
use paddock_core::id::RequestId;
use paddock_core::order::{Amount, OrderRequest};
use paddock_core::{PermissionClass, Permit, Refusal, Scope, Usage, decide as decide_request};
use paddock_store::{Decide, Intent, PlacedOrder, Settlement, StoreError};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::account::Reading;
use crate::answer::{AnswerBody, Fault, whole};
use crate::authenticate::Grant;
use crate::budget::{Asker, Priority, Ticket};
use crate::crash::CrashPoint;
use crate::door::{Arrival, actor, decide_input, open_credential};
use crate::facts::FactFinder;
use crate::halt::rotation;
use crate::lane::Lane;
use crate::meter::Entered;
use crate::observe::{WholeAnswer, read_whole};
use crate::own::{Claim, Touched};
use crate::scrub::Scrubber;
use crate::shared::Shared;
use crate::stop::Stop;
use crate::stream::Confirmed;
use crate::target::{Intention, Target, summary};
use crate::upstream::{ANSWER_TIMEOUT, NoAnswer};

/// A request that changes something at the broker, on its way.
pub(crate) struct Change {
    pub(crate) arrival: Arrival,
    pub(crate) grant: Grant,
    pub(crate) target: Target,
    pub(crate) intention: Intention,
    /// The body as it is sent on.
    pub(crate) body: Bytes,
    /// The program's headers.
    pub(crate) headers: HeaderMap,
    pub(crate) entered: Entered,
    /// Canceled when the program has gone. What waits for its turn then is not sent; what is on its way goes on.
    pub(crate) gone: CancellationToken,
}

impl Change {
    /// Takes it to its answer. Runs as a task of its own, which a program that hangs up does not stop.
    pub(crate) async fn run(mut self, lane: &Lane) -> Result<Response<AnswerBody>, Stop> {
        let shared = &*lane.shared;
        let request = self.arrival.request;
        let _in_flight = InFlight::enter(shared, request);
        let touched = loop {
            let stop = match self.touched(shared).await {
                Ok(touched) => break touched,
                Err(stop) => stop,
            };
            if !rotation::has_another_credential(shared, &self.grant.entry().connection, &stop).await? {
                return Err(self.record_refusal(lane, stop).await);
            }
            self.grant =
                self.grant.renewed(&shared.directory.load()).ok_or_else(Fault::invalid_credential)?;
        };
        let class = self.target.operation.class;
        let connection = self.grant.entry().connection.connection.id;
        rotation::pass(shared, connection, class).await?;
        self.grant = self.grant.renewed(&shared.directory.load()).ok_or_else(Fault::invalid_credential)?;
        let (act, account) = self.facts(shared).await?;
        // Before anything is reserved. While it waits the key may be frozen, changed or revoked, and the credential replaced.
        let ticket = self.turn(shared).await?;
        self.grant = self.grant.renewed(&shared.directory.load()).ok_or_else(Fault::invalid_credential)?;
        let credential = open_credential(shared, &self.grant)?;
        let manner = Manner::of(self.target.operation.class, &act);
        CrashPoint::Decided.reached();
        let quote = act.quote();
        let account = account.as_deref();
        let (reserved, credential) =
            self.reserve_or_outlast(shared, act, account, touched.summary(), credential).await?;
        let permit = match reserved {
            Ok(permit) => permit,
            Err(refusal) if refusal.code == ReasonCode::ApprovalRequired => {
                drop(ticket);
                let stop = self.hold(shared, refusal, quote).await;
                let stop = self.record_refusal(lane, stop).await;
                return Err(stop.with_place(self.entered));
            }
            Err(refusal) => {
                let stop = Stop::Refusal(refusal);
                return Err(self.record_refusal(lane, stop).await);
            }
        };
        CrashPoint::Reserved.reached();
        let (sent, credential) = match self.last_look(shared, manner, credential).await {
            Ok(looked) => looked,
            Err(stop) => return Err(self.record_refusal(lane, stop).await),
        };
        if let Touched::Cancels(orders) = &touched {
            // Each of its cancels waits for its own turn.
            drop(ticket);
            return self.cancel_own(lane, permit, &credential, orders, sent).await;
        }
        let answer = self.forward(shared, permit, ticket, &credential).await;
        drop(sent);
        CrashPoint::Forwarded.reached();
        let (answer, credential) = match answer {
            Ok(refused)
                if class == PermissionClass::Cancel && refused.status() == StatusCode::UNAUTHORIZED =>
            {
                self.cancel_again(lane, manner, refused, credential).await?
            }
            answer => (answer, credential),
        };
        let answer = self.settle(shared, answer, &credential).await;
        CrashPoint::Settled.reached();
        answer
    }

    /// Records a refusal, with the order if it is one.
    async fn record_refusal(&self, lane: &Lane, stop: Stop) -> Stop {
        let order = match &self.intention {
            Intention::Order(order) => Some(summary(&order.request)),
            _ => None,
        };
        lane.record_refusal_of(self.arrival, &self.grant, Some(&self.target), order, stop).await
    }

    /// Waits until the account's budget has a request for it.
    pub(crate) async fn turn(&self, shared: &Shared) -> Result<Ticket, Stop> {
        let (meter, asker) = (self.entered.meter(), self.asker());
        let budget = meter.budget(self.target.operation.api, self.arrival.at);
        let turn = budget.acquire(&shared.clock, asker, budget.patience(asker.priority));
        tokio::select! {
            turn = turn => Ok(turn?),
            // Nobody waits for an order any more, and it may come too late by now. A cancel is wanted all the same.
            () = self.gone.cancelled(), if asker.priority != Priority::Cancel => Err(Fault::program_gone().into()),
        }
    }

    pub(crate) fn asker(&self) -> Asker {
        self.entered.meter().asker(Priority::of(self.target.operation.class))
    }

    /// What it would do, and what the broker says of the account where that matters.
    pub(crate) async fn facts(&mut self, shared: &Shared) -> Result<(Act, Option<Arc<Reading>>), Stop> {
        let already_charged = self.already_charged(shared).await?;
        let grant = self.grant.clone();
        let entry = grant.entry();
        let credential = open_credential(shared, &grant)?;
        let asking = shared
            .asking(&entry.connection, &credential, self.asker())
            .map_err(|_| Fault::credential_unreadable())?;
        let finder = FactFinder { shared, asking, entry };
        let found = self.found(&finder, already_charged).await;
        found.map_err(|stop| {
            if matches!(&stop, Stop::Fault(fault) if *fault == Fault::credential_refused()) {
                shared.refused.note(&entry.connection);
            }
            stop.without(&credential)
        })
    }

    async fn found(
        &mut self,
        finder: &FactFinder<'_>,
        already_charged: Decimal,
    ) -> Result<(Act, Option<Arc<Reading>>), Stop> {
        let found = match &mut self.intention {
            Intention::Plain => return Ok((Act::Plain, None)),
            Intention::Opaque => return Ok((Act::Opaque, finder.account(false).await?)),
            Intention::Order(order) => {
                let found = finder.new_order(order).await?;
                // What is decided is what is sent.
                self.body = order.to_json_bytes().into();
                found
            }
            Intention::Replace { order_id, patch } => {
                finder.replacement(*order_id, patch, already_charged).await?
            }
            Intention::Close { symbol, part } => finder.close(symbol, *part).await?,
            Intention::CloseAll => finder.close_all().await?,
        };
        Ok((Act::Orders(found.orders), found.account))
    }

    /// What this key has already been charged for the order that is to be replaced.
    async fn already_charged(&self, shared: &Shared) -> Result<Decimal, Stop> {
        let Intention::Replace { order_id, .. } = &self.intention else { return Ok(Decimal::ZERO) };
        shared.store.charged_for_order(self.grant.entry().key.id, &order_id.to_string()).await.map_err(
            |error| {
                tracing::error!(%error, "what an order was charged could not be read");
                Fault::audit_unavailable().into()
            },
        )
    }

    /// Decides with today's usage, and in the same transaction reserves what the request takes from the caps and writes the
    /// audit record. Both are durable when this returns a permit.
    async fn reserve(
        &self,
        shared: &Shared,
        act: Act,
        reading: Option<&Reading>,
        touched: Option<String>,
    ) -> Result<Result<Permit, Refusal>, Stop> {
        self.note_loss(shared, reading).await?;
        let (intent, decided) = self.deciding(shared, act, reading, touched, decide_request);
        shared.metrics.audit.timed(shared.store.reserve(&intent, decided)).await.map_err(|error| {
            if matches!(error, StoreError::RotationUnheard) {
                return rotation::refused().into();
            }
            tracing::error!(%error, "a request could not be reserved and recorded");
            Fault::not_recorded(&error).into()
        })
    }

    /// What would be reserved, and what decides whether it is.
    pub(crate) fn deciding(
        &self,
        shared: &Shared,
        act: Act,
        reading: Option<&Reading>,
        touched: Option<String>,
        decide: fn(&Scope, &paddock_core::Request<'_>, &Usage) -> Decision,
    ) -> (Intent, Decide) {
        let entry = self.grant.entry();
        let client_order_id = self.intention.client_order_id().map(str::to_owned);
        let summary = match (&self.intention, &act) {
            (Intention::Order(order), _) => Some(summary(&order.request)),
            (_, Act::Orders(orders)) => {
                Some(orders.iter().map(|facts| summary(&facts.order)).collect::<Vec<_>>().join(", "))
            }
            _ => touched,
        };
        let already_charged = match &act {
            Act::Orders(orders) => orders.iter().map(|facts| facts.already_charged).sum(),
            Act::Plain | Act::Data(_) | Act::Opaque => Decimal::ZERO,
        };
        let intent = Intent {
            request: self.arrival.request,
            key: entry.key.id,
            connection: entry.connection.connection.id,
            day: trading_date(self.arrival.at),
            at: self.arrival.at,
            actor: actor(&self.grant),
            operation: self.target.operation.id.to_owned(),
            pair: rotation::is_held_back(self.target.operation.class)
                .then_some(entry.connection.connection.credential_version),
            client_order_id,
            already_charged,
            replaces: match &self.intention {
                Intention::Replace { order_id, .. } => Some(order_id.to_string()),
                _ => None,
            },
            quantity: match &act {
                Act::Orders(orders) => only_quantity(orders),
                Act::Plain | Act::Data(_) | Act::Opaque => None,
            },
            figures: reading.map(|reading| reading.figures.clone()),
        };
        let body_digest = (!self.body.is_empty()).then(|| hex::encode(Sha256::digest(&self.body)));
        let account = reading.map(Reading::account).unwrap_or_default();
        let input =
            decide::Request { account, ..decide_input(shared, self.arrival, &self.grant, &self.target, act) };
        let (grant, request) = (self.grant.clone(), self.arrival.request);
        let network = Some(self.arrival.network.to_canonical());
        let (operation, target) = (self.target.operation.id, self.target.label());
        // The writer calls it, which may outlive this request.
        let decided: Decide = Box::new(move |usage| match decide(&grant.entry().key.scope, &input, usage) {
            Decision::Refuse(refusal) => Err(refusal),
            Decision::Permit(permit) => {
                let event = AuditEvent::RequestPermitted {
                    request,
                    connection: grant.entry().connection.connection.id,
                    operation: operation.to_owned(),
                    target: target.clone(),
                    body_digest: body_digest.clone(),
                    summary: summary.clone(),
                    orders: permit.charge().orders,
                    notional: permit.charge().notional,
                    network,
                };
                Ok((permit, event))
            }
        });
        (intent, decided)
    }

    /// A loss that reaches the scope's limit stops the key for the rest of the trading day, even if it is won back.
    pub(crate) async fn note_loss(&self, shared: &Shared, reading: Option<&Reading>) -> Result<(), Stop> {
        let key = &self.grant.entry().key;
        let (Some(reading), Some(cap)) = (reading, key.scope.max_daily_loss) else { return Ok(()) };
        let Figure::Dollars(loss) = reading.account().daily_loss else { return Ok(()) };
        if loss < cap {
            return Ok(());
        }
        let day = reading.figures.trading_day;
        shared.store.stop_for_loss(key.id, day, loss, shared.clock.now()).await.map_err(|error| {
            tracing::error!(%error, "that an access key is stopped for the day could not be recorded");
            Fault::audit_unavailable().into()
        })
    }

    pub(crate) async fn forward(
        &self,
        shared: &Shared,
        _permit: Permit,
        mut ticket: Ticket,
        credential: &Credential,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let operation = self.target.operation;
        let environment = self.grant.entry().connection.connection.environment;
        let method = match operation.method {
            paddock_alpaca::operation::Method::Get => Method::GET,
            paddock_alpaca::operation::Method::Post => Method::POST,
            paddock_alpaca::operation::Method::Put => Method::PUT,
            paddock_alpaca::operation::Method::Patch => Method::PATCH,
            paddock_alpaca::operation::Method::Delete => Method::DELETE,
        };
        let url = self.target.url(shared, environment);
        ticket.sent();
        shared.metrics.decide_change.observe(self.arrival.micros_until(shared.clock.now()));
        let answer =
            shared.for_changes.send(&url, method, self.body.clone(), &self.headers, credential).await;
        if let Ok(answer) = &answer {
            ticket.answered(answer.status(), answer.headers());
        }
        answer
    }

    /// Confirms or releases what was reserved, by what the broker answered.
    pub(crate) async fn settle(
        &self,
        shared: &Shared,
        answer: Result<Response<Incoming>, NoAnswer>,
        credential: &Credential,
    ) -> Result<Response<AnswerBody>, Stop> {
        let read = match answer {
            Ok(response) => {
                let status = response.status();
                if status == StatusCode::UNAUTHORIZED {
                    shared.refused.note(&self.grant.entry().connection);
                }
                let whole = tokio::time::timeout(ANSWER_TIMEOUT, read_whole(response, credential));
                // A broker that stalls in the middle of its answer must not hold the request for ever.
                let whole = whole.await.unwrap_or_else(|_| Err(Fault::upstream_timeout()));
                let whole = match whole {
                    Ok(answer) if status.is_success() || status.is_client_error() => {
                        self.without_others(shared, answer).await
                    }
                    other => other,
                };
                whole.map_err(|fault| (Some(status.as_u16()), fault))
            }
            Err(NoAnswer::NotSent) => {
                self.write(shared, Settlement::Released { status: None }).await;
                return Err(Fault::upstream_unreachable().into());
            }
            Err(NoAnswer::Broken) => Err((None, Fault::upstream_failed())),
            Err(NoAnswer::Timeout) => Err((None, Fault::upstream_timeout())),
        };
        match read {
            Ok(answer) if answer.status.is_success() => {
                let order_id = id_in_answer(&answer.body);
                let status = answer.status.as_u16();
                let placed = self.placed(shared, credential, &answer.body).await;
                self.write_placing(shared, Settlement::Confirmed { status: Some(status), order_id }, &placed)
                    .await;
                Ok(answer.into_response(self.arrival.request))
            }
            Ok(answer) if answer.status.is_client_error() => {
                self.write(shared, Settlement::Released { status: Some(answer.status.as_u16()) }).await;
                Ok(answer.into_response(self.arrival.request))
            }
            Err((Some(status), fault)) if (400..500).contains(&status) => {
                self.write(shared, Settlement::Released { status: Some(status) }).await;
                Err(fault.into())
            }
            Ok(answer) => self.unknown(shared, credential, Ok(answer)).await,
            Err((_, fault)) => self.unknown(shared, credential, Err(fault)).await,
        }
    }

    /// No usable answer came. The request is never sent again; an order is looked for by its client order id instead.
    async fn unknown(
        &self,
        shared: &Shared,
        credential: &Credential,
        answer: Result<WholeAnswer, Fault>,
    ) -> Result<Response<AnswerBody>, Stop> {
        if let Some(client_order_id) = self.intention.client_order_id() {
            let asker = self.entered.meter().asker(Priority::Close);
            let asking = shared
                .asking(&self.grant.entry().connection, credential, asker)
                .map_err(|_| Fault::credential_unreadable())?;
            let found = asking.order_by_client_order_id(client_order_id).await;
            if let Ok(found) = found {
                let placed = match self.claim(shared, &asking, &found).await {
                    Claim::Own(placed) => placed,
                    Claim::Another => return self.name_was_taken(shared).await,
                    Claim::Unclear if self.grant.entry().key.scope.only_own_orders => {
                        return self.not_known(shared, answer).await;
                    }
                    Claim::Unclear => Vec::new(),
                };
                let order_id = Some(found.id.to_string());
                self.write_placing(shared, Settlement::Confirmed { status: None, order_id }, &placed).await;
                let body = serde_json::to_vec(&found).map_err(|_| Fault::upstream_unsafe())?;
                let body = Scrubber::new(credential).whole(body.into());
                let answer = whole(http::StatusCode::OK, body.map_err(|_| Fault::upstream_unsafe())?);
                return Ok(crate::answer::with_request_id(answer, self.arrival.request));
            } else if let Err(ClientError::Api(error)) = &found {
                // "Not found" right after a lost answer proves nothing yet: the order may still be on its way. Recovery
                // asks again when it no longer can be.
                tracing::warn!(status = error.status, request = %self.arrival.request, "an order could not be found again");
            }
        }
        self.not_known(shared, answer).await
    }

    /// Nobody knows whether the broker acted: the charge stays, and recovery asks again.
    async fn not_known(
        &self,
        shared: &Shared,
        answer: Result<WholeAnswer, Fault>,
    ) -> Result<Response<AnswerBody>, Stop> {
        self.write(shared, Settlement::Unknown).await;
        match answer {
            Ok(answer) => Ok(answer.into_response(self.arrival.request)),
            Err(fault) => Err(fault.into()),
        }
    }

    pub(crate) async fn write(&self, shared: &Shared, settlement: Settlement) {
        self.write_placing(shared, settlement, &[]).await;
    }

    /// Writes the settlement, and whose the orders are that came of it. If that fails, the reservation stays open and recovery settles it.
    async fn write_placing(&self, shared: &Shared, settlement: Settlement, placed: &[PlacedOrder]) {
        let (request, now) = (self.arrival.request, shared.clock.now());
        let written = shared.store.settle_placing(request, &settlement, placed, now).await;
        shared.owners.tell_settled();
        let key = &self.grant.entry().key;
        if let Settlement::Confirmed { order_id: Some(order_id), .. } = settlement
            && key.scope.max_daily_notional.is_some()
        {
            // Nobody may be listening, which is as good: then the order is read later.
            let connection = key.connection;
            _ = shared.confirmed.send(Confirmed { connection, order_id });
        }
        if let Err(error) = written {
            tracing::error!(%error, request = %self.arrival.request, "a request could not be settled; recovery will do it");
        }
    }
}

/// Units of the only order, if it is in units.
fn only_quantity(orders: &[OrderFacts]) -> Option<Decimal> {
    match orders {
        [OrderFacts { order: OrderRequest { amount: Amount::Quantity(quantity), .. }, .. }] => {
            Some(*quantity)
        }
        _ => None,
    }
}

/// Marks a request as being forwarded by this process for as long as it lives.
pub(crate) struct InFlight<'a> {
    shared: &'a Shared,
    request: RequestId,
}

impl<'a> InFlight<'a> {
    pub(crate) fn enter(shared: &'a Shared, request: RequestId) -> Self {
        shared.in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(request);
        Self { shared, request }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.shared.in_flight.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.request);
    }
}
