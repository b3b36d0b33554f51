//! The broker's own types as Alpaca's JSON.

mod account;
mod activity;
mod activity_event;
mod asset;
mod corporate;
mod order;
mod position;
mod prices;

pub(super) use account::{account, without_day_trades};
pub(super) use activity::activity;
pub(crate) use activity_event::activity_event;
pub(super) use asset::asset;
pub(super) use corporate::{announcement, cash_dividend, forward_split, process_date};
pub(crate) use order::order;
pub(super) use order::{family, order_at};
pub(super) use position::position;
pub(super) use prices::{bar, venue};
pub(crate) use prices::{crypto_quote, crypto_trade, stock_quote, stock_trade};

use rust_decimal::Decimal;

/// A decimal as it is shown: at most nine places, no zeros at the end.
pub(crate) fn shown(value: Decimal) -> Decimal {
    value.round_dp(9).normalize()
}
