//! `POST /api/v1/approvals/{id}/approve` and `/deny`

use axum::Json;
use http::StatusCode;
use paddock_core::id::ApprovalId;
use paddock_gateway::ApprovalOutcome;
use paddock_store::{ApprovalState, Consent};

use super::ApprovalView;
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 3] = ["by", "reason", "request_hash"];

/// Longer words are not kept.
const MOST_WORDS: usize = 500;

/// Approves exactly what was held: everything is decided again, and it is sent once. Answers when the broker has.
#[utoipa::path(
    post,
    path = "/api/v1/approvals/{id}/approve",
    operation_id = "approve",
    tag = "approvals",
    params(params::ApprovalPath),
    request_body = bodies::Answer,
    responses(
        (status = 200, description = "It was sent", body = ApprovalView),
    ),
    extensions(("x-problems" = json!([problems::VAULT, "invalid_field", "unknown_approval", "other_request", "approval_over", "approved_not_sent", "approval_still_pending", "gateway"]))),
)]
pub(crate) async fn approve(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<ApprovalView>, Problem> {
    let consent = consent(&desk, &id, fields).await?;
    say_yes(&desk, consent).await.map(Json)
}

/// Approves what the consent is about.
pub(crate) async fn say_yes(desk: &Desk, consent: Consent) -> Result<ApprovalView, Problem> {
    let id = consent.id;
    match desk.control.approve(consent).await? {
        ApprovalOutcome::Sent => super::found(desk, id).await,
        ApprovalOutcome::Refused(refusal) => Err(Problem::new(
            StatusCode::CONFLICT,
            "approved_not_sent",
            "Not sent",
            refusal.message,
            "nothing was sent; the program may send a new order, which is held anew",
        )
        .with("reason", refusal.code.as_str())),
        ApprovalOutcome::StillPending(why) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "approval_still_pending",
            "Not sent yet",
            why,
            "nothing was sent, and it still waits: try again before it expires",
        )),
        ApprovalOutcome::Ended(ended) => Err(over(id, ended)),
        ApprovalOutcome::NoSuchApproval => Err(super::unknown()),
    }
}

/// Denies what was held. It is not sent.
#[utoipa::path(
    post,
    path = "/api/v1/approvals/{id}/deny",
    operation_id = "deny",
    tag = "approvals",
    params(params::ApprovalPath),
    request_body = bodies::Answer,
    responses(
        (status = 200, description = "It is denied", body = ApprovalView),
    ),
    extensions(("x-problems" = json!(["invalid_field", "unknown_approval", "other_request", "approval_over", "gateway"]))),
)]
pub(crate) async fn deny(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<ApprovalView>, Problem> {
    let consent = consent(&desk, &id, fields).await?;
    say_no(&desk, consent).await.map(Json)
}

/// Denies what the consent is about.
pub(crate) async fn say_no(desk: &Desk, consent: Consent) -> Result<ApprovalView, Problem> {
    let id = consent.id;
    match desk.control.deny(consent).await? {
        None => super::found(desk, id).await,
        Some(ended) => Err(over(id, ended)),
    }
}

/// Reads who answers and why. With a `request_hash` the answer is to that request and no other: whoever saw something else under this
/// identifier changes nothing.
pub(crate) async fn consent(desk: &Desk, id: &str, mut fields: Fields) -> Result<Consent, Problem> {
    let id = super::read_id(id)?;
    let (by, reason) = (words(&mut fields, "by")?, words(&mut fields, "reason")?);
    let seen = fields.text("request_hash")?;
    fields.finish(&FIELDS)?;
    let approval = super::find(desk, id).await?;
    if seen.is_some_and(|seen| !seen.trim().eq_ignore_ascii_case(&hex::encode(approval.held.request_hash))) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "other_request",
            "Another request",
            "what was shown is not the request that waits under this identifier",
            "nothing was changed: look at the request once more, then answer",
        ));
    }
    Ok(Consent { id, actor: desk.actor(), by, reason, at: desk.now() })
}

fn words(fields: &mut Fields, name: &str) -> Result<Option<String>, Problem> {
    let text = fields.text(name)?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match text {
        Some(text) if text.chars().count() > MOST_WORDS || text.chars().any(char::is_control) => {
            Err(Problem::field(name, "at most 500 characters on one line"))
        }
        text => Ok(text),
    }
}

fn over(id: ApprovalId, state: ApprovalState) -> Problem {
    let what = match state {
        ApprovalState::Approved => "was approved already, and is sent once only",
        ApprovalState::Denied => "was denied",
        ApprovalState::Expired => "has expired",
        ApprovalState::Void => "ended when its access key, connection or everything was frozen or revoked",
        ApprovalState::Refused => "was approved already and could not be sent",
        ApprovalState::Pending => "is being answered",
    };
    Problem::new(
        StatusCode::CONFLICT,
        "approval_over",
        "Not waiting any more",
        format!("approval {id} {what}"),
        format!(
            "look at what became of it, on its page or with `paddock approval show {id}`; if the program asks again, that is held anew"
        ),
    )
    .with("state", state.as_str())
}
