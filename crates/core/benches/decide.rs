//! How long a decision takes: `cargo xtask bench` runs this and reads the lines that begin with `measured`.
#![expect(clippy::print_stdout, reason = "the measurements are its output")]
#![expect(clippy::float_arithmetic, reason = "measured times are no money")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made stops")]

use std::hint::black_box;
use std::time::Instant;

use jiff::Timestamp;
use paddock_core::calendar::trading_date;
use paddock_core::decide::{AccountFigures, Act, Decision, Opens, OrderFacts, Quote, Request, decide};
use paddock_core::money::parse_decimal;
use paddock_core::order::{Amount, OrderRequest, OrderType, Side, TimeInForce};
use paddock_core::{PermissionClass, Scope, Symbol, Usage};
use rust_decimal::Decimal;

/// Decisions in one round.
const DECISIONS: u32 = 200_000;
const ROUNDS: usize = 7;

fn main() {
    // What `cargo test` asks of every target.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let scope = scope();
    let at: Timestamp = "2026-06-24T14:00:00Z".parse().unwrap();
    let usage = Usage::none(trading_date(at));
    for (name, request) in [
        ("a_read", request(at, PermissionClass::AccountRead, Act::Plain)),
        ("a_market_order_with_a_quote", request(at, PermissionClass::Order, order(at, false))),
        ("a_limit_order", request(at, PermissionClass::Order, order(at, true))),
    ] {
        assert!(matches!(decide(&scope, &request, &usage), Decision::Permit(_)), "{name} is refused");
        let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(&scope, &request, &usage)).collect();
        rounds.sort_unstable_by(f64::total_cmp);
        println!("measured {name} {:.0}", rounds[ROUNDS / 2]);
    }
}

/// Nanoseconds for each decision.
fn round(scope: &Scope, request: &Request<'_>, usage: &Usage) -> f64 {
    let began = Instant::now();
    for _ in 0..DECISIONS {
        let _ = black_box(decide(black_box(scope), black_box(request), black_box(usage)));
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(DECISIONS)
}

/// Every limit that an order of a bot is likely to have.
fn scope() -> Scope {
    serde_json::from_str(
        r#"{
            "classes": ["account-read", "data", "order", "cancel", "position-close"],
            "symbols": ["AAPL", "AMZN", "IBM", "JPM", "KO", "MSFT", "NVDA", "QQQ", "SPY", "TSLA"],
            "sides": ["buy", "sell"],
            "order_types": ["market", "limit"],
            "times_in_force": ["day", "gtc"],
            "max_order_quantity": "100",
            "max_price_deviation": "5",
            "max_order_notional": "10000",
            "max_daily_notional": "100000",
            "max_daily_orders": 1000,
            "expires_at": "2030-01-01T00:00:00Z",
            "networks": ["10.0.0.0/8", "127.0.0.0/8"]
        }"#,
    )
    .unwrap()
}

fn request(at: Timestamp, class: PermissionClass, act: Act) -> Request<'static> {
    let operation = if class == PermissionClass::AccountRead { "getAccount" } else { "postOrder" };
    Request {
        operation,
        class,
        at,
        network: "127.0.0.1".parse().unwrap(),
        frozen: None,
        act,
        account: AccountFigures::default(),
    }
}

fn order(at: Timestamp, limited: bool) -> Act {
    let amount = Amount::Quantity(Decimal::TEN);
    let symbol = Symbol::parse("NVDA").unwrap();
    let mut order = OrderRequest::market(symbol, Side::Buy, TimeInForce::Day, amount);
    if limited {
        order.order_type = OrderType::Limit;
        order.limit_price = Some(parse_decimal("101.25").unwrap());
    }
    let quote = Some(Quote { price: parse_decimal("100.50").unwrap(), at });
    Act::Orders(vec![OrderFacts {
        order,
        quote,
        closes: false,
        already_charged: Decimal::ZERO,
        replaced_quantity: None,
        opens: Opens::All,
    }])
}
