//! AWS Secrets Manager: four steps, signatures checked.

use paddock_fakes::aws::Aws;
use paddock_rotate::{Applied, Consumer, FaultKind, Outcome, Stored, Writable};
use serde_json::{Value, json};

use super::common::faults::{deliver, documented, every_trouble};
use super::common::{KEY_ID, SECRET_KEY, connect, delivery, start};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn consumer_with(url: &str, secret: &str) -> Box<dyn Consumer> {
    let settings = json!({
        "kind": "aws", "region": "us-east-1", "secret_id": "bots/alpaca", "access_key_id": "AKIDEXAMPLE", "endpoint": url,
    });
    connect(settings, Some(secret))
}

pub(crate) fn consumer(url: &str) -> Box<dyn Consumer> {
    consumer_with(url, SECRET)
}

fn operations(heard: &[paddock_fakes::Heard]) -> Vec<&str> {
    heard.iter().map(|heard| heard.header("x-amz-target").trim_start_matches("secretsmanager.")).collect()
}

#[tokio::test]
async fn a_pair_goes_through_the_four_steps_and_other_fields_stay() {
    let fake = start(Aws::default()).await;
    let consumer = consumer(&fake.url);
    let looked = consumer.look().await.unwrap();
    assert!(matches!(looked.writable, Writable::Likely(_)));
    assert!(looked.login.contains("arn:aws:secretsmanager"), "{}", looked.login);
    let before = fake.heard().len();
    let put = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap();
    assert_eq!(put.outcome, Outcome::Written);
    let heard = fake.heard();
    let steps =
        ["DescribeSecret", "GetSecretValue", "PutSecretValue", "GetSecretValue", "UpdateSecretVersionStage"];
    assert_eq!(operations(&heard[before..]), steps);
    let id = put.version.clone().unwrap();
    let text = format!(
        r#"{{"OTHER":"untouched","number":1.10,"APCA_API_KEY_ID":"{KEY_ID}","APCA_API_SECRET_KEY":"{SECRET_KEY}"}}"#
    );
    let body: Value = serde_json::from_slice(&heard[before + 2].body).unwrap();
    let expected = json!({
        "SecretId": "bots/alpaca", "ClientRequestToken": id, "SecretString": text, "VersionStages": ["AWSPENDING"],
    });
    assert_eq!(body, expected);
    let body: Value = serde_json::from_slice(&heard[before + 4].body).unwrap();
    let expected = json!({
        "SecretId": "bots/alpaca", "VersionStage": "AWSCURRENT", "MoveToVersionId": id,
        "RemoveFromVersionId": looked.version.unwrap(),
    });
    assert_eq!(body, expected);
    fake.with(|fake| {
        assert_eq!(fake.staged("AWSCURRENT").unwrap().0, &id);
        assert_eq!(fake.staged("AWSPREVIOUS").unwrap().1.text, r#"{"OTHER":"untouched","number":1.10}"#);
    });
    assert_eq!(consumer.prove(&delivery(0), &put).await.unwrap().stored, Stored::ReadBack);
    let again = consumer.put(&delivery(0), Some(&id)).await.unwrap();
    assert_eq!((again.outcome, again.version), (Outcome::AlreadyThere, Some(id)));
}

#[tokio::test]
async fn a_secret_without_a_value_gets_its_first() {
    let fake = start(Aws { versions: Default::default(), ..Aws::default() }).await;
    let (looked, put, _) = deliver(&*consumer(&fake.url), &delivery(0)).await.unwrap();
    assert_eq!((looked.version, put.outcome), (None, Outcome::Written));
    assert!(!operations(&fake.heard()).contains(&"UpdateSecretVersionStage"));
}

#[tokio::test]
async fn a_session_token_is_signed_and_asked_for() {
    let fake = start(Aws::default()).await;
    fake.with(|fake| fake.known.session_token = Some("session".to_owned()));
    assert!(consumer_with(&fake.url, &format!("{SECRET}\nsession\n")).look().await.is_ok());
    assert_eq!(consumer(&fake.url).look().await.unwrap_err().kind, FaultKind::Login);
}

#[tokio::test]
async fn a_wrong_clock_a_wrong_secret_and_lacking_rights_are_told_apart() {
    let fake = start(Aws::default()).await;
    let consumer = consumer(&fake.url);
    fake.skew(1200);
    let fault = consumer.look().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Login);
    assert!(fault.message.contains("clock is 20 minutes behind"), "{fault}");
    fake.skew(0);
    let fault = consumer_with(&fake.url, "another").look().await.unwrap_err();
    assert!(fault.message.contains("refused the signature"), "{fault}");
    fake.with(|fake| _ = fake.denied.insert("PutSecretValue"));
    let looked = consumer.look().await.unwrap();
    let fault = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap_err();
    assert_eq!((fault.kind, fault.applied), (FaultKind::Forbidden, Applied::No));
    fake.with(|fake| fake.rotated = true);
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Settings);
    fake.with(|fake| fake.name = "another".to_owned());
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::NotFound);
}

#[tokio::test]
async fn what_somebody_else_made_current_stays_current() {
    let fake = start(Aws::default()).await;
    let consumer = consumer(&fake.url);
    let looked = consumer.look().await.unwrap();
    consumer.put(&delivery(1), looked.version.as_deref()).await.unwrap();
    let fault = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Conflict);
}

#[tokio::test]
async fn a_pair_is_one_version_whatever_fails() {
    let make = async || {
        let fake = start(Aws::default()).await;
        let consumer = consumer(&fake.url);
        (fake, consumer)
    };
    let seen = every_trouble(make, |fake| {
        assert_eq!(fake.versions.len(), 2, "one version more");
        let text: Value = serde_json::from_str(&fake.staged("AWSCURRENT").unwrap().1.text).unwrap();
        assert_eq!((&text["OTHER"], &text["APCA_API_KEY_ID"]), (&json!("untouched"), &json!(KEY_ID)));
    })
    .await;
    documented("AWS Secrets Manager", &seen);
    assert!(seen.len() > 40, "{}", seen.len());
}
