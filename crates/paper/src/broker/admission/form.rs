//! What can be told from an order's own words, its asset and the hour.

use paddock_alpaca::error::AlpacaError;
use paddock_core::AssetClass;
use paddock_core::order::{Amount, OrderClass, OrderType, Side, TimeInForce};
use rust_decimal::Decimal;

use super::Candidate;
use crate::broker::hours;
use crate::broker::not_offered;
use crate::broker::position::to_cents;
use crate::market::{AssetInfo, Quote};

impl Candidate<'_> {
    /// Which types, classes and times in force go together.
    pub(super) fn check_kind(&self) -> Result<(), AlpacaError> {
        let request = self.request;
        let (class, kind) = (request.order_class, request.order_type);
        if class == OrderClass::Mleg {
            return Err(not_offered::order_kind(&format!("order class {class}")));
        }
        if self.class() == AssetClass::Crypto {
            if class != OrderClass::Simple {
                return Err(not_offered::crypto_class(class));
            }
            if !matches!(kind, OrderType::Market | OrderType::Limit | OrderType::StopLimit) {
                return Err(not_offered::crypto_type());
            }
            if !matches!(request.time_in_force, TimeInForce::Gtc | TimeInForce::Ioc) {
                return Err(AlpacaError::crypto_time_in_force_invalid());
            }
            return Ok(());
        }
        if class != OrderClass::Simple && kind == OrderType::TrailingStop {
            return Err(not_offered::trailing_must_be_simple());
        }
        if matches!(request.time_in_force, TimeInForce::Day | TimeInForce::Gtc) {
            return Ok(());
        }
        if class != OrderClass::Simple {
            return Err(not_offered::must_be_day_or_gtc(class.as_str()));
        }
        if !matches!(kind, OrderType::Market | OrderType::Limit) {
            return Err(not_offered::must_be_day_or_gtc(kind.as_str()));
        }
        match request.time_in_force {
            TimeInForce::Opg if !hours::opg_is_taken(self.at) => Err(AlpacaError::opg_window()),
            TimeInForce::Cls if !hours::cls_is_taken(self.at) => Err(AlpacaError::cls_window()),
            _ => Ok(()),
        }
    }

    /// Shares are traded in fractions by the day only, and not by everyone.
    pub(super) fn check_fraction(&self, asset: &AssetInfo) -> Result<(), AlpacaError> {
        let request = self.request;
        match request.amount {
            Amount::Quantity(quantity) if quantity <= Decimal::ZERO => Err(AlpacaError::qty_not_positive()),
            Amount::Notional(notional) if notional < Decimal::ONE => Err(AlpacaError::notional_too_small()),
            Amount::Notional(notional) if notional != to_cents(notional) => {
                Err(not_offered::notional_decimals())
            }
            _ if self.class() == AssetClass::Crypto || !self.is_fractional() => Ok(()),
            _ if !asset.fractionable => Err(AlpacaError::not_fractionable(asset.symbol.as_str())),
            _ if !self.account.configuration.fractional_trading => Err(AlpacaError::fractional_disabled()),
            _ if request.time_in_force != TimeInForce::Day => Err(AlpacaError::fractional_must_be_day()),
            _ if request.order_class != OrderClass::Simple => Err(AlpacaError::fractional_must_be_simple()),
            _ if request.order_type == OrderType::TrailingStop => Err(not_offered::trailing_must_be_whole()),
            _ => Ok(()),
        }
    }

    /// Prices that its type needs and no others, on their ticks; and whether it may work outside the session.
    pub(super) fn check_form(&self) -> Result<(), AlpacaError> {
        let request = self.request;
        let (limit, stop) = (request.limit_price, request.stop_price);
        match request.order_type {
            OrderType::Market if limit.is_some() || stop.is_some() => {
                return Err(AlpacaError::market_takes_no_price());
            }
            OrderType::Limit if limit.is_none() => return Err(AlpacaError::limit_price_required()),
            OrderType::Stop if stop.is_none() => return Err(AlpacaError::stop_price_required()),
            OrderType::StopLimit if limit.is_none() || stop.is_none() => {
                return Err(AlpacaError::stop_limit_prices_required());
            }
            OrderType::TrailingStop if request.trail_price.is_some() == request.trail_percent.is_some() => {
                return Err(AlpacaError::trail_required());
            }
            _ => {}
        }
        let stop_loss = request.stop_loss.as_ref();
        for (field, price) in [
            ("limit_price", limit),
            ("stop_price", stop),
            ("trail_price", request.trail_price),
            ("trail_percent", request.trail_percent),
            ("take_profit.limit_price", request.take_profit.as_ref().map(|exit| exit.limit_price)),
            ("stop_loss.stop_price", stop_loss.map(|exit| exit.stop_price)),
            ("stop_loss.limit_price", stop_loss.and_then(|exit| exit.limit_price)),
        ] {
            let Some(price) = price else { continue };
            if price <= Decimal::ZERO {
                return Err(AlpacaError::price_not_positive());
            }
            // A cent from a dollar on, a hundredth of a cent below (SEC rule 612).
            let decimals = if price >= Decimal::ONE { 2 } else { 4 };
            let ticks = self.class() == AssetClass::UsEquity && field != "trail_percent";
            if ticks && price.normalize().scale() > decimals {
                return Err(AlpacaError::sub_penny(field, price));
            }
        }
        let works_extended = request.order_type == OrderType::Limit
            && request.order_class == OrderClass::Simple
            && matches!(request.time_in_force, TimeInForce::Day | TimeInForce::Gtc);
        if self.class() != AssetClass::Crypto && request.extended_hours && !works_extended {
            return Err(AlpacaError::extended_hours_invalid());
        }
        Ok(())
    }

    /// A limit must not be so far through the market that it can only be a slip of the pen, a digit too many or too few: to buy
    /// for more than ten times the ask, or to sell for less than a tenth of the bid. One that is far away from the market waits,
    /// as every limit may.
    pub(super) fn check_limit(&self, quote: &Quote) -> Result<(), AlpacaError> {
        let request = self.request;
        let Some(limit) = request.limit_price.filter(|_| request.order_type == OrderType::Limit) else {
            return Ok(());
        };
        if !self.rules.limit_guard() || self.class() != AssetClass::UsEquity {
            return Ok(());
        }
        let (market, too_far) = match request.side {
            Side::Buy => (quote.ask, limit > quote.ask * Decimal::TEN),
            Side::Sell => (quote.bid, limit < quote.bid / Decimal::TEN),
        };
        if too_far { Err(not_offered::limit_too_far(market, limit)) } else { Ok(()) }
    }

    /// A stop to buy must be above the last trade, one to sell below it: anything else would be triggered at once. The
    /// replacement of a stop that was triggered already keeps its stop price.
    pub(super) fn check_stop(&self) -> Result<(), AlpacaError> {
        let Some(stop) = self.request.stop_price else { return Ok(()) };
        let triggered = |old: &crate::broker::Order| {
            old.triggered_at.is_some() && old.request.stop_price == self.request.stop_price
        };
        if self.replaces.is_some_and(triggered) {
            return Ok(());
        }
        self.check_stop_side(self.request.side, stop)
    }

    pub(super) fn check_stop_side(&self, side: Side, stop: Decimal) -> Result<(), AlpacaError> {
        let Some(last) = self.market.standing_price(&self.request.symbol, self.at) else { return Ok(()) };
        match side {
            Side::Buy if stop <= last => Err(AlpacaError::stop_not_above_market(last, stop)),
            Side::Sell if stop >= last => Err(AlpacaError::stop_not_below_market(last, stop)),
            Side::Buy | Side::Sell => Ok(()),
        }
    }
}
