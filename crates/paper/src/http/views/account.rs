//! An account.

use jiff::Timestamp;
use paddock_alpaca::wire;
use paddock_core::calendar;
use rust_decimal::Decimal;

use super::shown;
use crate::broker::Account;
use crate::broker::day_trades::{self, PATTERN};
use crate::broker::fees::Regulatory;
use crate::broker::figures::figures;
use crate::market::Market;

/// Options levels are those of a fresh paper account, though options cannot be traded here yet.
const OPTIONS_LEVEL: u8 = 3;

/// An account as Alpaca shows it.
pub(in crate::http) fn account(account: &Account, market: &Market, at: Timestamp) -> wire::Account {
    let figures = figures(account, market, at, None);
    let mark = account.marks.last();
    let accrued: Decimal = account.accrued.iter().map(|fee| fee.dollars).sum();
    let fees = &account.day_fees;
    let day_trades = day_trades::count(account, at);
    let as_of = mark.map_or_else(
        || calendar::previous_session_before(calendar::trading_date(account.started_at)).date,
        |mark| mark.date,
    );
    let dollars = |value: Decimal| Some(shown(value));
    wire::Account {
        id: account.id,
        account_number: account.number.clone(),
        status: account.standing.status.clone(),
        crypto_status: Some(account.standing.status.clone()),
        currency: Some("USD".to_owned()),
        buying_power: dollars(figures.buying_power),
        regt_buying_power: dollars(figures.regt_buying_power),
        non_marginable_buying_power: dollars(figures.non_marginable_buying_power),
        options_buying_power: dollars(figures.non_marginable_buying_power),
        cash: dollars(account.cash),
        accrued_fees: dollars(accrued + fees.total()),
        pending_reg_taf_fees: dollars(fees.due(Regulatory::Reg) + fees.due(Regulatory::Taf)),
        pending_transfer_in: None,
        pending_transfer_out: None,
        portfolio_value: dollars(figures.equity),
        equity: dollars(figures.equity),
        last_equity: dollars(mark.map_or(account.starting_cash, |mark| mark.equity)),
        long_market_value: dollars(figures.long_market_value),
        short_market_value: dollars(figures.short_market_value),
        position_market_value: dollars(figures.long_market_value + figures.short_market_value.abs()),
        initial_margin: dollars(figures.initial_margin),
        maintenance_margin: dollars(figures.maintenance_margin),
        last_maintenance_margin: dollars(mark.map_or(Decimal::ZERO, |mark| mark.maintenance_margin)),
        sma: dollars(Decimal::ZERO),
        intraday_adjustments: dollars(Decimal::ZERO),
        multiplier: dollars(figures.multiplier),
        balance_asof: Some(as_of.to_string()),
        crypto_tier: Some(account.crypto_tier),
        options_approved_level: Some(OPTIONS_LEVEL),
        options_trading_level: Some(OPTIONS_LEVEL),
        shorting_enabled: !account.configuration.no_shorting && figures.multiplier > Decimal::ONE,
        trade_suspended_by_user: account.configuration.suspend_trade,
        trading_blocked: account.standing.trading_blocked,
        transfers_blocked: false,
        account_blocked: account.standing.account_blocked,
        pattern_day_trader: Some(day_trades >= PATTERN),
        daytrade_count: Some(day_trades),
        // Only accounts with the multiplier 4 had it.
        daytrading_buying_power: dollars(match figures.multiplier == Decimal::from(4) {
            true => figures.buying_power,
            false => Decimal::ZERO,
        }),
        created_at: Some(account.created_at),
    }
}

/// The same without the fields on day trades, as Alpaca shows it since they are gone.
pub(in crate::http) fn without_day_trades(account: wire::Account) -> wire::Account {
    wire::Account { pattern_day_trader: None, daytrade_count: None, daytrading_buying_power: None, ..account }
}
