use std::net::IpAddr;

use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Map, Value, json};

use super::*;
use crate::Symbol;
use crate::calendar::trading_date;
use crate::decide::{AccountFigures, Act, Decision, Figure, Opens, OrderFacts, Quote, Request, decide};
use crate::order::{Amount, OrderLeg, OrderRequest, StopLoss, TakeProfit};
use crate::scope::Preset;
use crate::usage::Usage;

fn dec(text: &str) -> Option<Decimal> {
    Some(crate::money::parse_decimal(text).unwrap())
}

fn said(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.words.as_str()).collect()
}

/// The trader's scope with some fields set.
fn with(fields: Value) -> Scope {
    let mut scope = Scope::default();
    Preset::Trader.apply(&mut scope);
    let Ok(Value::Object(mut all)) = serde_json::to_value(scope) else { panic!("a scope is an object") };
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    all.extend(fields);
    serde_json::from_value(Value::Object(all)).unwrap()
}

#[rstest]
#[case::classes(json!({}), json!({"classes": ["data"]}), "", "operations of account-read, order, cancel, position-close and watchlist")]
#[case::by_name(json!({}), json!({"operations": ["postOrder"]}), "by their names: postOrder", "")]
#[case::money_out_as_a_class_is_nothing(json!({"classes": []}), json!({"classes": ["money-out"]}), "", "")]
#[case::symbols(json!({"symbols": ["AAPL", "IBM"]}), json!({"symbols": ["AAPL", "MSFT"]}), "orders in MSFT", "orders in IBM")]
#[case::any_symbol(json!({"symbols": ["AAPL"]}), json!({}), "orders in all symbols but AAPL", "")]
#[case::data(json!({}), json!({"data_symbols": ["AAPL"]}), "", "market data of the whole market and of all symbols but AAPL")]
#[case::all_sides_is_no_limit(json!({}), json!({"sides": ["buy", "sell"]}), "", "")]
#[case::sides(json!({"sides": ["buy"]}), json!({}), "orders to sell", "")]
#[case::types(json!({}), json!({"order_types": ["limit"]}), "", "market, stop, stop_limit and trailing_stop orders, exits included")]
#[case::extended_hours(json!({"no_extended_hours": true}), json!({}), "orders that may fill outside regular hours", "")]
#[case::own(json!({"only_own_orders": true}), json!({}), "seeing, changing and canceling orders that it has not placed", "")]
#[case::short(json!({"positions": "long_only"}), json!({}), "selling short, and multi-leg orders", "")]
#[case::reduce(json!({"positions": "long_only"}), json!({"positions": "reduce_only"}), "", "orders to buy that open a position or make it larger")]
#[case::raised(json!({"max_order_notional": "1000"}), json!({"max_order_notional": "1000.50"}), "orders each worth up to $1,000.50, so far up to $1,000", "")]
#[case::lowered(json!({"max_daily_orders": 5}), json!({"max_daily_orders": 4}), "", "a day's number of orders more than 4, so far up to 5")]
#[case::rate(json!({"max_requests_per_minute": 60}), json!({"max_requests_per_minute": 90}), "a minute's number of requests up to 90, so far up to 60", "")]
#[case::lifted(json!({"max_order_quantity": "10.0"}), json!({}), "an order's units more than 10, without a limit", "")]
#[case::same_number(json!({"max_price_deviation": "2.50"}), json!({"max_price_deviation": "2.5"}), "", "")]
#[case::usual_age(json!({}), json!({"max_quote_age": 900}), "", "")]
#[case::older(json!({}), json!({"max_quote_age": 901}), "quotes to judge orders by with an age of up to 901 seconds, so far up to 900 seconds", "")]
#[case::hours(json!({"hours": "09:45-15:30"}), json!({"hours": "09:30-15:00"}), "orders from 09:30 to 09:45 New York time", "orders from 15:00 to 15:30 New York time")]
#[case::night(json!({"hours": "20:00-04:00"}), json!({"hours": "19:00-05:00"}), "orders from 04:00 to 05:00 and from 19:00 to 20:00 New York time", "")]
#[case::regular(json!({"hours": "10:00-16:00"}), json!({"hours": "regular"}), "orders from 09:30 to 10:00 New York time", "orders from 10:00 to 16:00 New York time when there is no session")]
#[case::exposure(json!({"max_open_exposure": "5000"}), json!({"max_open_exposure": "6000"}), "opening while the account has at stake up to $6,000, so far up to $5,000", "")]
#[case::loss(json!({}), json!({"max_daily_loss": "250"}), "", "opening on a day on which the account has lost more than $250, so far without a limit")]
#[case::expiry(json!({"expires_at": "2027-01-01T00:00:00Z"}), json!({"expires_at": "2026-12-01T00:00:00Z"}), "", "use from 1 December 2026, 00:00 UTC until 1 January 2027, 00:00 UTC")]
#[case::halves(json!({"networks": ["10.0.0.0/8"]}), json!({"networks": ["10.0.0.0/9", "10.128.0.0/9"]}), "", "")]
#[case::wider(json!({"networks": ["10.0.0.0/8", "10.1.0.0/16"]}), json!({"networks": ["10.0.0.0/7", "fd00::/8"]}), "use from 10.0.0.0/7 (all but 10.0.0.0/8) and fd00::/8", "")]
#[case::anywhere(json!({"networks": ["10.0.0.0/8"]}), json!({}), "use from all networks but 10.0.0.0/8", "")]
#[case::approvals(json!({"approval_over": "0"}), json!({"approval_over": "500"}), "without a person's approval, orders each worth up to $500, so far up to $0", "")]
#[case::band(json!({}), json!({"approval_price_band": "1"}), "", "approved orders when the price has moved by more than 1 %, so far up to 2 %")]
#[case::signed(json!({"signed": "required"}), json!({}), "use with the secret instead of signatures", "")]
fn each_limit_in_words(
    #[case] old: Value,
    #[case] new: Value,
    #[case] allows: &'static str,
    #[case] forbids: &'static str,
) {
    let (old, new) = (with(old), with(new));
    let difference = diff(&old, &new);
    let expected = |text: &'static str| if text.is_empty() { Vec::new() } else { vec![text] };
    assert_eq!((said(&difference.allows), said(&difference.forbids)), (expected(allows), expected(forbids)));
}

fn some_of<T: Clone + Ord + std::fmt::Debug + 'static>(
    all: Vec<T>,
) -> impl Strategy<Value = Option<BTreeSet<T>>> {
    let whole = all.len();
    prop::option::of(prop::sample::subsequence(all, 0..=whole).prop_map(|some| some.into_iter().collect()))
}

fn few(values: &'static [&'static str]) -> impl Strategy<Value = Option<Decimal>> {
    prop::option::of(prop::sample::select(values).prop_map(|text| dec(text).unwrap()))
}

const SYMBOLS: [&str; 4] = ["AAPL", "MSFT", "BTC/USD", "AAPL261218C00150000"];

fn any_symbols() -> Vec<Symbol> {
    SYMBOLS.iter().map(|symbol| Symbol::parse(symbol).unwrap()).collect()
}

const INSTANTS: [&str; 6] = [
    "2026-11-20T14:30:00Z",
    "2026-11-20T15:00:00Z",
    "2026-11-20T20:59:00Z",
    "2026-11-21T15:00:00Z",
    "2026-11-21T03:00:00Z",
    "2026-11-27T19:00:00Z",
];

prop_compose! {
    fn terms()(
        asset_classes in some_of(AssetClass::ALL.to_vec()),
        sides in some_of(Side::ALL.to_vec()),
        order_types in some_of(OrderType::ALL.to_vec()),
        times_in_force in some_of(TimeInForce::ALL.to_vec()),
        order_classes in some_of(OrderClass::ALL.to_vec()),
        no_extended_hours: bool,
        only_own_orders: bool,
        positions in prop::option::of(prop::sample::select(PositionRule::ALL)),
        max_order_quantity in few(&["1", "10", "10.0", "1000"]),
        max_price_deviation in few(&["0.5", "5"]),
    ) -> Scope {
        Scope { asset_classes, sides, order_types, times_in_force, order_classes, no_extended_hours, only_own_orders, positions,
            max_order_quantity, max_price_deviation, ..Scope::default() }
    }
}

prop_compose! {
    // No rest here: a limit that is added has to take part.
    fn scopes()(
        terms in terms(),
        classes in prop::sample::subsequence(PermissionClass::ALL.to_vec(), 4..=8),
        operations in some_of(vec!["postOrder".to_owned(), "optionExercise".to_owned()]),
        data_symbols in some_of(any_symbols()),
        symbols in some_of(any_symbols()),
        max_quote_age in prop::option::of(prop::sample::select(&[10, 900, 2000][..])),
        hours in prop::option::of(prop::sample::select(&["regular", "09:30-16:00", "10:00-22:30", "21:00-11:00"][..])),
        max_order_notional in few(&["100", "1000", "1000.5", "1000000"]),
        max_daily_notional in few(&["100", "5000", "1000000"]),
        approval_over in few(&["0", "500", "1000"]),
        approval_price_band in few(&["1", "2"]),
        max_daily_orders in prop::option::of(0_u32..3),
        max_open_exposure in few(&["100", "1000", "5000"]),
        max_daily_loss in few(&["100", "1000"]),
        max_requests_per_minute in prop::option::of(1_u32..3),
        expires_at in prop::option::of(prop::sample::select(&["2026-11-20T15:00:00Z", "2026-11-21T15:00:00Z", "2027-01-01T00:00:00Z"][..])),
        networks in some_of(["10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "10.200.1.1/32", "0.0.0.0/0", "fd00::/8"].map(str::to_owned).to_vec()),
    ) -> Scope {
        Scope {
            classes: classes.into_iter().collect(),
            operations: operations.unwrap_or_default(),
            data_symbols,
            symbols,
            asset_classes: terms.asset_classes,
            sides: terms.sides,
            order_types: terms.order_types,
            times_in_force: terms.times_in_force,
            order_classes: terms.order_classes,
            no_extended_hours: terms.no_extended_hours,
            positions: terms.positions,
            only_own_orders: terms.only_own_orders,
            max_order_quantity: terms.max_order_quantity,
            max_price_deviation: terms.max_price_deviation,
            max_quote_age,
            hours: hours.map(|hours| hours.parse().unwrap()),
            max_order_notional,
            max_daily_notional,
            max_daily_orders,
            max_open_exposure,
            max_daily_loss,
            max_requests_per_minute,
            expires_at: expires_at.map(|at| at.parse().unwrap()),
            networks: networks.map(|networks| networks.iter().map(|network| network.parse().unwrap()).collect()),
            // The door's matter and not the decision's.
            signed: None,
            approval_over,
            approval_wait: None,
            approval_expiry: None,
            approval_price_band,
        }
    }
}

/// The one scope with some limits of the other, so that pairs differ in few of them.
fn mixed(one: &Scope, other: &Scope, which: u64) -> Scope {
    let fields =
        |scope: &Scope| serde_json::from_value::<Map<String, Value>>(serde_json::to_value(scope).unwrap());
    let (mut mixed, mut other) = (fields(one).unwrap(), fields(other).unwrap());
    let names: BTreeSet<String> = mixed.keys().chain(other.keys()).cloned().collect();
    for (place, name) in names.into_iter().enumerate() {
        // Two bits for each, so that a quarter is taken over.
        if which >> (2 * (place % 32)) & 3 == 3 {
            match other.remove(&name) {
                Some(value) => _ = mixed.insert(name, value),
                None => _ = mixed.remove(&name),
            }
        }
    }
    serde_json::from_value(Value::Object(mixed)).unwrap()
}

prop_compose! {
    fn orders()(
        symbol in prop::sample::select(any_symbols()),
        side in prop::sample::select(Side::ALL),
        order_type in prop::sample::select(OrderType::ALL),
        time_in_force in prop::sample::select(TimeInForce::ALL),
        order_class in prop::sample::select(OrderClass::ALL),
        notional: bool,
        amount in prop::sample::select(&["0.5", "1", "10", "11", "1001"][..]),
        limit in few(&["90", "100", "100.5", "110"]),
        extended_hours: bool,
        closes: bool,
        quote in few(&["100", "101"]),
        age in 0_i64..2500,
        legs in 0_usize..3,
    ) -> (OrderRequest, bool, Option<Decimal>, i64) {
        let amount = dec(amount).unwrap();
        let amount = if notional { Amount::Notional(amount) } else { Amount::Quantity(amount) };
        let mut order = OrderRequest::market(symbol.clone(), side, time_in_force, amount);
        let exits = matches!(order_class, OrderClass::Bracket | OrderClass::Oco | OrderClass::Oto);
        order.order_type = order_type;
        order.order_class = order_class;
        order.limit_price = limit;
        order.extended_hours = extended_hours;
        order.take_profit = exits.then_some(TakeProfit { limit_price: Decimal::from(120) });
        order.stop_loss = exits.then_some(StopLoss { stop_price: Decimal::from(80), limit_price: limit });
        if order_class == OrderClass::Mleg {
            let leg = OrderLeg { symbol, side: (legs > 1).then_some(side), ratio_quantity: Decimal::ONE };
            order.legs = vec![leg; legs];
        }
        (order, closes, quote, age)
    }
}

fn acts() -> impl Strategy<Value = Act> {
    let placed = (orders(), 0_usize..3).prop_map(|((order, closes, quote, age), count)| {
        let now: Timestamp = INSTANTS[1].parse().unwrap();
        let quote = quote.map(|price| Quote { price, at: now - jiff::SignedDuration::from_secs(age) });
        let facts = OrderFacts {
            order,
            quote,
            closes,
            already_charged: Decimal::ZERO,
            replaced_quantity: None,
            opens: if closes { Opens::Nothing } else { Opens::All },
        };
        Act::Orders(vec![facts; count])
    });
    let data = prop::option::of(prop::sample::subsequence(SYMBOLS.map(str::to_owned).to_vec(), 1..3));
    prop_oneof![8 => placed, 1 => Just(Act::Plain), 1 => Just(Act::Opaque), 2 => data.prop_map(Act::Data)]
}

fn permits(scope: &Scope, request: &Request<'_>, usage: &Usage) -> bool {
    matches!(decide(scope, request, usage), Decision::Permit(_))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// The promise of the comparison: where it finds nothing newly allowed, nothing passes that did not before. The other way round too.
    #[test]
    fn what_is_not_said_does_not_happen(
        old in scopes(),
        other in scopes(),
        which: u64,
        act in acts(),
        at in prop::sample::select(&INSTANTS[..]),
        network in prop::sample::select(&["10.1.1.1", "10.200.1.1", "192.168.0.1", "fd00::1", "::ffff:10.1.1.1"][..]),
        operation in prop::sample::select(&[("postOrder", PermissionClass::Order), ("getAccount", PermissionClass::AccountRead),
            ("optionExercise", PermissionClass::Order), ("createCryptoTransferForAccount", PermissionClass::MoneyOut)][..]),
        used in (0_u32..3, 0_i64..2000, 0_i64..1200),
        account in (prop::option::weighted(0.9, 0_i64..2000), prop::option::weighted(0.9, 0_i64..1200)),
    ) {
        let new = mixed(&old, &other, which);
        let at: Timestamp = at.parse().unwrap();
        let network: IpAddr = network.parse().unwrap();
        let account = AccountFigures {
            open_exposure: account.0.map_or(Figure::NotAsked, |dollars| Figure::Dollars(Decimal::from(dollars))),
            daily_loss: account.1.map_or(Figure::NotAsked, |dollars| Figure::Dollars(Decimal::from(dollars))),
        };
        let request = Request { operation: operation.0, class: operation.1, at, network, frozen: None, act, account };
        let usage = Usage {
            orders: used.0,
            notional: Decimal::from(used.1),
            worst_loss: Decimal::from(used.2),
            ..Usage::none(trading_date(at))
        };
        let (before, after) = (permits(&old, &request, &usage), permits(&new, &request, &usage));
        let difference = diff(&old, &new);
        prop_assert!(!(difference.allows.is_empty() && after && !before), "newly passes: {request:?}");
        prop_assert!(!(difference.forbids.is_empty() && before && !after), "no longer passes: {request:?}");
        let back = diff(&new, &old);
        let limits = |changes: &[Change]| changes.iter().map(|change| change.limit.clone()).collect::<Vec<_>>();
        prop_assert_eq!(limits(&difference.allows), limits(&back.forbids));
        prop_assert!(diff(&old, &old).is_nothing());
    }
}
