//! A program that waits for a person's answer.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use paddock_core::Refusal;
use paddock_core::decide::ReasonCode;
use paddock_core::id::RequestId;
use paddock_store::{Approval, ApprovalState};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::hold::Pending;
use crate::answer::{AnswerBody, Fault, whole, with_request_id};
use crate::lane::Lane;
use crate::stop::Stop;

/// How often the database is asked what other nodes did.
const LOOK: Duration = Duration::from_secs(1);

/// Waits as long as the scope lets it. A program that hangs up ends the wait and nothing else.
pub(crate) async fn wait(
    lane: &Lane,
    pending: Pending,
    request: RequestId,
) -> Result<Response<AnswerBody>, Stop> {
    if pending.wait == 0 {
        return Err(pending.refusal.into());
    }
    let shared = &lane.shared;
    let mut bell = shared.bell.listen();
    let over = Instant::now() + Duration::from_secs(pending.wait.into());
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = false;
    loop {
        tokio::select! {
            () = sleep_until(over) => break,
            () = lane.closing.cancelled() => break,
            _ = bell.changed() => {}
            _ = looks.tick() => {}
        }
        let (shared, id) = (Arc::clone(shared), pending.id);
        let looked = lane.main.spawn(async move { shared.store.approval(id).await });
        // A database that does not answer now may do so a second later; the end of the wait comes in any case.
        let Ok(Ok(Some(approval))) = looked.await else { continue };
        match approval.state_at(lane.shared.clock.now()) {
            ApprovalState::Pending => {}
            ApprovalState::Approved => match answered(&approval, request) {
                Some(answer) => return Ok(answer),
                // Whoever was to send it gave up before anything was sent.
                None if approval.outcome.as_deref() == Some("released") => {
                    return Err(told(&pending, &approval, ApprovalState::Refused).into());
                }
                None => sent = true,
            },
            ended => return Err(told(&pending, &approval, ended).into()),
        }
    }
    if sent { Err(Fault::approved_without_answer().into()) } else { Err(pending.refusal.into()) }
}

/// The broker's answer as it was kept. A reservation that was released before anything was sent has none.
fn answered(approval: &Approval, request: RequestId) -> Option<Response<AnswerBody>> {
    let (status, body) = approval.answer.as_ref()?;
    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
    Some(with_request_id(whole(status, body.clone().into()), request))
}

/// What a program is told whose request is not sent.
fn told(pending: &Pending, approval: &Approval, ended: ApprovalState) -> Refusal {
    let id = pending.id;
    let why = approval.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let (code, message) = match ended {
        ApprovalState::Denied => (ReasonCode::ApprovalDenied, format!("a person denied approval {id}{why}")),
        ApprovalState::Expired => (
            ReasonCode::ApprovalExpired,
            format!("nobody answered approval {id} in time: send the request anew"),
        ),
        ApprovalState::Void => (
            ReasonCode::ApprovalVoid,
            format!(
                "approval {id} ended when the access key, its connection or everything was frozen or revoked"
            ),
        ),
        ApprovalState::Refused | ApprovalState::Pending | ApprovalState::Approved => (
            ReasonCode::ApprovalRefused,
            format!("approval {id} was given and the request was not sent{why}"),
        ),
    };
    Refusal::new(code, message, &[("approval_id", id.to_string())])
}
