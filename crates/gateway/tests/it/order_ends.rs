//! What orders do not fill of their charge is given back when they end.

use std::time::Duration;

use paddock_core::calendar::trading_date;
use paddock_core::{Clock as _, Scope};
use paddock_paper::EphemeralBroker;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::rig::{Pair, Rig, second_gateway, trader};

/// No answer takes longer on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Stage {
    rig: Rig,
    broker: EphemeralBroker,
    /// The account's own pair.
    real: Pair,
}

impl Stage {
    async fn set() -> Self {
        let (rig, broker, real) = Rig::at_built_in_broker().await;
        Self { rig, broker, real }
    }

    /// Waits until the key has used so many orders and dollars of its day.
    async fn uses(&self, pair: &Pair, orders: u32, dollars: &str) {
        let (mut changes, day) = (self.rig.store.audit_changes(), trading_date(self.rig.clock.now()));
        let expected = (orders, dollars.parse::<Decimal>().unwrap());
        let waiting = async {
            loop {
                let used = self.rig.store.usage(pair.id, day).await.unwrap();
                if (used.orders, used.notional) == expected {
                    return;
                }
                changes.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            assert_eq!(self.rig.store.usage(pair.id, day).await.unwrap().notional, expected.1);
        }
    }

    /// Asks the broker itself, past the gateway.
    async fn at_broker(&self, method: &str, path: &str) -> u16 {
        let request = self
            .rig
            .http
            .request(method.parse().unwrap(), format!("http://{}{path}", self.broker.paper_address))
            .header("APCA-API-KEY-ID", &self.real.key_id)
            .header("APCA-API-SECRET-KEY", &self.real.secret);
        request.send().await.unwrap().status().as_u16()
    }
}

fn capped() -> Scope {
    let mut scope = trader();
    scope.max_daily_notional = Some(Decimal::from(1000));
    scope
}

/// A purchase at a limit that is never reached.
fn patient(shares: &str) -> Value {
    json!({"symbol":"AAPL","qty":shares,"side":"buy","type":"limit","limit_price":"10","time_in_force":"day"})
}

fn id(order: &Value) -> String {
    order["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_order_that_is_canceled_gives_its_dollars_back_and_not_its_count() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(capped()).await;
    let (status, order) = stage.rig.order(&pair, patient("100")).await;
    assert_eq!(status, 200, "{order}");
    stage.uses(&pair, 1, "1000").await;
    assert_eq!(stage.rig.order(&pair, patient("1")).await.0, 403, "all of the day is used");
    assert_eq!(stage.rig.send("DELETE", &format!("/v2/orders/{}", id(&order)), &pair, None).await.0, 204);
    stage.uses(&pair, 1, "0").await;
    assert_eq!(stage.rig.order(&pair, patient("100")).await.0, 200);
    stage.uses(&pair, 2, "1000").await;
    stage.rig.store.verify_audit().await.unwrap();
}

#[tokio::test]
async fn what_others_cancel_is_given_back_too_and_what_is_filled_is_not() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(capped()).await;
    let bought = json!({"symbol":"AAPL","notional":"100","side":"buy","type":"market","time_in_force":"day"});
    assert_eq!(stage.rig.order(&pair, bought).await.0, 200);
    assert_eq!(stage.rig.order(&pair, patient("5")).await.0, 200);
    assert_eq!(stage.rig.order(&pair, patient("20")).await.0, 200);
    stage.uses(&pair, 3, "350").await;
    assert_eq!(stage.at_broker("DELETE", "/v2/orders").await, 207);
    stage.uses(&pair, 3, "100").await;
}

#[tokio::test]
async fn a_smaller_replacement_gives_the_rest_back_when_it_ends() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(capped()).await;
    let (_, order) = stage.rig.order(&pair, patient("50")).await;
    let path = format!("/v2/orders/{}", id(&order));
    let (status, replacement) = stage.rig.send("PATCH", &path, &pair, Some(r#"{"qty":"20"}"#)).await;
    assert_eq!(status, 200, "{replacement}");
    stage.uses(&pair, 2, "500").await;
    let path = format!("/v2/orders/{}", id(&replacement));
    assert_eq!(stage.rig.send("DELETE", &path, &pair, None).await.0, 204);
    stage.uses(&pair, 2, "0").await;
}

#[tokio::test]
async fn an_order_that_ended_while_nobody_listened_is_read_at_the_start() {
    let stage = Stage::set().await;
    // Nobody follows the orders of a key without this cap.
    let pair = stage.rig.key(trader()).await;
    assert_eq!(stage.rig.order(&pair, patient("7")).await.0, 200);
    assert_eq!(stage.rig.order(&pair, patient("3")).await.0, 200);
    stage.uses(&pair, 2, "100").await;
    assert_eq!(stage.at_broker("DELETE", "/v2/orders").await, 207);
    let (key, actor) =
        (stage.rig.store.keys(stage.rig.user).await.unwrap().remove(0), paddock_core::audit::Actor::Operator);
    let now = stage.rig.clock.now();
    stage.rig.store.set_scope(key.id, &key.scope, &capped(), &actor, now).await.unwrap();
    second_gateway(&stage.rig, stage.broker.paper_address).await;
    stage.uses(&pair, 2, "0").await;
}
