//! One account: its money, holdings, orders and history.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_alpaca::wire::AccountConfiguration;
use paddock_core::order::Side;
use paddock_core::{Environment, Symbol};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::activity::Activity;
use super::corporate::DueDividend;
use super::fees::DayFees;
use super::names::Names;
use super::open_orders::{OpenOrders, Share};
use super::order::Order;
use super::position::Position;
use super::watchlist::Watchlist;
use crate::fast_map::FastMap;
use crate::keys::KeptKey;

/// Whether an account may trade. Only the dashboard changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Alpaca's account status, for example `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// No new orders.
    pub trading_blocked: bool,
    /// Nothing at all.
    pub account_blocked: bool,
    /// Only orders that close positions.
    #[serde(default)]
    pub liquidation_only: bool,
}

impl Standing {
    /// The status of an account that may trade.
    pub const ACTIVE: &str = "ACTIVE";

    /// That of a new account.
    #[must_use]
    pub fn active() -> Self {
        Self {
            status: Self::ACTIVE.to_owned(),
            trading_blocked: false,
            account_blocked: false,
            liquidation_only: false,
        }
    }

    /// Whether new orders are taken.
    #[must_use]
    pub fn may_trade(&self) -> bool {
        self.status == Self::ACTIVE && !self.trading_blocked && !self.account_blocked
    }
}

/// What an account was worth when a session closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// The session's date.
    pub date: Date,
    /// Everything, dollars.
    pub equity: Decimal,
    /// What had to be kept of it, dollars.
    pub maintenance_margin: Decimal,
}

/// A fee that was taken and is yet to be posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccruedFee {
    /// The fill's activity.
    pub fill: Uuid,
    /// The pair.
    pub symbol: Symbol,
    /// Coins taken; zero when dollars were.
    pub quantity: Decimal,
    /// Dollars taken; zero when coins were.
    pub dollars: Decimal,
    /// The price of the fill.
    pub price: Decimal,
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Alpaca's account id.
    pub id: Uuid,
    /// Its world.
    pub environment: Environment,
    /// `PA` and 10 characters, or 9 digits.
    pub number: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it started with its cash: the opening, or the last reset.
    pub started_at: Timestamp,
    /// What it started with.
    pub starting_cash: Decimal,
    /// Its pair, if it has one.
    pub key: Option<KeptKey>,
    /// Whether it may trade.
    pub standing: Standing,
    /// What its user set.
    pub configuration: AccountConfiguration,
    /// Dollars to the cent; negative when borrowed.
    pub cash: Decimal,
    /// What it holds.
    pub positions: BTreeMap<Symbol, Position>,
    /// What happened, oldest first.
    pub activities: Vec<Activity>,
    /// Worth at the closes, oldest first.
    pub marks: Vec<Mark>,
    /// Fees that are yet to be posted.
    pub accrued: Vec<AccruedFee>,
    /// What regulators get of today's trades, and is yet to be posted.
    pub day_fees: DayFees,
    /// Dividends that are yet to be paid.
    pub dividends: Vec<DueDividend>,
    /// Its tier of crypto fees, from 1.
    pub crypto_tier: u8,
    /// Its user's lists of assets, oldest first.
    pub watchlists: Vec<Watchlist>,
    /// Boxed, since the map is half empty when its keys come in order.
    orders: BTreeMap<u64, Box<Order>>,
    by_id: FastMap<Uuid, u64>,
    names: Names,
    open: OpenOrders,
}

impl Account {
    /// An account as it is opened.
    #[must_use]
    pub fn new(
        id: Uuid,
        environment: Environment,
        number: String,
        cash: Decimal,
        key: KeptKey,
        at: Timestamp,
    ) -> Self {
        Self { key: Some(key), ..Self::empty(id, environment, number, cash, at) }
    }

    fn empty(id: Uuid, environment: Environment, number: String, cash: Decimal, at: Timestamp) -> Self {
        Self {
            id,
            environment,
            number,
            created_at: at,
            started_at: at,
            starting_cash: cash,
            key: None,
            standing: Standing::active(),
            configuration: AccountConfiguration { max_options_trading_level: Some(3), ..Default::default() },
            cash,
            positions: BTreeMap::new(),
            activities: Vec::new(),
            marks: Vec::new(),
            accrued: Vec::new(),
            day_fees: DayFees::default(),
            dividends: Vec::new(),
            crypto_tier: 1,
            watchlists: Vec::new(),
            orders: BTreeMap::new(),
            by_id: FastMap::default(),
            names: Names::default(),
            open: OpenOrders::default(),
        }
    }

    /// Begins again with `cash`: what was held, ordered and recorded is gone; pair, standing, configuration and
    /// watchlists stay.
    pub fn start_anew(&mut self, cash: Decimal, at: Timestamp) {
        let new = Self {
            key: self.key.take(),
            standing: self.standing.clone(),
            configuration: self.configuration.clone(),
            watchlists: std::mem::take(&mut self.watchlists),
            started_at: at,
            ..Self::empty(self.id, self.environment, std::mem::take(&mut self.number), cash, self.created_at)
        };
        *self = new;
    }

    /// Adds an order. Its ids must be new. Only for `Broker::enter_order`, which also tells of it.
    pub(super) fn add_order(&mut self, order: Order) {
        self.by_id.insert(order.id, order.sequence);
        self.names.add(&order);
        self.open.add(&order);
        self.orders.insert(order.sequence, Box::new(order));
    }

    /// Changes an order. What others should hear of goes through `Broker::change`.
    pub(super) fn change_order(&mut self, sequence: u64, change: impl FnOnce(&mut Order)) {
        if let Some(order) = self.orders.get_mut(&sequence) {
            let before = Share::of(order);
            change(order);
            self.open.update(order, before);
        }
    }

    /// Writes down when something happens to an order next, and tells what was written before. Nothing else hangs on it.
    pub(super) fn set_due(&mut self, sequence: u64, due_at: Option<Timestamp>) -> Option<Timestamp> {
        self.orders.get_mut(&sequence).and_then(|order| std::mem::replace(&mut order.due_at, due_at))
    }

    /// The order with that id.
    #[must_use]
    pub fn order(&self, id: Uuid) -> Option<&Order> {
        self.order_at(*self.by_id.get(&id)?)
    }

    /// The order with that place in the sequence.
    #[must_use]
    pub fn order_at(&self, sequence: u64) -> Option<&Order> {
        self.orders.get(&sequence).map(Box::as_ref)
    }

    /// The order to which the client gave that name.
    #[must_use]
    pub fn order_by_client_order_id(&self, name: &str) -> Option<&Order> {
        let from = |place| self.orders.range(place..).map(|(_, order)| &**order);
        self.order_at(self.names.find(name, from)?)
    }

    /// Whether an order with that id may have the name, or may be given one by the broker.
    pub(super) fn is_name_free(&self, name: Option<&str>, order: Uuid) -> bool {
        match name {
            Some(name) => self.order_by_client_order_id(name).is_none(),
            None => self.names.is_free_for(order),
        }
    }

    /// The exits that an order brought, the take-profit before the stop-loss.
    pub fn exits<'a>(&'a self, order: &'a Order) -> impl Iterator<Item = &'a Order> {
        order.legs().iter().filter_map(|leg| self.order(*leg))
    }

    /// All orders, in the order of their submission.
    pub fn orders(&self) -> impl DoubleEndedIterator<Item = &Order> {
        self.orders.values().map(Box::as_ref)
    }

    /// The orders that may still be filled, in the order of their submission.
    pub fn open_orders(&self) -> impl DoubleEndedIterator<Item = &Order> {
        self.open.sequences().filter_map(|sequence| self.order_at(sequence))
    }

    /// The open orders in one symbol and one way.
    pub fn open_orders_in<'a>(&'a self, symbol: &'a Symbol, side: Side) -> impl Iterator<Item = &'a Order> {
        self.open.sequences_in(symbol, side).filter_map(|sequence| self.order_at(sequence))
    }

    /// What it holds of a symbol; nothing is a zero position.
    #[must_use]
    pub fn position(&self, symbol: &Symbol) -> Position {
        self.positions.get(symbol).copied().unwrap_or(Position::NONE)
    }

    /// Units of a position that open orders hold.
    #[must_use]
    pub fn held(&self, symbol: &Symbol) -> Decimal {
        self.open.held(symbol)
    }

    /// Dollars of buying power that open orders reserve: for what can be bought on margin, and for what cannot.
    #[must_use]
    pub const fn reserved(&self) -> (Decimal, Decimal) {
        self.open.reserved()
    }

    /// The last mark of a date before `date`.
    #[must_use]
    pub fn mark_before(&self, date: Date) -> Option<&Mark> {
        let count = self.marks.partition_point(|mark| mark.date < date);
        self.marks.get(count.checked_sub(1)?)
    }
}
