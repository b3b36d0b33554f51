//! `GET /v2/account/activities`.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decimal::{text, text_option};

/// Money or securities that came into an account or left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// One of [`Transfer::TYPES`].
    pub activity_type: String,
    /// The day for which it counts.
    pub date: Date,
    /// Dollars that came in; negative for what left.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub net_amount: Option<Decimal>,
    /// Securities that came in; negative for what left.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub qty: Option<Decimal>,
    /// Dollars for each of them.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub price: Option<Decimal>,
}

impl Transfer {
    /// Deposits and withdrawals, journals between accounts, and transfers between brokers, of cash and of securities.
    pub const TYPES: &'static str = "TRANS,CSD,CSW,JNL,JNLC,JNLS,ACATC,ACATS";

    /// Dollars that came in, securities at their price; negative for what left.
    #[must_use]
    pub fn dollars(&self) -> Decimal {
        let securities = self.qty.zip(self.price).and_then(|(quantity, price)| quantity.checked_mul(price));
        match self.net_amount {
            Some(net) if !net.is_zero() => net,
            _ => securities.unwrap_or_default(),
        }
    }
}

/// A fill. Other activities have other members and are not read yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityFill {
    /// `YYYYMMDDHHMMSSmmm::uuid`, where the time is New York's; the last item's id is the next page's token.
    pub id: String,
    /// The account. Not in Alpaca's document; alpaca-py 0.44.0 requires it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Uuid>,
    /// Always `FILL`.
    pub activity_type: String,
    /// When it traded.
    pub transaction_time: Timestamp,
    /// `fill` or `partial_fill`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Price in dollars.
    #[serde(with = "text")]
    pub price: Decimal,
    /// How much traded.
    #[serde(with = "text")]
    pub qty: Decimal,
    /// `buy`, `sell` or `sell_short`.
    pub side: String,
    /// The symbol; crypto with the slash.
    pub symbol: String,
    /// How much of the order is left.
    #[serde(default, with = "text_option")]
    pub leaves_qty: Option<Decimal>,
    /// The order.
    pub order_id: Uuid,
    /// How much of the order has traded, this fill included.
    #[serde(default, with = "text_option")]
    pub cum_qty: Option<Decimal>,
    /// The order's status after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_status: Option<String>,
}
