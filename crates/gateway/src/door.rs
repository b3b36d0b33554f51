//! A request's way: authenticate, decide, forward, observe.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;
use jiff::Timestamp;
use paddock_alpaca::{ClientError, Credential};
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::calendar::trading_date;
use paddock_core::decide::{self, Act, Decision};
use paddock_core::id::RequestId;
use paddock_core::{Permit, Refusal, Usage, decide as decide_request};
use paddock_store::{Intent, Settlement};
use paddock_vault::VaultError;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use crate::answer::{AnswerBody, Fault, whole};
use crate::authenticate::{Grant, Unauthenticated, authenticate};
use crate::crash::CrashPoint;
use crate::facts::FactFinder;
use crate::lane::Lane;
use crate::observe::{WholeAnswer, read_whole, stream_through};
use crate::requests::{Outcome, RequestLine};
use crate::shape::{check_head, read_body};
use crate::shared::Shared;
use crate::stop::Stop;
use crate::target::{Intention, Target, read_intention, summary};
use crate::upstream::NoAnswer;

/// Who asks, from where, and when.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    request: RequestId,
    at: Timestamp,
    network: IpAddr,
}

/// Takes one request to its answer and notes it for those who watch.
pub(crate) async fn pass(
    lane: &Arc<Lane>,
    request: Request<Incoming>,
    network: IpAddr,
) -> Response<AnswerBody> {
    let shared = &lane.shared;
    let at = shared.clock.now();
    let arrival = Arrival { request: RequestId::generate(at, &*shared.entropy), at, network };
    let (parts, body) = request.into_parts();
    let mut line = RequestLine {
        request: arrival.request,
        at,
        key: None,
        key_name: None,
        connection: None,
        environment: None,
        method: parts.method.as_str().chars().take(10).collect(),
        path: parts.uri.path().chars().take(200).collect(),
        operation: None,
        outcome: Outcome::Permitted,
        status: 0,
        micros: 0,
        summary: None,
    };
    let answer = match steps(lane, arrival, parts, body, &mut line).await {
        Ok(answer) => answer,
        Err(stop) => {
            line.outcome = stop.outcome();
            stop.answer(arrival.request)
        }
    };
    line.status = answer.status().as_u16();
    line.micros = u64::try_from(shared.clock.now().duration_since(at).as_micros()).unwrap_or(0);
    shared.log.note(line);
    answer
}

async fn steps(
    lane: &Arc<Lane>,
    arrival: Arrival,
    parts: Parts,
    body: Incoming,
    line: &mut RequestLine,
) -> Result<Response<AnswerBody>, Stop> {
    let shared = &lane.shared;
    check_head(&parts)?;
    let directory = shared.directory.load_full();
    let grant = authenticate(&directory, &parts.headers).map_err(unauthenticated)?;
    let key = &grant.entry().key;
    let connection = &grant.entry().connection.connection;
    line.key = Some(key.id);
    line.key_name = Some(key.name.clone());
    line.connection = Some(connection.name.clone());
    line.environment = Some(connection.environment);

    let target = match Target::find(&parts) {
        Ok(target) => target,
        Err(stop) => return Err(lane.record_refusal(arrival, &grant, None, stop).await),
    };
    line.operation = Some(target.operation.id);
    line.path = target.path.to_upstream().to_owned();

    // What the scope forbids as such is refused before a body is read or a fact is asked for.
    let act = if target.operation.changes_state() { None } else { Some(Act::Plain) };
    let first = first_decision(shared, arrival, &grant, &target);
    let permit = match first {
        Ok(permit) => permit,
        Err(refusal) => {
            return Err(lane.record_refusal(arrival, &grant, Some(&target), refusal.into()).await);
        }
    };
    let body = read_body(body).await?;
    if act.is_some() {
        if !body.is_empty() {
            return Err(Fault::unexpected_body().into());
        }
        return forward_read(lane, permit, &target, &grant, &parts.headers, arrival.request).await;
    }
    let (intention, body) = read_intention(&target, &body, arrival.request)?;
    if let Intention::Order(order) = &intention {
        line.summary = Some(summary(&order.request));
    }
    let change = Change { arrival, grant: grant.clone(), target, intention, body, headers: parts.headers };
    let lane_of_task = Arc::clone(lane);
    let task = shared.changes.spawn_on(async move { change.run(&lane_of_task).await }, &lane.main);
    match task.await {
        Ok(outcome) => outcome,
        // The task panicked or was aborted at shutdown: whether the broker acted is not known.
        Err(_) => Err(Fault::upstream_failed().into()),
    }
}

fn unauthenticated(reason: Unauthenticated) -> Stop {
    Stop::Fault(match reason {
        Unauthenticated::Missing => Fault::missing_credential(),
        Unauthenticated::Invalid => Fault::invalid_credential(),
        Unauthenticated::Ambiguous => Fault::ambiguous_credential(),
    })
}

/// Decides what can be decided without looking at content or caps: freeze, expiry, network and operation.
fn first_decision(
    shared: &Shared,
    arrival: Arrival,
    grant: &Grant,
    target: &Target,
) -> Result<Permit, Refusal> {
    let request = decide_input(shared, arrival, grant, target, Act::Plain);
    match decide_request(&grant.entry().key.scope, &request, &Usage::none(trading_date(arrival.at))) {
        Decision::Permit(permit) => Ok(permit),
        Decision::Refuse(refusal) => Err(refusal),
    }
}

fn decide_input<'a>(
    shared: &Shared,
    arrival: Arrival,
    grant: &Grant,
    target: &'a Target,
    act: Act,
) -> decide::Request<'a> {
    decide::Request {
        operation: target.operation.id,
        class: target.operation.class,
        at: arrival.at,
        network: arrival.network,
        frozen: shared.directory.load().frozen(grant.entry()),
        act,
    }
}

/// The audit record of a refusal.
fn refusal_event(arrival: Arrival, target: Option<&Target>, refusal: &Refusal) -> AuditEvent {
    let label = match target {
        Some(target) => target.label(),
        None => refusal.numbers.get("target").cloned().unwrap_or_default(),
    };
    AuditEvent::RequestRefused {
        request: arrival.request,
        operation: target.map_or_else(|| "unknown".to_owned(), |target| target.operation.id.to_owned()),
        target: label,
        reason: refusal.code,
        message: refusal.message.clone(),
        numbers: refusal.numbers.clone(),
    }
}

impl Lane {
    /// Writes a refusal into the audit. If that fails the request is still refused, and the program is told why.
    async fn record_refusal(
        &self,
        arrival: Arrival,
        grant: &Grant,
        target: Option<&Target>,
        stop: Stop,
    ) -> Stop {
        let Stop::Refusal(refusal) = &stop else { return stop };
        let (shared, actor) = (Arc::clone(&self.shared), actor(grant));
        let event = refusal_event(arrival, target, refusal);
        let written =
            self.main.spawn(async move { shared.store.append_audit(&actor, &event, arrival.at).await });
        match written.await {
            Ok(Ok(_)) => stop,
            Ok(Err(error)) => {
                tracing::error!(%error, "a refusal could not be recorded");
                Fault::audit_unavailable().into()
            }
            Err(_) => Fault::audit_unavailable().into(),
        }
    }
}

fn actor(grant: &Grant) -> Actor {
    let key = &grant.entry().key;
    Actor::AccessKey { id: key.id, name: key.name.clone() }
}

fn open_credential(shared: &Shared, grant: &Grant) -> Result<Credential, Stop> {
    grant.entry().connection.open(&shared.opener).map_err(|error| {
        tracing::error!(%error, connection = %grant.entry().connection.connection.name, "a credential does not open");
        Stop::Fault(match error {
            VaultError::Locked(_) => Fault::vault_locked(),
            _ => Fault::credential_unreadable(),
        })
    })
}

/// Forwards a request that changes nothing. Its permit charges nothing, so nothing is reserved.
async fn forward_read(
    lane: &Lane,
    _permit: Permit,
    target: &Target,
    grant: &Grant,
    headers: &HeaderMap,
    request: RequestId,
) -> Result<Response<AnswerBody>, Stop> {
    let shared = &lane.shared;
    let credential = open_credential(shared, grant)?;
    let url = target.url(shared, grant.entry().connection.connection.environment);
    match lane.upstream.send(&url, Method::GET, Bytes::new(), headers, &credential).await {
        Ok(response) => Ok(stream_through(response, &credential, request)?),
        Err(NoAnswer::NotSent) => Err(Fault::upstream_unreachable().into()),
        Err(NoAnswer::Broken) => Err(Fault::upstream_failed().into()),
        Err(NoAnswer::Timeout) => Err(Fault::upstream_timeout().into()),
    }
}

/// A request that changes something at the broker, on its way.
struct Change {
    arrival: Arrival,
    grant: Grant,
    target: Target,
    intention: Intention,
    body: Bytes,
    headers: HeaderMap,
}

impl Change {
    async fn run(self, lane: &Lane) -> Result<Response<AnswerBody>, Stop> {
        let shared = &*lane.shared;
        let request = self.arrival.request;
        let _in_flight = InFlight::enter(shared, request);
        let credential = open_credential(shared, &self.grant)?;
        let act = self.facts(shared, &credential).await?;
        CrashPoint::Decided.reached();
        let permit = match self.reserve(shared, act).await? {
            Ok(permit) => permit,
            Err(refusal) => {
                let stop = Stop::Refusal(refusal);
                return Err(lane.record_refusal(self.arrival, &self.grant, Some(&self.target), stop).await);
            }
        };
        CrashPoint::Reserved.reached();
        let answer = self.forward(shared, permit, &credential).await;
        CrashPoint::Forwarded.reached();
        let answer = self.settle(shared, answer, &credential).await;
        CrashPoint::Settled.reached();
        answer
    }

    async fn facts(&self, shared: &Shared, credential: &Credential) -> Result<Act, Stop> {
        let entry = self.grant.entry();
        let asking = shared
            .client
            .with_credential(entry.connection.connection.environment, credential)
            .map_err(|_| Fault::credential_unreadable())?;
        let finder = FactFinder { asking, prices_matter: entry.key.scope.limits_notional() };
        Ok(match &self.intention {
            Intention::Plain => Act::Plain,
            Intention::Opaque => Act::Opaque,
            Intention::Order(order) => Act::Orders(vec![finder.new_order(order).await?]),
            Intention::Replace { order_id, patch } => {
                let charged = self.already_charged(shared).await?;
                Act::Orders(vec![finder.replacement(*order_id, patch, charged).await?])
            }
            Intention::Close { symbol, part } => Act::Orders(vec![finder.close(symbol, *part).await?]),
            Intention::CloseAll => Act::Orders(finder.close_all().await?),
        })
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
    async fn reserve(&self, shared: &Shared, act: Act) -> Result<Result<Permit, Refusal>, Stop> {
        let entry = self.grant.entry();
        let (client_order_id, summary) = match (&self.intention, &act) {
            (Intention::Order(order), _) => {
                (order.request.client_order_id.clone(), Some(summary(&order.request)))
            }
            (_, Act::Orders(orders)) => {
                (None, Some(orders.iter().map(|facts| summary(&facts.order)).collect::<Vec<_>>().join(", ")))
            }
            _ => (None, None),
        };
        let already_charged = match &act {
            Act::Orders(orders) => orders.iter().map(|facts| facts.already_charged).sum(),
            Act::Plain | Act::Opaque => Decimal::ZERO,
        };
        let intent = Intent {
            request: self.arrival.request,
            key: entry.key.id,
            connection: entry.connection.connection.id,
            day: trading_date(self.arrival.at),
            at: self.arrival.at,
            actor: actor(&self.grant),
            operation: self.target.operation.id.to_owned(),
            client_order_id,
            already_charged,
        };
        let body_digest = (!self.body.is_empty()).then(|| hex::encode(Sha256::digest(&self.body)));
        let input = decide_input(shared, self.arrival, &self.grant, &self.target, act);
        let decide = |usage: &Usage| match decide_request(&entry.key.scope, &input, usage) {
            Decision::Refuse(refusal) => Err(refusal),
            Decision::Permit(permit) => {
                let event = AuditEvent::RequestPermitted {
                    request: self.arrival.request,
                    connection: entry.connection.connection.id,
                    operation: self.target.operation.id.to_owned(),
                    target: self.target.label(),
                    body_digest,
                    summary,
                    orders: permit.charge().orders,
                    notional: permit.charge().notional,
                };
                Ok((permit, event))
            }
        };
        shared.store.reserve(&intent, decide).await.map_err(|error| {
            tracing::error!(%error, "a request could not be reserved and recorded");
            Fault::audit_unavailable().into()
        })
    }

    async fn forward(
        &self,
        shared: &Shared,
        _permit: Permit,
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
        shared.for_changes.send(&url, method, self.body.clone(), &self.headers, credential).await
    }

    /// Confirms or releases what was reserved, by what the broker answered.
    async fn settle(
        &self,
        shared: &Shared,
        answer: Result<Response<Incoming>, NoAnswer>,
        credential: &Credential,
    ) -> Result<Response<AnswerBody>, Stop> {
        let read = match answer {
            Ok(response) => {
                let status = response.status();
                read_whole(response, credential).await.map_err(|fault| (Some(status.as_u16()), fault))
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
                let order_id = order_id(&answer);
                let status = answer.status.as_u16();
                self.write(shared, Settlement::Confirmed { status: Some(status), order_id }).await;
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
        if let Intention::Order(order) = &self.intention
            && let Some(client_order_id) = &order.request.client_order_id
        {
            let environment = self.grant.entry().connection.connection.environment;
            let asking = shared
                .client
                .with_credential(environment, credential)
                .map_err(|_| Fault::credential_unreadable())?;
            let found = asking.order_by_client_order_id(client_order_id).await;
            if let Ok(found) = found {
                let order_id = Some(found.id.to_string());
                self.write(shared, Settlement::Confirmed { status: None, order_id }).await;
                let body = serde_json::to_vec(&found).map_err(|_| Fault::upstream_unsafe())?;
                let answer = whole(http::StatusCode::OK, body.into());
                return Ok(crate::answer::with_request_id(answer, self.arrival.request));
            } else if let Err(ClientError::Api(error)) = &found {
                // "Not found" right after a lost answer proves nothing yet: the order may still be on its way. Recovery
                // asks again when it no longer can be.
                tracing::warn!(status = error.status, request = %self.arrival.request, "an order could not be found again");
            }
        }
        self.write(shared, Settlement::Unknown).await;
        match answer {
            Ok(answer) => Ok(answer.into_response(self.arrival.request)),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Writes the settlement. If that fails, the reservation stays open and recovery settles it.
    async fn write(&self, shared: &Shared, settlement: Settlement) {
        if let Err(error) = shared.store.settle(self.arrival.request, &settlement, shared.clock.now()).await {
            tracing::error!(%error, request = %self.arrival.request, "a request could not be settled; recovery will do it");
        }
    }
}

/// The id of the order that an answer speaks of, if it does.
fn order_id(answer: &WholeAnswer) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    value.get("id")?.as_str().map(str::to_owned)
}

/// Marks a request as being forwarded by this process for as long as it lives.
struct InFlight<'a> {
    shared: &'a Shared,
    request: RequestId,
}

impl<'a> InFlight<'a> {
    fn enter(shared: &'a Shared, request: RequestId) -> Self {
        shared.in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(request);
        Self { shared, request }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.shared.in_flight.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.request);
    }
}
