//! Who gets in, and what a program gets to see of the real credential.

use paddock_core::Clock as _;
use paddock_core::audit::Actor;

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
