//! Whether an order is taken: the rules that look at the account, the asset and the order's form, then at what it would
//! sell or spend.

use jiff::Timestamp;
use paddock_alpaca::error::AlpacaError;
use paddock_alpaca::wire::PositionIntent;
use paddock_core::order::{Amount, OrderClass, OrderRequest, OrderType, Side, TimeInForce};
use paddock_core::{AssetClass, Symbol};
use rust_decimal::Decimal;

use super::account::Account;
use super::figures::{figures, is_marginable};
use super::not_offered;
use super::order::{Order, units_for};
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
    candidate.check_form(asset)?;
    let quote = candidate.quote()?;
    let intent = candidate.check_holding(asset, &quote)?;
    candidate.check_wash_trade()?;
    let reserved_price = candidate.check_money(intent, &quote)?;
    Ok(Admitted { intent, reserved_price })
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

    fn check_kind(&self) -> Result<(), AlpacaError> {
        let request = self.request;
        if !matches!(request.order_type, OrderType::Market | OrderType::Limit) {
            return Err(not_offered::order_kind(&format!("order type {}", request.order_type)));
        }
        if request.order_class != OrderClass::Simple {
            return Err(not_offered::order_kind(&format!("order class {}", request.order_class)));
        }
        match (self.class(), request.time_in_force) {
            (AssetClass::Crypto, TimeInForce::Gtc) => Ok(()),
            (AssetClass::Crypto, TimeInForce::Ioc) => Err(not_offered::order_kind("time_in_force ioc")),
            (AssetClass::Crypto, _) => Err(AlpacaError::crypto_time_in_force_invalid()),
            (_, TimeInForce::Day | TimeInForce::Gtc) => Ok(()),
            (_, other) => Err(not_offered::order_kind(&format!("time_in_force {other}"))),
        }
    }

    /// Shares are traded in fractions by the day only, and not by everyone.
    fn check_fraction(&self, asset: &AssetInfo) -> Result<(), AlpacaError> {
        match self.request.amount {
            Amount::Quantity(quantity) if quantity <= Decimal::ZERO => Err(AlpacaError::qty_not_positive()),
            Amount::Notional(notional) if notional < Decimal::ONE => Err(AlpacaError::notional_too_small()),
            Amount::Notional(notional) if notional != to_cents(notional) => {
                Err(not_offered::notional_decimals())
            }
            _ if self.class() == AssetClass::Crypto || !self.is_fractional() => Ok(()),
            _ if !asset.fractionable => Err(AlpacaError::not_fractionable(asset.symbol.as_str())),
            _ if !self.account.configuration.fractional_trading => Err(AlpacaError::fractional_disabled()),
            _ if self.request.time_in_force != TimeInForce::Day => Err(AlpacaError::fractional_must_be_day()),
            _ => Ok(()),
        }
    }

    fn check_form(&self, asset: &AssetInfo) -> Result<(), AlpacaError> {
        let request = self.request;
        match (request.order_type, request.limit_price) {
            (OrderType::Limit, None) => return Err(AlpacaError::limit_price_required()),
            (OrderType::Limit, Some(price)) if price <= Decimal::ZERO => {
                return Err(AlpacaError::price_not_positive());
            }
            (OrderType::Market, Some(_)) => return Err(AlpacaError::market_takes_no_price()),
            (_, Some(price)) if self.class() == AssetClass::UsEquity => {
                // A cent from a dollar on, a hundredth of a cent below (SEC rule 612).
                let decimals = if price >= Decimal::ONE { 2 } else { 4 };
                if price.normalize().scale() > decimals {
                    return Err(AlpacaError::sub_penny("limit_price", price));
                }
            }
            _ => {}
        }
        let regular = asset.symbol.class() == AssetClass::Crypto || !request.extended_hours;
        if !regular && request.order_type != OrderType::Limit {
            return Err(AlpacaError::extended_hours_invalid());
        }
        Ok(())
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

    /// An account must not trade with itself: against an open order of the other way, a market order never goes, and a
    /// limit only if the two prices cannot meet.
    fn check_wash_trade(&self) -> Result<(), AlpacaError> {
        let side = self.request.side;
        for other in self.account.open_orders_in(&self.request.symbol, side.opposite()) {
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
            (PositionIntent::BuyToOpen, None) => quote.ask * collar(quote.ask),
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
        self.market.quote(symbol, self.at).ok_or_else(|| AlpacaError::asset_not_tradable(symbol.as_str()))
    }

    /// The price that the order would be filled at, or would be resting at.
    fn likely_price(&self, quote: &Quote) -> Decimal {
        self.request.limit_price.unwrap_or(match self.request.side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        })
    }

    fn units_at(&self, price: Decimal) -> Decimal {
        match self.request.amount {
            Amount::Quantity(quantity) => quantity,
            Amount::Notional(notional) => units_for(notional, price),
        }
    }

    fn dollars_at(&self, price: Decimal) -> Decimal {
        match self.request.amount {
            Amount::Quantity(quantity) => to_cents(quantity * price),
            Amount::Notional(notional) => notional,
        }
    }

    /// The rest of a holding can always be sold, however little it is worth.
    fn sells_everything(&self) -> bool {
        let held = self.account.position(&self.request.symbol).quantity;
        self.request.side == Side::Sell && self.request.amount == Amount::Quantity(held)
    }
}

/// Whether orders for the asset are taken. Crypto pairs that are quoted in another coin are not: accounts hold dollars.
#[must_use]
pub(crate) fn is_tradable(asset: &AssetInfo) -> bool {
    asset.tradable && (asset.symbol.class() != AssetClass::Crypto || asset.symbol.as_str().ends_with("/USD"))
}

/// The coin of a pair.
fn coin(symbol: &Symbol) -> &str {
    symbol.as_str().split('/').next().unwrap_or_default()
}

/// How much more than the ask a market order to buy is taken to cost: 4 % below $50, else 2.5 %.
fn collar(ask: Decimal) -> Decimal {
    if ask < Decimal::from(50) { Decimal::new(104, 2) } else { Decimal::new(1025, 3) }
}
