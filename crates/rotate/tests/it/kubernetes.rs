//! A Kubernetes secret, and the rollouts of who reads it.

use paddock_fakes::kubernetes::Kubernetes;
use paddock_rotate::{Consumer, Fault, FaultKind, Proof, Put, Stored, Writable};
use rstest::rstest;
use serde_json::{Value, json};

use super::common::faults::{documented, every_trouble};
use super::common::{KEY_ID, SECRET_KEY, connect, delivery, start};

pub(crate) fn consumer(url: &str) -> Box<dyn Consumer> {
    let settings = json!({
        "kind": "kubernetes", "server": url, "namespace": "bots", "secret": "alpaca", "restart": ["deployment/bot"],
    });
    connect(settings, Some("sa.fake.token"))
}

async fn proven(consumer: &dyn Consumer, put: &Put) -> Result<Proof, Fault> {
    loop {
        match consumer.prove(&delivery(0), put).await {
            Err(fault) if fault.kind == FaultKind::NotYet => {}
            other => return other,
        }
    }
}

#[tokio::test]
async fn two_keys_change_in_one_patch_and_the_workload_is_watched_to_the_end() {
    let fake = start(Kubernetes::default()).await;
    let consumer = consumer(&fake.url);
    let looked = consumer.look().await.unwrap();
    assert_eq!(looked.login, "system:serviceaccount:bots:paddock at 127.0.0.1");
    assert_eq!((looked.version.as_deref(), looked.writable), (Some("100"), Writable::Proven));
    let put = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap();
    let proof = proven(&*consumer, &put).await.unwrap();
    assert_eq!(proof.stored, Stored::ReadBack);
    assert_eq!(proof.in_use.unwrap().0, "deployment/bot rolled out, 2 of 2 pods");
    let heard = fake.heard();
    let patches: Vec<Value> = heard
        .iter()
        .filter(|heard| heard.method == "PATCH")
        .map(|heard| serde_json::from_slice(&heard.body).unwrap())
        .collect();
    let values = json!({"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY});
    assert_eq!(patches[0], json!({"metadata": {"resourceVersion": "100"}, "stringData": values}));
    let annotations = &patches[1]["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["kubectl.kubernetes.io/restartedAt"], "2026-11-27T20:00:00Z");
    assert_eq!(patches.len(), 2);
    fake.with(|fake| assert_eq!(fake.value("OTHER").as_deref(), Some("untouched")));
    consumer.put(&delivery(0), None).await.unwrap();
    fake.with(|fake| assert_eq!(fake.restarts, 1, "no second restart for the same delivery"));
}

#[tokio::test]
async fn a_rollout_that_fails_or_is_undone_is_told() {
    let fake = start(Kubernetes { fails: true, ..Kubernetes::default() }).await;
    let consumer = consumer(&fake.url);
    let put = consumer.put(&delivery(0), Some("100")).await.unwrap();
    let fault = proven(&*consumer, &put).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unexpected);
    assert!(fault.next_step.contains("kubectl describe deployment/bot -n bots"), "{fault:?}");
    fake.with(|fake| fake.deployment["spec"]["template"]["metadata"]["annotations"] = json!({}));
    assert_eq!(proven(&*consumer, &put).await.unwrap_err().kind, FaultKind::Overwritten);
}

#[rstest]
#[case("get secrets", "get secrets/alpaca")]
#[case("patch secrets", "patch secrets/alpaca")]
#[case("patch deployments", "patch deployments/bot")]
#[tokio::test]
async fn too_few_rights_are_found_out_without_a_write(#[case] denied: &'static str, #[case] named: &str) {
    let fake = start(Kubernetes::default()).await;
    fake.with(|fake| _ = fake.denied.insert(denied));
    let fault = consumer(&fake.url).look().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Forbidden);
    assert!(denied == "get secrets" || fault.message.contains(named), "{fault}");
    fake.with(|fake| assert_eq!(fake.restarts, 0));
}

#[tokio::test]
async fn what_somebody_else_changed_is_not_overwritten() {
    let fake = start(Kubernetes::default()).await;
    let consumer = consumer(&fake.url);
    let looked = consumer.look().await.unwrap();
    consumer.put(&delivery(1), looked.version.as_deref()).await.unwrap();
    let fault = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Conflict);
    fake.with(|fake| fake.secret["immutable"] = json!(true));
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Settings);
    fake.with(|fake| fake.token = "another".to_owned());
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Login);
}

#[tokio::test]
async fn a_pair_is_written_and_restarted_for_once_whatever_fails() {
    let make = async || {
        let fake = start(Kubernetes { at_once: true, ..Kubernetes::default() }).await;
        let consumer = consumer(&fake.url);
        (fake, consumer)
    };
    let seen = every_trouble(make, |fake| {
        assert_eq!(fake.value("APCA_API_KEY_ID").as_deref(), Some(KEY_ID));
        assert_eq!(fake.value("APCA_API_SECRET_KEY").as_deref(), Some(SECRET_KEY));
        assert_eq!(fake.value("OTHER").as_deref(), Some("untouched"));
        assert_eq!(fake.restarts, 1);
    })
    .await;
    documented("Kubernetes", &seen);
    assert!(seen.len() > 80, "{}", seen.len());
}
