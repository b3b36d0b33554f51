//! The exits of bracket, OCO and OTO orders: what they are for, and on which side of which price.

use paddock_alpaca::error::AlpacaError;
use paddock_alpaca::wire::PositionIntent;
use paddock_core::order::{OrderClass, OrderRequest, OrderType, Side};
use rust_decimal::Decimal;

use super::Candidate;
use crate::broker::not_offered;
use crate::broker::order::Order;
use crate::market::Quote;

const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

impl Candidate<'_> {
    /// Brackets and OTO orders enter a position, OCO orders leave it; and each exit is beyond the price that it is an exit
    /// from.
    pub(super) fn check_exits(&self, intent: PositionIntent, quote: &Quote) -> Result<(), AlpacaError> {
        let request = self.request;
        let closes = matches!(intent, PositionIntent::BuyToClose | PositionIntent::SellToClose);
        match request.order_class {
            OrderClass::Simple | OrderClass::Mleg => Ok(()),
            OrderClass::Oco if !closes => Err(not_offered::must_be_exit()),
            OrderClass::Bracket | OrderClass::Oto if closes => {
                Err(not_offered::must_be_entry(request.order_class))
            }
            OrderClass::Oco => self.check_oco(),
            OrderClass::Bracket | OrderClass::Oto => {
                let base = self.likely_price(quote);
                check_beyond(request, request.side, base)
            }
        }
    }

    /// The take-profit is the order itself; its stop-loss is awake from the beginning.
    fn check_oco(&self) -> Result<(), AlpacaError> {
        let (Some(limit), Some(stop_loss)) = (self.request.limit_price, &self.request.stop_loss) else {
            return Err(AlpacaError::oco_exits_required());
        };
        let stop = stop_loss.stop_price;
        let apart = match self.request.side {
            Side::Sell => limit >= stop + CENT,
            Side::Buy => limit <= stop - CENT,
        };
        if !apart {
            return Err(not_offered::oco_prices_cross(self.request.side));
        }
        match self.replaces {
            Some(_) => Ok(()),
            None => self.check_stop_side(self.request.side, stop),
        }
    }

    /// Whether an exit can be replaced by another with these prices. One that sleeps must stay beyond its entry's price.
    pub(super) fn check_exit(&self, old: &Order, quote: &Quote) -> Result<(), AlpacaError> {
        if !old.dormant {
            return self.check_stop();
        }
        let Some(entry) = old.parent().and_then(|parent| self.account.order(parent)) else { return Ok(()) };
        let mut request = entry.request.clone();
        if old.request.order_type == OrderType::Limit {
            if let (Some(exit), Some(price)) = (request.take_profit.as_mut(), self.request.limit_price) {
                exit.limit_price = price;
            }
        } else if let (Some(exit), Some(price)) = (request.stop_loss.as_mut(), self.request.stop_price) {
            exit.stop_price = price;
        }
        let base = Candidate { request: &entry.request, ..*self }.likely_price(quote);
        check_beyond(&request, request.side, base)
    }
}

/// A cent at least between an entry's price and each of its exits.
fn check_beyond(request: &OrderRequest, entry: Side, base: Decimal) -> Result<(), AlpacaError> {
    let take_profit = request.take_profit.as_ref().map(|exit| exit.limit_price);
    let stop_loss = request.stop_loss.as_ref().map(|exit| exit.stop_price);
    match entry {
        Side::Buy if take_profit.is_some_and(|price| price < base + CENT) => {
            Err(AlpacaError::take_profit_too_low(base))
        }
        Side::Buy if stop_loss.is_some_and(|price| price > base - CENT) => {
            Err(AlpacaError::stop_loss_too_high(base))
        }
        Side::Sell if take_profit.is_some_and(|price| price > base - CENT) => {
            Err(not_offered::take_profit_too_high(base))
        }
        Side::Sell if stop_loss.is_some_and(|price| price < base + CENT) => {
            Err(not_offered::stop_loss_too_low(base))
        }
        Side::Buy | Side::Sell => Ok(()),
    }
}
