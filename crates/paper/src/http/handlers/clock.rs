//! `/v2/clock` and `/v3/clock`.

use axum::response::Response;
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::Clock;
use paddock_alpaca::wire::clock::eastern;
use paddock_core::calendar;
use serde::Serialize;

use super::calendar::{Place, bad_request, extended_hours};
use crate::http::{Call, respond};

/// The clock of the US market. Open around the clock when the broker is told to keep it open.
pub(in crate::http) fn get(call: &Call) -> Result<Response, AlpacaError> {
    let mut clock = Clock::at(call.broker.now());
    clock.is_open |= call.broker.market().options().hold_open;
    respond::ok(&clock)
}

#[derive(Serialize)]
struct Clocks {
    clocks: Vec<PlaceClock>,
}

#[derive(Serialize)]
struct PlaceClock {
    market: Place,
    #[serde(with = "eastern")]
    timestamp: Timestamp,
    is_market_day: bool,
    #[serde(with = "eastern")]
    next_market_open: Timestamp,
    #[serde(with = "eastern")]
    next_market_close: Timestamp,
    phase: &'static str,
    #[serde(with = "eastern")]
    phase_until: Timestamp,
}

/// The clocks of the asked markets, now or at another time.
pub(in crate::http) fn get_v3(call: &Call) -> Result<Response, AlpacaError> {
    let at = call.instant("time").map_err(bad_request)?.unwrap_or_else(|| call.broker.now());
    let names = call.list("markets").unwrap_or_else(|| vec!["NYSE"]);
    let clocks: Result<Vec<PlaceClock>, AlpacaError> =
        names.into_iter().map(|name| Ok(place_clock(Place::named(name)?, at))).collect();
    respond::ok(&Clocks { clocks: clocks? })
}

fn place_clock(market: Place, at: Timestamp) -> PlaceClock {
    let today = calendar::session_on(calendar::trading_date(at));
    let (phase, phase_until) = match today {
        Some(today) => {
            let (pre, post) = extended_hours(&today);
            match () {
                () if at < pre => ("closed", pre),
                () if at < today.open => ("pre", today.open),
                () if at < today.close => ("core", today.close),
                () if at < post => ("post", post),
                () => ("closed", next_pre(at)),
            }
        }
        None => ("closed", next_pre(at)),
    };
    PlaceClock {
        market,
        timestamp: at,
        is_market_day: today.is_some(),
        next_market_open: calendar::next_open(at),
        next_market_close: calendar::next_close(at),
        phase,
        phase_until,
    }
}

fn next_pre(at: Timestamp) -> Timestamp {
    extended_hours(&calendar::next_session_after(calendar::trading_date(at))).0
}
