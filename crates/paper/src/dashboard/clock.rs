//! `/dashboard/v1/clock`.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::AlpacaError;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use super::{Failed, answer, fields};
use crate::clock::ClockMode;
use crate::http::Served;

/// The longest step: ten years.
const MAX_STEP_SECONDS: i64 = 10 * 366 * 24 * 3600;

#[derive(Serialize)]
struct ShownClock {
    timestamp: Timestamp,
    mode: ClockMode,
}

/// `GET /clock`: the broker's time, and how it passes.
pub(super) async fn show(State(served): State<Served>) -> Result<Response, Failed> {
    let mode = served.broker.clock().mode();
    answer(StatusCode::OK, &ShownClock { timestamp: served.broker.now(), mode })
}

/// `POST /clock/step` with `{"seconds":60}`: moves a stepped clock forwards; 422 if it is not one. Everything that is due
/// until then has happened when the answer comes.
pub(super) async fn step(State(served): State<Served>, body: Bytes) -> Result<Response, Failed> {
    let mut fields = fields(&body)?;
    let seconds = fields.decimal("seconds").map_err(|fault| AlpacaError::from(&fault))?;
    fields.finish().map_err(|fault| AlpacaError::from(&fault))?;
    let by = seconds.and_then(duration).ok_or_else(|| {
        AlpacaError::invalid_field(format!("seconds must be a number from 0 to {MAX_STEP_SECONDS}"))
    })?;
    let timestamp = served.broker.step_clock(by).await?.ok_or_else(|| {
        AlpacaError::invalid_field(
            "the clock is not a stepped one: start the broker with a stepped clock".to_owned(),
        )
    })?;
    answer(StatusCode::OK, &ShownClock { timestamp, mode: ClockMode::Stepped })
}

fn duration(seconds: Decimal) -> Option<SignedDuration> {
    if seconds.is_sign_negative() || seconds > Decimal::from(MAX_STEP_SECONDS) {
        return None;
    }
    (seconds * Decimal::from(1_000_000)).to_i64().map(SignedDuration::from_micros)
}
