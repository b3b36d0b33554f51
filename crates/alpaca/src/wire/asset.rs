//! `GET /v2/assets`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decimal::text_option;

/// An asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Alpaca's identity of the asset.
    pub id: Uuid,
    /// The asset class in Alpaca's spelling.
    pub class: String,
    /// The exchange.
    pub exchange: String,
    /// The symbol; crypto with the slash.
    pub symbol: String,
    /// The name.
    #[serde(default)]
    pub name: String,
    /// `active` or `inactive`.
    pub status: String,
    /// Whether it can be traded at Alpaca.
    pub tradable: bool,
    /// Whether it may be bought on margin.
    #[serde(default)]
    pub marginable: bool,
    /// Percentage of margin for keeping it; written as a number.
    #[serde(default, with = "super::decimal::number_option", skip_serializing_if = "Option::is_none")]
    pub maintenance_margin_requirement: Option<Decimal>,
    /// Percentage of margin for holding it.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub margin_requirement_long: Option<Decimal>,
    /// Percentage of margin for selling it short.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub margin_requirement_short: Option<Decimal>,
    /// Whether it may be sold short.
    #[serde(default)]
    pub shortable: bool,
    /// Whether it is easy to borrow. Deprecated by Alpaca; alpaca-py 0.44.0 still requires it.
    #[serde(default)]
    pub easy_to_borrow: bool,
    /// `easy_to_borrow` or `hard_to_borrow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borrow_status: Option<String>,
    /// Whether fractions can be traded.
    #[serde(default)]
    pub fractionable: bool,
    /// Smallest order.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub min_order_size: Option<Decimal>,
    /// Smallest step of a quantity.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub min_trade_increment: Option<Decimal>,
    /// Smallest step of a price.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub price_increment: Option<Decimal>,
    /// Further facts, such as `has_options`.
    #[serde(default, deserialize_with = "super::null_is_empty")]
    pub attributes: Vec<String>,
}
