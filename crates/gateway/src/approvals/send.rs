//! Sending what a person has approved: decided again, reserved with the yes in one transaction, sent once.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use paddock_core::Refusal;
use paddock_core::decide::approval::check_band;
use paddock_core::decide::{Act, Manner, ReasonCode, decide_approved};
use paddock_core::id::ApprovalId;
use paddock_store::{Approval, ApprovalState, Approved, Consent, StoreError};
use tokio_util::sync::CancellationToken;

use super::ApprovalOutcome;
use crate::answer::{AnswerBody, Fault};
use crate::authenticate::Grant;
use crate::change::{Change, InFlight};
use crate::crash::CrashPoint;
use crate::door::{Arrival, open_credential};
use crate::halt::rotation;
use crate::meter::Entered;
use crate::requests::{Outcome, RequestLine};
use crate::shared::{GatewayError, Shared};
use crate::stop::Stop;
use crate::target::{Target, read_intention};

/// An answer larger than this is not kept for those who wait. No order has as much.
const MOST_KEPT: usize = 64 * 1024;

/// Takes a person's yes. Runs to its end whoever stops listening.
pub(crate) async fn approve(shared: &Arc<Shared>, consent: Consent) -> Result<ApprovalOutcome, GatewayError> {
    let task = {
        let shared = Arc::clone(shared);
        async move {
            let outcome = run(&shared, consent).await;
            shared.bell.ring();
            outcome
        }
    };
    match shared.changes.spawn(task).await {
        Ok(outcome) => outcome,
        Err(_) => Ok(ApprovalOutcome::StillPending(
            "it was cut short: look at its state before you try again".to_owned(),
        )),
    }
}

async fn run(shared: &Arc<Shared>, consent: Consent) -> Result<ApprovalOutcome, GatewayError> {
    let Some(row) = shared.store.approval(consent.id).await? else {
        return Ok(ApprovalOutcome::NoSuchApproval);
    };
    match row.state_at(consent.at) {
        ApprovalState::Pending => {}
        ended => return Ok(ApprovalOutcome::Ended(ended)),
    }
    let mut change = match rebuilt(shared, &row, &consent) {
        Ok(change) => change,
        Err(refusal) => return refused(shared, consent, refusal).await,
    };
    let _in_flight = InFlight::enter(shared, row.held.request);
    let class = change.target.operation.class;
    let facts = async {
        rotation::pass(shared, row.held.connection, class).await?;
        let touched = change.touched(shared).await?.summary();
        let (act, account) = change.facts(shared).await?;
        change.note_loss(shared, account.as_deref()).await?;
        let ticket = change.turn(shared).await?;
        Ok::<_, Stop>((open_credential(shared, &change.grant)?, act, account, ticket, touched))
    };
    let (credential, act, account, ticket, touched) = match facts.await {
        Ok(found) => found,
        Err(Stop::Refusal(refusal) | Stop::Hidden(refusal, _)) => {
            return refused(shared, consent, refusal).await;
        }
        // Nothing was decided, so it may be tried again until it expires.
        Err(stop) => return Ok(ApprovalOutcome::StillPending(words(&stop))),
    };
    if change.hash() != row.held.request_hash {
        // It goes against a position now, and would be held to closing it.
        let message =
            "the request would not be sent as it was approved: the account's positions have changed";
        let refusal = Refusal::new(ReasonCode::ApprovalRefused, message.to_owned(), &[]);
        return refused(shared, consent, refusal).await;
    }
    if let (Some(held_at), Act::Orders(orders)) = (row.held.market_price, &act) {
        for facts in orders {
            match check_band(held_at, facts.quote, row.held.price_band, facts) {
                Ok(()) => {}
                Err(refusal) if refusal.code == ReasonCode::PriceUnknown => {
                    return Ok(ApprovalOutcome::StillPending(refusal.message));
                }
                Err(refusal) => return refused(shared, consent, refusal).await,
            }
        }
    }
    CrashPoint::Decided.reached();
    let manner = Manner::of(change.target.operation.class, &act);
    let (intent, decide) = change.deciding(shared, act, account.as_deref(), touched, decide_approved);
    let permit = match shared.store.approve(consent.clone(), intent, decide).await {
        Ok(Approved::Permitted(permit)) => permit,
        Ok(Approved::Refused(refusal)) => return Ok(ApprovalOutcome::Refused(refusal)),
        Ok(Approved::Ended(state)) => return Ok(ApprovalOutcome::Ended(state)),
        Err(StoreError::NotFound { .. }) => return Ok(ApprovalOutcome::NoSuchApproval),
        // Another node runs a rotation. Nothing was decided.
        Err(StoreError::RotationUnheard) => {
            return Ok(ApprovalOutcome::StillPending(rotation::refused().message));
        }
        Err(error) => return Err(error.into()),
    };
    CrashPoint::Reserved.reached();
    let (sent, credential) = match change.last_look(shared, manner, credential).await {
        Ok(looked) => looked,
        Err(stop) => {
            let refusal = match stop {
                Stop::Refusal(refusal) => refusal,
                stop => Refusal::new(ReasonCode::ApprovalRefused, words(&stop), &[]),
            };
            keep(shared, &row, &change, Err(refusal.clone().into())).await;
            return Ok(ApprovalOutcome::Refused(refusal));
        }
    };
    let answer = change.forward(shared, permit, ticket, &credential).await;
    drop(sent);
    CrashPoint::Forwarded.reached();
    let answer = change.settle(shared, answer, &credential).await;
    CrashPoint::Settled.reached();
    keep(shared, &row, &change, answer).await;
    Ok(ApprovalOutcome::Sent)
}

/// The request as it was held, read again as if it came now. What is not the same any more is not what was approved.
fn rebuilt(shared: &Shared, row: &Approval, consent: &Consent) -> Result<Change, Refusal> {
    let refused = |message: &str| Refusal::new(ReasonCode::ApprovalRefused, message.to_owned(), &[]);
    let directory = shared.directory.load();
    let grant = Grant::of_held(&directory, row.held.key)
        .filter(|grant| grant.entry().connection.connection.id == row.held.connection)
        .ok_or_else(|| refused("the access key is gone"))?;
    let differs = || {
        refused("the request would not be sent as it was approved: the scope of the access key has changed")
    };
    let request =
        http::Request::builder().method(row.held.method.as_str()).uri(row.held.target.as_str()).body(());
    let (parts, ()) = request.map_err(|_| differs())?.into_parts();
    let target = Target::find(&parts).map_err(|_| differs())?;
    let body = Bytes::from(row.held.body.clone());
    let scope = &grant.entry().key.scope;
    let (intention, body) = read_intention(&target, &body, row.held.request, scope).map_err(|_| differs())?;
    let arrival = Arrival { request: row.held.request, at: consent.at, network: row.held.network };
    let entered = Entered::approved(shared.meters.of(grant.entry()));
    let (headers, gone) = (HeaderMap::new(), CancellationToken::new());
    let change = Change { arrival, grant, target, intention, body, headers, entered, gone };
    if change.body != row.held.body || change.hash() != row.held.request_hash {
        return Err(differs());
    }
    Ok(change)
}

async fn refused(
    shared: &Shared,
    consent: Consent,
    refusal: Refusal,
) -> Result<ApprovalOutcome, GatewayError> {
    Ok(match shared.store.refuse_approved(consent, &refusal).await? {
        None => ApprovalOutcome::Refused(refusal),
        Some(state) => ApprovalOutcome::Ended(state),
    })
}

/// Keeps the answer for whoever waits for it, and notes the request for those who watch.
async fn keep(shared: &Shared, row: &Approval, change: &Change, answer: Result<Response<AnswerBody>, Stop>) {
    let (outcome, answer) = match answer {
        Ok(answer) => (Outcome::Permitted, answer),
        Err(stop) => (stop.outcome(), stop.answer(row.held.request)),
    };
    let status = answer.status().as_u16();
    let (key, connection) = (&change.grant.entry().key, &change.grant.entry().connection.connection);
    let method = http::Method::from_bytes(row.held.method.as_bytes()).unwrap_or(http::Method::POST);
    shared.log.note(RequestLine {
        user: Some(connection.user),
        network: Some(row.held.network.to_canonical()),
        key: Some(key.id),
        key_name: Some(key.name.clone()),
        connection: Some(connection.name.clone()),
        environment: Some(connection.environment),
        path: change.target.path.to_upstream().to_owned(),
        operation: Some(change.target.operation.id),
        summary: Some(row.held.summary.clone()),
        outcome,
        status,
        ..RequestLine::begun(row.held.request, change.arrival.at, &method)
    });
    let body =
        answer.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if body.len() <= MOST_KEPT {
        note(shared, row.held.id, status, &body).await;
    }
}

async fn note(shared: &Shared, id: ApprovalId, status: u16, body: &[u8]) {
    if let Err(error) = shared.store.note_answer(id, status, body).await {
        tracing::error!(%error, approval = %id, "the answer to an approved request could not be kept");
    }
}

fn words(stop: &Stop) -> String {
    match stop {
        Stop::Fault(Fault { message, .. }) => message.clone(),
        Stop::Refusal(refusal) | Stop::Hidden(refusal, _) => refusal.message.clone(),
        Stop::Held(pending) => pending.refusal.message.clone(),
        Stop::Alpaca(error) => format!("alpaca says: {}", error.message),
    }
}
