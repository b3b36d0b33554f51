//! Paddock's own requests to the broker: decided, recorded, forwarded and observed like any other, under a scope that allows nothing but
//! cancels and closes.

use std::net::{IpAddr, Ipv6Addr};

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::civil::Date;
use paddock_alpaca::operation;
use paddock_alpaca::path::{CanonicalPath, Query};
use paddock_alpaca::{AlpacaError, Credential};
use paddock_core::audit::AuditEvent;
use paddock_core::decide::{self, Act, Decision, Freeze, Passage};
use paddock_core::scope::PositionRule;
use paddock_core::{PermissionClass, Permit, Scope, Usage, decide as decide_request};
use paddock_store::{Step, StepState, StoreError, WindDownRow};
use rust_decimal::Decimal;

use crate::budget::{Asker, Priority, Ticket};
use crate::crash::CrashPoint;
use crate::directory::ConnectionEntry;
use crate::observe::read_whole;
use crate::shared::Shared;
use crate::target::Target;
use crate::upstream::{ANSWER_TIMEOUT, NoAnswer};

/// What came of a request.
pub(super) enum Reply {
    /// The broker did it.
    Done(Bytes),
    /// The broker refused this one.
    Refused,
    /// It is not known, or the broker takes no requests now. The text says why.
    Later(String),
}

/// Why nothing more can be done.
pub(super) enum Stopped {
    /// The wind-down is over, or another node has it.
    Over,
    /// The database fails.
    Store(StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Cancels, and closes that only close.
fn own_scope() -> Scope {
    Scope {
        classes: [PermissionClass::Cancel, PermissionClass::PositionClose].into(),
        positions: Some(PositionRule::ReduceOnly),
        ..Scope::default()
    }
}

/// Takes one `DELETE` to its end. What became of it is in the step, and recorded.
pub(super) async fn send(
    shared: &Shared,
    entry: &ConnectionEntry,
    row: &WindDownRow,
    step: &mut Step,
    path: &str,
    act: Act,
) -> Result<Reply, Stopped> {
    let Some(target) = target(path) else {
        return fail(shared, row, step, format!("{path} is no operation of Alpaca's")).await;
    };
    let (permit, event) = match decided(row, step, &target, act) {
        Ok(decided) => decided,
        Err(refused) => return fail(shared, row, step, refused).await,
    };
    // Cancels and closes come before anything that programs want of the account's budget.
    let asker = Asker { key: None, priority: Priority::of(target.operation.class) };
    let account = shared.meters.account(row.connection);
    let budget = account.budget(target.operation.api);
    let Ok(ticket) = budget.acquire(&shared.clock, asker, budget.patience(asker.priority)).await else {
        return Ok(Reply::Later("the account's budget of requests is used up".to_owned()));
    };
    let credential = match entry.open(&shared.opener) {
        Ok(credential) => credential,
        Err(error) => return Ok(Reply::Later(error.to_string())),
    };
    if !shared.store.begin_step(row, step, &event).await? {
        return Err(Stopped::Over);
    }
    CrashPoint::StepRecorded.reached();
    let reply = forward(shared, entry, step, &target, (permit, ticket), &credential).await;
    CrashPoint::StepSent.reached();
    shared.store.settle_step(step, shared.clock.now()).await?;
    Ok(reply)
}

fn target(path: &str) -> Option<Target> {
    let path = CanonicalPath::parse(path).ok()?;
    let (operation, params) = operation::find("DELETE", &path)?;
    Some(Target { operation, params, path, query: Query::of(&[]) })
}

/// What cannot even be asked for is reported like a refusal of the broker's.
async fn fail(shared: &Shared, row: &WindDownRow, step: &mut Step, detail: String) -> Result<Reply, Stopped> {
    (step.state, step.detail) = (StepState::Failed, Some(detail));
    shared.store.add_steps(row, std::slice::from_ref(step)).await?;
    Ok(Reply::Refused)
}

fn decided(
    row: &WindDownRow,
    step: &Step,
    target: &Target,
    act: Act,
) -> Result<(Permit, AuditEvent), String> {
    let passing = [Passage::Cancels, Passage::Closes].into_iter().collect();
    let request = decide::Request {
        operation: target.operation.id,
        class: target.operation.class,
        at: step.at,
        network: IpAddr::V6(Ipv6Addr::LOCALHOST),
        frozen: Some(Freeze { what: row.subject.what(), passing }),
        act,
        account: decide::AccountFigures::default(),
    };
    match decide_request(&own_scope(), &request, &Usage::none(Date::ZERO)) {
        Decision::Refuse(refusal) => Err(refusal.message),
        Decision::Permit(permit) => {
            let event = AuditEvent::RequestPermitted {
                request: step.request,
                connection: row.connection,
                operation: target.operation.id.to_owned(),
                target: target.label(),
                body_digest: None,
                summary: None,
                orders: 0,
                notional: Decimal::ZERO,
                network: None,
            };
            Ok((permit, event))
        }
    }
}

async fn forward(
    shared: &Shared,
    entry: &ConnectionEntry,
    step: &mut Step,
    target: &Target,
    (_permit, mut ticket): (Permit, Ticket),
    credential: &Credential,
) -> Reply {
    let url = target.url(shared, entry.connection.environment);
    ticket.sent();
    let sent =
        shared.for_changes.send(&url, Method::DELETE, Bytes::new(), &HeaderMap::new(), credential).await;
    let (status, answer) = match sent {
        Ok(response) => {
            ticket.answered(response.status(), response.headers());
            let status = response.status().as_u16();
            let whole = tokio::time::timeout(ANSWER_TIMEOUT, read_whole(response, credential)).await;
            (Some(status), whole.ok().and_then(Result::ok))
        }
        Err(NoAnswer::NotSent) => {
            (step.state, step.detail) = (StepState::Failed, Some("alpaca could not be reached".to_owned()));
            return Reply::Later("alpaca cannot be reached".to_owned());
        }
        Err(NoAnswer::Broken | NoAnswer::Timeout) => (None, None),
    };
    step.status = status;
    match (status, answer) {
        (Some(200..=299), Some(answer)) => {
            step.state = StepState::Done;
            Reply::Done(answer.body)
        }
        (Some(401), _) => {
            (step.state, step.detail) =
                (StepState::Failed, Some("alpaca refuses the credential of the connection".to_owned()));
            Reply::Later("alpaca refuses the credential: run `paddock connection check`".to_owned())
        }
        (Some(429), _) => {
            (step.state, step.detail) = (StepState::Failed, Some("too many requests".to_owned()));
            Reply::Later("alpaca takes no more requests for now".to_owned())
        }
        (Some(status @ 400..=499), answer) => {
            let body = answer.map(|answer| answer.body).unwrap_or_default();
            let error = AlpacaError::parse(status, &body);
            (step.state, step.detail) = (StepState::Failed, Some(error.message.chars().take(300).collect()));
            Reply::Refused
        }
        (status, _) => {
            step.state = StepState::Unknown;
            Reply::Later(match status {
                Some(status) => format!("alpaca answers {status}"),
                None => "alpaca did not answer".to_owned(),
            })
        }
    }
}
