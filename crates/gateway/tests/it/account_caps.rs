//! Caps that look at the whole account: what it has at stake, and what it lost today.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use paddock_core::{Environment, ManualClock, Scope};
use paddock_paper::{EphemeralBroker, PaperOptions};
use paddock_vault::OsEntropy;
use rstest::rstest;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::broker::{FakeBroker, Got, account, order, position, well_behaved};
use crate::rig::{Pair, Rig, trader};

fn limited(change: impl FnOnce(&mut Scope)) -> Scope {
    let mut scope = trader();
    change(&mut scope);
    scope
}

fn exposure(dollars: i64) -> Scope {
    limited(|scope| scope.max_open_exposure = Some(Decimal::from(dollars)))
}

fn buy(shares: &str) -> Value {
    json!({"symbol":"AAPL","qty":shares,"side":"buy","type":"limit","limit_price":"100","time_in_force":"day"})
}

fn sell(shares: &str) -> Value {
    json!({"symbol":"AAPL","qty":shares,"side":"sell","type":"market","time_in_force":"day"})
}

/// A broker whose account has these positions and working orders, and the worth of which is as given.
fn holding(rig: &Rig, positions: Value, orders: Value, change: impl Fn(&mut Value) + Send + Sync + 'static) {
    rig.broker.script(move |got| {
        match (got.method.as_str(), got.target.split('?').next().unwrap_or_default()) {
            ("GET", "/v2/positions") => crate::broker::json(200, &positions),
            ("GET", "/v2/orders") => crate::broker::json(200, &orders),
            ("GET", "/v2/account/activities") => crate::broker::json(200, &json!([])),
            ("GET", "/v2/account") => {
                let mut account = account("ACTIVE");
                change(&mut account);
                crate::broker::json(200, &account)
            }
            _ => well_behaved(got),
        }
    });
}

fn unchanged(_: &mut Value) {}

/// The test broker's positions are worth 500 dollars each.
#[tokio::test]
async fn what_others_hold_and_ordered_counts() {
    let rig = Rig::start().await;
    holding(&rig, json!([position("MSFT", "-2")]), json!([order("3", "100")]), unchanged);
    let pair = rig.key(exposure(1000)).await;
    let (status, body) = rig.order(&pair, buy("2.01")).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("open_exposure_exceeded")), "{body}");
    assert_eq!(
        (body["exposure_added"].as_str(), body["open_exposure"].as_str(), body["max_open_exposure"].as_str()),
        (Some("201"), Some("800"), Some("1000"))
    );
    assert!(rig.broker.changes().is_empty());
    assert_eq!(rig.order(&pair, buy("2")).await.0, 200);
}

#[tokio::test]
async fn a_sale_of_what_is_held_is_held_to_closing_and_passes_above_the_cap() {
    let rig = Rig::start().await;
    holding(&rig, json!([position("AAPL", "5")]), json!([]), unchanged);
    let pair = rig.key(exposure(100)).await;
    assert_eq!(rig.order(&pair, buy("1")).await.0, 403);
    assert_eq!(rig.order(&pair, sell("5")).await.0, 200);
    let sent: Value = serde_json::from_slice(&rig.broker.changes()[0].body).unwrap();
    assert_eq!(sent["position_intent"], "sell_to_close", "so that it cannot become a short sale");
    // More than is held would be short.
    let (status, body) = rig.order(&pair, sell("6")).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("open_exposure_exceeded")));
    assert_eq!(rig.send("DELETE", "/v2/positions/AAPL", &pair, None).await.0, 200);
    assert_eq!(rig.send("DELETE", "/v2/positions", &pair, None).await.0, 207);
}

#[tokio::test]
async fn what_certainly_closes_passes_without_any_figures() {
    let rig = Rig::start().await;
    rig.broker.script(|got| match got.method.as_str() {
        "GET" => crate::broker::json(503, &json!({"message": "down"})),
        _ => well_behaved(got),
    });
    let pair = rig.key(limited(|scope| {
        scope.max_open_exposure = Some(Decimal::ONE);
        scope.max_daily_loss = Some(Decimal::ONE);
    }));
    let pair = pair.await;
    let mut close = sell("5");
    close["position_intent"] = "sell_to_close".into();
    assert_eq!(rig.order(&pair, close).await.0, 200);
    assert_eq!(rig.send("DELETE", "/v2/orders", &pair, None).await.0, 207);
    let (status, _) = rig.order(&pair, buy("1")).await;
    assert_eq!(status, 502, "what may open something needs the figures");
    assert_eq!(rig.broker.changes().len(), 2);
}

#[rstest]
#[case::no_worth(json!([{"market_value": null}]), json!([]), "open_exposure_unknown")]
#[case::many_legs(json!([]), json!([{"order_class": "mleg"}]), "open_exposure_unknown")]
#[tokio::test]
async fn figures_that_cannot_be_told_refuse_what_opens(
    #[case] positions: Value,
    #[case] orders: Value,
    #[case] reason: &str,
) {
    let merged = |base: Value, changes: &Value| {
        let change = |change: &Value| {
            let mut one = base.clone();
            one.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            one
        };
        Value::Array(changes.as_array().unwrap().iter().map(change).collect())
    };
    let rig = Rig::start().await;
    let positions = merged(position("MSFT", "2"), &positions);
    holding(&rig, positions, merged(order("1", "100"), &orders), unchanged);
    let pair = rig.key(exposure(1_000_000)).await;
    let (status, body) = rig.order(&pair, buy("1")).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some(reason)), "{body}");
    assert!(rig.broker.changes().is_empty());
}

#[tokio::test]
async fn a_replacement_adds_the_difference() {
    let rig = Rig::start().await;
    holding(&rig, json!([]), json!([order("3", "100")]), unchanged);
    let pair = rig.key(exposure(1000)).await;
    let path = "/v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    let (status, body) = rig.send("PATCH", path, &pair, Some(r#"{"qty":"11"}"#)).await;
    assert_eq!((status, body["exposure_added"].as_str()), (403, Some("800")), "{body}");
    assert_eq!(rig.send("PATCH", path, &pair, Some(r#"{"qty":"10"}"#)).await.0, 200);
}

fn losing(dollars: i64) -> impl Fn(&mut Value) + Send + Sync {
    move |account| account["equity"] = (100_000 - dollars).to_string().into()
}

#[tokio::test]
async fn a_days_loss_stops_what_opens_until_the_next_trading_day() {
    let rig = Rig::start().await;
    let pair = rig.key(limited(|scope| scope.max_daily_loss = Some(Decimal::from(250)))).await;
    holding(&rig, json!([position("AAPL", "5")]), json!([]), losing(249));
    assert_eq!(rig.order(&pair, buy("1")).await.0, 200);
    holding(&rig, json!([position("AAPL", "5")]), json!([]), losing(251));
    let (status, body) = rig.order(&pair, buy("1")).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("daily_loss_reached")), "{body}");
    assert_eq!((body["daily_loss"].as_str(), body["max_daily_loss"].as_str()), (Some("251"), Some("250")));
    // What was won back opens nothing; closes and cancels pass.
    holding(&rig, json!([position("AAPL", "5")]), json!([]), losing(-1000));
    assert_eq!(rig.order(&pair, buy("1")).await.0, 403);
    assert_eq!(rig.order(&pair, sell("5")).await.0, 200);
    assert_eq!(rig.send("DELETE", "/v2/positions/AAPL", &pair, None).await.0, 200);
    assert_eq!(rig.send("DELETE", "/v2/orders", &pair, None).await.0, 207);
    // It is Friday: Saturday is no trading day, Monday is.
    rig.clock.set("2026-11-22T05:00:00Z".parse().unwrap());
    assert_eq!(rig.order(&pair, buy("1")).await.0, 403);
    rig.clock.set("2026-11-23T15:00:00Z".parse().unwrap());
    assert_eq!(rig.order(&pair, buy("1")).await.0, 200);
}

#[tokio::test]
async fn a_deposit_does_not_hide_a_loss() {
    let rig = Rig::start().await;
    let pair = rig.key(limited(|scope| scope.max_daily_loss = Some(Decimal::from(250)))).await;
    let deposited = |date: &str| json!([{"id": "1", "activity_type": "CSD", "date": date, "net_amount": "1000", "status": "executed"}]);
    for (date, expected) in [("2026-11-20", 403), ("2026-11-19", 200)] {
        let activities = deposited(date);
        rig.broker.script(move |got: &Got| match got.target.split('?').next().unwrap_or_default() {
            "/v2/account/activities" => crate::broker::json(200, &activities),
            "/v2/account" => {
                let mut account = account("ACTIVE");
                account["equity"] = "100700".into();
                crate::broker::json(200, &account)
            }
            "/v2/orders" if got.method == "GET" => crate::broker::json(200, &json!([])),
            _ => well_behaved(got),
        });
        let fresh = rig.key(limited(|scope| scope.max_daily_loss = Some(Decimal::from(250)))).await;
        let (status, body) = rig.order(&fresh, buy("1")).await;
        assert_eq!(status, expected, "paid in on {date}: {body}");
    }
    drop(pair);
}

/// Sends so many orders at once and tells how many were accepted; all others must be refused for `reason`.
async fn at_once(rig: &Arc<Rig>, pair: &Pair, count: usize, order: Value, reason: &'static str) -> usize {
    let accepted = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (rig, pair, order, accepted) =
            (Arc::clone(rig), pair.clone(), order.clone(), Arc::clone(&accepted));
        tasks.spawn(async move {
            let (status, body) = rig.order(&pair, order).await;
            if status == 200 {
                accepted.fetch_add(1, Ordering::SeqCst);
            } else {
                assert_eq!((status, body["reason"].as_str()), (403, Some(reason)), "{body}");
            }
        });
    }
    tasks.join_all().await;
    accepted.load(Ordering::SeqCst)
}

/// A gateway before the built-in broker, with an account of 100,000 dollars.
async fn before_the_paper_broker() -> (Arc<Rig>, EphemeralBroker) {
    let clock = Arc::new(ManualClock::new("2026-11-20T15:00:00Z".parse().unwrap()));
    let broker = EphemeralBroker::start(PaperOptions::new(clock.clone(), Arc::new(OsEntropy))).await.unwrap();
    let account = broker.broker.create_account(Environment::Paper, Decimal::from(100_000)).await.unwrap();
    let pair = (account.key_id.as_str(), account.secret_key.expose());
    let rig = Rig::before(FakeBroker::start().await, broker.paper_address, clock, pair).await;
    (Arc::new(rig), broker)
}

/// What the broker's book has at stake: positions at what they cost, since prices move, and what is left of working purchases at their
/// limits.
async fn at_stake(rig: &Rig, pair: &Pair) -> Decimal {
    let number = |value: &Value| value.as_str().unwrap_or("0").parse::<Decimal>().unwrap();
    let (_, positions) = rig.send("GET", "/v2/positions", pair, None).await;
    let (_, orders) = rig.send("GET", "/v2/orders?status=open&limit=500", pair, None).await;
    let held: Decimal =
        positions.as_array().unwrap().iter().map(|one| number(&one["cost_basis"]).abs()).sum();
    let working = orders.as_array().unwrap().iter().map(|one| match number(&one["notional"]) {
        dollars if dollars.is_zero() => {
            (number(&one["qty"]) - number(&one["filled_qty"])) * number(&one["limit_price"])
        }
        dollars => dollars,
    });
    held + working.sum::<Decimal>()
}

#[rstest]
#[case::that_work(json!({"symbol":"AAPL","qty":"1","side":"buy","type":"limit","limit_price":"1","time_in_force":"day"}), 10, 10)]
#[case::that_fill(json!({"symbol":"AAPL","notional":"50","side":"buy","type":"market","time_in_force":"day"}), 500, 10)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_orders_at_once_do_not_overshoot_the_open_exposure(
    #[case] order: Value,
    #[case] cap: i64,
    #[case] fit: usize,
) {
    let (rig, _broker) = before_the_paper_broker().await;
    let pair = rig.key(exposure(cap)).await;
    let accepted = at_once(&rig, &pair, 64, order.clone(), "open_exposure_exceeded").await;
    assert!(accepted <= fit, "{accepted} of {fit}");
    assert!(at_stake(&rig, &pair).await <= Decimal::from(cap));
    // What was refused because its fate was not seen yet fits now, and no more than that.
    rig.clock.advance(std::time::Duration::from_secs(1));
    let more = at_once(&rig, &pair, 64, order, "open_exposure_exceeded").await;
    assert!((1..=fit).contains(&(accepted + more)), "{accepted} and {more} of {fit}");
    assert!(at_stake(&rig, &pair).await <= Decimal::from(cap));
    rig.store.verify_audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_orders_shares_its_readings() {
    let rig = Arc::new(Rig::start().await);
    holding(&rig, json!([]), json!([]), unchanged);
    let pair = rig.key(exposure(1_000_000)).await;
    assert_eq!(at_once(&rig, &pair, 64, buy("1"), "").await, 64);
    let readings = rig.broker.got().iter().filter(|got| got.target == "/v2/positions").count();
    assert!(readings < 32, "{readings} readings for 64 orders");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_keys_orders_count_while_they_are_on_their_way() {
    let rig = Arc::new(Rig::start().await);
    holding(&rig, json!([]), json!([]), unchanged);
    let capped = rig.key(exposure(1000)).await;
    let free = rig.key(trader()).await;
    // An order of the free key is on its way for as long as the broker does not answer.
    let reached = Arc::new(tokio::sync::Notify::new());
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (held, at_broker) = (std::sync::Mutex::new(held), Arc::clone(&reached));
    rig.broker.script(move |got| {
        match (got.method.as_str(), got.target.split('?').next().unwrap_or_default()) {
            ("POST", _) if String::from_utf8_lossy(&got.body).contains("\"9\"") => {
                at_broker.notify_one();
                tokio::task::block_in_place(|| held.lock().unwrap().recv().unwrap());
                well_behaved(got)
            }
            ("GET", "/v2/positions" | "/v2/orders") => crate::broker::json(200, &json!([])),
            _ => well_behaved(got),
        }
    });
    let sending = {
        let (rig, free) = (Arc::clone(&rig), free.clone());
        tokio::spawn(async move { rig.order(&free, buy("9")).await.0 })
    };
    reached.notified().await;
    let (status, body) = rig.order(&capped, buy("2")).await;
    assert_eq!((status, body["open_exposure"].as_str()), (403, Some("900")), "{body}");
    assert_eq!(rig.order(&capped, buy("1")).await.0, 200);
    release.send(()).unwrap();
    assert_eq!(sending.await.unwrap(), 200);
}
