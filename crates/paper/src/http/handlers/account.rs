//! `GET /v2/account`.

use axum::response::Response;
use paddock_alpaca::AlpacaError;

use crate::http::{Call, respond, views};

/// The account with its figures of now.
pub(in crate::http) async fn get(call: &Call) -> Result<Response, AlpacaError> {
    let account =
        call.view(|broker, account| Ok(views::account(account, broker.market(), broker.now()))).await?;
    let account = if call.broker.shows_day_trades() { account } else { views::without_day_trades(account) };
    respond::ok(&account)
}
