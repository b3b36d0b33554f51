//! `GET /v2/account/activities`.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decimal::{text, text_option};

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
