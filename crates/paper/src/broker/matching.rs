//! When open orders meet the market.
//!
//! The market's whole path can be asked for, so that an order's next event is known the moment it is accepted: it is
//! found once and put into the schedule, and time passing costs nothing until it is due.

use jiff::civil::{Date, Time, time};
use jiff::{SignedDuration, Span, Timestamp};
use paddock_alpaca::wire::OrderStatus;
use paddock_core::calendar;
use paddock_core::order::{OrderRequest, OrderType, Side, TimeInForce};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::order::Order;
use super::{Broker, Scheduled};
use crate::market::{Market, Watch};

/// When extended hours begin, New York time.
const EXTENDED_OPEN: Time = time(4, 0, 0, 0);
/// How long after the regular session extended hours end: at 20:00, or at 17:00 after an early close.
const EXTENDED_AFTER_CLOSE: SignedDuration = SignedDuration::from_hours(4);
/// When orders that have lived their 90 days expire, New York time.
const GTC_EXPIRY: Time = time(16, 15, 0, 0);

/// What happens to an order next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It comes into the market.
    Open,
    /// It is filled.
    Fill {
        /// At this price.
        price: Decimal,
    },
    /// Its time is over.
    Expire,
}

/// Whether an order can be filled at `at`.
pub(super) fn is_working(market: &Market, request: &OrderRequest, at: Timestamp) -> bool {
    market.is_open(&request.symbol, at)
        || (request.extended_hours
            && extended_session(at).is_some_and(|(open, close)| open <= at && at < close))
}

/// When an order that is accepted at `at` expires: a day order with the session under way or the next one, every other
/// order after 90 days.
pub(super) fn expiry(request: &OrderRequest, at: Timestamp) -> Timestamp {
    if request.time_in_force != TimeInForce::Day {
        let date = calendar::trading_date(at).saturating_add(Span::new().days(90));
        return new_york(date, GTC_EXPIRY);
    }
    if !request.extended_hours {
        return calendar::next_close(at);
    }
    match extended_session(at) {
        Some((_, close)) if at < close => close,
        _ => calendar::next_session_after(calendar::trading_date(at)).close + EXTENDED_AFTER_CLOSE,
    }
}

/// When a queued order comes into the market.
fn opening(request: &OrderRequest, at: Timestamp) -> Timestamp {
    if !request.extended_hours {
        return calendar::next_open(at);
    }
    match extended_session(at) {
        Some((open, _)) if at < open => open,
        _ => new_york(calendar::next_session_after(calendar::trading_date(at)).date, EXTENDED_OPEN),
    }
}

/// The extended hours of the date, if it has a session.
fn extended_session(at: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let session = calendar::session_on(calendar::trading_date(at))?;
    Some((new_york(session.date, EXTENDED_OPEN), session.close + EXTENDED_AFTER_CLOSE))
}

/// All these hours exist on every date; so the fallback is never taken.
fn new_york(date: Date, at: Time) -> Timestamp {
    calendar::new_york().to_timestamp(date.to_datetime(at)).unwrap_or(Timestamp::MAX)
}

/// What happens to an open order next, and when, seen from `at`.
fn next_event(market: &Market, order: &Order, at: Timestamp) -> (Timestamp, Due) {
    let request = &order.request;
    let expire = (order.expires_at, Due::Expire);
    if order.status == OrderStatus::Accepted {
        let opening = opening(request, at);
        return if opening < order.expires_at { (opening, Due::Open) } else { expire };
    }
    let quote = market.quote(&request.symbol, at);
    let standing = quote.map(|quote| match request.side {
        Side::Buy => quote.ask,
        Side::Sell => quote.bid,
    });
    let limit = match (request.order_type, request.limit_price, standing) {
        (OrderType::Market, _, Some(price)) => return (at, Due::Fill { price }),
        (OrderType::Limit, Some(limit), Some(price)) => {
            let meets = match request.side {
                Side::Buy => price <= limit,
                Side::Sell => price >= limit,
            };
            if meets {
                return (at, Due::Fill { price });
            }
            limit
        }
        // Other kinds are not admitted, and what is traded has a quote.
        _ => return expire,
    };
    let watch = match request.side {
        Side::Buy => Watch::AskAtOrBelow,
        Side::Sell => Watch::BidAtOrAbove,
    };
    let last = order.expires_at.saturating_sub(SignedDuration::from_micros(1)).unwrap_or(order.expires_at);
    match market.first_crossing(&request.symbol, watch, limit, at, last) {
        Some(crossing) => (crossing.at, Due::Fill { price: crossing.price }),
        None => expire,
    }
}

impl Broker {
    /// Brings an accepted order into the market, or has it wait for the opening.
    pub(super) fn release(&mut self, account: Uuid, sequence: u64) {
        let at = self.now;
        self.change(account, sequence, |order| {
            if order.status == OrderStatus::PendingNew {
                order.status = OrderStatus::New;
                order.updated_at = at;
            }
        });
        self.reschedule(account, sequence);
    }

    /// Finds out anew what happens to an order next.
    fn reschedule(&mut self, account: Uuid, sequence: u64) {
        let Some(order) = self.accounts.get(&account).and_then(|account| account.order_at(sequence)) else {
            return;
        };
        if order.is_open() {
            let (at, due) = next_event(&self.market, order, self.now);
            self.set_due(account, sequence, Some((at, due)));
        } else {
            self.set_due(account, sequence, None);
        }
    }

    fn set_due(&mut self, account: Uuid, sequence: u64, next: Option<(Timestamp, Due)>) {
        let Some(owner) = self.accounts.get_mut(&account) else { return };
        let mut before = None;
        owner.change_order(sequence, |order| {
            before = std::mem::replace(&mut order.due_at, next.map(|(at, _)| at));
        });
        if let Some(before) = before {
            self.schedule.remove(&(before, sequence));
        }
        if let Some((at, due)) = next {
            self.schedule.insert((at, sequence), Scheduled { account, due });
        }
    }

    /// Takes an order that is no longer open out of the schedule.
    pub(super) fn forget(&mut self, account: Uuid, sequence: u64) {
        self.set_due(account, sequence, None);
    }

    /// What was due happens.
    pub(super) fn happen(&mut self, account: Uuid, sequence: u64, due: Due, at: Timestamp) {
        match due {
            Due::Open => self.change(account, sequence, |order| {
                order.status = OrderStatus::New;
                order.updated_at = at;
            }),
            Due::Expire => self.change(account, sequence, |order| {
                order.status = OrderStatus::Expired;
                order.expired_at = Some(at);
                order.updated_at = at;
            }),
            Due::Fill { price } => self.fill(account, sequence, price, at),
        }
        self.reschedule(account, sequence);
    }
}
