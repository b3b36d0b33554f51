//! Who gets in, and what a program gets to see of the real credential.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use paddock_core::Clock as _;
use paddock_core::audit::Actor;

use crate::broker::{Reply, json};
use crate::rig::{REAL_ID, REAL_SECRET, Rig, trader};

#[tokio::test]
async fn all_three_forms_of_a_credential_are_accepted() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let url = format!("http://{}/v2/account", rig.address);
    let basic = rig.http.get(&url).basic_auth(&pair.key_id, Some(&pair.secret));
    let bearer = rig.http.get(&url).bearer_auth(&pair.secret);
    for request in [basic, bearer] {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    for got in rig.broker.got() {
        assert_eq!(got.headers["apca-api-key-id"], REAL_ID);
        assert_eq!(got.headers["apca-api-secret-key"], REAL_SECRET);
        assert!(!got.headers.contains_key("authorization"));
    }
}

#[tokio::test]
async fn a_wrong_pair_is_401_with_code_and_message_and_without_a_hint_which_half_is_wrong() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let mut wrong_secret = pair.clone();
    wrong_secret.secret.push('x');
    let mut wrong_id = pair.clone();
    wrong_id.key_id.push('X');
    let (status, mut first) = rig.send("GET", "/v2/account", &wrong_secret, None).await;
    let (_, mut second) = rig.send("GET", "/v2/account", &wrong_id, None).await;
    assert_eq!(status, 401);
    assert!(first["code"].is_u64() && first["message"].is_string());
    for body in [&mut first, &mut second] {
        body.as_object_mut().unwrap().remove("request_id");
    }
    assert_eq!(first, second);
    assert!(rig.broker.got().is_empty());
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_from_the_next_request_on() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    rig.store.revoke_key(pair.id, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 401);
}

#[tokio::test]
async fn an_echo_of_the_secret_is_masked_in_body_and_headers() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|got| {
        let echo = format!("{{\"you sent\":\"{REAL_SECRET}\",\"as\":\"{}\"}}", STANDARD.encode(REAL_SECRET));
        let secret = got.headers["apca-api-secret-key"].clone();
        let response = Response::builder().status(400).header("x-debug", secret).header("x-harmless", "1");
        Reply::Answer(response.body(Full::new(Bytes::from(echo))).unwrap())
    });
    for (method, path, body) in
        [("GET", "/v2/account", None), ("POST", "/v2/watchlists", Some("{\"name\":\"a\"}"))]
    {
        let url = format!("http://{}{path}", rig.address);
        let mut request = rig.http.request(method.parse().unwrap(), url).bearer_auth(&pair.secret);
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        assert!(!response.headers().contains_key("x-debug"));
        assert_eq!(response.headers()["x-harmless"], "1");
        let text = response.text().await.unwrap();
        assert!(!text.contains(REAL_SECRET) && !text.contains(&STANDARD.encode(REAL_SECRET)), "{text}");
        assert!(text.contains("you sent"), "the rest of the body passes: {text}");
    }
}

#[tokio::test]
async fn a_compressed_answer_is_withheld() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|_| {
        let response = Response::builder().status(200).header("content-encoding", "gzip");
        Reply::Answer(response.body(Full::new(Bytes::from_static(b"\x1f\x8b"))).unwrap())
    });
    let (status, body) = rig.send("GET", "/v2/account", &pair, None).await;
    assert_eq!((status, body["reason"].as_str()), (502, Some("upstream_unsafe")));
    assert_eq!(rig.broker.got()[0].headers["accept-encoding"], "identity");
}

#[tokio::test]
async fn the_brokers_401_is_not_taken_for_the_programs_own() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|_| json(401, &serde_json::json!({"message": "unauthorized."})));
    let (status, body) = rig.send("GET", "/v2/account", &pair, None).await;
    assert_eq!((status, body["reason"].as_str()), (503, Some("connection_credential_refused")));
}

#[tokio::test]
async fn a_locked_vault_answers_503_and_never_falls_through() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    // A data-encryption key that is wrapped under another key file cannot be opened.
    let other = paddock_vault::KeyFile::new(rig.path("other.key"));
    other.create(&paddock_vault::OsEntropy).unwrap();
    let foreign = paddock_vault::Vault::open(other);
    let dek = foreign.sealer().new_dek(rig.user, rig.clock.now(), &paddock_vault::OsEntropy).unwrap();
    let row = rig.store.deks().await.unwrap().remove(0);
    rig.store.replace_wrapped(row.id, &dek.to_bytes()).await.unwrap();
    rig.control.reload().await.unwrap();
    let (status, body) = rig.send("GET", "/v2/account", &pair, None).await;
    assert_eq!((status, body["reason"].as_str()), (503, Some("credential_unreadable")));
    assert!(rig.broker.got().is_empty());
}
