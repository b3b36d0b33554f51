//! What is read, what is refused, and at which field.

use paddock_core::scope::PositionRule;
use paddock_core::{PermissionClass, Symbol};
use rstest::rstest;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::*;

fn scope_of(json: &Value) -> Result<Scope, Problem> {
    let mut fields: Fields = serde_json::from_value(json.clone()).unwrap();
    let scope = read(&mut fields, "2026-11-21T12:00:00Z".parse().unwrap())?;
    fields.finish(&FIELDS)?;
    Ok(scope)
}

#[test]
fn a_full_scope_is_read() {
    let scope = scope_of(&json!({
        "preset": "trader", "allow": ["settings", "getAccount"], "symbols": ["aapl", "BTCUSD"], "data_symbols": ["spy"], "sides": ["BUY"],
        "order_types": ["market", "limit"], "max_order_notional": "1000", "max_daily_notional": "5000.50",
        "order_classes": ["simple"], "times_in_force": ["day", "IOC"], "no_extended_hours": true, "positions": "long_only",
        "hours": "09:45-15:30", "max_order_quantity": "10", "max_price_deviation": "2.5", "max_quote_age": 30,
        "max_daily_orders": 50, "max_open_exposure": "20000", "max_daily_loss": "250", "max_requests_per_minute": 60,
        "expires_in": "30d", "networks": ["10.1.2.3/8", "::1"], "signed": "required",
        "approval_over": "always", "approval_wait": 0, "approval_expiry": 60, "approval_price_band": "0.5",
    }))
    .unwrap();
    assert!(scope.classes.contains(&PermissionClass::Settings));
    assert!(scope.operations.contains("getAccount"));
    assert_eq!(scope.max_requests_per_minute, Some(60));
    assert!(scope.signed.is_some());
    assert_eq!((scope.approval_over, scope.approval_wait), (Some(Decimal::ZERO), Some(0)));
    assert_eq!(scope.symbols.unwrap().iter().map(Symbol::as_str).collect::<Vec<_>>(), ["AAPL", "BTC/USD"]);
    assert_eq!(scope.expires_at.unwrap().to_string(), "2026-12-21T12:00:00Z");
    let networks: Vec<String> = scope.networks.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "::1/128"]);
}

#[rstest]
#[case(json!({}), "missing_field", "preset")]
#[case(json!({"preset": "admin"}), "invalid_field", "preset")]
#[case(json!({"preset": 1}), "invalid_field", "preset")]
#[case(json!({"allow": []}), "invalid_field", "allow")]
#[case(json!({"allow": ["buy-everything"]}), "unknown_operation", "allow")]
#[case(json!({"allow": ["money-out"]}), "money_out_by_name_only", "allow")]
#[case(json!({"preset": "trader", "symbols": ["AAPL;MSFT"]}), "invalid_field", "symbols")]
#[case(json!({"preset": "trader", "asset_classes": ["stocks"]}), "invalid_field", "asset_classes")]
#[case(json!({"preset": "trader", "sides": ["short"]}), "invalid_field", "sides")]
#[case(json!({"preset": "trader", "order_types": ["iceberg"]}), "invalid_field", "order_types")]
#[case(json!({"preset": "trader", "times_in_force": ["never"]}), "invalid_field", "times_in_force")]
#[case(json!({"preset": "trader", "order_classes": ["pair"]}), "invalid_field", "order_classes")]
#[case(json!({"preset": "trader", "positions": "short"}), "invalid_field", "positions")]
#[case(json!({"preset": "trader", "hours": "always"}), "invalid_field", "hours")]
#[case(json!({"preset": "trader", "no_extended_hours": "no"}), "invalid_field", "no_extended_hours")]
#[case(json!({"preset": "trader", "max_price_deviation": "0"}), "invalid_field", "max_price_deviation")]
#[case(json!({"preset": "read-only", "positions": "long_only"}), "contradiction", "preset")]
#[case(json!({"preset": "trader", "max_order_notional": "1e3"}), "invalid_field", "max_order_notional")]
#[case(json!({"preset": "trader", "max_daily_notional": "0"}), "invalid_field", "max_daily_notional")]
#[case(json!({"preset": "trader", "max_daily_orders": 0}), "invalid_field", "max_daily_orders")]
#[case(json!({"preset": "trader", "max_open_exposure": "0"}), "invalid_field", "max_open_exposure")]
#[case(json!({"preset": "trader", "max_daily_loss": "-1"}), "invalid_field", "max_daily_loss")]
#[case(json!({"preset": "trader", "max_order_notional": "2", "max_open_exposure": "1"}), "contradiction", "max_order_notional")]
#[case(json!({"preset": "trader", "max_requests_per_minute": 0}), "invalid_field", "max_requests_per_minute")]
#[case(json!({"preset": "trader", "expires_in": "soon"}), "invalid_field", "expires_in")]
#[case(json!({"preset": "trader", "expires_at": "2020-01-01T00:00:00Z"}), "invalid_field", "expires_at")]
#[case(json!({"preset": "trader", "expires_at": "tomorrow"}), "invalid_field", "expires_at")]
#[case(json!({"preset": "trader", "expires_at": "2027-01-01T00:00:00Z", "expires_in": "1d"}), "invalid_field", "expires_in")]
#[case(json!({"preset": "trader", "networks": ["10.0.0.0/33"]}), "invalid_field", "networks")]
#[case(json!({"preset": "trader", "max_order_notional": "2", "max_daily_notional": "1"}), "contradiction", "max_order_notional")]
#[case(json!({"preset": "trader", "symbols": ["AAPL"], "asset_classes": ["crypto"]}), "contradiction", "asset_classes")]
#[case(json!({"preset": "read-only", "sides": ["buy"]}), "contradiction", "preset")]
#[case(json!({"preset": "read-only", "only_own_orders": true}), "contradiction", "preset")]
#[case(json!({"preset": "trader", "only_own_orders": "yes"}), "invalid_field", "only_own_orders")]
fn each_complaint_names_its_field(#[case] body: Value, #[case] code: &str, #[case] field: &str) {
    let problem = scope_of(&body).unwrap_err();
    assert_eq!(problem.code, code);
    assert_eq!(problem.extra["field"], field);
    assert_eq!(problem.status, 422);
    assert!(!problem.next_step.is_empty());
}

#[test]
fn a_slip_of_the_pen_is_recognised() {
    let problem = scope_of(&json!({"allow": ["postorder"]})).unwrap_err();
    assert_eq!(problem.extra["did_you_mean"], "postOrder");
    assert!(problem.next_step.contains("postOrder"));
}

/// Every limit there is; without a rest, so that one that is added is here too.
fn full() -> Scope {
    let set = scope_of(&json!({
        "preset": "trader", "allow": ["getAccount"], "symbols": ["AAPL", "BTC/USD"], "data_symbols": ["SPY"], "sides": ["buy"],
        "asset_classes": ["us_equity", "crypto"], "order_types": ["stop_limit"], "order_classes": ["simple", "oto"],
        "times_in_force": ["day"], "networks": ["10.0.0.0/8", "::1"], "expires_in": "30d",
    }))
    .unwrap();
    Scope {
        classes: set.classes,
        operations: set.operations,
        data_symbols: set.data_symbols,
        symbols: set.symbols,
        asset_classes: set.asset_classes,
        sides: set.sides,
        order_types: set.order_types,
        times_in_force: set.times_in_force,
        order_classes: set.order_classes,
        no_extended_hours: true,
        positions: Some(PositionRule::ReduceOnly),
        only_own_orders: true,
        max_order_quantity: Some("0.50".parse().unwrap()),
        max_price_deviation: Some("2.5".parse().unwrap()),
        max_quote_age: Some(30),
        hours: Some("09:45-15:30".parse().unwrap()),
        max_order_notional: Some("1000.50".parse().unwrap()),
        max_daily_notional: Some("5000".parse().unwrap()),
        max_daily_orders: Some(9),
        max_open_exposure: Some("20000".parse().unwrap()),
        max_daily_loss: Some("250".parse().unwrap()),
        max_requests_per_minute: Some(60),
        expires_at: set.expires_at,
        networks: set.networks,
        // Decided when the key is issued.
        signed: None,
        approval_over: Some("500.5".parse().unwrap()),
        approval_wait: Some(300),
        approval_expiry: Some(60),
        approval_price_band: Some("0.5".parse().unwrap()),
    }
}

fn changed(old: &Scope, change: &Value) -> Result<Scope, Problem> {
    let fields: Fields = serde_json::from_value(change.clone()).unwrap();
    // Later than the old scope's end.
    read_change(fields, old, "2030-01-01T00:00:00Z".parse().unwrap()).map_err(Problem::from)
}

#[test]
fn what_is_not_named_stays_as_it_is() {
    assert_eq!(changed(&full(), &json!({})).unwrap(), full());
    let some = changed(&full(), &json!({"max_daily_orders": 10, "symbols": ["aapl"]})).unwrap();
    let expected = Scope {
        max_daily_orders: Some(10),
        symbols: Some([Symbol::parse("AAPL").unwrap()].into()),
        ..full()
    };
    assert_eq!(some, expected);
}

#[test]
fn every_limit_can_be_lifted() {
    let mut nothing: Map<String, Value> =
        FIELDS.map(|name| (name.to_owned(), Value::Null)).into_iter().collect();
    nothing.insert("allow".to_owned(), json!(["data"]));
    let lifted = changed(&full(), &Value::Object(nothing)).unwrap();
    assert_eq!(lifted, Scope { classes: [PermissionClass::Data].into(), ..Scope::default() });
}

#[rstest]
#[case(json!({"max_notional": null}), "unknown_field")]
#[case(json!({"preset": null}), "missing_field")]
#[case(json!({"preset": "read-only"}), "contradiction")]
#[case(json!({"approval_over": null}), "contradiction")]
#[case(json!({"approval_over": "-1"}), "invalid_field")]
#[case(json!({"approval_wait": 301}), "invalid_field")]
#[case(json!({"signed": "required"}), "signed_for_good")]
#[case(json!({"max_daily_notional": "1000"}), "contradiction")]
#[case(json!({"expires_at": "2029-01-01T00:00:00Z"}), "invalid_field")]
fn a_change_is_held_to_the_same_rules(#[case] change: Value, #[case] code: &str) {
    assert_eq!(changed(&full(), &change).unwrap_err().code, code);
}

#[test]
fn everything_that_is_wrong_is_heard() {
    let mut fields: Fields =
        serde_json::from_value(json!({ "symbols": ["A;B"], "max_daily_orders": 0, "hours": "never" }))
            .unwrap();
    let complaints = read(&mut fields, "2026-11-21T12:00:00Z".parse().unwrap()).unwrap_err();
    let at: Vec<&str> = complaints.iter().map(|problem| problem.extra["field"].as_str().unwrap()).collect();
    assert_eq!(at, ["preset", "symbols", "max_daily_orders", "hours"]);
}

#[test]
fn money_out_is_allowed_by_name() {
    let name = acts::operations_of(PermissionClass::MoneyOut).next().unwrap();
    assert!(scope_of(&json!({"allow": [name]})).unwrap().operations.contains(name));
}
