//! `GET /v2/account`.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decimal::text_option;

/// An account. Money in dollars, as texts. Only the id, the number and the status are always there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Alpaca's identity of the account; new keys do not change it.
    pub id: Uuid,
    /// The number that people see, for example `PA3ABCDEFGHI` in the paper environment.
    pub account_number: String,
    /// `ACTIVE`, or one of a dozen words for an account that cannot trade.
    pub status: String,
    /// The same for crypto.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crypto_status: Option<String>,
    /// Always `USD` for accounts of the trading API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// What may be spent on marginable assets.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub buying_power: Option<Decimal>,
    /// Buying power under Regulation T.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub regt_buying_power: Option<Decimal>,
    /// Buying power for crypto and other assets without margin.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub non_marginable_buying_power: Option<Decimal>,
    /// Buying power for options.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub options_buying_power: Option<Decimal>,
    /// Cash; negative when borrowed.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub cash: Option<Decimal>,
    /// Fees of the day that are not yet charged.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub accrued_fees: Option<Decimal>,
    /// The regulator's trading activity fee of the day that is not yet charged.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub pending_reg_taf_fees: Option<Decimal>,
    /// Money on its way in.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub pending_transfer_in: Option<Decimal>,
    /// Money on its way out.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub pending_transfer_out: Option<Decimal>,
    /// The same as `equity`, under its older name.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub portfolio_value: Option<Decimal>,
    /// Cash plus long minus short market value.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub equity: Option<Decimal>,
    /// Equity at the last close.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub last_equity: Option<Decimal>,
    /// Worth of all that is held.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub long_market_value: Option<Decimal>,
    /// Worth of all that is sold short; zero or less.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub short_market_value: Option<Decimal>,
    /// Worth of all positions.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub position_market_value: Option<Decimal>,
    /// Margin for opening the positions.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub initial_margin: Option<Decimal>,
    /// Margin for keeping the positions.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub maintenance_margin: Option<Decimal>,
    /// Maintenance margin at the last close.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub last_maintenance_margin: Option<Decimal>,
    /// Special memorandum account, a figure of Regulation T.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub sma: Option<Decimal>,
    /// Money moved in or out today.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub intraday_adjustments: Option<Decimal>,
    /// The multiple of equity that may be invested: 1, 2 or 4.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub multiplier: Option<Decimal>,
    /// The date of the balances, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance_asof: Option<String>,
    /// Tier of crypto fees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crypto_tier: Option<u8>,
    /// 0 to 3: what options trading was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options_approved_level: Option<u8>,
    /// 0 to 3: what options trading is in effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options_trading_level: Option<u8>,
    /// Whether the account may sell short.
    #[serde(default)]
    pub shorting_enabled: bool,
    /// Whether the owner stopped trading in the settings.
    #[serde(default)]
    pub trade_suspended_by_user: bool,
    /// Whether Alpaca stopped trading.
    #[serde(default)]
    pub trading_blocked: bool,
    /// Whether Alpaca stopped transfers.
    #[serde(default)]
    pub transfers_blocked: bool,
    /// Whether Alpaca stopped everything.
    #[serde(default)]
    pub account_blocked: bool,
    /// Whether the account was taken for a pattern day trader's. Alpaca removed this and the next two on 2026-07-06.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern_day_trader: Option<bool>,
    /// Day trades of the last five sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daytrade_count: Option<u32>,
    /// What may be spent on day trades.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub daytrading_buying_power: Option<Decimal>,
    /// When the account was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

impl Account {
    /// Whether the status is `ACTIVE`.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::dec;

    #[test]
    fn reads_what_is_known_and_ignores_the_rest() {
        let json = r#"{"id":"7e1d0bff-1d8f-4a4a-8a39-4d3a4a1c8d9e","account_number":"PA3ABCDEFGHI","status":"ACTIVE",
            "cash":"100000","multiplier":"4","options_trading_level":3,"admin_configurations":{},
            "user_configurations":null,"crypto_tier":1,"created_at":"2026-08-20T10:11:12.123456789Z"}"#;
        let account: Account = serde_json::from_str(json).unwrap();
        assert_eq!((account.cash, account.multiplier), (Some(dec("100000")), Some(dec("4"))));
        assert!(account.is_active() && !account.trading_blocked);
        let again: Account = serde_json::from_str(&serde_json::to_string(&account).unwrap()).unwrap();
        assert_eq!(again, account);
    }
}
