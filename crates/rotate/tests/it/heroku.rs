//! Heroku: several apps, releases watched.

use paddock_fakes::heroku::{Heroku, State};
use paddock_rotate::{Consumer, FaultKind, Held, Outcome, Stored};
use serde_json::{Value, json};

use crate::common::faults::{documented, every_trouble};
use crate::common::{KEY_ID, SECRET_KEY, connect, delivery, start};

pub(crate) fn consumer(url: &str, apps: &[&str]) -> Box<dyn Consumer> {
    connect(json!({"kind": "heroku", "apps": apps, "api": url}), Some("HRKU-fake"))
}

#[tokio::test]
async fn a_pair_is_one_release_of_each_app_and_nothing_else_changes() {
    let fake = start(Heroku::with(&["bot", "bot-two"])).await;
    let consumer = consumer(&fake.url, &["bot", "bot-two"]);
    let looked = consumer.look().await.unwrap();
    assert_eq!(looked.login, "ops@example.com at 127.0.0.1");
    assert_eq!(looked.version.as_deref(), Some("bot=v1 bot-two=v1"));
    let put = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap();
    assert_eq!(put.outcome, Outcome::Written);
    assert_eq!(put.version.as_deref(), Some("bot=v2 bot-two=v2"));
    let proof = loop {
        match consumer.prove(&delivery(0), &put).await {
            Err(fault) if fault.kind == FaultKind::NotYet => {}
            other => break other.unwrap(),
        }
    };
    assert_eq!(proof.stored, Stored::ReadBack);
    assert_eq!(proof.in_use.unwrap().0, "bot runs release v2; bot-two runs release v2");
    let bodies: Vec<Value> = fake
        .heard()
        .iter()
        .filter(|heard| heard.method == http::Method::PATCH)
        .map(|heard| serde_json::from_slice(&heard.body).unwrap())
        .collect();
    let body = json!({"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY});
    assert_eq!(bodies, [body.clone(), body]);
    fake.with(|fake| assert_eq!(fake.apps["bot"].vars["OTHER"], "untouched"));
    let again = consumer.put(&delivery(0), None).await.unwrap();
    assert_eq!(again.outcome, Outcome::AlreadyThere);
}

#[tokio::test]
async fn a_release_that_somebody_else_made_is_not_overwritten() {
    let fake = start(Heroku::with(&["bot"])).await;
    let consumer = consumer(&fake.url, &["bot"]);
    let looked = consumer.look().await.unwrap();
    fake.with(|fake| fake.apps.get_mut("bot").unwrap().releases.push(State::Succeeded));
    let fault = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Conflict);
}

#[tokio::test]
async fn a_release_phase_that_fails_is_told() {
    let fake = start(Heroku::with(&["bot"])).await;
    let consumer = consumer(&fake.url, &["bot"]);
    let put = consumer.put(&delivery(0), None).await.unwrap();
    fake.with(|fake| *fake.apps.get_mut("bot").unwrap().releases.last_mut().unwrap() = State::Failed);
    let fault = consumer.prove(&delivery(0), &put).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unexpected);
    assert!(fault.next_step.contains("heroku releases:output --app bot"));
}

#[tokio::test]
async fn a_release_that_somebody_else_makes_after_ours_is_told_as_theirs() {
    let fake = start(Heroku::with(&["bot"])).await;
    let consumer = consumer(&fake.url, &["bot"]);
    let put = consumer.put(&delivery(0), None).await.unwrap();
    fake.with(|fake| {
        let bot = fake.apps.get_mut("bot").unwrap();
        bot.vars.insert("APCA_API_KEY_ID".to_owned(), "SOMEBODY".to_owned());
    });
    // Without a release of theirs it may be a read that is behind.
    assert_eq!(consumer.prove(&delivery(0), &put).await.unwrap_err().kind, FaultKind::NotYet);
    fake.with(|fake| fake.apps.get_mut("bot").unwrap().releases.push(State::Succeeded));
    let fault = consumer.prove(&delivery(0), &put).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Overwritten);
    assert!(fault.next_step.contains("take it over"), "{fault:?}");
}

#[tokio::test]
async fn the_least_token_is_enough_and_one_that_reads_only_is_found_out() {
    let fake = start(Heroku { scope: "read write-protected".to_owned(), ..Heroku::with(&["bot"]) }).await;
    let consumer = consumer(&fake.url, &["bot"]);
    assert_eq!(consumer.look().await.unwrap().login, "a token at 127.0.0.1");
    fake.with(|fake| fake.scope = "read read-protected".to_owned());
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Forbidden);
    fake.with(|fake| fake.token = "other".to_owned());
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Login);
}

#[tokio::test]
async fn apps_that_differ_are_told_one_by_one() {
    let fake = start(Heroku::with(&["bot", "bot-two"])).await;
    consumer(&fake.url, &["bot"]).put(&delivery(0), None).await.unwrap();
    let Held::Several(places) = consumer(&fake.url, &["bot", "bot-two"]).look().await.unwrap().held else {
        panic!("two apps are several places")
    };
    let has =
        |place: usize| matches!(&places[place].1, Held::Values { key_id: Some(_), secret_key: Some(_) });
    assert_eq!((has(0), has(1)), (true, false));
}

#[tokio::test]
async fn apps_have_the_pair_once_whatever_fails() {
    let make = async || {
        let fake = start(Heroku::with(&["bot", "bot-two"])).await;
        let consumer = consumer(&fake.url, &["bot", "bot-two"]);
        (fake, consumer)
    };
    let seen = every_trouble(make, |fake| {
        for app in fake.apps.values() {
            assert_eq!(app.vars["APCA_API_KEY_ID"], KEY_ID);
            assert_eq!(app.vars["APCA_API_SECRET_KEY"], SECRET_KEY);
            assert_eq!(app.vars["OTHER"], "untouched");
            assert_eq!(app.releases.len(), 2, "one release more, and no second restart");
        }
    })
    .await;
    documented("Heroku", &seen);
}
