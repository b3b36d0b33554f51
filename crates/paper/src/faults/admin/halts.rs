//! `/admin/v1/halts`.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use paddock_core::Symbol;
use serde::Serialize;

use crate::dashboard::{Failed, answer, fields};
use crate::faults::ALL;
use crate::http::Served;

#[derive(Serialize)]
struct Halts {
    halts: Vec<Halt>,
}

#[derive(Serialize)]
struct Halt {
    symbol: String,
    since: Timestamp,
}

/// `GET /halts`: what is halted, `*` for everything.
pub(super) async fn list(State(served): State<Served>) -> Result<Response, Failed> {
    let halts = served.broker.market().halted().into_iter().map(|halted| Halt {
        symbol: halted.symbol.map_or_else(|| ALL.to_owned(), |symbol| symbol.to_string()),
        since: halted.since,
    });
    answer(StatusCode::OK, &Halts { halts: halts.collect() })
}

/// `POST /halts` with `{"symbols":["AAPL"]}`, or `["*"]` for everything: nothing is traded in them from now on.
pub(super) async fn begin(State(served): State<Served>, body: Bytes) -> Result<Response, Failed> {
    served.broker.set_halt(symbols(&body)?, true).await?;
    list(State(served)).await
}

/// `POST /halts/resume` with the same: trading goes on. After `["*"]` nothing is halted any more.
pub(super) async fn end(State(served): State<Served>, body: Bytes) -> Result<Response, Failed> {
    served.broker.set_halt(symbols(&body)?, false).await?;
    list(State(served)).await
}

/// `DELETE /halts`: nothing is halted any more.
pub(super) async fn end_all(State(served): State<Served>) -> Result<StatusCode, Failed> {
    served.broker.set_halt(None, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which symbols; `None` for all of them.
fn symbols(body: &Bytes) -> Result<Option<Vec<Symbol>>, Failed> {
    let mut fields = fields(body)?;
    let names = fields.texts("symbols").map_err(|fault| AlpacaError::from(&fault))?.unwrap_or_default();
    fields.finish().map_err(|fault| AlpacaError::from(&fault))?;
    if names == [ALL] {
        return Ok(None);
    }
    let symbols: Option<Vec<Symbol>> = names.iter().map(|name| Symbol::parse(name).ok()).collect();
    let symbols = symbols.filter(|symbols| !symbols.is_empty()).ok_or_else(|| {
        let message = "symbols must be a list such as [\"AAPL\",\"BTC/USD\"], or [\"*\"] for everything";
        AlpacaError::invalid_field(message.to_owned())
    })?;
    Ok(Some(symbols))
}
