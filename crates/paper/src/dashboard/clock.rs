//! `/dashboard/v1/clock`, and the same under `/admin/v1/clock`: the broker's time, moved and paced.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::AlpacaError;
use paddock_core::calendar;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use super::{Failed, answer, fields};
use crate::clock::{ClockMode, MAX_FACTOR};
use crate::http::Served;

/// The longest step: ten years.
const MAX_STEP_SECONDS: i64 = 10 * 366 * 24 * 3600;

#[derive(Serialize)]
struct ShownClock {
    timestamp: Timestamp,
    mode: ClockMode,
    /// Seconds of the broker for each second of its base clock: 0 when it stands still.
    rate: u32,
    next_open: Timestamp,
    next_close: Timestamp,
}

/// `GET /clock`: the broker's time, how it passes, and when the stock market opens and closes next.
pub(crate) async fn show(State(served): State<Served>) -> Result<Response, Failed> {
    let (timestamp, mode) = (served.broker.now(), served.broker.clock().mode());
    let rate = match mode {
        ClockMode::Real => 1,
        ClockMode::Accelerated(factor) => factor,
        ClockMode::Stepped => 0,
    };
    let (next_open, next_close) = (calendar::next_open(timestamp), calendar::next_close(timestamp));
    answer(StatusCode::OK, &ShownClock { timestamp, mode, rate, next_open, next_close })
}

/// `POST /clock/step` with `{"seconds":60}`: moves the clock forwards, and time goes on from there. Everything that is due
/// until then has happened when the answer comes.
pub(crate) async fn step(State(served): State<Served>, body: Bytes) -> Result<Response, Failed> {
    let mut fields = fields(&body)?;
    let seconds = fields.decimal("seconds").map_err(|fault| AlpacaError::from(&fault))?;
    fields.finish().map_err(|fault| AlpacaError::from(&fault))?;
    let by = seconds.and_then(duration).ok_or_else(|| {
        AlpacaError::invalid_field(format!("seconds must be a number from 0 to {MAX_STEP_SECONDS}"))
    })?;
    served.broker.step_clock(by).await?;
    show(State(served)).await
}

/// `POST /clock/jump` with `{"to":"next_open"}`, `next_close`, or an instant that is not past: as a step there.
pub(crate) async fn jump(State(served): State<Served>, body: Bytes) -> Result<Response, Failed> {
    let mut fields = fields(&body)?;
    let to = fields.text("to").map_err(|fault| AlpacaError::from(&fault))?.unwrap_or_default();
    fields.finish().map_err(|fault| AlpacaError::from(&fault))?;
    let now = served.broker.now();
    let instant = match to.as_str() {
        "next_open" => calendar::next_open(now),
        "next_close" => calendar::next_close(now),
        instant => instant.parse().map_err(|_| {
            AlpacaError::invalid_field(
                "to must be next_open, next_close or an instant such as 2026-11-20T14:30:00Z".to_owned(),
            )
        })?,
    };
    if instant.duration_since(now) > SignedDuration::from_secs(MAX_STEP_SECONDS) {
        let message = format!("to must be at most {MAX_STEP_SECONDS} seconds ahead, and it is now {now}");
        return Err(AlpacaError::invalid_field(message).into());
    }
    served.broker.jump_clock(instant).await?;
    show(State(served)).await
}

/// `POST /clock/rate` with `{"rate":60}`: seconds for each second of the base clock from now on; 1 is real time, and 0
/// stands still.
pub(crate) async fn set_rate(State(served): State<Served>, body: Bytes) -> Result<Response, Failed> {
    let mut fields = fields(&body)?;
    let rate = fields.decimal("rate").map_err(|fault| AlpacaError::from(&fault))?;
    fields.finish().map_err(|fault| AlpacaError::from(&fault))?;
    let rate = rate.filter(|rate| rate.fract().is_zero() && *rate <= Decimal::from(MAX_FACTOR));
    let mode = match rate.and_then(|rate| rate.to_u32()) {
        Some(0) => ClockMode::Stepped,
        Some(1) => ClockMode::Real,
        Some(factor) => ClockMode::Accelerated(factor),
        None => {
            let message = format!("rate must be a whole number from 0 (stands still) to {MAX_FACTOR}");
            return Err(AlpacaError::invalid_field(message).into());
        }
    };
    served.broker.set_clock_mode(mode).await?;
    show(State(served)).await
}

fn duration(seconds: Decimal) -> Option<SignedDuration> {
    if seconds.is_sign_negative() || seconds > Decimal::from(MAX_STEP_SECONDS) {
        return None;
    }
    (seconds * Decimal::from(1_000_000)).to_i64().map(SignedDuration::from_micros)
}
