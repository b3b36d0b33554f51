//! Option contracts.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decimal::{text, text_option};

/// An option contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionContract {
    /// Its id.
    pub id: Uuid,
    /// Its OCC symbol, for example `AAPL250620C00100000`.
    pub symbol: String,
    /// For example `AAPL Jun 20 2025 100 Call`.
    pub name: String,
    /// `active`, or `inactive` after its expiry.
    pub status: String,
    /// Whether orders are taken.
    pub tradable: bool,
    /// The last day on which it can be exercised.
    pub expiration_date: Date,
    /// The letters with which its symbol begins.
    pub root_symbol: String,
    /// What it is an option on.
    pub underlying_symbol: String,
    /// The id of that.
    pub underlying_asset_id: Uuid,
    /// `call` or `put`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `american` or `european`.
    pub style: String,
    /// Dollars for a share.
    #[serde(with = "text")]
    pub strike_price: Decimal,
    /// What a quoted price is multiplied with.
    #[serde(with = "text")]
    pub multiplier: Decimal,
    /// How many shares are delivered.
    #[serde(with = "text")]
    pub size: Decimal,
    /// How many of it are held at the end of a day.
    #[serde(with = "text_option", default, skip_serializing_if = "Option::is_none")]
    pub open_interest: Option<Decimal>,
    /// Of which day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_interest_date: Option<Date>,
    /// The price at the end of a day, dollars for a share.
    #[serde(with = "text_option", default, skip_serializing_if = "Option::is_none")]
    pub close_price: Option<Decimal>,
    /// Of which day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_price_date: Option<Date>,
    /// Whether its price has steps of a cent.
    #[serde(default)]
    pub ppind: bool,
    /// What is delivered, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliverables: Option<Vec<OptionDeliverable>>,
}

/// What is delivered when a contract is exercised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionDeliverable {
    /// `equity` or `cash`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of what.
    pub symbol: String,
    /// The id of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<Uuid>,
    /// How many shares, or dollars.
    #[serde(with = "text")]
    pub amount: Decimal,
    /// Its part of the cost, percent.
    #[serde(with = "text")]
    pub allocation_percentage: Decimal,
    /// For example `T+1`.
    pub settlement_type: String,
    /// For example `CCC`, the clearing corporation.
    pub settlement_method: String,
    /// Whether it is delivered later than usual.
    pub delayed_settlement: bool,
}

/// One page of contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionContracts {
    /// The contracts.
    pub option_contracts: Vec<OptionContract>,
    /// What to ask the next page with, if there is one.
    pub next_page_token: Option<String>,
}
