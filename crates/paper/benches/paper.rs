//! What the broker does in one process, without HTTP and without a journal: `cargo xtask bench` runs this and reads the lines
//! that begin with `measured`.
#![expect(clippy::print_stdout, reason = "the measurements are its output")]
#![expect(clippy::float_arithmetic, reason = "measured times are no money")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made stops")]

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use paddock_core::order::{Amount, OrderClass, OrderRequest, OrderType, Side, TimeInForce};
use paddock_core::{Environment, Symbol};
use paddock_paper::broker::{Broker, Command};
use paddock_paper::keys::KeptKey;
use paddock_paper::market::{Market, MarketOptions};
use paddock_paper::{DateLaying, MAX_CASH};
use rust_decimal::Decimal;
use uuid::Uuid;

/// The allocator that the binary's wiping one stands on: what wiping costs is not in these figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A Wednesday morning, 10:00 in New York.
const OPEN: &str = "2026-06-24T14:00:00Z";
const SYMBOLS: [&str; 10] = ["AAPL", "MSFT", "IBM", "SPY", "QQQ", "NVDA", "AMZN", "TSLA", "JPM", "KO"];
/// Commands in one round: a fresh broker takes them all.
const COMMANDS: u32 = 200_000;
const ROUNDS: usize = 5;
/// One trades at the market and one has resting orders, which would otherwise be each other's wash trades.
const ACCOUNTS: u32 = 2;

fn main() {
    // What `cargo test` asks of every target.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    for (name, load) in
        [("orders", orders as fn(&Market) -> Vec<Command>), ("orders_and_cancels", with_cancels)]
    {
        let mut rates: Vec<f64> = (0..ROUNDS).map(|_| round(load)).collect();
        rates.sort_unstable_by(f64::total_cmp);
        println!("measured {name} {:.0}", rates[ROUNDS / 2]);
    }
    let mut rates: Vec<f64> = (0..ROUNDS).map(|_| replay()).collect();
    rates.sort_unstable_by(f64::total_cmp);
    println!("measured minute_bars_of_a_year {:.0}", rates[ROUNDS / 2]);
}

/// Minute bars per second of a broker that goes through a year of ten symbols, with a trailing stop in each that has to look at
/// every one of them. The bars are generated or read from the recordings anew in every round.
fn replay() -> f64 {
    let market =
        Arc::new(Market::new(MarketOptions { seed: 1, laying: DateLaying::OntoToday, hold_open: false }));
    let start: Timestamp = "2025-06-24T13:30:00Z".parse().unwrap();
    let mut broker = Broker::new(Arc::clone(&market), start);
    open_accounts(&mut broker, start);
    let began = processor_time();
    let mut number = 0;
    for quarter in 0..4 {
        let at = start + SignedDuration::from_hours(24 * 91 * quarter);
        for name in SYMBOLS {
            let symbol = Symbol::parse(name).unwrap();
            let one = Amount::Quantity(Decimal::ONE);
            let buy = OrderRequest::market(symbol.clone(), Side::Buy, TimeInForce::Day, one);
            let stop = OrderRequest {
                order_type: OrderType::TrailingStop,
                time_in_force: TimeInForce::Gtc,
                // So far below that no year reaches it.
                trail_percent: Some(Decimal::from(90)),
                ..OrderRequest::market(symbol, Side::Sell, TimeInForce::Gtc, one)
            };
            for request in [buy, stop] {
                number += 1;
                let (account, order, request) = (id(1, 0), id(2, number), Box::new(request));
                broker.apply(at, &Command::PlaceOrder { account, order, request, intent: None }).unwrap();
            }
        }
    }
    broker.advance(start + SignedDuration::from_hours(24 * 365));
    let took = processor_time().saturating_sub(began);
    let followed = broker.account(id(1, 0)).unwrap().orders().filter(|order| order.trailed.is_some()).count();
    assert_eq!(followed, 4 * SYMBOLS.len(), "a stop was not followed");
    let sessions = paddock_core::calendar::sessions_between(
        "2025-06-24".parse().unwrap(),
        "2026-06-23".parse().unwrap(),
    );
    let minutes: i64 = sessions.map(|session| session.close.duration_since(session.open).as_mins()).sum();
    let bars = u32::try_from(minutes).unwrap() * u32::try_from(SYMBOLS.len()).unwrap();
    f64::from(bars) / took.as_secs_f64()
}

fn open_accounts(broker: &mut Broker, at: Timestamp) {
    for account in 0..ACCOUNTS {
        let key = KeptKey { key_id: format!("PK{account}"), secret_sha256: String::new() };
        let (number, account) = (format!("PA{account}"), id(1, account));
        let environment = Environment::Paper;
        broker
            .apply(at, &Command::CreateAccount { account, environment, number, cash: MAX_CASH, key })
            .unwrap();
    }
}

/// Commands per second of one round.
fn round(load: fn(&Market) -> Vec<Command>) -> f64 {
    let market =
        Arc::new(Market::new(MarketOptions { seed: 1, laying: DateLaying::OntoToday, hold_open: false }));
    let start: Timestamp = OPEN.parse().unwrap();
    let mut broker = Broker::new(Arc::clone(&market), start);
    open_accounts(&mut broker, start);
    let commands = load(&market);
    let began = processor_time();
    for (number, command) in (1..).zip(&commands) {
        // Two microseconds lie between commands, as they would at half a million in a second.
        broker.apply(start + SignedDuration::from_micros(2 * number), command).unwrap();
    }
    let took = processor_time().saturating_sub(began);
    f64::from(u32::try_from(commands.len()).unwrap()) / took.as_secs_f64()
}

/// What this thread has used of a core so far: other programs on the machine do not count. Linux tells it in nanoseconds.
fn processor_time() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(spent.split_whitespace().next().unwrap().parse().unwrap())
}

/// What can be bought and at which limit it would rest.
type Assets = Vec<(Symbol, Decimal)>;

fn assets(market: &Market) -> Assets {
    let at = OPEN.parse().unwrap();
    let limit = |symbol: &Symbol| (market.quote(symbol, at).unwrap().ask * Decimal::new(90, 2)).round_dp(2);
    SYMBOLS.map(|symbol| Symbol::parse(symbol).unwrap()).map(|symbol| (symbol.clone(), limit(&symbol))).into()
}

/// In turn for ten symbols: a market order to buy, one to sell, and two limit orders that rest.
fn orders(market: &Market) -> Vec<Command> {
    let assets = assets(market);
    (0..COMMANDS).map(|number| place(&assets, number, (number / 10) % 4)).collect()
}

/// The same with half of the resting orders, each taken back right after.
fn with_cancels(market: &Market) -> Vec<Command> {
    let assets = assets(market);
    let command = |number: u32| match (number / 10) % 4 {
        3 => Command::CancelOrder { account: id(1, 1), order: id(2, number - 10) },
        kind => place(&assets, number, kind),
    };
    (0..COMMANDS).map(command).collect()
}

fn place(assets: &Assets, number: u32, kind: u32) -> Command {
    let (symbol, limit) = assets[number as usize % assets.len()].clone();
    let (side, limit_price) = match kind {
        0 => (Side::Buy, None),
        1 => (Side::Sell, None),
        _ => (Side::Buy, Some(limit)),
    };
    let request = OrderRequest {
        symbol,
        amount: Amount::Quantity(Decimal::ONE),
        side,
        order_type: if limit_price.is_some() { OrderType::Limit } else { OrderType::Market },
        time_in_force: TimeInForce::Day,
        limit_price,
        stop_price: None,
        trail_price: None,
        trail_percent: None,
        extended_hours: false,
        order_class: OrderClass::Simple,
        take_profit: None,
        stop_loss: None,
        legs: Vec::new(),
        client_order_id: None,
    };
    Command::PlaceOrder {
        account: id(1, u32::from(kind > 1)),
        order: id(2, number),
        request: Box::new(request),
        intent: None,
    }
}

fn id(kind: u128, number: u32) -> Uuid {
    Uuid::from_u128(kind << 64 | u128::from(number))
}
