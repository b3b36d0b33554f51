//! When open orders meet the market.
//!
//! The market's whole path can be asked for, so that an order's next event is known the moment it is accepted: it is
//! found once and put into the schedule, and time passing costs nothing until it is due.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::OrderStatus;
use paddock_core::Symbol;
use paddock_core::order::{OrderType, Side};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::hours::{is_for_auction, is_immediate, opening};
use super::order::{Order, Trailing, trail_of};
use super::{Broker, Scheduled};
use crate::market::{Market, Watch};

/// How far the tape is looked at ahead: most orders are gone before, and what is left of their lives need not be searched.
const HORIZON: SignedDuration = SignedDuration::from_hours(24);

/// What happens to an order next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It comes into the market.
    Open,
    /// The market reaches its stop price.
    Trigger {
        /// The best price that a trailing stop has seen until then.
        best: Option<Decimal>,
    },
    /// It is filled.
    Fill {
        /// At this price.
        price: Decimal,
    },
    /// The tape was looked at up to here and nothing happened.
    Look,
    /// It had to be filled at once and could not.
    Cancel,
    /// Its time is over.
    Expire,
}

/// What happens to an open order next, and when, seen from `at`. Nothing, if it waits for another order.
fn next_event(market: &Market, order: &Order, at: Timestamp) -> Option<(Timestamp, Due)> {
    let request = &order.request;
    if order.dormant {
        return None;
    }
    if is_for_auction(request.time_in_force) {
        return Some(auction(market, order));
    }
    let expire = (order.expires_at, Due::Expire);
    let horizon = at.saturating_add(HORIZON).unwrap_or(Timestamp::MAX);
    let nothing = if horizon < order.expires_at { (horizon, Due::Look) } else { expire };
    let until = horizon.min(last_instant(order));
    if order.status == OrderStatus::Accepted {
        let opening = opening(request, at);
        return Some(if opening < order.expires_at { (opening, Due::Open) } else { expire });
    }
    if order.waits_for_stop() {
        return Some(trigger(market, order, (at, until)).unwrap_or(nothing));
    }
    let standing = market.standing_quote(&request.symbol, at).map(|quote| match request.side {
        Side::Buy => quote.ask,
        Side::Sell => quote.bid,
    });
    // What is traded has a quote.
    let Some(standing) = standing else { return Some(expire) };
    // What is left after a part waits for the tape to go on.
    let just_filled = order.status == OrderStatus::PartiallyFilled && order.updated_at == at;
    if !just_filled && meets(order, standing) && !market.is_halted(&request.symbol, at) {
        return Some((at, Due::Fill { price: standing }));
    }
    if is_immediate(request.time_in_force) {
        return Some((at, Due::Cancel));
    }
    let watch = match request.side {
        Side::Buy => Watch::AskAtOrBelow,
        Side::Sell => Watch::BidAtOrAbove,
    };
    let limit = limit_of(order).unwrap_or(match request.side {
        Side::Buy => Decimal::MAX,
        Side::Sell => Decimal::ZERO,
    });
    let crossing = market.first_crossing(&request.symbol, watch, limit, at, until);
    Some(crossing.map_or(nothing, |crossing| (crossing.at, Due::Fill { price: crossing.price })))
}

/// Whether an order without a stop price to wait for is filled at `price`.
fn meets(order: &Order, price: Decimal) -> bool {
    match limit_of(order) {
        None => true,
        Some(limit) if order.request.side == Side::Buy => price <= limit,
        Some(limit) => price >= limit,
    }
}

fn limit_of(order: &Order) -> Option<Decimal> {
    let has_limit = matches!(order.request.order_type, OrderType::Limit | OrderType::StopLimit);
    order.request.limit_price.filter(|_| has_limit)
}

/// The session's first price or its last one, if it meets the limit; there is no second try.
fn auction(market: &Market, order: &Order) -> (Timestamp, Due) {
    let at = order.expires_at;
    match market.last_trade(&order.request.symbol, at) {
        Some(trade) if meets(order, trade.price) && !market.is_halted(&order.request.symbol, at) => {
            (at, Due::Fill { price: trade.price })
        }
        _ => (at, Due::Cancel),
    }
}

/// When the tape reaches the order's stop price, up to `until`; at once if it stands there.
fn trigger(market: &Market, order: &Order, (at, until): (Timestamp, Timestamp)) -> Option<(Timestamp, Due)> {
    let request = &order.request;
    let (symbol, side) = (&request.symbol, request.side);
    let reached = |stop: Decimal, price: Decimal| match side {
        Side::Buy => price >= stop,
        Side::Sell => price <= stop,
    };
    if let (Some(trail), Some(trailed)) = (trail_of(request), &order.trailed) {
        let Trailing { best, until: from } = **trailed;
        let standing = market.standing_price(symbol, from)?;
        if reached(trail.stop_price(side, best), standing) {
            return Some((at, Due::Trigger { best: Some(best) }));
        }
        let trailed = market.trail(symbol, side, trail, best, (from, until));
        let crossing = trailed.triggered?;
        return Some((crossing.at.max(at), Due::Trigger { best: Some(trailed.best) }));
    }
    let stop = request.stop_price?;
    let standing = market.standing_price(symbol, at)?;
    if reached(stop, standing) {
        return Some((at, Due::Trigger { best: None }));
    }
    let watch = match side {
        Side::Buy => Watch::TradeAtOrAbove,
        Side::Sell => Watch::TradeAtOrBelow,
    };
    let crossing = market.first_crossing(symbol, watch, stop, at, until)?;
    Some((crossing.at, Due::Trigger { best: None }))
}

/// The last instant at which an order works.
fn last_instant(order: &Order) -> Timestamp {
    order.expires_at.saturating_sub(SignedDuration::from_micros(1)).unwrap_or(order.expires_at)
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
    pub(super) fn reschedule(&mut self, account: Uuid, sequence: u64) {
        let Some(order) = self.accounts.get(&account).and_then(|account| account.order_at(sequence)) else {
            return;
        };
        let next = if order.is_open() { next_event(&self.market, order, self.now) } else { None };
        self.set_due(account, sequence, next);
    }

    fn set_due(&mut self, account: Uuid, sequence: u64, next: Option<(Timestamp, Due)>) {
        let Some(owner) = self.accounts.get_mut(&account) else { return };
        if let Some(before) = owner.set_due(sequence, next.map(|(at, _)| at)) {
            self.schedule.remove(&(before, sequence));
        }
        if let Some((at, due)) = next {
            self.schedule.insert((at, sequence), Scheduled { account, due });
        }
    }

    /// Takes an order that is no longer open out of the schedule, and writes down how far its stop has trailed.
    pub(super) fn forget(&mut self, account: Uuid, sequence: u64) {
        self.note_trail(account, sequence);
        self.set_due(account, sequence, None);
    }

    fn note_trail(&mut self, account: Uuid, sequence: u64) {
        let Some(order) = self.accounts.get(&account).and_then(|account| account.order_at(sequence)) else {
            return;
        };
        let now = self.now;
        if let Some((best, _)) = order.trailed_until(&self.market, now) {
            self.change(account, sequence, |order| {
                order.trailed = Some(Box::new(Trailing { best, until: now }))
            });
        }
    }

    /// Halts trading in some symbols, or in everything, or lets it go on: what happens to their open orders next is another
    /// matter from now on.
    pub(super) fn set_halt(&mut self, symbols: Option<&[Symbol]>, halted: bool) -> Result<(), AlpacaError> {
        let unknown = symbols.unwrap_or_default().iter().find(|symbol| self.market.asset(symbol).is_none());
        if let Some(unknown) = unknown {
            return Err(AlpacaError::order_asset_not_found(unknown.as_str()));
        }
        let (market, at) = (Arc::clone(&self.market), self.now);
        let set = |symbol: Option<&Symbol>| match halted {
            true => market.halt(symbol, at),
            false => market.resume(symbol, at),
        };
        match symbols {
            None => set(None),
            Some(symbols) => symbols.iter().for_each(|symbol| set(Some(symbol))),
        }
        let concerned = |order: &&Order| symbols.is_none_or(|some| some.contains(&order.request.symbol));
        let orders: Vec<(Uuid, u64)> = self
            .accounts
            .values()
            .flat_map(|account| account.open_orders().map(move |order| (account.id, order)))
            .filter(|(_, order)| concerned(order))
            .map(|(account, order)| (account, order.sequence))
            .collect();
        for (account, sequence) in orders {
            self.reschedule(account, sequence);
        }
        Ok(())
    }

    /// What was due happens.
    pub(super) fn happen(&mut self, account: Uuid, sequence: u64, due: Due, at: Timestamp) {
        match due {
            Due::Open => self.change(account, sequence, |order| {
                order.status = OrderStatus::New;
                order.updated_at = at;
            }),
            Due::Trigger { best } => self.change(account, sequence, |order| {
                order.status = OrderStatus::New;
                order.triggered_at = Some(at);
                order.updated_at = at;
                order.trailed = best.map(|best| Box::new(Trailing { best, until: at }));
            }),
            Due::Look => self.note_trail(account, sequence),
            Due::Cancel => self.take_back(account, sequence),
            Due::Expire => {
                self.forget(account, sequence);
                self.change(account, sequence, |order| {
                    order.status = OrderStatus::Expired;
                    order.updated_at = at;
                });
                self.release_family(account, sequence);
            }
            Due::Fill { price } => {
                self.fill(account, sequence, price, at);
                self.release_family(account, sequence);
            }
        }
        self.reschedule(account, sequence);
    }
}
