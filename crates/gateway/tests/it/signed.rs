//! Signed requests: what a signature covers, when it is good, and that the secret is not.

use std::time::Duration;

use paddock_core::Clock as _;
use paddock_core::audit::Actor;
use rstest::rstest;
use serde_json::Value;

use crate::rig::{Pair, Rig, second_gateway, trader};
use crate::signer::SignedHeaders;
use crate::ways::Way;

const ORDER: &str = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;

/// A request as it stands on the wire.
fn request(way: Way, method: &str, target: &str, headers: &str, body: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        way.host(),
        body.len()
    )
}

fn signed(rig: &Rig, pair: &Pair, method: &str, target: &str, body: &str) -> SignedHeaders {
    SignedHeaders::new(pair, rig.clock.now().as_second(), method, target, body)
}

/// Status and, where there is one, the reason.
fn told(answer: &str) -> (u16, Option<String>) {
    let status = answer.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(0);
    let body: Value = answer
        .split_once("\r\n\r\n")
        .and_then(|(_, body)| serde_json::from_str(body).ok())
        .unwrap_or_default();
    (status, body["reason"].as_str().map(str::to_owned))
}

async fn send(
    rig: &Rig,
    way: Way,
    method: &str,
    target: &str,
    headers: &SignedHeaders,
    body: &str,
) -> (u16, Option<String>) {
    let request = request(way, method, target, &headers.text(), body);
    told(&rig.ways.raw(way, request.as_bytes()).await)
}

#[rstest]
#[tokio::test]
async fn a_signed_request_passes_once_and_its_secret_never(
    #[values(Way::Plain, Way::Tls, Way::Proxy)] way: Way,
) {
    let rig = Rig::start().await;
    let pair = rig.signed_key(trader()).await;
    let target = "/v2/orders?symbols=BTC%2FUSD,AAPL&status=all";
    let headers = signed(&rig, &pair, "GET", target, "");
    assert_eq!(send(&rig, way, "GET", target, &headers, "").await, (200, None));
    let again = send(&rig, way, "GET", target, &headers, "").await;
    assert_eq!(again, (401, Some("signature_replayed".to_owned())));
    let headers = signed(&rig, &pair, "POST", "/v2/orders", ORDER);
    assert_eq!(send(&rig, way, "POST", "/v2/orders", &headers, ORDER).await, (200, None));
    let again = send(&rig, way, "POST", "/v2/orders", &headers, ORDER).await;
    assert_eq!(again, (401, Some("signature_replayed".to_owned())));
    assert_eq!(rig.broker.changes().len(), 1);

    let (key_id, secret) = (&pair.key_id, &pair.secret);
    let basic =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{key_id}:{secret}"));
    for plain in [
        format!("APCA-API-KEY-ID: {key_id}\r\nAPCA-API-SECRET-KEY: {secret}\r\n"),
        format!("Authorization: Basic {basic}\r\n"),
        format!("Authorization: Bearer {secret}\r\n"),
    ] {
        let answer = rig.ways.raw(way, request(way, "GET", "/v2/account", &plain, "").as_bytes()).await;
        assert_eq!(told(&answer), (401, Some("signature_required".to_owned())), "{plain}");
    }
    assert_eq!(rig.broker.got().len(), 2);
}

/// What a man in the middle could change.
#[rstest]
#[case::method("DELETE", "/v2/orders", "", |_: &mut SignedHeaders| ())]
#[case::path("POST", "/v2/watchlists", ORDER, |_: &mut SignedHeaders| ())]
#[case::query("POST", "/v2/orders?a=b", ORDER, |_: &mut SignedHeaders| ())]
#[case::spelling("POST", "/v2/orders?", ORDER, |_: &mut SignedHeaders| ())]
#[case::body("POST", "/v2/orders", r#"{"symbol":"AAPL","qty":"9","side":"buy","type":"market","time_in_force":"day"}"#, |_: &mut SignedHeaders| ())]
#[case::no_body("POST", "/v2/orders", "", |_: &mut SignedHeaders| ())]
#[case::time("POST", "/v2/orders", ORDER, |headers: &mut SignedHeaders| headers.timestamp += 1)]
#[case::nonce("POST", "/v2/orders", ORDER, |headers: &mut SignedHeaders| headers.nonce.push('x'))]
#[case::signature("POST", "/v2/orders", ORDER, |headers: &mut SignedHeaders| headers.signature = "0".repeat(64))]
#[case::unknown_key("POST", "/v2/orders", ORDER, |headers: &mut SignedHeaders| headers.key_id.push('X'))]
#[tokio::test]
async fn whatever_is_changed_after_signing_does_not_fit(
    #[case] method: &str,
    #[case] target: &str,
    #[case] body: &str,
    #[case] change: fn(&mut SignedHeaders),
) {
    let rig = Rig::start().await;
    let pair = rig.signed_key(trader()).await;
    for way in Way::ALL {
        let mut headers = signed(&rig, &pair, "POST", "/v2/orders", ORDER);
        change(&mut headers);
        let answer = send(&rig, way, method, target, &headers, body).await;
        assert_eq!(answer, (401, Some("invalid_signature".to_owned())), "{way:?}");
    }
    assert!(rig.broker.got().is_empty());
}

#[tokio::test]
async fn another_keys_secret_does_not_sign() {
    let rig = Rig::start().await;
    let (pair, other) = (rig.signed_key(trader()).await, rig.signed_key(trader()).await);
    let plain = rig.key(trader()).await;
    for (id, secret) in [(&pair, &other), (&other, &pair), (&plain, &plain)] {
        let mixed = Pair { secret: secret.secret.clone(), ..id.clone() };
        let headers = signed(&rig, &mixed, "GET", "/v2/account", "");
        let answer = send(&rig, Way::Plain, "GET", "/v2/account", &headers, "").await;
        assert_eq!(answer, (401, Some("invalid_signature".to_owned())));
    }
}

#[rstest]
#[case(-31, false)]
#[case(-30, true)]
#[case(30, true)]
#[case(31, false)]
#[tokio::test]
async fn it_is_good_for_half_a_minute_either_way(#[case] off: i64, #[case] good: bool) {
    let rig = Rig::start().await;
    let pair = rig.signed_key(trader()).await;
    // Some time after the start, before which nothing may be dated.
    rig.clock.advance(Duration::from_secs(120));
    let now = rig.clock.now().as_second();
    let headers = SignedHeaders::new(&pair, now + off, "GET", "/v2/account", "");
    let answer = send(&rig, Way::Plain, "GET", "/v2/account", &headers, "").await;
    let expected = if good { (200, None) } else { (401, Some("signature_time".to_owned())) };
    assert_eq!(answer, expected);
}

#[rstest]
#[case("paddock-nonce: another-nonce-0001\r\n", "malformed_signature")]
#[case("APCA-API-SECRET-KEY: pdks_x\r\n", "signed_with_secret")]
#[case("Authorization: Bearer x\r\n", "signed_with_secret")]
#[tokio::test]
async fn two_readers_could_differ(#[case] more: &str, #[case] reason: &str) {
    let rig = Rig::start().await;
    let pair = rig.signed_key(trader()).await;
    let headers = signed(&rig, &pair, "GET", "/v2/account", "").text() + more;
    let answer =
        rig.ways.raw(Way::Plain, request(Way::Plain, "GET", "/v2/account", &headers, "").as_bytes()).await;
    assert_eq!(told(&answer), (400, Some(reason.to_owned())));
}

#[rstest]
#[case(0, "abc")]
#[case(1, "2026-11-20T15:00:00Z")]
#[case(2, "short")]
#[case(3, "00")]
#[tokio::test]
async fn headers_have_one_form(#[case] place: usize, #[case] value: &str) {
    let rig = Rig::start().await;
    let pair = rig.signed_key(trader()).await;
    let mut list = signed(&rig, &pair, "GET", "/v2/account", "").list();
    list[place].1 = value.to_owned();
    let headers = list.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let answer =
        rig.ways.raw(Way::Plain, request(Way::Plain, "GET", "/v2/account", &headers, "").as_bytes()).await;
    let expected = if place == 0 { (401, "invalid_signature") } else { (400, "malformed_signature") };
    assert_eq!(told(&answer), (expected.0, Some(expected.1.to_owned())));
}

/// A second node, or this one after a restart: it remembers nothing, and the database does.
#[tokio::test]
async fn a_replay_fails_on_another_node_and_after_a_restart() {
    let rig = Rig::start().await;
    let pair = rig.signed_key(trader()).await;
    // Dated ahead, as by a program whose clock is fast: the start of the other node lies before it.
    let ahead = rig.clock.now().as_second() + 20;
    let order = SignedHeaders::new(&pair, ahead, "POST", "/v2/orders", ORDER);
    assert_eq!(send(&rig, Way::Plain, "POST", "/v2/orders", &order, ORDER).await, (200, None));
    let read = signed(&rig, &pair, "GET", "/v2/account", "");
    assert_eq!(send(&rig, Way::Plain, "GET", "/v2/account", &read, "").await, (200, None));
    rig.clock.advance(Duration::from_secs(5));
    let other = second_gateway(&rig, rig.broker.address).await;
    for (method, target, headers, body, reason) in [
        ("POST", "/v2/orders", &order, ORDER, "signature_replayed"),
        ("GET", "/v2/account", &read, "", "signature_before_start"),
    ] {
        let mut request = rig.http.request(method.parse().unwrap(), format!("http://{other}{target}"));
        for (name, value) in headers.list() {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 401);
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(body["reason"].as_str(), Some(reason));
    }
    assert_eq!(rig.broker.changes().len(), 1);
}

#[tokio::test]
async fn it_survives_the_rotation_of_both_keys_and_ends_with_the_key() {
    let rig = Rig::start().await;
    let pair = rig.signed_key(trader()).await;
    let get = async || {
        let headers = signed(&rig, &pair, "GET", "/v2/account", "");
        send(&rig, Way::Plain, "GET", "/v2/account", &headers, "").await
    };
    assert_eq!(get().await, (200, None));
    rig.control.rotate_kek(&Actor::Operator).await.unwrap();
    assert_eq!(get().await, (200, None));
    for version in 2..4 {
        assert_eq!(rig.control.rotate_dek(rig.user, &Actor::Operator).await.unwrap().resealed, 2);
        assert_eq!(get().await, (200, None));
        assert_eq!(rig.store.snapshot().await.unwrap().signing_keys[0].version, version);
        assert_eq!(rig.store.deks().await.unwrap().len(), 1);
    }
    rig.store.revoke_key(pair.id, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
    assert_eq!(get().await, (401, Some("invalid_signature".to_owned())));
    assert_eq!(rig.store.snapshot().await.unwrap().signing_keys, []);
    assert_eq!(rig.control.rotate_dek(rig.user, &Actor::Operator).await.unwrap().resealed, 1);
    assert!(rig.store.verify_audit().await.is_ok());
}
