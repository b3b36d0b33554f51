//! Order bodies: read as the gateway and the broker read them, and given to a broker one after the other.
//!
//! An input is lines. A line is the body of a new order, or begins with what else is done: `~` replaces the last order with the body
//! that follows, `-` cancels it, `x` closes a position, `+` lets so many minutes pass.

use std::cell::RefCell;

use paddock_alpaca::close_position::ClosePart;
use paddock_alpaca::order_body::{parse_order, parse_patch};
use paddock_core::order::Amount;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use crate::desk::{Answer, Desk};

/// A flow is no longer than this: what goes wrong goes wrong early.
const STEPS: usize = 12;

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

/// Checks an input.
pub fn check(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n').take(STEPS) {
        read(line);
    }
    DESK.with_borrow_mut(|kept| Desk::with(kept, |desk| flow(desk, data)));
}

/// What is read, written and read again is the same, and is written the same.
fn read(body: &[u8]) {
    if let Ok(order) = parse_order(body) {
        let written = order.to_json_bytes();
        let again = parse_order(&written);
        assert_eq!(again.as_ref(), Ok(&order), "{}", String::from_utf8_lossy(&written));
        assert_eq!(order.to_json_bytes(), written);
    }
    if let Ok(patch) = parse_patch(body) {
        let written = patch.to_json_bytes();
        assert_eq!(parse_patch(&written).as_ref(), Ok(&patch), "{}", String::from_utf8_lossy(&written));
    }
}

fn flow(desk: &Desk, data: &[u8]) {
    let mut last = String::from("00000000-0000-4000-8000-000000000000");
    for line in data.split(|byte| *byte == b'\n').take(STEPS) {
        let answer = match line.split_first() {
            None => continue,
            Some((b'~', body)) => desk.ask("PATCH", &format!("/v2/orders/{last}"), body),
            Some((b'-', _)) => desk.ask("DELETE", &format!("/v2/orders/{last}"), b""),
            Some((b'x', symbol)) => close(desk, symbol),
            Some((b'+', minutes)) => {
                desk.advance(60 * u64::from(minutes.first().copied().unwrap_or(1)));
                continue;
            }
            Some(_) => Some(place(desk, line)),
        };
        let Some(answer) = answer else { continue };
        if let Some(body) = answer.success()
            && let Some(id) = body["id"].as_str()
        {
            last = id.to_owned();
        }
    }
    reconciles(desk);
}

/// The broker refuses what the common reader refuses, with the same words, and shows what the reader read.
fn place(desk: &Desk, body: &[u8]) -> Answer {
    let answer = desk.ask("POST", "/v2/orders", body).unwrap();
    match parse_order(body) {
        Err(fault) => {
            let error = fault.to_error();
            assert_eq!((answer.status, &answer.body), (error.status, &error.to_body()), "{answer:?}");
        }
        Ok(parsed) => {
            let Some(shown) = answer.success() else {
                return answer;
            };
            let asked = &parsed.request;
            assert_eq!(shown["symbol"], asked.symbol.as_str());
            assert_eq!(shown["side"], serde_json::to_value(asked.side).unwrap());
            assert_eq!(shown["type"], serde_json::to_value(asked.order_type).unwrap());
            assert_eq!(shown["time_in_force"], serde_json::to_value(asked.time_in_force).unwrap());
            let (qty, notional) = match asked.amount {
                Amount::Quantity(qty) => (Some(qty), None),
                Amount::Notional(notional) => (None, Some(notional)),
            };
            assert_eq!((number(&shown["qty"]), number(&shown["notional"])), (qty, notional), "{shown}");
            assert_eq!(number(&shown["limit_price"]), asked.limit_price, "{shown}");
        }
    }
    answer
}

/// Closes a position, or a part that is given behind a question mark as the gateway would read it.
fn close(desk: &Desk, what: &[u8]) -> Option<Answer> {
    let what = std::str::from_utf8(what).ok()?;
    let answer = desk.ask("DELETE", &format!("/v2/positions/{what}"), b"")?;
    if let Some((_, query)) = what.split_once('?')
        && let Ok(query) = paddock_alpaca::path::Query::parse(query)
        && ClosePart::parse(&query).is_err()
    {
        assert!(answer.status >= 400, "{answer:?}");
    }
    Some(answer)
}

/// Money neither comes from nowhere nor goes there.
fn reconciles(desk: &Desk) {
    let account = desk.get("/v2/account");
    let figure = |name: &str| number(&account[name]).unwrap_or_else(|| panic!("{name} of {account}"));
    let (cash, equity) = (figure("cash"), figure("equity"));
    let positions = desk.get("/v2/positions");
    let mut worth = Decimal::ZERO;
    for position in positions.as_array().unwrap() {
        let of = |name: &str| number(&position[name]).unwrap_or_else(|| panic!("{name} of {position}"));
        worth += of("market_value");
        assert!(of("qty_available").abs() <= of("qty").abs(), "{position}");
        assert!(!of("qty").is_zero(), "{position}");
    }
    let cents = Decimal::new(i64::try_from(positions.as_array().unwrap().len()).unwrap() + 1, 2);
    assert!((equity - cash - worth).abs() <= cents, "{equity} is not {cash} and {worth}");
    assert!(figure("buying_power") >= Decimal::ZERO, "{account}");

    let mut spent = Decimal::ZERO;
    for fill in desk.get("/v2/account/activities/FILL?page_size=100").as_array().unwrap() {
        if fill["symbol"].as_str().unwrap().contains('/') {
            return;
        }
        let of = |name: &str| number(&fill[name]).unwrap();
        let value =
            (of("qty") * of("price")).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        spent += if fill["side"] == "buy" { value } else { -value };
    }
    assert_eq!(cash, Decimal::from(100_000) - spent, "{account}");
}

fn number(value: &Value) -> Option<Decimal> {
    value.as_str()?.parse().ok()
}
