//! `POST /api/v1/rotations/{id}/...`: what a person says to a rotation.

use axum::Json;
use paddock_core::rotation::Rotation;
use paddock_store::RotationRow;

use super::RotationView;
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// The fields of a word with a reason.
pub(crate) const WHY_FIELDS: [&str; 1] = ["reason"];

/// The fields of a word about a consumer.
pub(crate) const ABOUT_FIELDS: [&str; 2] = ["consumer", "reason"];

/// What a person says.
pub(crate) enum Word {
    Start,
    Resume,
    GoOnWithOpenOrders,
    SkipTestOrder,
    Abort,
    LeaveOut,
    TakeOver,
}

impl Word {
    /// The word of a page's form.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "start" => Self::Start,
            "resume" => Self::Resume,
            "go-on-with-open-orders" => Self::GoOnWithOpenOrders,
            "skip-test-order" => Self::SkipTestOrder,
            "abort" => Self::Abort,
            "leave-out" => Self::LeaveOut,
            "take-over" => Self::TakeOver,
            _ => return None,
        })
    }

    /// Whether it asks for a fresh proof.
    const fn needs_proof(&self) -> bool {
        matches!(self, Self::Start | Self::Resume | Self::GoOnWithOpenOrders | Self::TakeOver)
    }
}

/// Says it.
pub(crate) async fn perform(desk: &Desk, id: &str, word: Word, mut fields: Fields) -> Result<(), Problem> {
    let about = match word {
        Word::LeaveOut | Word::TakeOver => {
            let consumer = fields.need_text("consumer", "the consumer's name")?;
            let reason = fields.need_text("reason", "why, in a few words")?;
            fields.finish(&ABOUT_FIELDS)?;
            (consumer, short(reason)?)
        }
        Word::Abort => {
            let reason = fields.need_text("reason", "why, in a few words")?;
            fields.finish(&WHY_FIELDS)?;
            (String::new(), short(reason)?)
        }
        Word::Start | Word::Resume | Word::GoOnWithOpenOrders | Word::SkipTestOrder => {
            fields.finish(&[])?;
            (String::new(), String::new())
        }
    };
    let rotation = super::found(desk, id).await?.row.rotation;
    super::need_role(desk, rotation.environment)?;
    if word.needs_proof() {
        super::need_proof(desk, &rotation).await?;
    }
    said(desk, &rotation, word, about).await?;
    Ok(())
}

async fn said(
    desk: &Desk,
    rotation: &Rotation,
    word: Word,
    (consumer, why): (String, String),
) -> Result<RotationRow, Problem> {
    let (rotations, id, by, at) = (&desk.rotations, rotation.id, &super::by(desk), desk.now());
    Ok(match word {
        Word::Start => rotations.start(id, by, at).await,
        Word::Resume => rotations.resume(id, by, at).await,
        Word::GoOnWithOpenOrders => rotations.go_on_with_open_orders(id, by, at).await,
        Word::SkipTestOrder => rotations.skip_test_order(id, by, at).await,
        Word::Abort => rotations.abort(id, &why, by, at).await,
        Word::LeaveOut => rotations.leave_out(id, &consumer, &why, by, at).await,
        Word::TakeOver => rotations.take_over(id, &consumer, &why, by, at).await,
    }?)
}

fn short(reason: String) -> Result<String, Problem> {
    let reason = reason.trim();
    if reason.chars().count() > 500 || reason.chars().any(char::is_control) {
        return Err(Problem::field("reason", "at most 500 characters in one line"));
    }
    Ok(reason.to_owned())
}

async fn answer(desk: &Desk, id: &str, word: Word, fields: Fields) -> Result<Json<RotationView>, Problem> {
    perform(desk, id, word, fields).await?;
    let found = super::found(desk, id).await?;
    Ok(Json(super::shown_in_full(desk, found.row.rotation.id).await?))
}

/// Starts what was planned: the account and every consumer are looked at first, and nothing is changed before all of them can take the pair.
#[utoipa::path(
    post,
    path = "/api/v1/rotations/{id}/start",
    operation_id = "startRotation",
    tag = "rotations",
    params(params::Identifier),
    responses((status = 200, description = "The rotation", body = RotationView)),
    extensions(("x-problems" = json!([problems::SAY, "fresh_factor_needed", "second_factor_needed"]))),
)]
pub(crate) async fn start(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<RotationView>, Problem> {
    answer(&desk, &id, Word::Start, fields).await
}

/// Goes on where a person was waited for, who has done what was asked.
#[utoipa::path(
    post,
    path = "/api/v1/rotations/{id}/resume",
    operation_id = "resumeRotation",
    tag = "rotations",
    params(params::Identifier),
    responses((status = 200, description = "The rotation", body = RotationView)),
    extensions(("x-problems" = json!([problems::SAY, "fresh_factor_needed", "second_factor_needed"]))),
)]
pub(crate) async fn resume(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<RotationView>, Problem> {
    answer(&desk, &id, Word::Resume, fields).await
}

/// Goes on although orders are open, knowingly.
#[utoipa::path(
    post,
    path = "/api/v1/rotations/{id}/go-on-with-open-orders",
    operation_id = "goOnWithOpenOrders",
    tag = "rotations",
    params(params::Identifier),
    responses((status = 200, description = "The rotation", body = RotationView)),
    extensions(("x-problems" = json!([problems::SAY, "fresh_factor_needed", "second_factor_needed"]))),
)]
pub(crate) async fn go_on(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<RotationView>, Problem> {
    answer(&desk, &id, Word::GoOnWithOpenOrders, fields).await
}

/// Goes without the test order.
#[utoipa::path(
    post,
    path = "/api/v1/rotations/{id}/skip-test-order",
    operation_id = "skipTestOrder",
    tag = "rotations",
    params(params::Identifier),
    responses((status = 200, description = "The rotation", body = RotationView)),
    extensions(("x-problems" = json!([problems::SAY]))),
)]
pub(crate) async fn skip(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<RotationView>, Problem> {
    answer(&desk, &id, Word::SkipTestOrder, fields).await
}

/// Calls a rotation off. Not once a new pair was asked for: nothing brings the old one back.
#[utoipa::path(
    post,
    path = "/api/v1/rotations/{id}/abort",
    operation_id = "abortRotation",
    tag = "rotations",
    params(params::Identifier),
    request_body = bodies::RotationReason,
    responses((status = 200, description = "The rotation", body = RotationView)),
    extensions(("x-problems" = json!([problems::SAY, problems::FIELDS]))),
)]
pub(crate) async fn abort(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<RotationView>, Problem> {
    answer(&desk, &id, Word::Abort, fields).await
}

/// Leaves a consumer out of a rotation, by its name. The new pair is not taken there.
#[utoipa::path(
    post,
    path = "/api/v1/rotations/{id}/leave-out",
    operation_id = "leaveConsumerOut",
    tag = "rotations",
    params(params::Identifier),
    request_body = bodies::AboutConsumer,
    responses((status = 200, description = "The rotation", body = RotationView)),
    extensions(("x-problems" = json!([problems::SAY, problems::FIELDS, "unknown_consumer"]))),
)]
pub(crate) async fn leave_out(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<RotationView>, Problem> {
    answer(&desk, &id, Word::LeaveOut, fields).await
}

/// Says that what is at a consumer may be overwritten in this rotation although Paddock did not write it.
#[utoipa::path(
    post,
    path = "/api/v1/rotations/{id}/take-over",
    operation_id = "takeConsumerOver",
    tag = "rotations",
    params(params::Identifier),
    request_body = bodies::AboutConsumer,
    responses((status = 200, description = "The rotation", body = RotationView)),
    extensions(("x-problems" = json!([problems::SAY, problems::FIELDS, "unknown_consumer", "fresh_factor_needed", "second_factor_needed"]))),
)]
pub(crate) async fn take_over(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<RotationView>, Problem> {
    answer(&desk, &id, Word::TakeOver, fields).await
}
