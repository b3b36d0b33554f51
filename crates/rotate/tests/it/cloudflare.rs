//! Cloudflare Workers: both secrets in one request.

use paddock_fakes::cloudflare::{ACCOUNT, Cloudflare};
use paddock_rotate::{Consumer, FaultKind, Held, Put, Stored};
use serde_json::{Value, json};

use crate::common::faults::{deliver, documented, every_trouble};
use crate::common::{KEY_ID, SECRET_KEY, connect, delivery, start};

pub(crate) fn consumer(url: &str, script: &str) -> Box<dyn Consumer> {
    let settings = json!({
        "kind": "cloudflare_workers",
        "api": format!("{url}/client/v4"),
        "account_id": ACCOUNT,
        "script": script,
    });
    connect(settings, Some("cf-fake"))
}

#[tokio::test]
async fn a_pair_is_one_deployment_and_nothing_else_changes() {
    let fake = start(Cloudflare::default()).await;
    let consumer = consumer(&fake.url, "bot");
    let (looked, put, proof) = deliver(&*consumer, &delivery(0)).await.unwrap();
    assert_eq!(looked.held, Held::Names { key_id: None, secret_key: None });
    assert_eq!(Stored::Moved(put.version.unwrap()), proof.stored);
    let bodies: Vec<Value> = fake
        .heard()
        .iter()
        .filter(|heard| heard.method == http::Method::PATCH)
        .map(|heard| serde_json::from_slice(&heard.body).unwrap())
        .collect();
    let secret = |name: &str, text: &str| json!({"name": name, "text": text, "type": "secret_text"});
    let expected = json!({"secrets": {
        "APCA_API_KEY_ID": secret("APCA_API_KEY_ID", KEY_ID),
        "APCA_API_SECRET_KEY": secret("APCA_API_SECRET_KEY", SECRET_KEY),
    }});
    assert_eq!(bodies, [expected]);
    fake.with(|fake| assert_eq!((fake.deployments, fake.secrets["OTHER"].as_str()), (2, "untouched")));
}

#[tokio::test]
async fn a_deployment_of_new_code_is_no_obstacle() {
    let fake = start(Cloudflare::default()).await;
    let consumer = consumer(&fake.url, "bot");
    let looked = consumer.look().await.unwrap();
    assert_eq!(looked.version, None, "deployments say nothing of secrets");
    fake.with(|fake| fake.deployments += 1);
    let put = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap();
    fake.with(|fake| fake.deployments += 1);
    let Stored::Moved(mark) = consumer.prove(&delivery(0), &put).await.unwrap().stored else { panic!() };
    assert!(mark.ends_with("later than ours"), "{mark}");
}

/// Lists that are behind show somebody else's deployment as if it had come after the write.
#[tokio::test]
async fn a_deployment_that_was_only_not_listed_before_proves_nothing() {
    let fake = start(Cloudflare { deployments: 2, listed: Some(1), ..Cloudflare::default() }).await;
    let consumer = consumer(&fake.url, "bot");
    fake.with(|fake| fake.grows = true);
    let put = consumer.put(&delivery(0), None).await.unwrap();
    assert_eq!(consumer.prove(&delivery(0), &put).await.unwrap_err().kind, FaultKind::NotYet);
    fake.with(|fake| fake.listed = None);
    assert!(matches!(consumer.prove(&delivery(0), &put).await.unwrap().stored, Stored::Moved(_)));
    // A Paddock of before did not tell which deployment it was.
    let untold = Put { version: None, ..put };
    assert_eq!(consumer.prove(&delivery(0), &untold).await.unwrap_err().kind, FaultKind::Unexpected);
}

#[tokio::test]
async fn what_stands_in_the_way_is_told() {
    let fake = start(Cloudflare::default()).await;
    let bot = consumer(&fake.url, "bot");
    assert_eq!(consumer(&fake.url, "cat").look().await.unwrap_err().kind, FaultKind::NotFound);
    fake.with(|fake| fake.of_account = true);
    assert!(bot.look().await.is_ok());
    fake.with(|fake| (fake.deployments, fake.rolling_out) = (2, true));
    assert_eq!(bot.look().await.unwrap_err().kind, FaultKind::Forbidden);
    fake.with(|fake| (fake.rolling_out, fake.undeployed) = (false, true));
    let fault = bot.put(&delivery(0), None).await.unwrap_err();
    assert!(fault.next_step.contains("wrangler"), "{fault:?}");
    fake.with(|fake| fake.token = "other".to_owned());
    assert_eq!(bot.look().await.unwrap_err().kind, FaultKind::Login);
}

#[tokio::test]
async fn a_worker_has_the_pair_whatever_fails() {
    let make = async || {
        let fake = start(Cloudflare::default()).await;
        let consumer = consumer(&fake.url, "bot");
        (fake, consumer)
    };
    let seen = every_trouble(make, |fake| {
        let secrets =
            [("APCA_API_KEY_ID", KEY_ID), ("APCA_API_SECRET_KEY", SECRET_KEY), ("OTHER", "untouched")];
        let expected = secrets.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        assert_eq!(fake.secrets, expected);
    })
    .await;
    documented("Cloudflare Workers", &seen);
}
