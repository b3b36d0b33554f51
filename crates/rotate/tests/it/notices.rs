//! The consumers that take a message: a webhook and Slack.

use paddock_core::Environment;
use paddock_fakes::slack::Slack;
use paddock_fakes::webhook::Webhook;
use paddock_rotate::{Consumer, FaultKind, InUse, PairDue, Stored, Writable};
use serde_json::json;

use crate::common::faults::{deliver, documented, every_trouble};
use crate::common::{KEY_ID, SECRET_KEY, connect, delivery, start};

pub(crate) fn webhook(url: &str, send_values: bool) -> Box<dyn Consumer> {
    let settings = json!({"kind": "webhook", "url": format!("{url}/in"), "send_values": send_values});
    connect(settings, Some(&Webhook::default().secret))
}

pub(crate) fn slack(url: &str, path: &str) -> Box<dyn Consumer> {
    let settings = json!({"kind": "slack", "label": "the <bots> & me", "host": "127.0.0.1"});
    connect(settings, Some(&format!("{url}{path}")))
}

#[tokio::test]
async fn a_webhook_hears_of_a_new_pair_without_its_values() {
    let fake = start(Webhook::default()).await;
    let (looked, _, proof) = deliver(&*webhook(&fake.url, false), &delivery(0)).await.unwrap();
    assert!(matches!(looked.writable, Writable::Likely(_)));
    assert_eq!(proof.stored, Stored::Notified);
    let message = fake.with(|fake| fake.taken.remove(&delivery(0).token.to_string())).unwrap();
    let expected = json!({
        "type": "pair.replaced",
        "timestamp": "2026-11-27T20:00:00Z",
        "data": {"environment": "paper", "delivery": delivery(0).token.to_string()},
    });
    assert_eq!(message, expected);
}

#[tokio::test]
async fn a_webhook_gets_the_values_when_it_asked_for_them() {
    let fake = start(Webhook::default()).await;
    let (_, _, proof) = deliver(&*webhook(&fake.url, true), &delivery(0)).await.unwrap();
    assert_eq!(proof.stored, Stored::Acknowledged);
    let message = fake.with(|fake| fake.taken.remove(&delivery(0).token.to_string())).unwrap();
    let values = json!({"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY});
    assert_eq!(message["data"]["values"], values);
}

#[tokio::test]
async fn a_webhook_whose_clock_or_secret_is_another_refuses() {
    let fake = start(Webhook::default()).await;
    let consumer = webhook(&fake.url, true);
    fake.skew(600);
    let fault = consumer.look().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Login);
    assert!(fault.message.contains("clock is 10 minutes behind"), "{fault}");
    fake.skew(-200);
    assert!(consumer.look().await.is_ok());
    fake.with(|fake| fake.secret = "whsec_AAAA".to_owned());
    assert_eq!(consumer.put(&delivery(0), None).await.unwrap_err().kind, FaultKind::Login);
}

#[tokio::test]
async fn a_webhook_takes_a_delivery_once_whatever_fails() {
    let make = async || {
        let fake = start(Webhook::default()).await;
        let consumer = webhook(&fake.url, true);
        (fake, consumer)
    };
    let seen = every_trouble(make, |fake| {
        let deliveries = fake.taken.values().filter(|message| message["type"] == "pair.replaced").count();
        assert_eq!(deliveries, 1);
    })
    .await;
    documented("Webhook", &seen);
}

#[tokio::test]
async fn slack_gets_a_notice_and_never_a_value() {
    let fake = start(Slack::default()).await;
    let (looked, _, proof) = deliver(&*slack(&fake.url, "/services/T0/B0/fake"), &delivery(0)).await.unwrap();
    assert_eq!((looked.writable, proof.stored), (Writable::Proven, Stored::Notified));
    let posts = fake.with(|fake| fake.posts.clone());
    assert_eq!(posts.len(), 1);
    assert!(posts[0].contains("the &lt;bots&gt; &amp; me"), "{posts:?}");
    let all: String =
        fake.heard().iter().map(|heard| String::from_utf8_lossy(&heard.body).into_owned()).collect();
    assert!(!all.contains(KEY_ID) && !all.contains(SECRET_KEY));
}

fn due(days_left: i64) -> PairDue {
    PairDue {
        token: delivery(7).token,
        connection: "main".to_owned(),
        environment: Environment::Live,
        due_at: "2026-12-04T20:00:00Z".parse().unwrap(),
        days_left,
    }
}

#[tokio::test]
async fn slack_is_reminded_of_a_pair_that_is_due() {
    let fake = start(Slack::default()).await;
    let consumer = slack(&fake.url, "/services/T0/B0/fake");
    consumer.remind(&due(7)).unwrap().await.unwrap();
    consumer.remind(&due(-3)).unwrap().await.unwrap();
    let posts = fake.with(|fake| fake.posts.clone());
    let start = "The Alpaca key pair (live) of the &lt;bots&gt; &amp; me";
    let end = "Replace it in Paddock: Rotations, main.";
    let expected = [
        format!("{start} is due to be replaced on 4 Dec 2026, in 7 days. {end}"),
        format!("{start} was due to be replaced on 4 Dec 2026. {end}"),
    ];
    assert_eq!(posts, expected);
    fake.with(|fake| fake.archived = true);
    assert_eq!(consumer.remind(&due(7)).unwrap().await.unwrap_err().kind, FaultKind::NotFound);
}

#[tokio::test]
async fn a_webhook_is_reminded_without_a_value_and_knows_the_message_again() {
    let fake = start(Webhook::default()).await;
    let consumer = webhook(&fake.url, true);
    for _ in 0..2 {
        consumer.remind(&due(7)).unwrap().await.unwrap();
    }
    let taken = fake.with(|fake| fake.taken.clone());
    assert_eq!(taken.len(), 1, "{taken:?}");
    let expected = json!({
        "type": "pair.due",
        "timestamp": "2026-11-27T20:00:00Z",
        "data": {"environment": "live", "connection": "main", "due_at": "2026-12-04T20:00:00Z", "days_left": 7},
    });
    assert_eq!(taken[&delivery(7).token.to_string()], expected);
}

#[tokio::test]
async fn places_that_hold_values_take_no_messages() {
    let settings = json!({"kind": "heroku", "apps": ["bot"]});
    assert!(connect(settings, Some("HRKU-token")).remind(&due(7)).is_none());
}

#[tokio::test]
async fn slack_is_told_apart_when_it_refuses() {
    let fake = start(Slack::default()).await;
    let gone = slack(&fake.url, "/services/T0/B0/gone").look().await.unwrap_err();
    assert_eq!(gone.kind, FaultKind::Login);
    fake.with(|fake| fake.archived = true);
    let consumer = slack(&fake.url, "/services/T0/B0/fake");
    assert_eq!(consumer.put(&delivery(0), None).await.unwrap_err().kind, FaultKind::NotFound);
}

#[tokio::test]
async fn slack_hears_of_a_delivery_whatever_fails() {
    let make = async || {
        let fake = start(Slack::default()).await;
        let consumer = slack(&fake.url, "/services/T0/B0/fake");
        (fake, consumer)
    };
    // A notice may come twice when its answer was lost: it names its delivery.
    let seen =
        every_trouble(make, |fake| assert!((1..=2).contains(&fake.posts.len()), "{:?}", fake.posts)).await;
    documented("Slack", &seen);
}

#[tokio::test]
async fn a_program_that_answers_active_is_believed() {
    let fake = start(Webhook::default()).await;
    let program = wiremock::MockServer::start().await;
    let settings = json!({
        "kind": "webhook",
        "url": format!("{}/in", fake.url),
        "in_use": {"url": format!("{}/health", program.uri())},
    });
    let consumer = connect(settings, Some(&Webhook::default().secret));
    let put = consumer.put(&delivery(0), None).await.unwrap();
    let answers = [
        ("INACTIVE", 200, None),
        ("ACTIVE", 500, None),
        (r#"{"status":"ACTIVE","key_id_sha256":"00"}"#, 200, None),
        (" ACTIVE\n", 200, Some("its URL answers ACTIVE")),
        (r#"{"status":"ACTIVE","buying_power":"1"}"#, 200, Some("its URL answers ACTIVE")),
        (r#"{"status":"ACTIVE","key_id_sha256":"8d1bd0d8c1f7b4d2b9d5a9ab65c8d8ff4c5f5e6d"}"#, 200, None),
    ];
    for (body, status, expected) in answers {
        program.reset().await;
        let answer = wiremock::ResponseTemplate::new(status).set_body_string(body);
        wiremock::Mock::given(wiremock::matchers::path("/health")).respond_with(answer).mount(&program).await;
        match (consumer.prove(&delivery(0), &put).await, expected) {
            (Ok(proof), Some(words)) => assert_eq!(proof.in_use, Some(InUse(words.to_owned()))),
            (Err(fault), None) => assert_eq!(fault.kind, FaultKind::NotYet, "{body}"),
            (other, _) => panic!("{body}: {other:?}"),
        }
    }
}
