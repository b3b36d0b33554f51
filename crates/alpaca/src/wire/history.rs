//! `GET /v2/account/portfolio/history`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::decimal::{number_option, numbers};

/// An account's worth over time. The lists have one entry for each timestamp; money in dollars, as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortfolioHistory {
    /// Unix seconds.
    pub timestamp: Vec<i64>,
    /// Worth.
    #[serde(with = "numbers")]
    pub equity: Vec<Option<Decimal>>,
    /// Profit since the base.
    #[serde(with = "numbers")]
    pub profit_loss: Vec<Option<Decimal>>,
    /// Profit since the base, as a share of it.
    #[serde(with = "numbers")]
    pub profit_loss_pct: Vec<Option<Decimal>>,
    /// What profit is counted from.
    #[serde(default, with = "number_option")]
    pub base_value: Option<Decimal>,
    /// The date of the base, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_value_asof: Option<String>,
    /// The distance of the timestamps, for example `1D`.
    pub timeframe: String,
}
