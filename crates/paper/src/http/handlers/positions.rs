//! `/v2/positions`.

use axum::response::Response;
use http::StatusCode;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::close_position::ClosePart;
use paddock_alpaca::wire::position::ClosedPosition;
use paddock_core::Symbol;

use super::assets;
use super::orders::accepted;
use crate::broker::command::Portion;
use crate::broker::{Closed, Command, Reply};
use crate::http::{Call, respond, views};

/// All positions.
pub(in crate::http) async fn list(call: &Call) -> Result<Response, AlpacaError> {
    let shown = call
        .view(|broker, account| {
            let show = |(symbol, position)| {
                views::position(account, symbol, position, broker.market(), broker.now())
            };
            Ok(account.positions.iter().map(show).collect::<Vec<_>>())
        })
        .await?;
    respond::ok(&shown)
}

/// The position in one asset.
pub(in crate::http) async fn get(call: &Call) -> Result<Response, AlpacaError> {
    let symbol = symbol(call)?;
    let shown = call
        .view(|broker, account| {
            let position = account.positions.get(&symbol).ok_or_else(AlpacaError::position_not_found)?;
            Ok(views::position(account, &symbol, position, broker.market(), broker.now()))
        })
        .await?;
    respond::ok(&shown)
}

/// Closes a position or a part of it, and answers with the order that does.
pub(in crate::http) async fn close(call: &Call) -> Result<Response, AlpacaError> {
    let symbol = symbol(call)?;
    let portion = match ClosePart::parse(&call.query)? {
        ClosePart::All => Portion::Whole,
        ClosePart::Quantity(quantity) => Portion::Quantity(quantity),
        ClosePart::Percentage(percentage) => Portion::Percentage(percentage),
    };
    let order = call.broker.new_id();
    accepted(call, Command::ClosePosition { account: call.account, symbol, portion, order }).await
}

/// Closes all positions: 207 with one entry for each.
pub(in crate::http) async fn close_all(call: &Call) -> Result<Response, AlpacaError> {
    let cancel_orders = call.boolean("cancel_orders")?.unwrap_or(false);
    let base = call.broker.new_id();
    let command = Command::CloseAllPositions { account: call.account, cancel_orders, base };
    let reply = call.broker.execute(command).await?;
    let closed = if let Reply::Closed(closed) = reply { closed } else { Vec::new() };
    let entries: Result<Vec<ClosedPosition>, AlpacaError> =
        closed.into_iter().map(|closed| entry(call, closed)).collect();
    respond::json(StatusCode::MULTI_STATUS, &entries?)
}

fn entry(call: &Call, closed: Closed) -> Result<ClosedPosition, AlpacaError> {
    let symbol = closed.symbol.without_slash();
    match closed.outcome {
        Ok(order) => ClosedPosition::closing(symbol, &views::order(&order, call.broker.market()))
            .map_err(|_| AlpacaError::internal()),
        Err(error) => Ok(ClosedPosition::failed(symbol, &error)),
    }
}

fn symbol(call: &Call) -> Result<Symbol, AlpacaError> {
    assets::find(call.broker.market(), call.param()).map(|asset| asset.symbol.clone())
}
