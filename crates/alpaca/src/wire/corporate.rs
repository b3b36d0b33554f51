//! Splits and dividends: the trading host's announcements and the data host's corporate actions.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decimal::{number, text};

/// An announcement of the trading host. `ca_type` and `ca_sub_type` are written in small letters, as alpaca-py 0.44.0 requires;
/// Alpaca's document has capitals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The announcement.
    pub id: Uuid,
    /// The action that it announces.
    pub corporate_action_id: String,
    /// `dividend` or `split`, for example.
    pub ca_type: String,
    /// `cash` or `stock_split`, for example.
    pub ca_sub_type: String,
    /// Whose action.
    pub initiating_symbol: String,
    /// The number of its shares.
    pub initiating_original_cusip: String,
    /// What its holders have afterwards.
    pub target_symbol: String,
    /// The number of that.
    pub target_original_cusip: String,
    /// When it was declared, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration_date: Option<Date>,
    /// The first session whose prices are without it.
    pub ex_date: Date,
    /// Who owns shares at its end takes part.
    pub record_date: Date,
    /// When it is paid.
    pub payable_date: Date,
    /// Dollars a share.
    #[serde(with = "text")]
    pub cash: Decimal,
    /// For so many shares before it.
    #[serde(with = "text")]
    pub old_rate: Decimal,
    /// So many after it.
    #[serde(with = "text")]
    pub new_rate: Decimal,
}

/// `GET /v1/corporate-actions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorporateActionsPage {
    /// The actions by kind.
    pub corporate_actions: CorporateActions,
    /// What to ask the next page with, if there is one.
    pub next_page_token: Option<String>,
}

/// Actions by kind; a kind without any is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorporateActions {
    /// Cash dividends, by the day on which they are processed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cash_dividends: Vec<CashDividend>,
    /// Splits into more shares, by the day on which they are processed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forward_splits: Vec<ForwardSplit>,
}

/// A cash dividend of the data host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashDividend {
    /// The action.
    pub id: Uuid,
    /// Whose.
    pub symbol: String,
    /// The number of its shares.
    pub cusip: String,
    /// Dollars a share.
    #[serde(with = "number")]
    pub rate: Decimal,
    /// Whether it was beyond the usual ones.
    pub special: bool,
    /// Whether another country's.
    pub foreign: bool,
    /// When accounts get it.
    pub process_date: Date,
    /// The first session whose prices are without it.
    pub ex_date: Date,
    /// Who owns shares at its end takes part.
    pub record_date: Date,
    /// When it is paid.
    pub payable_date: Date,
}

/// A split of the data host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardSplit {
    /// The action.
    pub id: Uuid,
    /// Whose.
    pub symbol: String,
    /// The number of its shares.
    pub cusip: String,
    /// So many shares after it.
    #[serde(with = "number")]
    pub new_rate: Decimal,
    /// For so many before it.
    #[serde(with = "number")]
    pub old_rate: Decimal,
    /// When accounts get it.
    pub process_date: Date,
    /// The first session whose prices are without it.
    pub ex_date: Date,
    /// Who owned shares at its end took part.
    pub record_date: Date,
    /// When it was paid.
    pub payable_date: Date,
}
