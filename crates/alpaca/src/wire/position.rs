//! `GET /v2/positions` and the answers to closing them.

use paddock_core::Symbol;
use paddock_core::order::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Order;
use super::decimal::{text, text_option};
use crate::error::AlpacaError;

/// A position. Crypto pairs are spelled without their slash here (`BTCUSD`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The asset.
    pub asset_id: Uuid,
    /// The symbol; crypto without the slash.
    pub symbol: String,
    /// The exchange, or an empty text.
    #[serde(default)]
    pub exchange: String,
    /// The asset class in Alpaca's spelling.
    pub asset_class: String,
    /// Whether it may be bought on margin.
    #[serde(default)]
    pub asset_marginable: bool,
    /// Average price paid.
    #[serde(with = "text")]
    pub avg_entry_price: Decimal,
    /// Quantity; negative for a short position.
    #[serde(with = "text")]
    pub qty: Decimal,
    /// Quantity that no open order holds.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub qty_available: Option<Decimal>,
    /// `long` or `short`.
    pub side: PositionSide,
    /// Worth in dollars; negative for a short position.
    #[serde(default, with = "text_option")]
    pub market_value: Option<Decimal>,
    /// What it cost, in dollars.
    #[serde(default, with = "text_option")]
    pub cost_basis: Option<Decimal>,
    /// Profit so far, in dollars.
    #[serde(default, with = "text_option")]
    pub unrealized_pl: Option<Decimal>,
    /// Profit so far, as a share of the cost (0.01 is one percent).
    #[serde(default, with = "text_option")]
    pub unrealized_plpc: Option<Decimal>,
    /// Profit of the day, in dollars.
    #[serde(default, with = "text_option")]
    pub unrealized_intraday_pl: Option<Decimal>,
    /// Profit of the day, as a share.
    #[serde(default, with = "text_option")]
    pub unrealized_intraday_plpc: Option<Decimal>,
    /// Price now.
    #[serde(default, with = "text_option")]
    pub current_price: Option<Decimal>,
    /// Price at the last close.
    #[serde(default, with = "text_option")]
    pub lastday_price: Option<Decimal>,
    /// Change of the price since the last close, as a share.
    #[serde(default, with = "text_option")]
    pub change_today: Option<Decimal>,
}

impl Position {
    /// The symbol in its canonical spelling, with the slash of a crypto pair.
    #[must_use]
    pub fn parsed_symbol(&self) -> Option<Symbol> {
        Symbol::parse(&self.symbol).ok()
    }
}

/// Which way a position goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PositionSide {
    /// Held.
    Long,
    /// Sold short.
    Short,
}

impl PositionSide {
    /// The side of the order that closes it.
    #[must_use]
    pub const fn closing_side(self) -> Side {
        match self {
            Self::Long => Side::Sell,
            Self::Short => Side::Buy,
        }
    }
}

/// One entry of the answer to `DELETE /v2/positions` (status 207).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClosedPosition {
    /// The position's symbol.
    pub symbol: String,
    /// The HTTP status that its own close would have had.
    pub status: u16,
    /// The order that closes it, or the error.
    pub body: serde_json::Value,
}

impl ClosedPosition {
    /// A position that an order closes.
    ///
    /// # Errors
    /// When the order cannot be written as JSON.
    pub fn closing(symbol: String, order: &Order) -> Result<Self, serde_json::Error> {
        Ok(Self { symbol, status: 200, body: serde_json::to_value(order)? })
    }

    /// A position that could not be closed.
    #[must_use]
    pub fn failed(symbol: String, error: &AlpacaError) -> Self {
        let body = serde_json::from_slice(&error.to_body()).unwrap_or_default();
        Self { symbol, status: error.status, body }
    }
}
