//! A connection whose credential is a token of OAuth: no program can tell it from one with a pair.

use paddock_alpaca::oauth::OAuthScopes;
use paddock_core::Scope;
use paddock_core::audit::Actor;
use paddock_gateway::ConnectionCheck;
use serde_json::json;

use crate::broker;
use crate::rig::{Rig, trader};
use crate::streams::Stage;

/// What an OAuth token of Alpaca's looks like.
const TOKEN: &str = "c0ffee00-cafe-4bad-8bad-00c0ffee0077";

#[tokio::test]
async fn a_program_trades_and_hears_of_it_through_a_token() {
    let stage = Stage::set().await;
    stage.go_on_by_oauth(OAuthScopes::ALL).await;
    let pair = stage.rig.key(Scope { max_order_notional: Some(1_000.into()), ..trader() }).await;
    let mut prices = stage.listening(&pair, "AAPL").await;
    let headers = [("APCA-API-KEY-ID", &*pair.key_id), ("APCA-API-SECRET-KEY", &*pair.secret)];
    let mut updates = stage.open("/stream", &headers).await;
    assert_eq!(updates.next().await["data"]["status"], "authorized");
    updates.say(json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
    assert_eq!(updates.next().await["stream"], "listening");

    // What it is worth is asked of the data host, by the token too.
    let order =
        json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"});
    let (status, placed) = stage.rig.order(&pair, order.clone()).await;
    assert_eq!(status, 200, "{placed}");
    while updates.next().await["data"]["event"] != "fill" {}
    stage.pass(60);
    assert_eq!(prices.next().await[0]["S"], "AAPL");
    let mut too_much = order;
    too_much["qty"] = json!("500");
    let (status, refused) = stage.rig.order(&pair, too_much).await;
    assert_eq!((status, refused["reason"].as_str()), (403, Some("order_notional_exceeded")), "{refused}");
    let (status, position) = stage.rig.send("GET", "/v2/positions/AAPL", &pair, None).await;
    assert_eq!((status, position["qty"].as_str()), (200, Some("1")), "{position}");
    assert!(stage.rig.store.verify_audit().await.is_ok());
}

#[tokio::test]
async fn both_keys_of_the_vault_are_replaced_under_a_token() {
    let stage = Stage::set().await;
    stage.go_on_by_oauth(OAuthScopes::ALL).await;
    let pair = stage.rig.key(trader()).await;
    let before = stage.rig.store.credential(stage.rig.connection).await.unwrap().unwrap();
    stage.rig.control.rotate_kek(&Actor::Operator).await.unwrap();
    let rotated = stage.rig.control.rotate_dek(stage.rig.user, &Actor::Operator).await.unwrap();
    assert_eq!(rotated.resealed, 1);
    let after = stage.rig.store.credential(stage.rig.connection).await.unwrap().unwrap();
    assert_eq!((after.version, after.dek), (before.version + 1, rotated.dek));
    assert_eq!(after.secret.fingerprint(), before.secret.fingerprint());
    assert!(after.secret != before.secret, "it is sealed anew");
    assert_eq!(stage.rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    assert!(stage.rig.store.verify_audit().await.is_ok());
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_told_as_that() {
    let stage = Stage::set().await;
    let grant = stage.go_on_by_oauth(OAuthScopes::ALL).await;
    let pair = stage.rig.key(trader()).await;
    let check = async || stage.rig.control.check_connection(stage.rig.connection).await.unwrap();
    assert!(matches!(check().await, ConnectionCheck::Healthy(_)));
    let url = format!("http://{}/dashboard/v1/oauth/grants/{grant}", stage.broker.paper_address);
    assert_eq!(stage.rig.http.delete(url).send().await.unwrap().status(), 204);
    let ConnectionCheck::Faulty(fault) = check().await else { panic!("it is none any more") };
    assert_eq!(fault.code(), "token_refused");
    // Its program is told that it is not the access key.
    let (status, refused) = stage.rig.send("GET", "/v2/account", &pair, None).await;
    assert_eq!((status, refused["reason"].as_str()), (503, Some("connection_credential_refused")));
}

#[tokio::test]
async fn a_token_without_prices_trades_and_its_programs_are_told_why_they_see_none() {
    let stage = Stage::set().await;
    stage.go_on_by_oauth("trading".parse().unwrap()).await;
    let pair = stage.rig.key(trader()).await;
    let order =
        json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"});
    assert_eq!(stage.rig.order(&pair, order).await.0, 200);
    let (status, refused) = stage.rig.send("GET", "/v2/stocks/AAPL/quotes/latest", &pair, None).await;
    assert_eq!(status, 403, "{refused}");
}

/// A broker that repeats everything that it got, in the forms in which programs write text.
#[tokio::test]
async fn the_token_goes_to_the_broker_as_a_bearer_and_comes_back_in_no_form() {
    let rig = Rig::start().await;
    rig.replace_by_token(TOKEN).await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|got| {
        let said = got.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = said.trim_start_matches("Bearer ");
        let escaped: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect();
        broker::json(200, &json!({"as_it_is": said, "hex": hex::encode(token), "escaped": escaped}))
    });
    let (status, answer) = rig.send("GET", "/v2/account", &pair, None).await;
    let told = answer.to_string().to_lowercase();
    for form in
        [TOKEN.to_owned(), hex::encode(TOKEN), TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect()]
    {
        assert!(!told.contains(&form), "{status} {told}");
    }
    for got in rig.broker.got() {
        assert_eq!(got.headers["authorization"], format!("Bearer {TOKEN}"));
        assert!(
            !got.headers.contains_key("apca-api-key-id") && !got.headers.contains_key("apca-api-secret-key")
        );
    }
    assert!(!rig.broker.got().is_empty());
}
