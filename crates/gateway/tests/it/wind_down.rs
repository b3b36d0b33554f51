//! What a freeze does about open orders and positions, before the built-in broker and before one that fails.

#![expect(clippy::panic, reason = "a test stops where something is not as it should be")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use paddock_core::Clock as _;
use paddock_core::audit::{Actor, WindDown};
use paddock_paper::EphemeralBroker;
use paddock_store::{Freezing, Phase, Step, StepAct, StepState, Subject, WindDownRow};
use rstest::rstest;
use serde_json::{Value, json};

use crate::broker::{self};
use crate::rig::{Pair, Rig, trader};

/// No wind-down takes longer on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Stage {
    rig: Rig,
    pair: Pair,
    _broker: EphemeralBroker,
}

impl Stage {
    async fn set() -> Self {
        let (rig, broker, _) = Rig::at_built_in_broker().await;
        let pair = rig.key(trader()).await;
        Self { rig, pair, _broker: broker }
    }

    /// An order that fills.
    async fn hold(&self, symbol: &str, side: &str, qty: &str) {
        let order = json!({"symbol": symbol, "qty": qty, "side": side, "type": "market", "time_in_force": time_in_force(symbol)});
        let (status, placed) = self.rig.order(&self.pair, order).await;
        assert_eq!(status, 200, "{placed}");
        let path = format!("/v2/orders/{}", placed["id"].as_str().unwrap());
        for _ in 0..200 {
            if self.rig.send("GET", &path, &self.pair, None).await.1["status"] == "filled" {
                return;
            }
            self.rig.clock.advance(Duration::from_millis(100));
        }
        panic!("{symbol} was not filled");
    }

    /// An order that stays open.
    async fn wait_to_buy(&self, pair: &Pair, symbol: &str) -> String {
        let order = json!({"symbol": symbol, "qty": "1", "side": "buy", "type": "limit", "limit_price": "1",
                           "time_in_force": "gtc"});
        let (status, placed) = self.rig.order(pair, order).await;
        assert_eq!(status, 200, "{placed}");
        placed["id"].as_str().unwrap().to_owned()
    }

    async fn read(&self, path: &str) -> Vec<Value> {
        let (status, answer) = self.rig.send("GET", path, &self.pair, None).await;
        assert_eq!(status, 200, "{answer}");
        answer.as_array().unwrap().clone()
    }

    async fn open_orders(&self) -> Vec<Value> {
        self.read("/v2/orders?status=open").await
    }

    async fn positions(&self) -> Vec<Value> {
        self.read("/v2/positions").await
    }

    async fn freeze(&self, subject: Subject, kind: WindDown) -> (WindDownRow, Vec<Step>) {
        freeze(&self.rig, subject, kind).await
    }
}

fn time_in_force(symbol: &str) -> &'static str {
    if symbol.contains('/') { "gtc" } else { "day" }
}

/// Freezes so that reads pass, and waits until what there is to do is done.
async fn freeze(rig: &Rig, subject: Subject, kind: WindDown) -> (WindDownRow, Vec<Step>) {
    begin(rig, subject, kind).await;
    rig.control.wind_down(PATIENCE).await.unwrap();
    let newest = rig.store.wind_downs(rig.user, 1).await.unwrap().remove(0);
    assert_eq!(newest.0.phase, Phase::Ended, "{newest:?}");
    rig.store.verify_audit().await.unwrap();
    newest
}

async fn begin(rig: &Rig, subject: Subject, kind: WindDown) {
    let freezing = Freezing {
        passing: "reads,cancels".parse().unwrap(),
        wind_down: Some(kind),
        ..Freezing::of(subject)
    };
    rig.store.freeze(&freezing, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
}

fn targets(steps: &[Step], act: StepAct) -> Vec<String> {
    let of_it = steps.iter().filter(|step| step.act == act && step.state == StepState::Done);
    let mut targets: Vec<String> = of_it.map(|step| step.target.clone()).collect();
    targets.retain(|target| target != paddock_gateway::ALL_ORDERS);
    targets.sort();
    targets
}

#[rstest]
#[case::everything(true)]
#[case::connection(false)]
#[tokio::test]
async fn all_open_orders_are_canceled_and_positions_stay(#[case] everything: bool) {
    let stage = Stage::set().await;
    stage.hold("AAPL", "buy", "3").await;
    let mut open = Vec::new();
    for symbol in ["AAPL", "MSFT", "IBM"] {
        open.push(stage.wait_to_buy(&stage.pair, symbol).await);
    }
    open.sort();
    let subject = if everything { Subject::Everything } else { Subject::Connection(stage.rig.connection) };
    let (row, steps) = stage.freeze(subject, WindDown::CancelAll).await;
    assert_eq!(row.note.as_deref(), Some("all orders are canceled"));
    assert_eq!(targets(&steps, StepAct::Cancel), open);
    assert_eq!(stage.open_orders().await, [] as [Value; 0]);
    assert_eq!(stage.positions().await.len(), 1);
}

#[tokio::test]
async fn of_a_key_only_the_orders_that_it_placed_are_canceled() {
    let stage = Stage::set().await;
    let other = stage.rig.key(trader()).await;
    let mine = stage.wait_to_buy(&stage.pair, "AAPL").await;
    let theirs = stage.wait_to_buy(&other, "AAPL").await;
    let (_, steps) = stage.freeze(Subject::Key(stage.pair.id), WindDown::CancelAll).await;
    assert_eq!(targets(&steps, StepAct::Cancel), [mine]);
    let open = stage.open_orders().await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0]["id"], theirs.as_str());
}

/// Long, short and crypto; one of them with an order that holds its shares, and another order that would open.
#[tokio::test]
async fn flatten_leaves_nothing_and_opens_nothing() {
    let stage = Stage::set().await;
    stage.hold("AAPL", "buy", "3").await;
    stage.hold("MSFT", "sell", "2").await;
    stage.hold("BTC/USD", "buy", "0.01").await;
    let stop = json!({"symbol": "AAPL", "qty": "3", "side": "sell", "type": "stop", "stop_price": "1",
                      "time_in_force": "gtc"});
    assert_eq!(stage.rig.order(&stage.pair, stop).await.0, 200);
    stage.wait_to_buy(&stage.pair, "IBM").await;
    let clock = stage.rig.clock.clone();
    // Time goes on while it works, or nothing would fill.
    let ticking = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            clock.advance(Duration::from_millis(50));
        }
    });
    let (row, steps) = stage.freeze(Subject::Everything, WindDown::Flatten).await;
    ticking.abort();
    assert_eq!(row.note.as_deref(), Some("all positions are closed"), "{steps:?}");
    assert_eq!(targets(&steps, StepAct::Close), ["AAPL", "BTCUSD", "MSFT"]);
    assert_eq!(stage.positions().await, [] as [Value; 0]);
    assert_eq!(stage.open_orders().await, [] as [Value; 0]);
}

#[tokio::test]
async fn when_the_market_is_shut_closes_wait_for_its_opening_and_are_not_canceled() {
    let stage = Stage::set().await;
    stage.hold("AAPL", "buy", "3").await;
    // Friday evening.
    stage.rig.clock.set("2026-11-20T23:30:00Z".parse().unwrap());
    let (row, steps) = stage.freeze(Subject::Everything, WindDown::Flatten).await;
    let note = row.note.unwrap();
    assert!(note.contains("closes wait for its opening"), "{note} {steps:?}");
    assert!(steps.iter().any(|step| step.detail.as_deref().is_some_and(|text| text.contains("shut"))));
    let waiting = stage.open_orders().await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    // Neither another flatten nor a cancel-all touches it.
    for kind in [WindDown::Flatten, WindDown::CancelAll] {
        stage.freeze(Subject::Connection(stage.rig.connection), kind).await;
        assert_eq!(stage.open_orders().await[0]["id"], waiting[0]["id"], "{kind}");
    }
    // Monday, after the opening.
    stage.rig.clock.set("2026-11-23T14:45:00Z".parse().unwrap());
    assert_eq!(stage.positions().await, [] as [Value; 0]);
}

/// The broker refuses for a while; what it refuses for good is reported, and the rest is done.
#[rstest]
#[case(429)]
#[case(503)]
#[tokio::test]
async fn it_goes_on_when_the_broker_takes_requests_again(#[case] status: u16) {
    let rig = Rig::start().await;
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let one = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    rig.broker.script(move |got| match (got.method.as_str(), got.target.as_str()) {
        ("GET", target) if target.starts_with("/v2/orders?") => {
            let open = count.load(Ordering::SeqCst) < 2;
            let orders: Vec<Value> = if open { vec![broker::order("1", "1")] } else { Vec::new() };
            broker::json(200, &json!(orders))
        }
        ("DELETE", "/v2/orders") => match count.fetch_add(1, Ordering::SeqCst) {
            0 => broker::json(status, &json!({"message": "later"})),
            _ => broker::json(207, &json!([{"id": one, "status": 200}])),
        },
        ("DELETE", _) => {
            count.fetch_add(1, Ordering::SeqCst);
            broker::json(204, &Value::Null)
        }
        _ => broker::well_behaved(got),
    });
    let (row, steps) = freeze(&rig, Subject::Everything, WindDown::CancelAll).await;
    assert_eq!(row.note.as_deref(), Some("all orders are canceled"), "{steps:?}");
    assert!(asked.load(Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn what_the_broker_refuses_is_reported_in_its_words() {
    let rig = Rig::start().await;
    rig.broker.script(|got| match (got.method.as_str(), got.target.as_str()) {
        ("GET", target) if target.starts_with("/v2/orders?") => broker::json(200, &json!([])),
        ("GET", "/v2/positions") => broker::json(200, &json!([broker::position("AAPL", "5")])),
        ("DELETE", _) => broker::json(403, &json!({"code": 40_310_000, "message": "account is restricted"})),
        _ => broker::well_behaved(got),
    });
    let (row, steps) = freeze(&rig, Subject::Everything, WindDown::Flatten).await;
    assert_eq!(row.note.as_deref(), Some("1 positions could not be closed"));
    let last = steps.last().unwrap();
    assert_eq!((last.state, last.status), (StepState::Failed, Some(403)));
    assert_eq!(last.detail.as_deref(), Some("account is restricted"));
}

#[tokio::test]
async fn unfreezing_stops_it() {
    let rig = Rig::start().await;
    rig.broker.script(|got| match got.method.as_str() {
        "GET" => broker::json(503, &json!({"message": "later"})),
        _ => broker::well_behaved(got),
    });
    begin(&rig, Subject::Everything, WindDown::Flatten).await;
    rig.control.wind_down(Duration::from_millis(50)).await.unwrap();
    rig.store.unfreeze(Subject::Everything, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
    rig.control.wind_down(PATIENCE).await.unwrap();
    assert_eq!(rig.store.open_wind_downs().await.unwrap(), []);
    assert!(rig.broker.changes().is_empty());
}
