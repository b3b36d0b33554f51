//! The second broker: the documented rules in straight lines. It keeps a list of orders and a list of fills, works everything else
//! out from them each time it is asked, and looks at the tape one quote and one trade after the other. Only market, limit and
//! stop orders for the day (crypto: until canceled) are known to it.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Time;
use paddock_core::order::Side;
use paddock_core::{AssetClass, Symbol, calendar};
use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use crate::market::{Market, Quote, Sort, Window};

pub(super) fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Filled,
    Canceled,
    Expired,
}

#[derive(Clone, Debug)]
pub(super) struct NaiveOrder {
    pub id: Uuid,
    pub symbol: Symbol,
    pub side: Side,
    pub quantity: Decimal,
    pub limit: Option<Decimal>,
    pub stop: Option<Decimal>,
    pub state: State,
    triggered: bool,
    closes: bool,
    /// What one unit is taken to cost, for an order that opens.
    unit_cost: Decimal,
    placed_at: Timestamp,
}

#[derive(Clone, Debug)]
struct NaiveFill {
    symbol: Symbol,
    side: Side,
    quantity: Decimal,
    price: Decimal,
    at: Timestamp,
    /// The part of what is received that it costs.
    rate: Decimal,
}

/// What is held of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holding {
    pub quantity: Decimal,
    pub average: Decimal,
    /// The same as of this day: what was there at midnight counts at the price of then.
    pub day_average: Decimal,
}

/// All figures of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NaiveFigures {
    pub cash: Decimal,
    pub equity: Decimal,
    pub long: Decimal,
    pub short: Decimal,
    pub multiplier: Decimal,
    pub initial: Decimal,
    pub maintenance: Decimal,
    pub buying_power: Decimal,
    pub regt: Decimal,
    pub non_marginable: Decimal,
    pub reserved: (Decimal, Decimal),
    pub pending_fees: Decimal,
}

pub(super) struct Naive {
    pub market: Arc<Market>,
    pub now: Timestamp,
    pub live: bool,
    pub start_cash: Decimal,
    pub symbols: Vec<Symbol>,
    pub orders: Vec<NaiveOrder>,
    first_midnight: Timestamp,
    fills: Vec<NaiveFill>,
}

impl Naive {
    pub(super) fn new(
        market: Arc<Market>,
        now: Timestamp,
        live: bool,
        start_cash: Decimal,
        symbols: Vec<Symbol>,
    ) -> Self {
        let tomorrow = calendar::trading_date(now).tomorrow().unwrap();
        let first_midnight =
            calendar::new_york().to_timestamp(tomorrow.to_datetime(Time::midnight())).unwrap();
        Self { market, now, live, start_cash, symbols, orders: Vec::new(), first_midnight, fills: Vec::new() }
    }

    // --- What there is.

    pub(super) fn holding(&self, symbol: &Symbol) -> Holding {
        let (mut quantity, mut average, mut day_average) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        let mut midnight_is_past = false;
        for fill in self.fills.iter().filter(|fill| fill.symbol == *symbol) {
            if fill.at >= self.first_midnight && !midnight_is_past {
                midnight_is_past = true;
                day_average = self.price(symbol, self.first_midnight);
            }
            let signed = if fill.side == Side::Buy { fill.quantity } else { -fill.quantity };
            let opens = quantity.is_zero() || quantity.is_sign_negative() == signed.is_sign_negative();
            if opens {
                let total = quantity + signed;
                average = (quantity * average + signed * fill.price) / total;
                day_average = (quantity * day_average + signed * fill.price) / total;
            }
            quantity += signed;
            if fill.side == Side::Buy && symbol.class() == AssetClass::Crypto {
                let kept = (fill.quantity * (Decimal::ONE - fill.rate)).trunc_with_scale(9);
                quantity -= fill.quantity - kept;
            }
        }
        if self.now >= self.first_midnight && !midnight_is_past {
            day_average = self.price(symbol, self.first_midnight);
        }
        Holding { quantity, average, day_average }
    }

    fn cash(&self) -> Decimal {
        let mut cash = self.start_cash;
        for fill in &self.fills {
            let value = cents(fill.quantity * fill.price);
            match fill.side {
                Side::Buy => cash -= value,
                Side::Sell => {
                    cash += value;
                    if fill.symbol.class() == AssetClass::Crypto {
                        cash -= cents(value * fill.rate);
                    }
                }
            }
        }
        if self.now >= self.first_midnight { cash - self.regulators() } else { cash }
    }

    /// What the regulators get of the first day.
    fn regulators(&self) -> Decimal {
        let (mut taf, mut cat) = (Decimal::ZERO, Decimal::ZERO);
        for fill in &self.fills {
            let shares = fill.symbol.class() == AssetClass::UsEquity;
            if !self.live || !shares || fill.at >= self.first_midnight {
                continue;
            }
            if fill.side == Side::Sell {
                taf += (fill.quantity * dec("0.000166")).min(dec("8.30"));
            }
            cat += fill.quantity * dec("0.000046");
        }
        let up = |fee: Decimal| (fee * dec("100")).ceil() / dec("100");
        up(taf) + up(cat)
    }

    fn price(&self, symbol: &Symbol, at: Timestamp) -> Decimal {
        self.market.last_trade(symbol, at).unwrap().price
    }

    fn open(&self) -> impl Iterator<Item = &NaiveOrder> {
        self.orders.iter().filter(|order| order.state == State::Open)
    }

    pub(super) fn held(&self, symbol: &Symbol) -> Decimal {
        self.open().filter(|order| order.closes && order.symbol == *symbol).map(|order| order.quantity).sum()
    }

    pub(super) fn figures(&self) -> NaiveFigures {
        let (mut long, mut short, mut shares, mut coins, mut maintenance) =
            (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        for symbol in &self.symbols {
            let quantity = self.holding(symbol).quantity;
            let price = self.price(symbol, self.now);
            let value = cents(quantity * price);
            if quantity > Decimal::ZERO {
                long += value
            } else {
                short += value
            }
            if symbol.class() == AssetClass::Crypto {
                coins += value
            } else {
                shares += value.abs()
            }
            let size = quantity.abs();
            maintenance += if symbol.class() == AssetClass::Crypto {
                value
            } else if quantity < Decimal::ZERO && price < dec("5") {
                value.abs().max(size * dec("2.50"))
            } else if quantity < Decimal::ZERO {
                (value.abs() * dec("0.30")).max(size * dec("5"))
            } else if price < dec("2.50") {
                value
            } else if price <= dec("6") {
                value * dec("0.50")
            } else {
                value * dec("0.30")
            };
        }
        let (mut for_shares, mut for_coins) = (Decimal::ZERO, Decimal::ZERO);
        for order in self.open().filter(|order| !order.closes) {
            let cost = cents(order.quantity * order.unit_cost);
            if order.symbol.class() == AssetClass::Crypto { for_coins += cost } else { for_shares += cost }
        }
        let cash = self.cash();
        let equity = cash + long + short;
        let multiplier = if equity < dec("2000") { dec("1") } else { dec("4") };
        let power = |multiplier: Decimal| {
            (multiplier * equity - shares - for_shares - multiplier * (coins + for_coins)).max(Decimal::ZERO)
        };
        let buying_power = power(multiplier);
        let free = cash + short - for_shares - for_coins;
        NaiveFigures {
            cash,
            equity,
            long,
            short,
            multiplier,
            initial: cents(if multiplier == dec("1") { shares + coins } else { shares / dec("2") + coins }),
            maintenance: cents(maintenance),
            buying_power,
            regt: power(multiplier.min(dec("2"))),
            non_marginable: cents(free.min(buying_power / multiplier).max(Decimal::ZERO)),
            reserved: (for_shares, for_coins),
            pending_fees: if self.now >= self.first_midnight { Decimal::ZERO } else { self.regulators() },
        }
    }

    // --- What is done.

    /// Whether the order is taken.
    pub(super) fn place(&mut self, mut order: NaiveOrder) -> bool {
        let crypto = order.symbol.class() == AssetClass::Crypto;
        let quote = self.market.quote(&order.symbol, self.now).unwrap();
        let last = self.price(&order.symbol, self.now);
        let standing = if order.side == Side::Buy { quote.ask } else { quote.bid };
        let likely = order.limit.or(order.stop).unwrap_or(standing);
        let held = self.holding(&order.symbol).quantity;

        match (order.stop, order.side) {
            (Some(stop), Side::Buy) if stop <= last => return false,
            (Some(stop), Side::Sell) if stop >= last => return false,
            _ => {}
        }
        order.closes = (order.side == Side::Sell && held > Decimal::ZERO)
            || (order.side == Side::Buy && held < Decimal::ZERO);
        if order.closes && order.quantity > held.abs() - self.held(&order.symbol) {
            return false;
        }
        let opens_short = !order.closes && order.side == Side::Sell;
        let whole = order.quantity.fract().is_zero();
        if opens_short && (crypto || !whole || self.figures().multiplier == dec("1")) {
            return false;
        }
        let against = |other: &&NaiveOrder| other.symbol == order.symbol && other.side != order.side;
        for other in self.open().filter(against) {
            // One side at a time.
            if !order.closes && !other.closes {
                return false;
            }
            // Not with oneself.
            let apart = match (order.limit, other.limit) {
                (Some(mine), Some(its)) if order.side == Side::Buy => mine < its,
                (Some(mine), Some(its)) => its < mine,
                _ => false,
            };
            if !apart {
                return false;
            }
        }
        if crypto
            && cents(order.quantity * likely) < dec("10")
            && !(order.side == Side::Sell && order.quantity == held)
        {
            return false;
        }
        if !order.closes {
            order.unit_cost = match (order.side, order.limit) {
                (Side::Buy, Some(limit)) => limit,
                (Side::Buy, None) if likely < dec("50") => likely * dec("1.04"),
                (Side::Buy, None) => likely * dec("1.025"),
                (Side::Sell, limit) => limit.unwrap_or_default().max(quote.ask * dec("1.03")),
            };
            let figures = self.figures();
            let free = if crypto { figures.non_marginable } else { figures.buying_power };
            if cents(order.quantity * order.unit_cost) > free {
                return false;
            }
        }
        order.placed_at = self.now;
        self.orders.push(order);
        self.pass(self.now, true);
        true
    }

    pub(super) fn order(
        id: Uuid,
        symbol: Symbol,
        side: Side,
        quantity: Decimal,
        limit: Option<Decimal>,
        stop: Option<Decimal>,
    ) -> NaiveOrder {
        NaiveOrder {
            id,
            symbol,
            side,
            quantity,
            limit,
            stop,
            state: State::Open,
            triggered: false,
            closes: false,
            unit_cost: Decimal::ZERO,
            placed_at: Timestamp::MIN,
        }
    }

    /// Whether there was an open order to cancel.
    pub(super) fn cancel(&mut self, id: Uuid) -> bool {
        match self.orders.iter_mut().find(|order| order.id == id && order.state == State::Open) {
            Some(order) => {
                order.state = State::Canceled;
                true
            }
            None => false,
        }
    }

    pub(super) fn wait(&mut self, to: Timestamp) {
        self.pass(to, false);
        self.now = to;
    }

    /// Lets the open orders meet the tape up to `to`. `standing`: only what stands there already counts.
    fn pass(&mut self, to: Timestamp, standing: bool) {
        let from = self.now;
        let mut happened: Vec<(Timestamp, usize, Option<Decimal>)> = Vec::new();
        for place in 0..self.orders.len() {
            let mut order = self.orders[place].clone();
            if order.state != State::Open {
                continue;
            }
            if let Some((at, price)) = self.meet(&mut order, from, to, standing) {
                happened.push((at, place, Some(price)));
            } else if let Some(end) = self.end_of(&order).filter(|end| *end <= to) {
                happened.push((end, place, None));
            }
            self.orders[place].triggered = order.triggered;
        }
        happened.sort();
        for (at, place, price) in happened {
            let order = &mut self.orders[place];
            let Some(price) = price else {
                order.state = State::Expired;
                continue;
            };
            order.state = State::Filled;
            let makes = self.live && order.limit.is_some() && at > order.placed_at;
            self.fills.push(NaiveFill {
                symbol: order.symbol.clone(),
                side: order.side,
                quantity: order.quantity,
                price,
                at,
                rate: if makes { dec("0.0015") } else { dec("0.0025") },
            });
        }
    }

    /// When a day order's session closes.
    fn end_of(&self, order: &NaiveOrder) -> Option<Timestamp> {
        (order.symbol.class() == AssetClass::UsEquity).then(|| calendar::next_close(order.placed_at))
    }

    /// When and at what price an order is filled within a stretch of time.
    fn meet(
        &self,
        order: &mut NaiveOrder,
        from: Timestamp,
        to: Timestamp,
        standing: bool,
    ) -> Option<(Timestamp, Decimal)> {
        let symbol = &order.symbol;
        let crypto = symbol.class() == AssetClass::Crypto;
        // The stretch in which the market is open for it.
        let (mut begin, mut end) = (from, to);
        if !crypto {
            let session = calendar::session_on(calendar::trading_date(
                calendar::next_close(order.placed_at) - jiff::SignedDuration::from_secs(1),
            ))
            .unwrap();
            begin = begin.max(session.open);
            end = end.min(session.close - jiff::SignedDuration::from_micros(1));
            if begin > end {
                return None;
            }
        }
        let price = |quote: &Quote| if order.side == Side::Buy { quote.ask } else { quote.bid };
        let meets = |price: Decimal| match (order.limit, order.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => price <= limit,
            (Some(limit), Side::Sell) => price >= limit,
        };
        if let Some(stop) = order.stop.filter(|_| !order.triggered) {
            let reached = |price: Decimal| match order.side {
                Side::Buy => price >= stop,
                Side::Sell => price <= stop,
            };
            let triggered_at = if reached(self.price(symbol, begin)) {
                Some(begin)
            } else {
                let window = Window { from: begin, to: end, now: end };
                self.market
                    .trades(symbol, window, Sort::Ascending)
                    .find(|trade| reached(trade.price))
                    .map(|trade| trade.at)
            };
            let at = triggered_at?;
            order.triggered = true;
            let quote = self.market.quote(symbol, at).unwrap();
            return Some((at, price(&quote)));
        }
        let quote = self.market.quote(symbol, begin).unwrap();
        if meets(price(&quote)) {
            return Some((begin, price(&quote)));
        }
        if standing {
            return None;
        }
        let window = Window { from: begin, to: end, now: end };
        let mut quotes = self.market.quotes(symbol, window, Sort::Ascending);
        quotes.find(|quote| meets(price(quote))).map(|quote| (quote.at, price(&quote)))
    }
}
