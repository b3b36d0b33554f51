//! The state machine, in a real market: quotes are asked for, never assumed.

mod accounting;
mod admission;
mod corporate;
mod day_trades;
mod events;
mod extremes;
mod family;
mod immediate;
mod life;
mod live_fees;
mod oracle;
mod parts;
mod stops;

use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::order::{Amount, OrderClass, OrderRequest, OrderType, Side, TimeInForce};
use paddock_core::{Environment, Symbol};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::keys::KeptKey;
use crate::market::{DateLaying, MarketOptions, Quote};

/// A Wednesday morning with the market open, 10:00 in New York.
const OPEN: &str = "2026-06-24T14:00:00Z";
/// The evening before.
const SHUT: &str = "2026-06-24T01:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).unwrap()
}

fn market() -> Arc<Market> {
    Arc::new(Market::new(MarketOptions { seed: 7, laying: DateLaying::OntoToday, hold_open: false }))
}

/// A broker with one account of $100,000.
struct Desk {
    broker: Broker,
    account: Uuid,
    ids: u128,
}

impl Desk {
    fn at(start: &str) -> Self {
        Self::with_cash(start, "100000")
    }

    fn with_cash(start: &str, cash: &str) -> Self {
        Self::with(market(), start, Environment::Paper, cash)
    }

    fn of(market: Arc<Market>, start: &str, environment: Environment) -> Self {
        Self::with(market, start, environment, "100000")
    }

    /// In a market whose recorded prices are on their own dates.
    fn recorded(start: &str, environment: Environment) -> Self {
        let laying = DateLaying::AsRecorded;
        let market = Market::new(MarketOptions { laying, ..*market().options() });
        Self::of(Arc::new(market), start, environment)
    }

    fn with(market: Arc<Market>, start: &str, environment: Environment, cash: &str) -> Self {
        let account = Uuid::from_u128(1);
        let mut broker = Broker::new(market, at(start));
        let key = KeptKey { key_id: "PK1".to_owned(), secret_sha256: String::new() };
        let create =
            Command::CreateAccount { account, environment, number: "PA1".to_owned(), cash: dec(cash), key };
        broker.apply(at(start), &create).unwrap();
        Self { broker, account, ids: 1000 }
    }

    fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    fn apply(&mut self, command: &Command) -> Result<Reply, AlpacaError> {
        self.broker.apply(self.broker.now(), command)
    }

    fn place(&mut self, request: OrderRequest) -> Result<Order, AlpacaError> {
        let order = self.id();
        let account = self.account;
        match self.apply(&Command::PlaceOrder { account, order, request: Box::new(request), intent: None })? {
            Reply::Order(order) => Ok(*order),
            other => panic!("{other:?}"),
        }
    }

    /// The code and message of the refusal.
    fn refused(&mut self, request: OrderRequest) -> String {
        self.place(request).unwrap_err().message.into_owned()
    }

    fn account(&self) -> &Account {
        self.broker.account(self.account).unwrap()
    }

    fn order(&self, id: Uuid) -> &Order {
        self.account().order(id).unwrap()
    }

    fn quote(&self, text: &str) -> Quote {
        self.broker.market.quote(&symbol(text), self.broker.now()).unwrap()
    }

    fn advance(&mut self, to: &str) {
        self.broker.advance(at(to));
    }

    fn power(&self) -> figures::Figures {
        figures::figures(self.account(), &self.broker.market, self.broker.now(), None)
    }
}

fn order(text: &str, side: Side, quantity: &str) -> OrderRequest {
    let crypto = text.contains('/');
    let time_in_force = if crypto { TimeInForce::Gtc } else { TimeInForce::Day };
    OrderRequest::market(symbol(text), side, time_in_force, Amount::Quantity(dec(quantity)))
}

fn buy(text: &str, quantity: &str) -> OrderRequest {
    order(text, Side::Buy, quantity)
}

fn sell(text: &str, quantity: &str) -> OrderRequest {
    order(text, Side::Sell, quantity)
}

fn limit(request: OrderRequest, price: Decimal) -> OrderRequest {
    OrderRequest { order_type: OrderType::Limit, limit_price: Some(price), ..request }
}

fn gtc(request: OrderRequest) -> OrderRequest {
    OrderRequest { time_in_force: TimeInForce::Gtc, ..request }
}

fn notional(request: OrderRequest, dollars: &str) -> OrderRequest {
    OrderRequest { amount: Amount::Notional(dec(dollars)), ..request }
}
