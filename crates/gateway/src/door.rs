//! A request's way: authenticate, decide, forward, observe.

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use jiff::Timestamp;
use jiff::civil::Date;
use paddock_alpaca::Credential;
use paddock_alpaca::operation::Orders;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::decide::{self, Act, Decision};
use paddock_core::id::RequestId;
use paddock_core::{Permit, Refusal, Usage, decide as decide_request};
use paddock_store::StoreError;
use paddock_vault::VaultError;
use tokio_util::sync::CancellationToken;

use crate::answer::{AnswerBody, Fault};
use crate::approvals::wait::wait;
use crate::authenticate::Grant;
use crate::change::Change;
use crate::entrance::Reached;
use crate::lane::Lane;
use crate::meter::enter;
use crate::own;
use crate::read::Reading;
use crate::requests::RequestLine;
use crate::shape::check_head;
use crate::shared::Shared;
use crate::signature::{Recognised, recognise_request};
use crate::stop::Stop;
use crate::stream::{self, Stream};
use crate::target::{Intention, Target, read_intention, summary};

/// Who asks, from where, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) request: RequestId,
    pub(crate) at: Timestamp,
    pub(crate) network: IpAddr,
}

impl Arrival {
    /// Microseconds from its arrival until `now`.
    pub(crate) fn micros_until(&self, now: Timestamp) -> u64 {
        u64::try_from(now.duration_since(self.at).as_micros()).unwrap_or(0)
    }
}

/// Takes one request to its answer and notes it for those who watch.
pub(crate) async fn pass(
    lane: &Arc<Lane>,
    request: Request<Incoming>,
    network: IpAddr,
    reached: &Reached,
) -> Response<AnswerBody> {
    let shared = &lane.shared;
    let at = shared.clock.now();
    let arrival = Arrival { request: RequestId::generate(at, &lane.ids), at, network };
    let (parts, body) = request.into_parts();
    let mut line = RequestLine {
        network: Some(network.to_canonical()),
        path: shortened(parts.uri.path()).to_owned(),
        ..RequestLine::begun(arrival.request, at, &parts.method)
    };
    if let Some(stream) = Stream::asked_for(&parts) {
        // The session notes what becomes of it; only a handshake that fails is noted here.
        return match stream::open(lane, arrival, reached, stream, parts, &mut line) {
            Ok(answer) => answer,
            Err(stop) => {
                line.outcome = stop.outcome();
                let answer = stop.answer(arrival.request);
                line.status = answer.status().as_u16();
                shared.log.note(line);
                answer
            }
        };
    }
    let agent = parts.headers.get(http::header::USER_AGENT).cloned();
    let mut answer = match steps(lane, arrival, reached, parts, body, &mut line).await {
        Ok(answer) => answer,
        Err(stop) => {
            line.outcome = stop.outcome();
            stop.answer(arrival.request)
        }
    };
    let now = shared.clock.now();
    line.counted.tell_share(&mut answer, now);
    line.status = answer.status().as_u16();
    line.micros = arrival.micros_until(now);
    shared.key_books.note(&line, network, agent.as_ref().map(HeaderValue::as_bytes));
    shared.log.note(line);
    answer
}

/// As much of a path as is shown.
fn shortened(path: &str) -> &str {
    path.get(..path.floor_char_boundary(200)).unwrap_or_default()
}

async fn steps(
    lane: &Arc<Lane>,
    arrival: Arrival,
    reached: &Reached,
    parts: Parts,
    body: Incoming,
    line: &mut RequestLine,
) -> Result<Response<AnswerBody>, Stop> {
    let shared = &lane.shared;
    check_head(&parts)?;
    reached.check_host(&parts.headers)?;
    let directory = shared.directory.load_full();
    let Recognised { grant, body, signature } = recognise_request(shared, &directory, &parts, body).await?;
    let key = &grant.entry().key;
    let connection = &grant.entry().connection.connection;
    line.user = Some(connection.user);
    line.key = Some(key.id);
    line.key_name = Some(key.name.clone());
    line.connection = Some(connection.name.clone());
    line.environment = Some(connection.environment);

    let target = Target::find(&parts);
    let entered = enter(lane, arrival, &grant, target.as_ref().ok(), line).await?;
    let target = match target {
        Ok(target) => target,
        Err(stop) => return Err(lane.record_refusal(arrival, &grant, None, stop).await),
    };
    line.operation = Some(target.operation.id);
    line.path = target.path.to_upstream().to_owned();

    reached.check_target(target.operation.api, connection.environment)?;

    // What the scope forbids as such is refused before a body is read or a fact is asked for.
    let changes_state = target.operation.changes_state();
    let act = if changes_state { Act::Plain } else { target.reading() };
    let first = first_decision(shared, arrival, &grant, &target, act);
    let permit = match first {
        Ok(permit) => permit,
        Err(refusal) => {
            return Err(lane.record_refusal(arrival, &grant, Some(&target), refusal.into()).await);
        }
    };
    let body = body.whole().await?;
    if !changes_state {
        if !body.is_empty() {
            return Err(Fault::unexpected_body().into());
        }
        let (orders, only_own) = (target.operation.orders(), key.scope.only_own_orders);
        let reading = Reading { arrival, grant, target, headers: parts.headers, entered };
        return match orders {
            Orders::Events => stream::event_session::open(lane, permit, reading).await,
            orders if only_own && orders != Orders::None => own::read(lane, permit, reading).await,
            _ => reading.run(lane, permit).await,
        };
    }
    let (intention, body) = read_intention(&target, &body, arrival.request, &key.scope)?;
    if let Intention::Order(order) = &intention {
        line.summary = Some(summary(&order.request));
    }
    if let Some(signature) = signature {
        signature.use_up(lane, key.id, arrival.at).await?;
    }
    let gone = CancellationToken::new();
    let _program_is_there = gone.clone().drop_guard();
    let (grant, headers) = (grant.clone(), parts.headers);
    let change = Change { arrival, grant, target, intention, body, headers, entered, gone };
    let lane_of_task = Arc::clone(lane);
    let task = shared.changes.spawn_on(async move { change.run(&lane_of_task).await }, &lane.main);
    match task.await {
        Ok(Err(Stop::Held(pending))) => wait(lane, *pending, arrival.request).await,
        Ok(outcome) => outcome,
        // The task panicked or was aborted at shutdown: whether the broker acted is not known.
        Err(_) => Err(Fault::upstream_failed().into()),
    }
}

/// Decides what can be decided without looking at a body or caps: freeze, expiry, network, operation, and the symbols of data.
pub(crate) fn first_decision(
    shared: &Shared,
    arrival: Arrival,
    grant: &Grant,
    target: &Target,
    act: Act,
) -> Result<Permit, Refusal> {
    let request = decide_input(shared, arrival, grant, target, act);
    // What takes nothing from the caps is decided without knowing what was used.
    match decide_request(&grant.entry().key.scope, &request, &Usage::none(Date::ZERO)) {
        Decision::Permit(permit) => Ok(permit),
        Decision::Refuse(refusal) => Err(refusal),
    }
}

pub(crate) fn decide_input(
    shared: &Shared,
    arrival: Arrival,
    grant: &Grant,
    target: &Target,
    act: Act,
) -> decide::Request<'static> {
    decide::Request {
        operation: target.operation.id,
        class: target.operation.class,
        at: arrival.at,
        network: arrival.network,
        frozen: shared.directory.load().frozen(grant.entry()),
        act,
        account: decide::AccountFigures::default(),
    }
}

/// The audit record of a refusal.
fn refusal_event(
    arrival: Arrival,
    grant: &Grant,
    target: Option<&Target>,
    summary: Option<String>,
    refusal: &Refusal,
) -> AuditEvent {
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
        connection: Some(grant.entry().connection.connection.id),
        summary,
        network: Some(arrival.network.to_canonical()),
    }
}

impl Lane {
    /// Writes a refusal into the audit. If that fails the request is still refused, and the program is told why.
    pub(crate) async fn record_refusal(
        &self,
        arrival: Arrival,
        grant: &Grant,
        target: Option<&Target>,
        stop: Stop,
    ) -> Stop {
        self.record_refusal_of(arrival, grant, target, None, stop).await
    }

    /// The same, with the order in one line.
    pub(crate) async fn record_refusal_of(
        &self,
        arrival: Arrival,
        grant: &Grant,
        target: Option<&Target>,
        summary: Option<String>,
        stop: Stop,
    ) -> Stop {
        let (Stop::Refusal(refusal) | Stop::Hidden(refusal, _)) = &stop else { return stop };
        let event = refusal_event(arrival, grant, target, summary, refusal);
        match self.record(actor(grant), event, arrival.at).await {
            Ok(()) => stop,
            Err(error) => Fault::not_recorded(&error).into(),
        }
    }

    /// Writes an event into the audit, even if the caller is dropped meanwhile.
    pub(crate) async fn record(
        &self,
        actor: Actor,
        event: AuditEvent,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let written = self.main.spawn(async move {
            shared.metrics.audit.timed(shared.store.append_audit(&actor, &event, at)).await
        });
        match written.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                tracing::error!(%error, "a refusal could not be recorded");
                Err(error)
            }
            Err(_) => Err(StoreError::Closed),
        }
    }
}

pub(crate) fn actor(grant: &Grant) -> Actor {
    let key = &grant.entry().key;
    Actor::AccessKey { id: key.id, name: key.name.clone() }
}

pub(crate) fn open_credential(shared: &Shared, grant: &Grant) -> Result<Credential, Stop> {
    grant.entry().connection.open(&shared.opener).map_err(|error| {
        tracing::error!(%error, connection = %grant.entry().connection.connection.name, "a credential does not open");
        Stop::Fault(match error {
            VaultError::Locked(_) => Fault::vault_locked(),
            _ => Fault::credential_unreadable(),
        })
    })
}
