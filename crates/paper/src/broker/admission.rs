//! Whether an order is taken: the rules that look at the account, the asset and the order's form, then at what it would
//! sell or spend.

mod exits;
mod form;

use jiff::Timestamp;
use paddock_alpaca::error::AlpacaError;
use paddock_alpaca::wire::PositionIntent;
use paddock_core::order::{Amount, OrderClass, OrderRequest, OrderType, Side};
use paddock_core::{AssetClass, Symbol};
use rust_decimal::Decimal;

use super::Rules;
use super::account::Account;
use super::figures::{figures, is_marginable};
use super::not_offered;
use super::order::{Order, trail_of, units_for};
use super::position::to_cents;
use crate::market::{AssetInfo, Market, Quote};

/// Dollars that a crypto order must be worth.
const CRYPTO_MINIMUM: Decimal = Decimal::TEN;

/// What admission found out about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub intent: PositionIntent,
    /// See [`Order::reserved_price`].
    pub reserved_price: Decimal,
}

/// An order to be taken or not, with everything that the rules look at.
pub(super) struct Candidate<'a> {
    pub account: &'a Account,
    pub market: &'a Market,
    pub at: Timestamp,
    pub rules: Rules,
    pub request: &'a OrderRequest,
    /// The open order that it takes the place of: what that one holds is free for this one.
    pub replaces: Option<&'a Order>,
}

/// Takes an order or says why not.
pub(super) fn admit(candidate: &Candidate<'_>) -> Result<Admitted, AlpacaError> {
    candidate.check_account()?;
    let asset = candidate.asset()?;
    candidate.check_kind()?;
    candidate.check_fraction(asset)?;
    candidate.check_form()?;
    candidate.check_stop()?;
    let quote = candidate.quote()?;
    candidate.check_limit(&quote)?;
    let intent = candidate.check_holding(asset, &quote)?;
    candidate.check_liquidation(intent)?;
    candidate.check_exits(intent, &quote)?;
    candidate.check_wash_trade()?;
    let reserved_price = candidate.check_money(intent, &quote)?;
    Ok(Admitted { intent, reserved_price })
}

/// Takes an exit in the place of another, or says why not: it has the units of that one, and only its prices are new.
pub(super) fn admit_exit(candidate: &Candidate<'_>, old: &Order) -> Result<Admitted, AlpacaError> {
    candidate.check_account()?;
    candidate.asset()?;
    Candidate {
        request: &OrderRequest { order_class: OrderClass::Simple, ..candidate.request.clone() },
        ..*candidate
    }
    .check_form()?;
    candidate.check_exit(old, &candidate.quote()?)?;
    let price = candidate.request.limit_price.or(candidate.request.stop_price);
    Ok(Admitted { intent: old.intent, reserved_price: price.unwrap_or_default() })
}

impl Candidate<'_> {
    fn check_account(&self) -> Result<(), AlpacaError> {
        if !self.account.standing.may_trade() {
            return Err(AlpacaError::account_not_authorized());
        }
        if self.account.configuration.suspend_trade {
            return Err(AlpacaError::trading_suspended_by_user());
        }
        Ok(())
    }

    /// An account that is restricted to liquidation may only close what it holds.
    fn check_liquidation(&self, intent: PositionIntent) -> Result<(), AlpacaError> {
        let opens = matches!(intent, PositionIntent::BuyToOpen | PositionIntent::SellToOpen);
        if opens && self.account.standing.liquidation_only {
            return Err(AlpacaError::account_liquidation_only());
        }
        Ok(())
    }

    fn asset(&self) -> Result<&AssetInfo, AlpacaError> {
        let symbol = &self.request.symbol;
        if symbol.class() == AssetClass::UsOption {
            return Err(not_offered::order_kind("asset class us_option"));
        }
        let asset =
            self.market.asset(symbol).ok_or_else(|| AlpacaError::order_asset_not_found(symbol.as_str()))?;
        if !is_tradable(asset) {
            return Err(AlpacaError::asset_not_tradable(symbol.as_str()));
        }
        Ok(asset)
    }

    /// Whether the order closes what is held, which it can up to what other orders do not hold, or opens something new.
    fn check_holding(&self, asset: &AssetInfo, quote: &Quote) -> Result<PositionIntent, AlpacaError> {
        let symbol = &self.request.symbol;
        let held = self.account.position(symbol).quantity;
        match self.request.side {
            Side::Sell if held > Decimal::ZERO => {
                self.check_available(held, quote)?;
                Ok(PositionIntent::SellToClose)
            }
            Side::Buy if held < Decimal::ZERO => {
                self.check_available(held.abs(), quote)?;
                Ok(PositionIntent::BuyToClose)
            }
            Side::Sell => {
                self.check_short_sale(asset, quote)?;
                Ok(PositionIntent::SellToOpen)
            }
            Side::Buy => {
                let mut sales = self.account.open_orders_in(symbol, Side::Sell);
                if sales.any(|order| order.intent == PositionIntent::SellToOpen) {
                    return Err(AlpacaError::buy_while_shorting());
                }
                Ok(PositionIntent::BuyToOpen)
            }
        }
    }

    fn check_available(&self, held: Decimal, quote: &Quote) -> Result<(), AlpacaError> {
        let symbol = &self.request.symbol;
        let requested = self.units_at(self.likely_price(quote));
        let others: Vec<&Order> = self
            .account
            .open_orders_in(symbol, self.request.side)
            .filter(|order| self.replaces.is_none_or(|replaced| replaced.id != order.id))
            .filter(|order| !order.held_quantity().is_zero())
            .collect();
        let held_for_orders: Decimal = others.iter().map(|order| order.held_quantity()).sum();
        let available = held - held_for_orders;
        if requested <= available {
            return Ok(());
        }
        if self.class() == AssetClass::Crypto {
            return Err(AlpacaError::insufficient_balance(coin(symbol), requested, available, held));
        }
        let related: Vec<_> = others.iter().map(|order| order.id).collect();
        Err(AlpacaError::insufficient_quantity(
            symbol.as_str(),
            requested,
            available,
            held,
            held_for_orders,
            &related,
        ))
    }

    fn check_short_sale(&self, asset: &AssetInfo, quote: &Quote) -> Result<(), AlpacaError> {
        let symbol = &self.request.symbol;
        if self.class() == AssetClass::Crypto {
            let requested = self.units_at(self.likely_price(quote));
            return Err(AlpacaError::insufficient_balance(
                coin(symbol),
                requested,
                Decimal::ZERO,
                Decimal::ZERO,
            ));
        }
        if self.is_fractional() {
            return Err(AlpacaError::fractional_not_short());
        }
        let figures = figures(self.account, self.market, self.at, None);
        if self.account.configuration.no_shorting || figures.multiplier == Decimal::ONE {
            return Err(AlpacaError::account_not_allowed_to_short());
        }
        if !asset.shortable {
            return Err(AlpacaError::asset_not_shortable(symbol.as_str()));
        }
        if self
            .account
            .open_orders_in(symbol, Side::Buy)
            .any(|order| order.intent == PositionIntent::BuyToOpen)
        {
            return Err(AlpacaError::short_while_buying());
        }
        Ok(())
    }

    /// An account must not trade with itself: against an open order of the other way, an order without a limit never goes, and
    /// one with a limit only if the two prices cannot meet. Orders with exits and trailing stops are exempt.
    fn check_wash_trade(&self) -> Result<(), AlpacaError> {
        let side = self.request.side;
        if is_exempt(self.request) {
            return Ok(());
        }
        for other in self.account.open_orders_in(&self.request.symbol, side.opposite()) {
            if is_exempt(&other.request) {
                continue;
            }
            let meets = match (self.request.limit_price, other.request.limit_price) {
                (Some(mine), Some(its)) if side == Side::Buy => mine >= its,
                (Some(mine), Some(its)) => its >= mine,
                _ => true,
            };
            if meets {
                let kind = match other.request.order_type {
                    OrderType::Limit | OrderType::StopLimit => "opposite side limit order exists",
                    _ => "opposite side market/stop order exists",
                };
                return Err(AlpacaError::wash_trade(other.id, kind));
            }
        }
        Ok(())
    }

    /// Whether an opening order can be paid for, and what one unit of the order is taken to cost. A market order to buy is
    /// taken to cost more than the ask, and a short sale at least 3 % more, as Alpaca does.
    fn check_money(&self, intent: PositionIntent, quote: &Quote) -> Result<Decimal, AlpacaError> {
        let likely = self.likely_price(quote);
        let worth = self.dollars_at(likely);
        if self.class() == AssetClass::Crypto && worth < CRYPTO_MINIMUM && !self.sells_everything() {
            return Err(AlpacaError::cost_basis_too_small(CRYPTO_MINIMUM));
        }
        let price = match (intent, self.request.limit_price) {
            (PositionIntent::BuyToOpen, Some(limit)) => limit,
            (PositionIntent::BuyToOpen, None) => likely * collar(likely),
            (PositionIntent::SellToOpen, limit) => {
                (quote.ask * Decimal::new(103, 2)).max(limit.unwrap_or_default())
            }
            (PositionIntent::BuyToClose | PositionIntent::SellToClose, _) => return Ok(likely),
        };
        let cost = self.dollars_at(price);
        let replaced = self.replaces.map(|order| order.sequence);
        let figures = figures(self.account, self.market, self.at, replaced);
        if is_marginable(&self.request.symbol) {
            if cost > figures.buying_power {
                return Err(AlpacaError::insufficient_buying_power(figures.buying_power, cost));
            }
        } else if cost > figures.non_marginable_buying_power {
            let available = figures.non_marginable_buying_power;
            return Err(AlpacaError::insufficient_balance("USD", cost, available, self.account.cash));
        }
        Ok(price)
    }

    fn class(&self) -> AssetClass {
        self.request.symbol.class()
    }

    fn is_fractional(&self) -> bool {
        match self.request.amount {
            Amount::Quantity(quantity) => !quantity.fract().is_zero(),
            Amount::Notional(_) => true,
        }
    }

    fn quote(&self) -> Result<Quote, AlpacaError> {
        let symbol = &self.request.symbol;
        let quote = self.market.standing_quote(symbol, self.at);
        quote.ok_or_else(|| AlpacaError::asset_not_tradable(symbol.as_str()))
    }

    /// The price that the order would be filled at, or would be resting at.
    fn likely_price(&self, quote: &Quote) -> Decimal {
        let request = self.request;
        let trailing = || {
            let last = self.market.standing_price(&request.symbol, self.at)?;
            Some(trail_of(request)?.stop_price(request.side, last))
        };
        request.limit_price.or(request.stop_price).or_else(trailing).unwrap_or(match request.side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        })
    }

    fn units_at(&self, price: Decimal) -> Decimal {
        match self.request.amount {
            Amount::Quantity(quantity) => quantity - self.filled(),
            Amount::Notional(notional) => units_for(notional, price),
        }
    }

    fn dollars_at(&self, price: Decimal) -> Decimal {
        match self.request.amount {
            // What is beyond all numbers is also beyond all buying power.
            Amount::Quantity(quantity) => {
                (quantity - self.filled()).checked_mul(price).map_or(Decimal::MAX, to_cents)
            }
            Amount::Notional(notional) => notional,
        }
    }

    /// What was filled already of the order that it takes the place of, and is part of its quantity.
    fn filled(&self) -> Decimal {
        self.replaces.map(|order| order.filled_quantity).unwrap_or_default()
    }

    /// The rest of a holding can always be sold, however little it is worth.
    fn sells_everything(&self) -> bool {
        let held = self.account.position(&self.request.symbol).quantity;
        self.request.side == Side::Sell && self.request.amount == Amount::Quantity(held + self.filled())
    }
}

/// Whether orders for the asset are taken. Crypto pairs that are quoted in another coin are not: accounts hold dollars.
#[must_use]
pub(crate) fn is_tradable(asset: &AssetInfo) -> bool {
    asset.tradable && (asset.symbol.class() != AssetClass::Crypto || asset.symbol.as_str().ends_with("/USD"))
}

/// Whether an order is left out of the look for wash trades.
fn is_exempt(request: &OrderRequest) -> bool {
    request.order_class != OrderClass::Simple || request.order_type == OrderType::TrailingStop
}

/// The coin of a pair.
fn coin(symbol: &Symbol) -> &str {
    symbol.as_str().split('/').next().unwrap_or_default()
}

/// How much more than the ask, or its stop price, an order to buy without a limit is taken to cost: 4 % below $50, else
/// 2.5 %.
fn collar(price: Decimal) -> Decimal {
    if price < Decimal::from(50) { Decimal::new(104, 2) } else { Decimal::new(1025, 3) }
}
