//! Rotations: a connection's key pair is replaced, and the new one is taken to every consumer.

pub(crate) mod broker;
pub(crate) mod cadence;
mod faults;
pub(crate) mod list;
pub(crate) mod matrix;
pub(crate) mod paste;
pub(crate) mod plan;
pub(crate) mod rehearse;
pub(crate) mod report;
pub(crate) mod say;
mod views;

use http::StatusCode;
use paddock_core::Environment;
use paddock_core::Role;
use paddock_core::id::RotationId;
use paddock_core::rotation::{Authority, By, Rotation};
use paddock_rotate::Status;

pub(crate) use views::view;
pub use views::{
    AccountBefore, AskView, DueView, PastedPair, PlanView, RotationConsumerView, RotationView, StepView,
    WindowView,
};

use crate::desk::Desk;
use crate::fresh::Matter;
use crate::problem::{Problem, shown};

/// A rotation of the team's. Another team's does not exist.
pub(crate) async fn found(desk: &Desk, id: &str) -> Result<Status, Problem> {
    let unknown = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_rotation",
            "Unknown rotation",
            format!("there is no rotation `{}`", shown(id)),
            "look at `paddock rotation list`",
        )
    };
    let id: RotationId = id.parse().map_err(|_| unknown())?;
    let status = desk.rotations.status(id).await.map_err(|error| match error {
        paddock_rotate::RotateError::Store(paddock_store::StoreError::NotFound { .. }) => unknown(),
        other => other.into(),
    })?;
    if status.row.rotation.team == desk.user { Ok(status) } else { Err(unknown()) }
}

/// The rotation as it is shown, with its steps.
pub(crate) async fn shown_in_full(desk: &Desk, id: RotationId) -> Result<RotationView, Problem> {
    let status = desk.rotations.status(id).await?;
    let steps = desk.store.rotation_events(id).await?;
    Ok(view(status, steps))
}

/// Who asks, with what they may do.
pub(crate) fn by(desk: &Desk) -> By {
    let stepped_up = desk.need_fresh(Matter::Work).is_ok();
    By { actor: desk.actor(), authority: Authority { role: desk.role, stepped_up } }
}

/// Goes on only if whoever asks may act on a rotation in this environment: a paper pair is an operator's to replace, a live one an owner's.
pub(crate) fn need_role(desk: &Desk, environment: Environment) -> Result<(), Problem> {
    let needed = match environment {
        Environment::Paper => Role::Operator,
        Environment::Live => Role::Owner,
    };
    if desk.may(needed) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "role_too_low",
        "Not with your role",
        format!(
            "the pair of a {environment} account is replaced by an {needed}, and your role is {}",
            desk.role
        ),
        "ask an owner of your team to do it, or to change your role",
    )
    .with("needed", needed.as_str())
    .with("role", desk.role.as_str()))
}

/// What is done with a pair asks for a fresh proof; with a live one for a second factor at all.
pub(crate) async fn need_proof(desk: &Desk, rotation: &Rotation) -> Result<(), Problem> {
    desk.need_proof_for(rotation.environment).await
}
