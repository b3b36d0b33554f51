//! `GET` and `PATCH /v2/account/configurations`.

use serde::{Deserialize, Serialize};

/// An account's settings. All but the optional members are required by alpaca-py 0.44.0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountConfiguration {
    /// Whether overnight trading is off.
    #[serde(default)]
    pub disable_overnight_trading: bool,
    /// Whether fractions can be traded.
    pub fractional_trading: bool,
    /// `1`, `2` or `4`.
    pub max_margin_multiplier: String,
    /// 0 to 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_options_trading_level: Option<u8>,
    /// Whether the account is long only.
    pub no_shorting: bool,
    /// Whether publicly traded partnerships without an exception may be bought.
    #[serde(default)]
    pub ptp_no_exception_entry: bool,
    /// Whether new orders are stopped.
    pub suspend_trade: bool,
    /// `all` or `none`.
    pub trade_confirm_email: String,
    /// `both`, `entry` or `exit`: when day-trading buying power was looked at. Alpaca removed this and the next on 2026-07-06.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtbp_check: Option<String>,
    /// `both`, `entry` or `exit`: when the rule on pattern day trading was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdt_check: Option<String>,
}

impl Default for AccountConfiguration {
    /// The settings of a new account.
    fn default() -> Self {
        Self {
            disable_overnight_trading: false,
            fractional_trading: true,
            max_margin_multiplier: "4".to_owned(),
            max_options_trading_level: None,
            no_shorting: false,
            ptp_no_exception_entry: false,
            suspend_trade: false,
            trade_confirm_email: "all".to_owned(),
            dtbp_check: None,
            pdt_check: None,
        }
    }
}
