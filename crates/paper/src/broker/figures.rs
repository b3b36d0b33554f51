//! What an account is worth, what it must keep, and what it can buy.
//!
//! Alpaca publishes formulas for the multipliers 1, 2 and 4 that look at yesterday's close in part. Here one formula
//! serves all three, at the prices of now: what is left of the equity after everything held and ordered has been paid for
//! at the multiplier, times the multiplier. A fresh account shows what a real one shows.

use jiff::Timestamp;
use paddock_core::{AssetClass, Symbol};
use rust_decimal::Decimal;

use super::account::Account;
use super::position::{Position, to_cents};
use crate::market::Market;

/// Dollars of equity under which there is neither margin nor shorting (Regulation T, FINRA rule 4210).
pub const MARGIN_MINIMUM: Decimal = Decimal::from_parts(2000, 0, 0, false, 0);

/// An account in dollars to the cent, at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Cash and everything held.
    pub equity: Decimal,
    /// Everything held long.
    pub long_market_value: Decimal,
    /// Everything sold short; negative or zero.
    pub short_market_value: Decimal,
    /// 1, 2 or 4.
    pub multiplier: Decimal,
    /// What Regulation T wants for what is held.
    pub initial_margin: Decimal,
    /// Under what the equity must not fall.
    pub maintenance_margin: Decimal,
    /// What marginable assets can be bought for.
    pub buying_power: Decimal,
    /// What can be bought and held overnight.
    pub regt_buying_power: Decimal,
    /// What can be bought of what cannot be bought on margin.
    pub non_marginable_buying_power: Decimal,
}

/// What a position is valued at: the price that stands, or its cost if there never was one.
#[must_use]
pub fn price_of(market: &Market, symbol: &Symbol, position: &Position, at: Timestamp) -> Decimal {
    market.standing_price(symbol, at).unwrap_or_else(|| position.average_price())
}

/// An account's figures. `without` is an open order whose reservation does not count, since it is to be replaced.
#[must_use]
pub fn figures(account: &Account, market: &Market, at: Timestamp, without: Option<u64>) -> Figures {
    let (mut long, mut short, mut marginable, mut cash_only) =
        (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
    let mut maintenance_margin = Decimal::ZERO;
    for (symbol, position) in &account.positions {
        let price = price_of(market, symbol, position, at);
        let value = position.value_at(price);
        if position.is_short() {
            short += value
        } else {
            long += value
        }
        if is_marginable(symbol) {
            marginable += value.abs()
        } else {
            cash_only += value.abs()
        }
        maintenance_margin += maintenance(symbol, position, price, value);
    }
    let equity = account.cash + long + short;
    let (mut reserved, mut reserved_cash) = account.reserved();
    if let Some(order) = without.and_then(|sequence| account.order_at(sequence)) {
        if is_marginable(&order.request.symbol) {
            reserved -= order.reserved();
        } else {
            reserved_cash -= order.reserved();
        }
    }

    let multiplier = multiplier(account, equity);
    let initial_margin = to_cents(match multiplier == Decimal::ONE {
        true => marginable + cash_only,
        false => marginable / Decimal::TWO + cash_only,
    });
    // Everything marginable weighs its value, everything else its value times the multiplier.
    let power = |multiplier: Decimal| {
        let used = marginable + reserved + multiplier * (cash_only + reserved_cash);
        (multiplier * equity - used).max(Decimal::ZERO)
    };
    let buying_power = power(multiplier);
    let free_cash = account.cash + short - reserved - reserved_cash;
    let at_multiplier = buying_power.checked_div(multiplier).unwrap_or_default();
    Figures {
        equity,
        long_market_value: long,
        short_market_value: short,
        multiplier,
        initial_margin,
        maintenance_margin: to_cents(maintenance_margin),
        buying_power,
        regt_buying_power: power(multiplier.min(Decimal::TWO)),
        non_marginable_buying_power: to_cents(free_cash.min(at_multiplier).max(Decimal::ZERO)),
    }
}

/// Whether buying a symbol takes buying power at the multiplier, or cash.
#[must_use]
pub fn is_marginable(symbol: &Symbol) -> bool {
    symbol.class() == AssetClass::UsEquity
}

fn multiplier(account: &Account, equity: Decimal) -> Decimal {
    if equity < MARGIN_MINIMUM {
        return Decimal::ONE;
    }
    match account.configuration.max_margin_multiplier.as_str() {
        "1" => Decimal::ONE,
        "2" => Decimal::TWO,
        _ => Decimal::from(4),
    }
}

/// Alpaca's maintenance table (documentation of 2026-09-17): long below $2.50 all of it, up to $6 half, above it 30 %;
/// short below $5 the greater of $2.50 a share and all of it, else the greater of $5 a share and 30 %.
fn maintenance(symbol: &Symbol, position: &Position, price: Decimal, value: Decimal) -> Decimal {
    let (size, worth) = (position.quantity.abs(), value.abs());
    let thirty_percent = worth * Decimal::new(30, 2);
    if !is_marginable(symbol) {
        worth
    } else if position.is_short() {
        match price < Decimal::from(5) {
            true => worth.max(size * Decimal::new(250, 2)),
            false => thirty_percent.max(size * Decimal::from(5)),
        }
    } else if price < Decimal::new(250, 2) {
        worth
    } else if price <= Decimal::from(6) {
        worth / Decimal::TWO
    } else {
        thirty_percent
    }
}
