//! Vault and OpenBao: a secret in a key-value engine of version 2.

use paddock_fakes::vault::Vault;
use paddock_rotate::{Applied, Consumer, FaultKind, Held, Outcome, Stored, Writable};
use rstest::rstest;
use serde_json::{Value, json};

use super::common::faults::{deliver, documented, every_trouble};
use super::common::{KEY_ID, SECRET_KEY, connect, delivery, start};

pub(crate) fn consumer(url: &str) -> Box<dyn Consumer> {
    connect(json!({"kind": "vault", "address": url, "path": "apps/bot"}), Some("hvs.fake"))
}

fn by_role(url: &str, secret: &str) -> Box<dyn Consumer> {
    let login = json!({"method": "approle", "role_id": "role-1"});
    connect(json!({"kind": "vault", "address": url, "path": "apps/bot", "login": login}), Some(secret))
}

fn bodies(heard: &[paddock_fakes::Heard]) -> Vec<Value> {
    let writes = heard.iter().filter(|heard| heard.method == "POST" && heard.path.starts_with("/v1/secret/"));
    writes.map(|heard| serde_json::from_slice(&heard.body).unwrap()).collect()
}

#[tokio::test]
async fn a_pair_is_one_version_more_and_other_fields_stay() {
    let fake = start(Vault::default()).await;
    let (looked, put, proof) = deliver(&*consumer(&fake.url), &delivery(0)).await.unwrap();
    assert_eq!(looked.login, "approle-bots at 127.0.0.1");
    assert_eq!((looked.version.as_deref(), looked.writable), (Some("1"), Writable::Proven));
    assert_eq!(looked.held, Held::Values { key_id: None, secret_key: None });
    assert_eq!((put.version.as_deref(), put.outcome), (Some("2"), Outcome::Written));
    assert_eq!(proof.stored, Stored::ReadBack);
    let data = json!({
        "OTHER": "untouched", "number": 1, "APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY,
    });
    assert_eq!(bodies(&fake.heard()), [json!({"options": {"cas": 1}, "data": data})]);
    let again = consumer(&fake.url).put(&delivery(0), Some("2")).await.unwrap();
    assert_eq!(again.outcome, Outcome::AlreadyThere);
}

#[tokio::test]
async fn a_role_logs_in_and_a_namespace_is_named() {
    let fake = start(Vault { namespace: Some("team".to_owned()), ..Vault::default() }).await;
    let login = json!({"method": "approle", "role_id": "role-1"});
    let settings = json!({
        "kind": "vault", "address": fake.url, "namespace": "team", "path": "apps/new", "login": login,
    });
    let (looked, put, _) = deliver(&*connect(settings, Some("secret-id-1")), &delivery(0)).await.unwrap();
    assert_eq!((looked.version, put.version.as_deref()), (None, Some("1")));
    let refused = by_role(&fake.url, "secret-id-1").look().await.unwrap_err();
    assert_eq!(refused.kind, FaultKind::NotFound);
    fake.with(|fake| fake.namespace = None);
    let refused = by_role(&fake.url, "another").look().await.unwrap_err();
    assert_eq!(refused.kind, FaultKind::Login);
}

#[tokio::test]
async fn what_somebody_else_wrote_is_not_overwritten() {
    let fake = start(Vault::default()).await;
    let consumer = consumer(&fake.url);
    let looked = consumer.look().await.unwrap();
    let theirs = Some(json!({"theirs": true}));
    fake.with(|fake| fake.secrets.get_mut("apps/bot").unwrap().push(theirs));
    let fault = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap_err();
    assert_eq!((fault.kind, fault.applied), (FaultKind::Conflict, Applied::No));
    fake.with(|fake| assert_eq!(fake.secrets["apps/bot"].len(), 2));
}

#[tokio::test]
async fn a_deleted_secret_begins_anew_above_its_versions() {
    let fake = start(Vault::default()).await;
    fake.with(|fake| fake.secrets.get_mut("apps/bot").unwrap().push(None));
    let (looked, put, _) = deliver(&*consumer(&fake.url), &delivery(0)).await.unwrap();
    assert_eq!((looked.version.as_deref(), put.version.as_deref()), (Some("2"), Some("3")));
}

/// A server that mounts version 1 takes the request of version 2, answers well and keeps something else.
#[tokio::test]
async fn an_engine_without_versions_is_found_out_before_and_after_a_write() {
    let fake = start(Vault { engine: 1, ..Vault::default() }).await;
    fake.with(|fake| _ = fake.secrets.insert("data/apps/bot".to_owned(), vec![Some(json!({"a": 1}))]));
    assert_eq!(consumer(&fake.url).look().await.unwrap_err().kind, FaultKind::Settings);
    fake.with(|fake| fake.secrets.clear());
    let fault = consumer(&fake.url).put(&delivery(0), None).await.unwrap_err();
    assert_eq!((fault.kind, fault.applied), (FaultKind::Settings, Applied::Unknown));
}

#[rstest]
#[case(&["read"], FaultKind::Forbidden)]
#[case(&["create", "read"], FaultKind::Forbidden)]
#[case(&["create", "update"], FaultKind::Forbidden)]
#[tokio::test]
async fn too_few_rights_are_found_out_without_a_write(
    #[case] granted: &[&'static str],
    #[case] expected: FaultKind,
) {
    let fake = start(Vault::default()).await;
    fake.with(|fake| _ = fake.tokens.insert("hvs.fake".to_owned(), granted.to_vec()));
    assert_eq!(consumer(&fake.url).look().await.unwrap_err().kind, expected);
    assert!(bodies(&fake.heard()).is_empty());
}

#[tokio::test]
async fn a_token_that_may_not_ask_is_taken_at_its_word() {
    let fake = start(Vault { tells_rights: false, ..Vault::default() }).await;
    let looked = consumer(&fake.url).look().await.unwrap();
    assert!(matches!(looked.writable, Writable::Likely(_)));
    fake.with(|fake| fake.tokens.clear());
    assert_eq!(consumer(&fake.url).look().await.unwrap_err().kind, FaultKind::Forbidden);
}

#[tokio::test]
async fn a_pair_is_one_version_whatever_fails() {
    let make = async || {
        let fake = start(Vault::default()).await;
        let consumer = by_role(&fake.url, "secret-id-1");
        (fake, consumer)
    };
    let seen = every_trouble(make, |fake| {
        assert_eq!(fake.secrets["apps/bot"].len(), 2, "one version more");
        let newest = fake.newest("apps/bot").unwrap();
        assert_eq!((&newest["OTHER"], &newest["APCA_API_KEY_ID"]), (&json!("untouched"), &json!(KEY_ID)));
    })
    .await;
    documented("Vault, OpenBao", &seen);
    assert!(seen.len() > 50, "{}", seen.len());
}
