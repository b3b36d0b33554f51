//! Keys that see, change and cancel only the orders that they have placed, before the built-in broker.

#![expect(clippy::panic, reason = "a test stops where something is not as it should be")]

use paddock_core::audit::AuditEvent;
use paddock_core::{Clock as _, Scope};
use paddock_paper::faults::{Fault, FaultRule, Reply as Cut, When};
use paddock_store::AuditQuery;
use rstest::rstest;
use serde_json::{Value, json};

use crate::broker::{json, order, well_behaved};
use crate::rig::{Pair, Rig, trader};
use crate::streams::Stage;

pub fn only_own() -> Scope {
    Scope { only_own_orders: true, ..trader() }
}

pub fn resting(symbol: &str) -> Value {
    json!({"symbol": symbol, "qty": "1", "side": "buy", "type": "limit", "limit_price": "1", "time_in_force": "gtc"})
}

pub fn market(symbol: &str) -> Value {
    json!({"symbol": symbol, "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"})
}

pub fn bracket(symbol: &str) -> Value {
    json!({"symbol": symbol, "qty": "1", "side": "buy", "type": "limit", "limit_price": "1", "time_in_force": "gtc",
        "order_class": "bracket", "take_profit": {"limit_price": "2000"}, "stop_loss": {"stop_price": "0.5"}})
}

/// Places an order that must be accepted, and gives its id.
pub async fn place(rig: &Rig, pair: &Pair, body: Value) -> String {
    let (status, placed) = rig.order(pair, body).await;
    assert_eq!(status, 200, "{placed}");
    placed["id"].as_str().unwrap().to_owned()
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array()
        .unwrap_or_else(|| panic!("{list}"))
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Two keys that see their own, one that sees all, and an order that was placed past Paddock.
struct Cast {
    stage: Stage,
    one: Pair,
    other: Pair,
    all: Pair,
    outside: String,
}

impl Cast {
    async fn assemble() -> Self {
        let stage = Stage::set().await;
        let (one, other) = (stage.rig.key(only_own()).await, stage.rig.key(only_own()).await);
        let all = stage.rig.key(trader()).await;
        let address = stage.broker.paper_address;
        let body = json!({"symbol": "IBM", "qty": "1", "side": "buy", "type": "limit", "limit_price": "1",
            "time_in_force": "gtc", "client_order_id": "from-outside"});
        let sent =
            stage.rig.send_to(address, "POST", "/v2/orders", &stage.real, Some(&body.to_string())).await;
        assert_eq!(sent.0, 200, "{}", sent.1);
        let outside = sent.1["id"].as_str().unwrap().to_owned();
        Self { stage, one, other, all, outside }
    }

    async fn list(&self, pair: &Pair, query: &str) -> Vec<String> {
        let (status, list) = self.stage.rig.send("GET", &format!("/v2/orders{query}"), pair, None).await;
        assert_eq!(status, 200, "{list}");
        ids(&list)
    }
}

#[tokio::test]
async fn each_key_sees_its_own_orders_and_no_others() {
    let cast = Cast::assemble().await;
    let rig = &cast.stage.rig;
    let first = place(rig, &cast.one, resting("AAPL")).await;
    let foreign = place(rig, &cast.other, resting("MSFT")).await;
    cast.stage.pass(1);
    let second = place(rig, &cast.one, resting("IBM")).await;
    assert_eq!(cast.list(&cast.one, "").await, [second.as_str(), first.as_str()]);
    assert_eq!(
        cast.list(&cast.one, "?direction=asc&status=all&nested=true").await,
        [first.as_str(), second.as_str()]
    );
    assert_eq!(cast.list(&cast.one, "?limit=1").await, [second.as_str()]);
    assert_eq!(cast.list(&cast.one, "?symbols=AAPL").await, [first.as_str()]);
    assert_eq!(cast.list(&cast.one, &format!("?before_order_id={second}")).await, [first.as_str()]);
    assert_eq!(cast.list(&cast.other, "").await, [foreign.as_str()]);
    assert_eq!(cast.list(&cast.all, "").await.len(), 4, "who may see all does");

    let nobodys = uuid::Uuid::from_u128(7).to_string();
    for hidden in [&foreign, &cast.outside, &nobodys] {
        let path = format!("/v2/orders/{hidden}");
        for (method, body) in [("GET", None), ("PATCH", Some(r#"{"limit_price":"2"}"#)), ("DELETE", None)] {
            let (status, error) = rig.send(method, &path, &cast.one, body).await;
            let expected = json!({"code": 40_410_000, "message": format!("order not found for {hidden}")});
            assert_eq!((status, error), (404, expected), "{method}");
        }
        let before = rig.send("GET", &format!("/v2/orders?before_order_id={hidden}"), &cast.one, None).await;
        assert_eq!(before.0, 404, "not even where it stands among others");
    }
    let (_, whole) = rig.send("GET", &format!("/v2/orders/{foreign}"), &cast.other, None).await;
    assert_eq!((whole["status"].as_str(), whole["limit_price"].as_str()), (Some("new"), Some("1")));
    for name in [whole["client_order_id"].as_str().unwrap(), "from-outside", "no such name"] {
        let path = format!("/v2/orders:by_client_order_id?client_order_id={}", name.replace(' ', "%20"));
        let (status, error) = rig.send("GET", &path, &cast.one, None).await;
        assert_eq!(
            (status, error["message"].as_str()),
            (404, Some(format!("order not found for {name}").as_str()))
        );
    }
    for method in ["GET", "PATCH", "DELETE"] {
        let (status, error) =
            rig.send(method, "/v2/orders/x", &cast.one, Some("{}").filter(|_| method == "PATCH")).await;
        assert_eq!((status, error["message"].as_str()), (422, Some("order_id is missing")), "{method}");
    }
    let query = AuditQuery { event: Some("request_refused".to_owned()), ..AuditQuery::default() };
    let refusals = rig.store.audit_page(&query).await.unwrap();
    let hidden = refusals.iter().filter(|record| record.event.contains("not_own_order")).count();
    assert!(hidden >= 9, "who asks for what is not its own is on record: {hidden}");
}

#[tokio::test]
async fn an_order_stays_its_keys_through_replacements_whoever_makes_them() {
    let cast = Cast::assemble().await;
    let rig = &cast.stage.rig;
    let first = place(rig, &cast.one, resting("AAPL")).await;
    let replace = async |id: &str, pair: &Pair, price: &str| {
        let body = json!({"limit_price": price}).to_string();
        let (status, new) = rig.send("PATCH", &format!("/v2/orders/{id}"), pair, Some(&body)).await;
        assert_eq!(status, 200, "{new}");
        new["id"].as_str().unwrap().to_owned()
    };
    let second = replace(&first, &cast.one, "2").await;
    let third = replace(&second, &cast.all, "3").await;
    for id in [&first, &second, &third] {
        assert_eq!(rig.send("GET", &format!("/v2/orders/{id}"), &cast.one, None).await.0, 200);
        assert_eq!(rig.send("GET", &format!("/v2/orders/{id}"), &cast.other, None).await.0, 404);
    }
    assert_eq!(cast.list(&cast.one, "").await, [third.as_str()]);
    // Replaced past Paddock: nobody has told of it, but the broker says whose place it took.
    let body = json!({"limit_price": "4"}).to_string();
    let address = cast.stage.broker.paper_address;
    let path = format!("/v2/orders/{third}");
    let (_, fourth) = rig.send_to(address, "PATCH", &path, &cast.stage.real, Some(&body)).await;
    let fourth = fourth["id"].as_str().unwrap().to_owned();
    assert_eq!(cast.list(&cast.one, "").await, [fourth.as_str()]);
    assert_eq!(rig.send("DELETE", &format!("/v2/orders/{fourth}"), &cast.one, None).await.0, 204);
}

#[tokio::test]
async fn the_legs_of_an_order_are_its_keys() {
    let cast = Cast::assemble().await;
    let rig = &cast.stage.rig;
    let parent = place(rig, &cast.one, bracket("AAPL")).await;
    let nested = rig.send("GET", "/v2/orders?nested=true", &cast.one, None).await.1;
    let legs = ids(&nested[0]["legs"]);
    assert_eq!((nested.as_array().unwrap().len(), legs.len()), (1, 2));
    let mut flat = cast.list(&cast.one, "").await;
    flat.sort();
    let mut all = [legs.clone(), vec![parent]].concat();
    all.sort();
    assert_eq!(flat, all);
    for leg in &legs {
        assert_eq!(rig.send("GET", &format!("/v2/orders/{leg}"), &cast.one, None).await.0, 200);
        assert_eq!(rig.send("DELETE", &format!("/v2/orders/{leg}"), &cast.other, None).await.0, 404);
    }
}

#[tokio::test]
async fn canceling_all_cancels_its_own() {
    let cast = Cast::assemble().await;
    let rig = &cast.stage.rig;
    let mut own =
        vec![place(rig, &cast.one, resting("IBM")).await, place(rig, &cast.one, bracket("AAPL")).await];
    let foreign = place(rig, &cast.other, resting("MSFT")).await;
    let (status, canceled) = rig.send("DELETE", "/v2/orders", &cast.one, None).await;
    assert_eq!(status, 207, "{canceled}");
    assert!(canceled.as_array().unwrap().iter().all(|one| one["status"] == 200), "{canceled}");
    let canceled = ids(&canceled);
    own.retain(|id| !canceled.contains(id));
    assert_eq!((own.len(), canceled.len()), (0, 4), "two orders and two exits");
    let mut left = cast.list(&cast.all, "").await;
    left.sort();
    let mut expected = [foreign, cast.outside.clone()];
    expected.sort();
    assert_eq!(left, expected);
    let query = AuditQuery { event: Some("request_permitted".to_owned()), limit: 1, ..AuditQuery::default() };
    let record = rig.store.audit_page(&query).await.unwrap().remove(0);
    let AuditEvent::RequestPermitted { summary: Some(summary), .. } = record.event().unwrap() else {
        panic!("{record:?}")
    };
    assert!(
        canceled.iter().all(|id| summary.contains(id)),
        "what is canceled is on record before: {summary}"
    );
    assert_eq!(rig.send("DELETE", "/v2/orders", &cast.one, None).await, (207, json!([])));
}

#[tokio::test]
async fn closing_all_may_not_cancel_what_others_have_placed() {
    let cast = Cast::assemble().await;
    let rig = &cast.stage.rig;
    place(rig, &cast.one, market("AAPL")).await;
    cast.stage.pass(1);
    let (status, error) = rig.send("DELETE", "/v2/positions?cancel_orders=true", &cast.one, None).await;
    assert_eq!((status, error["reason"].as_str()), (403, Some("others_orders")));
    assert_eq!(cast.list(&cast.all, "").await, [cast.outside.as_str()]);
    let (status, closed) = rig.send("DELETE", "/v2/positions", &cast.one, None).await;
    assert_eq!(status, 207, "{closed}");
    let closing = closed[0]["body"]["id"].as_str().unwrap();
    assert_eq!(rig.send("GET", &format!("/v2/orders/{closing}"), &cast.one, None).await.0, 200);
    assert_eq!(rig.send("GET", &format!("/v2/orders/{closing}"), &cast.other, None).await.0, 404);
}

#[tokio::test]
async fn of_what_happened_to_the_account_it_reads_its_own_fills() {
    let cast = Cast::assemble().await;
    let rig = &cast.stage.rig;
    for (pair, symbol) in [(&cast.one, "AAPL"), (&cast.other, "MSFT"), (&cast.one, "IBM"), (&cast.all, "SPY")]
    {
        place(rig, pair, market(symbol)).await;
        cast.stage.pass(1);
    }
    let symbols = async |path: &str| -> (Vec<String>, Value) {
        let (status, list) = rig.send("GET", path, &cast.one, None).await;
        assert_eq!(status, 200, "{list}");
        let fills = list.as_array().unwrap().iter().filter(|one| one["activity_type"] == "FILL");
        let symbols = fills.map(|fill| fill["symbol"].as_str().unwrap().to_owned()).collect();
        (symbols, list)
    };
    for path in
        ["/v2/account/activities", "/v2/account/activities/FILL", "/v2/account/activities?date=2026-11-20"]
    {
        assert_eq!(symbols(path).await.0, ["IBM", "AAPL"], "{path}");
    }
    let (first, list) = symbols("/v2/account/activities/FILL?page_size=1").await;
    let token = list[0]["id"].as_str().unwrap();
    let (second, _) = symbols(&format!("/v2/account/activities/FILL?page_size=1&page_token={token}")).await;
    assert_eq!((first, second), (vec!["IBM".to_owned()], vec!["AAPL".to_owned()]));
    let (status, error) = rig.send("GET", "/v2beta1/events/activities", &cast.one, None).await;
    assert_eq!((status, error["reason"].as_str()), (403, Some("others_orders")));
}

/// The answer is lost, and with it the ids of the order and its legs; they are found by the order's name.
#[tokio::test]
async fn an_order_whose_answer_was_lost_is_its_keys() {
    let cast = Cast::assemble().await;
    let rig = &cast.stage.rig;
    let lost = || FaultRule::new(Fault::Drop { when: When::After, reply: Cut::Nothing });
    cast.stage.broker.broker.add_fault(lost().operation("postOrder").times(1)).unwrap();
    let (status, found) = rig.order(&cast.one, bracket("AAPL")).await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(cast.list(&cast.one, "").await.len(), 3);
    let id = found["id"].as_str().unwrap();
    cast.stage.broker.broker.add_fault(lost().operation("patchOrderByOrderId").times(1)).unwrap();
    let (status, replaced) =
        rig.send("PATCH", &format!("/v2/orders/{id}"), &cast.one, Some(r#"{"limit_price":"2"}"#)).await;
    assert_eq!((status, replaced["replaces"].as_str()), (200, Some(id)), "{replaced}");
    assert_eq!(cast.list(&cast.one, "").await.len(), 3);
    assert!(cast.list(&cast.other, "").await.is_empty());
}

/// The process dies with the order at the broker and its answer unread; the next one finds it by its name.
#[tokio::test]
async fn an_order_that_a_crash_left_behind_is_its_keys_after_recovery() {
    let cast = Cast::assemble().await;
    let rig = &cast.stage.rig;
    // Neither the answer nor the look-up comes through: what stays is the reservation, as after a kill.
    let lost = |operation: &str| {
        FaultRule::new(Fault::Drop { when: When::After, reply: Cut::Nothing }).operation(operation).times(1)
    };
    cast.stage.broker.broker.add_fault(lost("postOrder")).unwrap();
    cast.stage.broker.broker.add_fault(lost("getOrderByClientOrderId")).unwrap();
    assert_eq!(rig.order(&cast.one, bracket("AAPL")).await.0, 502);
    assert_eq!(cast.list(&cast.other, "").await.len(), 0);
    // The gateway's own upkeep may come first, or be at it.
    while !rig.store.open_reservations().await.unwrap().is_empty() {
        rig.control.recover().await.unwrap();
    }
    let own = cast.list(&cast.one, "").await;
    assert_eq!(own.len(), 3, "the order and its exits");
    assert_eq!(rig.store.who_placed(rig.connection, &own).await.unwrap().len(), 3);
}

/// The name is taken by another key's order, the broker says so, and the answer is lost: what is found by the name is not this key's.
#[tokio::test]
async fn a_name_that_another_key_has_used_is_refused_and_shows_nothing() {
    let cast = Cast::assemble().await;
    let rig = &cast.stage.rig;
    let mut named = resting("AAPL");
    named["client_order_id"] = "the-name".into();
    let id = place(rig, &cast.other, named.clone()).await;
    let expected = json!({"code": 40_010_001, "message": "client_order_id must be unique"});
    assert_eq!(rig.order(&cast.one, named.clone()).await, (422, expected.clone()));
    let lost = FaultRule::new(Fault::Drop { when: When::After, reply: Cut::Nothing })
        .operation("postOrder")
        .times(1);
    cast.stage.broker.broker.add_fault(lost).unwrap();
    assert_eq!(rig.order(&cast.one, named).await, (422, expected));
    assert!(rig.store.open_reservations().await.unwrap().is_empty());
    let path = "/v2/orders:by_client_order_id?client_order_id=the-name";
    assert_eq!(rig.send("GET", path, &cast.one, None).await.0, 404);
    assert_eq!(rig.send("GET", &format!("/v2/orders/{id}"), &cast.one, None).await.0, 404);
    assert_eq!(rig.send("GET", path, &cast.other, None).await.0, 200);
}

fn numbered(number: u128, submitted_at: &str) -> Value {
    let mut order = order("1", "1");
    order["id"] = uuid::Uuid::from_u128(number).to_string().into();
    order["client_order_id"] = format!("number-{number}").into();
    order["submitted_at"] = submitted_at.into();
    order
}

/// 500 foreign orders of one instant fill a page, and the key's own is of the same instant.
#[tokio::test]
async fn pages_lose_nothing_where_orders_have_the_same_instant() {
    let rig = Rig::start().await;
    let pair = rig.key(only_own()).await;
    rig.broker.script(|got| match (got.method.as_str(), got.target.as_str()) {
        ("POST", _) => json(200, &numbered(1000, "2026-11-20T14:00:00Z")),
        ("GET", target) if target.starts_with("/v2/orders?") => {
            let first = !target.contains("until=");
            assert!(first || target.contains("until=2026-11-20T14%3A00%3A00.002Z"), "{target}");
            let newer = (0..500).map(|number| {
                numbered(number, if number < 499 { "2026-11-20T14:30:00Z" } else { "2026-11-20T14:00:00Z" })
            });
            let rest = [numbered(499, "2026-11-20T14:00:00Z"), numbered(1000, "2026-11-20T14:00:00Z")];
            json(200, &if first { newer.collect() } else { Value::Array(rest.to_vec()) })
        }
        _ => well_behaved(got),
    });
    rig.order(&pair, market("AAPL")).await;
    let (status, list) = rig.send("GET", "/v2/orders?status=all", &pair, None).await;
    assert_eq!((status, ids(&list)), (200, vec![uuid::Uuid::from_u128(1000).to_string()]));
}

#[rstest]
#[case::orders("/v2/orders?status=all")]
#[case::activities("/v2/account/activities")]
#[case::cancels("/v2/orders")]
#[tokio::test]
async fn what_cannot_be_looked_through_is_refused(#[case] path: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(only_own()).await;
    let count = std::sync::atomic::AtomicU64::new(0);
    rig.broker.script(move |got| {
        let page = u128::from(count.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let at = format!("2026-11-{:02}T14:00:00Z", 20 - page.min(19));
        if got.target.contains("activities") {
            let fill = |number: u128| json!({"id": format!("{page}-{number}"), "activity_type": "FILL", "order_id": uuid::Uuid::nil()});
            return json(200, &(0..100).map(fill).collect());
        }
        json(200, &(0..500).map(|number| numbered(page * 500 + number, &at)).collect())
    });
    let method = if path.contains('?') || path.contains("activities") { "GET" } else { "DELETE" };
    let (status, error) = rig.send(method, path, &pair, None).await;
    assert_eq!((status, error["reason"].as_str()), (403, Some("others_orders")), "{error}");
    assert_eq!(rig.broker.got().len(), 10, "and no more is asked for");
    assert!(rig.broker.changes().is_empty());
}

#[tokio::test]
async fn an_error_does_not_name_the_orders_of_others() {
    let rig = Rig::start().await;
    let (one, other) = (rig.key(only_own()).await, rig.key(trader()).await);
    place(&rig, &one, market("AAPL")).await;
    let (own, foreign) = ("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee");
    let error = json!({"code": 40_310_000, "message": "insufficient qty", "related_orders": [own, foreign], "existing_order_id": foreign});
    let answer = error.clone();
    rig.broker.script(move |got| if got.method == "POST" { json(403, &answer) } else { well_behaved(got) });
    let (status, told) = rig.order(&one, market("AAPL")).await;
    let expected = json!({"code": 40_310_000, "message": "insufficient qty", "related_orders": [own]});
    assert_eq!((status, told), (403, expected));
    assert_eq!(rig.order(&other, market("AAPL")).await.1, error, "who sees all is told all");
}

/// What was placed before a key was held to its own is its own too.
#[tokio::test]
async fn a_scope_that_is_narrowed_knows_what_the_key_had_placed() {
    let cast = Cast::assemble().await;
    let rig = &cast.stage.rig;
    let own = place(rig, &cast.all, resting("AAPL")).await;
    let now = rig.clock.now();
    let actor = paddock_core::audit::Actor::Operator;
    rig.store.set_scope(cast.all.id, &trader(), &only_own(), &actor, now).await.unwrap();
    rig.control.reload().await.unwrap();
    assert_eq!(cast.list(&cast.all, "").await, [own]);
}
