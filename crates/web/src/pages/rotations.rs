//! `/rotations`: what is due, what is under way, and each rotation step by step.

mod act;
mod list;
mod plan;
mod rehearse;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use paddock_core::rotation::RotationState;

use crate::WebState;

/// The pages of this area.
pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/rotations", get(list::show))
        .route("/rotations/{id}", get(show::show))
        .route("/rotations/{id}/report", get(show::report))
        .route("/rotations/{id}/say", get(show::again).post(act::say))
        .route("/rotations/{id}/paste", get(show::again).post(act::paste))
        .route("/connections/{name}/rotate", get(plan::show).post(plan::plan))
        .route("/connections/{name}/rehearse", get(rehearse::show).post(rehearse::rehearse))
        .route("/connections/{name}/cadence", post(list::cadence))
}

/// The class that gives a state its colour.
pub(super) const fn state_class(state: RotationState) -> &'static str {
    match state {
        RotationState::Closed => "good",
        RotationState::Degraded | RotationState::AwaitingMint => "warn",
        _ => "",
    }
}

/// Where a rotation is, in words for a page.
pub(super) const fn state_words(state: RotationState) -> &'static str {
    match state {
        RotationState::Planned => "planned",
        RotationState::Preflight => "looking at the account and the consumers",
        RotationState::Quiesced => "new orders are held back",
        RotationState::AwaitingMint => "waiting for the new pair",
        RotationState::Candidate => "checking the pasted pair",
        RotationState::Verified => "the new pair is good",
        RotationState::Committed => "the vault has the new pair",
        RotationState::FanningOut => "taking the new pair to the consumers",
        RotationState::VerifyingConsumers => "proving the new pair at the consumers",
        RotationState::OldProvenDead => "the old pair is dead",
        RotationState::Closed => "done",
        RotationState::Degraded => "the new pair is in use here, and something needs you",
        RotationState::Aborted => "called off",
    }
}
