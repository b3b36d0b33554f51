//! Google Secret Manager: a new version with its checksum.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use paddock_fakes::google::{Google, key_file};
use paddock_rotate::{Consumer, FaultKind, Outcome, Stored, Writable};
use rstest::rstest;
use serde_json::{Value, json};

use super::common::faults::{deliver, documented, every_trouble};
use super::common::{KEY_ID, SECRET_KEY, connect, delivery, start};

pub(crate) fn consumer(url: &str, disable_previous: bool) -> Box<dyn Consumer> {
    let settings = json!({
        "kind": "google", "project": "project-1", "secret": "bots", "endpoint": url, "disable_previous": disable_previous,
    });
    connect(settings, Some(&key_file(url)))
}

#[tokio::test]
async fn a_pair_is_one_version_more_and_other_fields_stay() {
    let fake = start(Google::default()).await;
    let (looked, put, proof) = deliver(&*consumer(&fake.url, false), &delivery(0)).await.unwrap();
    assert_eq!(looked.login, "paddock@project-1.iam.gserviceaccount.com at 127.0.0.1");
    assert_eq!((looked.version.as_deref(), looked.writable), (Some("1"), Writable::Proven));
    assert_eq!((put.version.as_deref(), put.outcome), (Some("2"), Outcome::Written));
    assert_eq!(proof.stored, Stored::ReadBack);
    let heard = fake.heard();
    let added =
        heard.iter().find(|heard| heard.path == "/v1/projects/project-1/secrets/bots:addVersion").unwrap();
    let body: Value = serde_json::from_slice(&added.body).unwrap();
    let data = STANDARD.decode(body["payload"]["data"].as_str().unwrap()).unwrap();
    let expected = format!(
        r#"{{"OTHER":"untouched","number":1.10,"APCA_API_KEY_ID":"{KEY_ID}","APCA_API_SECRET_KEY":"{SECRET_KEY}"}}"#
    );
    assert_eq!(String::from_utf8(data).unwrap(), expected);
    assert!(body["payload"]["dataCrc32c"].is_string());
    fake.with(|fake| assert!(fake.versions[0].enabled, "the old version stays unless it was asked for"));
}

#[tokio::test]
async fn the_version_before_is_disabled_only_when_asked() {
    let fake = start(Google::default()).await;
    deliver(&*consumer(&fake.url, true), &delivery(0)).await.unwrap();
    fake.with(|fake| assert_eq!((fake.versions[0].enabled, fake.versions[1].enabled), (false, true)));
    let again = consumer(&fake.url, true).put(&delivery(0), Some("2")).await.unwrap();
    assert_eq!(again.outcome, Outcome::AlreadyThere);
}

#[rstest]
#[case(false, "add", "secretmanager.versions.add")]
#[case(false, "access", "secretmanager.versions.access")]
#[case(true, "disable", "secretmanager.versions.disable")]
#[tokio::test]
async fn too_few_rights_are_found_out_without_a_write(
    #[case] disable_previous: bool,
    #[case] lacking: &str,
    #[case] named: &str,
) {
    let fake = start(Google::default()).await;
    fake.with(|fake| _ = fake.granted.remove(lacking));
    let fault = consumer(&fake.url, disable_previous).look().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Forbidden);
    assert!(fault.message.contains(named), "{fault}");
}

#[tokio::test]
async fn a_wrong_clock_and_a_version_that_cannot_be_read_are_told() {
    let fake = start(Google::default()).await;
    let consumer = consumer(&fake.url, false);
    fake.skew(-1800);
    let fault = consumer.look().await.unwrap_err();
    assert!(fault.message.contains("clock is 30 minutes ahead"), "{fault}");
    fake.skew(0);
    fake.with(|fake| fake.versions[0].enabled = false);
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Settings);
    fake.with(|fake| fake.versions.clear());
    assert_eq!(consumer.look().await.unwrap().version, None);
    fake.with(|fake| fake.exists = false);
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::NotFound);
}

#[tokio::test]
async fn what_somebody_else_added_is_not_pushed_aside() {
    let fake = start(Google::default()).await;
    let consumer = consumer(&fake.url, false);
    let looked = consumer.look().await.unwrap();
    consumer.put(&delivery(1), looked.version.as_deref()).await.unwrap();
    let fault = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Conflict);
}

#[tokio::test]
async fn a_pair_is_one_version_whatever_fails() {
    let make = async || {
        let fake = start(Google::default()).await;
        let consumer = consumer(&fake.url, true);
        (fake, consumer)
    };
    let seen = every_trouble(make, |fake| {
        assert_eq!(fake.versions.len(), 2, "one version more");
        assert_eq!((fake.versions[0].enabled, fake.versions[1].enabled), (false, true));
        let text: Value = serde_json::from_slice(&fake.versions[1].data).unwrap();
        assert_eq!((&text["OTHER"], &text["APCA_API_KEY_ID"]), (&json!("untouched"), &json!(KEY_ID)));
    })
    .await;
    documented("Google Secret Manager", &seen);
    assert!(seen.len() > 60, "{}", seen.len());
}
