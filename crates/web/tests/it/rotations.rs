//! Rotations and consumers over the API and on pages.

#![expect(clippy::panic, reason = "what does not come about is a failed test")]

use paddock_core::{Clock as _, Environment, Role};
use paddock_gateway::Authority;
use serde_json::{Value, json};

use crate::harness::{LIVE, PAPER, PAPER_TWO, Paddock};
use crate::visitor::Visitor;

const SECRET: &str = "HRKU-CanaryConsumerSecret-0123456789";

async fn add(paddock: &Paddock) -> Value {
    let consumer =
        json!({ "name": "bots", "kind": "heroku", "settings": { "apps": ["one"] }, "secret": SECRET });
    let reply = paddock.post("/api/v1/connections/my-paper/consumers", &consumer).await;
    reply.expect(201);
    assert!(!reply.text().contains("Canary"), "{reply:?}");
    reply.json
}

/// Looks until it is so. The rotation is worked on meanwhile.
async fn until(paddock: &Paddock, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    for _ in 0..1000 {
        looks.tick().await;
        last = paddock.get(&format!("/api/v1/rotations/{id}")).await.json;
        if wanted(&last) {
            return last;
        }
    }
    panic!("never: {last}");
}

#[tokio::test]
async fn a_consumer_is_forgotten_after_a_second_page_and_with_a_fresh_proof() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    add(&paddock).await;
    let (page, api) = ("/connections/my-paper/consumers/bots", "/api/v1/connections/my-paper/consumers/bots");
    let shown = paddock.visit(page).await;
    assert!(!shown.expect(200).text().contains(&format!("action=\"{page}/remove\"")), "{shown:?}");
    let asks = paddock.visit(&format!("{page}/remove")).await;
    assert!(asks.expect(200).text().contains("Remove bots?"), "{asks:?}");
    let person = paddock.owner().await.person.clone().unwrap();
    let stale = Visitor::stale(&paddock, person).await;
    stale.submit(&format!("{page}/remove"), &[]).await.expect(303);
    stale.call("DELETE", api, &Value::Null).await.expect_problem(403, "fresh_factor_needed");
    paddock.get(api).await.expect(200);
    let removed = paddock.submit(&format!("{page}/remove"), &[]).await;
    removed.expect_redirect("/connections/my-paper/consumers?done=removed");
    paddock.get(api).await.expect_problem(404, "unknown_consumer");
}

#[tokio::test]
async fn a_consumer_is_kept_and_its_secret_is_never_shown() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let added = add(&paddock).await;
    assert_eq!((&added["kind"], &added["settings"]["apps"]), (&"heroku".into(), &json!(["one"])));
    let path = "/api/v1/connections/my-paper/consumers/bots";
    let changed = paddock.patch(path, &json!({ "settings": { "apps": ["two"] }, "name": "workers" })).await;
    assert_eq!(changed.expect(200).json["name"], "workers");
    let path = "/api/v1/connections/my-paper/consumers/workers";
    paddock.patch(path, &json!({ "secret": format!("{SECRET}-2") })).await.expect(200);
    for path in [
        "/api/v1/connections/my-paper/consumers",
        path,
        "/api/v1/audit",
        "/api/v1/rotation-matrix",
        "/api/v1/consumer-kinds",
    ] {
        let reply = paddock.get(path).await;
        assert!(!reply.expect(200).text().contains("Canary"), "{path}: {reply:?}");
    }
    for path in ["", "/new", "/new?kind=heroku", "/workers", "/workers/edit"] {
        let page = paddock.page(&format!("/connections/my-paper/consumers{path}")).await;
        assert!(!page.expect(200).text().contains("Canary"), "{path}");
    }
    assert_eq!(paddock.call("DELETE", path, &json!({})).await.status, 204);
    paddock.get(path).await.expect_problem(404, "unknown_consumer");
}

#[tokio::test]
async fn how_often_a_pair_is_due_is_one_thing_wherever_it_is_told() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let connection = async || paddock.get("/api/v1/connections").await.json["items"][0].clone();
    assert_eq!(connection().await["due_every_days"], 180);
    let matrix = paddock.post("/api/v1/connections/my-paper/cadence", &json!({ "days": 30 })).await;
    let due = connection().await;
    assert_eq!(due["due_every_days"], 30);
    let at = due["next_due_at"].as_str().unwrap();
    assert!(matrix.expect(200).text().contains(at), "{at}: {matrix:?}");
    let page = paddock.page("/connections/my-paper").await;
    assert!(page.expect(200).text().contains("(every 30 days)"));
}

#[tokio::test]
async fn settings_that_cannot_be_are_told_at_their_field_and_quote_nothing() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let path = "/api/v1/connections/my-paper/consumers";
    for (body, code) in [
        (json!({ "name": "a", "kind": "pigeon" }), "invalid_field"),
        (json!({ "name": "a", "kind": "heroku", "settings": { "apps": ["x"] } }), "invalid_field"),
        (json!({ "name": "a", "kind": "heroku", "settings": {}, "secret": SECRET }), "invalid_field"),
        (
            json!({ "name": "a", "kind": "heroku", "settings": { "apps": SECRET }, "secret": SECRET }),
            "invalid_field",
        ),
        (
            json!({ "name": "new", "kind": "heroku", "settings": { "apps": ["x"] }, "secret": SECRET }),
            "invalid_field",
        ),
        (json!({ "kind": "heroku" }), "missing_field"),
    ] {
        let reply = paddock.post(path, &body).await;
        reply.expect_problem(422, code);
        assert!(!reply.text().contains("Canary"), "{reply:?}");
    }
    add(&paddock).await;
    let again = json!({ "name": "bots", "kind": "heroku", "settings": { "apps": ["x"] }, "secret": SECRET });
    paddock.post(path, &again).await.expect_problem(409, "name_taken");
    paddock
        .post("/api/v1/connections/nobody/consumers", &again)
        .await
        .expect_problem(404, "unknown_connection");
}

#[tokio::test]
async fn a_look_at_a_consumer_says_what_stands_in_its_way() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    // Nobody listens there.
    let settings = json!({ "apps": ["one"], "api": "http://127.0.0.1:9" });
    let consumer = json!({ "name": "bots", "kind": "heroku", "settings": settings, "secret": SECRET });
    paddock.post("/api/v1/connections/my-paper/consumers", &consumer).await.expect(201);
    let found = paddock.post("/api/v1/connections/my-paper/consumers/bots/check", &json!({})).await;
    assert_eq!(found.expect(200).json["ready"], false);
    assert!(found.json["problem"]["next_step"].is_string(), "{found:?}");
    let page = paddock.submit("/connections/my-paper/consumers/bots/check", &[]).await;
    assert!(page.expect(200).text().contains("cannot take a new pair"), "{page:?}");
}

/// The day on which clients must have another authority is that of the certificate, whenever its file was written.
#[tokio::test]
async fn the_authority_is_shown_with_the_day_on_which_it_ends() {
    let paddock = Paddock::start().await;
    paddock.get("/api/v1/ca").await.expect_problem(404, "no_authority");
    let made = Authority::create(paddock.clock.now()).unwrap();
    std::fs::write(paddock.dir.path().join("ca.pem"), &made.certificate).unwrap();
    let shown = paddock.get("/api/v1/ca").await;
    let ends = (paddock.clock.now() + jiff::SignedDuration::from_hours(24 * 3650)).to_string();
    assert_eq!(
        (&shown.expect(200).json["not_after"], &shown.json["certificate"]),
        (&json!(ends), &json!(made.certificate))
    );
    assert!(!shown.text().contains("PRIVATE"), "{shown:?}");
    let matrix = paddock.get("/api/v1/rotation-matrix").await;
    let rows = matrix.expect(200).json["rows"].as_array().unwrap().clone();
    let row = |what: &str| rows.iter().find(|row| row["what"] == what).unwrap().clone();
    assert_eq!((&row("authority")["due_at"], &row("authority")["due"]), (&json!(ends), &json!(false)));
    assert!(row("authority")["how"].as_str().unwrap().contains("paddock ca prepare"));
    assert!(row("data_key")["how"].as_str().unwrap().contains("paddock vault rotate"));
}

#[tokio::test]
async fn a_rehearsal_is_begun_on_a_page_with_what_may_fail_at_each_consumer() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    add(&paddock).await;
    let page = paddock.page("/connections/my-paper/rehearse").await;
    assert!(page.expect(200).text().contains("consumer=bots:approval_pending"), "{page:?}");
    for (fail, code) in
        [(json!(["thunder"]), "invalid_field"), (json!(["consumer=nobody:drift"]), "invalid_field")]
    {
        let path = "/api/v1/connections/my-paper/rehearsals";
        paddock.post(path, &json!({ "fail": fail })).await.expect_problem(422, code);
    }
    // These tests have no paper broker: nothing is left open.
    let refused = paddock.submit("/connections/my-paper/rehearse", &[("fail", "consumer=bots:drift")]).await;
    assert!(refused.expect(409).text().contains("paddock paper serve"), "{refused:?}");
    assert_eq!(paddock.get("/api/v1/rotations").await.json["items"], json!([]));
    // A rehearsal that is open is told on the page of the plan, and is not the rotation there.
    let pair = json!({ "rehearsal": true, "key_id": PAPER.0, "secret_key": PAPER.1 });
    let left = paddock.post("/api/v1/connections/my-paper/rotations", &pair).await;
    let id = left.expect(201).json["id"].as_str().unwrap().to_owned();
    let page = paddock.page("/connections/my-paper/rotate").await;
    assert!(
        page.expect(200).text().contains(&format!("/rotations/{id}\">Look at the rehearsal")),
        "{page:?}"
    );
    assert!(!page.text().contains("A rotation of this connection is under way"), "{page:?}");
}

#[tokio::test]
async fn a_paper_pair_is_replaced_from_plan_to_report() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.alpaca.tell_lists(Environment::Paper);
    let planned = paddock.post("/api/v1/connections/my-paper/rotations", &json!({})).await;
    let id = planned.expect(201).json["id"].as_str().unwrap().to_owned();
    assert_eq!(planned.json["asks"][0]["code"], "start");
    let again = paddock.post("/api/v1/connections/my-paper/rotations", &json!({})).await;
    again.expect_problem(409, "rotation_is_open");
    let path = format!("/api/v1/rotations/{id}");
    let early = json!({ "key_id": PAPER_TWO.0, "secret_key": PAPER_TWO.1 });
    let refused = paddock.post(&format!("{path}/paste"), &early).await;
    refused.expect_problem(409, "rotation_refuses");
    assert!(refused.json["next_step"].as_str().unwrap().starts_with("keep the pair"), "{refused:?}");
    paddock.post(&format!("{path}/start"), &json!({})).await.expect(200);
    until(&paddock, &id, |one| one["state"] == "awaiting_mint").await;
    let page = paddock.page(&format!("/rotations/{id}")).await;
    assert!(page.expect(200).text().contains("Regenerate"), "{page:?}");
    let abort = paddock.post(&format!("{path}/abort"), &json!({ "reason": "no" })).await;
    abort.expect_problem(409, "rotation_refuses");
    // Swapped fields are told at once, in the words of the page that connects, on the page too.
    let swapped = json!({ "key_id": PAPER_TWO.1, "secret_key": PAPER_TWO.0 });
    paddock.post(&format!("{path}/paste"), &swapped).await.expect_problem(422, "fields_swapped");
    let fields = [("key_id", PAPER_TWO.1), ("secret_key", PAPER_TWO.0)];
    let page = paddock.submit(&format!("/rotations/{id}/paste"), &fields).await;
    assert!(!page.expect(422).text().contains("Canary"), "{page:?}");
    // The click at Alpaca: the old pair dies as the new one is made.
    paddock.alpaca.revoke(Environment::Paper, PAPER.0);
    paddock.alpaca.issue(Environment::Paper, &PAPER_TWO, "PA3XK7Q2M9TD", |_| ());
    let fields = [("key_id", PAPER_TWO.0), ("secret_key", PAPER_TWO.1)];
    let pasted = paddock.submit(&format!("/rotations/{id}/paste"), &fields).await;
    pasted.expect_redirect(&format!("/rotations/{id}?done=pasted"));
    let closed = until(&paddock, &id, |one| one["over"] == true).await;
    assert_eq!((&closed["state"], &closed["old_pair"]), (&"closed".into(), &"dead".into()), "{closed}");
    assert_eq!(closed["credential_version"], 2);
    for path in
        [format!("{path}/report"), format!("{path}/report.md"), path.clone(), "/api/v1/audit".to_owned()]
    {
        let reply = paddock.get(&path).await;
        assert!(!reply.expect(200).text().contains("Canary"), "{path}");
    }
    for path in [format!("/rotations/{id}"), "/rotations".to_owned(), format!("/rotations/{id}/report")] {
        let page = paddock.page(&path).await;
        assert!(!page.expect(200).text().contains("Canary"), "{path}");
    }
    paddock.post("/api/v1/connections/my-paper/check", &json!({})).await.expect(200);
}

#[tokio::test]
async fn a_new_pair_of_a_form_that_nobody_has_seen_is_taken_when_alpaca_takes_it() {
    const LONGER: (&str, &str) =
        ("PKCANARYLONGERTHANANYKEYIDBEFORE", "CanaryLonger_than-any.Secret~Key+before/it=1234567890");
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.alpaca.tell_lists(Environment::Paper);
    let planned = paddock.post("/api/v1/connections/my-paper/rotations", &json!({})).await;
    let id = planned.expect(201).json["id"].as_str().unwrap().to_owned();
    paddock.post(&format!("/api/v1/rotations/{id}/start"), &json!({})).await.expect(200);
    until(&paddock, &id, |one| one["state"] == "awaiting_mint").await;
    let paste = format!("/api/v1/rotations/{id}/paste");
    // What cannot be a key is refused at once, and one is told to keep the pair.
    let words = json!({ "key_id": "hello", "secret_key": LONGER.1 });
    let refused = paddock.post(&paste, &words).await;
    refused.expect_problem(422, "key_id_malformed");
    assert!(refused.json["next_step"].as_str().unwrap().starts_with("keep the pair"), "{refused:?}");
    paddock.alpaca.revoke(Environment::Paper, PAPER.0);
    paddock.alpaca.issue(Environment::Paper, &LONGER, "PA3XK7Q2M9TD", |_| ());
    let pair = json!({ "key_id": LONGER.0, "secret_key": LONGER.1 });
    paddock.post(&paste, &pair).await.expect(200);
    let closed = until(&paddock, &id, |one| one["over"] == true).await;
    assert_eq!((&closed["state"], &closed["credential_version"]), (&"closed".into(), &2.into()), "{closed}");
}

/// A webhook that has somebody write to the file when it hears of the new pair: the file was written before, and is proven after.
async fn meddler(file: std::path::PathBuf) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let answer = move |body: String| async move {
        if body.contains("pair.replaced") {
            std::fs::write(file, "APCA_API_KEY_ID=THEIRS\nAPCA_API_SECRET_KEY=ALSO-THEIRS\n").unwrap();
        }
    };
    let app = axum::Router::new().fallback(axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn a_consumer_that_somebody_else_wrote_to_is_taken_over_on_the_page() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.alpaca.tell_lists(Environment::Paper);
    let file = std::fs::canonicalize(paddock.dir.path()).unwrap().join("bot.env");
    let pair = |(id, secret): (&str, &str)| format!("APCA_API_KEY_ID={id}\nAPCA_API_SECRET_KEY={secret}\n");
    std::fs::write(&file, pair(PAPER)).unwrap();
    let consumers = "/api/v1/connections/my-paper/consumers";
    let dotenv = json!({ "name": "bot-env", "kind": "dotenv", "settings": { "path": file } });
    assert_eq!(paddock.post(consumers, &dotenv).await.expect(201).json["left_behind"], Value::Null);
    // They are served in the order in which they were added.
    paddock.clock.advance(std::time::Duration::from_secs(1));
    let secret = "whsec_Q2FuYXJ5U2lnbmluZ1NlY3JldEFiY2RlZmdoaWprbA==";
    let settings = json!({ "url": meddler(file.clone()).await });
    let hook = json!({ "name": "hook", "kind": "webhook", "settings": settings, "secret": secret });
    paddock.post(consumers, &hook).await.expect(201);
    let planned = paddock.post("/api/v1/connections/my-paper/rotations", &json!({})).await;
    let id = planned.expect(201).json["id"].as_str().unwrap().to_owned();
    paddock.post(&format!("/api/v1/rotations/{id}/start"), &json!({})).await.expect(200);
    until(&paddock, &id, |one| one["state"] == "awaiting_mint").await;
    paddock.alpaca.revoke(Environment::Paper, PAPER.0);
    paddock.alpaca.issue(Environment::Paper, &PAPER_TWO, "PA3XK7Q2M9TD", |_| ());
    let fields = [("key_id", PAPER_TWO.0), ("secret_key", PAPER_TWO.1)];
    paddock.submit(&format!("/rotations/{id}/paste"), &fields).await;
    let told = until(&paddock, &id, |one| one["state"] == "degraded").await;
    assert_eq!(
        (&told["asks"][0]["code"], &told["asks"][0]["consumer"]),
        (&"overwritten".into(), &"bot-env".into())
    );
    let page = paddock.page(&format!("/rotations/{id}")).await;
    for words in ["written by somebody else", "Put the pair there again", "Leave bot-env out"] {
        assert!(page.expect(200).text().contains(words), "{words}: {page:?}");
    }

    // One that comes now is told that it comes too late, wherever it is shown.
    let late = json!({ "name": "late", "kind": "webhook", "settings": { "url": "http://127.0.0.1:9" }, "secret": secret });
    let added = paddock.post(consumers, &late).await;
    assert!(
        added.expect(201).json["left_behind"].as_str().unwrap().contains("plan another rotation"),
        "{added:?}"
    );
    let page = paddock.page("/connections/my-paper/consumers/late").await;
    assert!(page.expect(200).text().contains("Not in the rotation in progress"), "{page:?}");

    let fields = [("word", "take-over"), ("consumer", "bot-env"), ("reason", "the deploy is off")];
    let taken = paddock.submit(&format!("/rotations/{id}/say"), &fields).await;
    taken.expect_redirect(&format!("/rotations/{id}?done=take-over"));
    let closed = until(&paddock, &id, |one| one["over"] == true).await;
    assert_eq!(closed["state"], "closed", "{closed}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), pair(PAPER_TWO));
    assert_eq!(paddock.get(&format!("{consumers}/late")).await.json["left_behind"], Value::Null);
}

#[tokio::test]
async fn a_live_pair_is_an_owners_with_a_window_a_ticket_and_a_fresh_proof() {
    let paddock = Paddock::start().await;
    paddock.connect("my-live", "live", &LIVE).await.expect(201);
    let path = "/api/v1/connections/my-live/rotations";
    paddock.post(path, &json!({})).await.expect_problem(422, "invalid_field");
    let plan = json!({ "window_from": "2026-11-23T14:00:00Z", "window_until": "2026-11-23T16:00:00Z", "ticket": "OPS-17" });
    let operator = Visitor::member(&paddock, "joan", Role::Operator).await;
    operator.call("POST", path, &plan).await.expect_problem(403, "role_too_low");
    let owner = Visitor::member(&paddock, "mary", Role::Owner).await;
    let planned = owner.call("POST", path, &plan).await;
    let id = planned.expect(201).json["id"].as_str().unwrap().to_owned();
    let start = format!("/api/v1/rotations/{id}/start");
    operator.call("POST", &start, &Value::Null).await.expect_problem(403, "role_too_low");
    let stale = Visitor::stale(&paddock, owner.person.clone().unwrap()).await;
    stale.call("POST", &start, &Value::Null).await.expect_problem(403, "fresh_factor_needed");
    // Real money needs a second factor, which mary has not.
    owner.call("POST", &start, &Value::Null).await.expect_problem(403, "second_factor_needed");
    let abort = json!({ "reason": "not today" });
    let aborted = owner.call("POST", &format!("/api/v1/rotations/{id}/abort"), &abort).await;
    assert_eq!(aborted.expect(200).json["state"], "aborted");
}

#[tokio::test]
async fn another_teams_rotations_and_consumers_do_not_exist() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    add(&paddock).await;
    let planned = paddock.post("/api/v1/connections/my-paper/rotations", &json!({})).await;
    let id = planned.expect(201).json["id"].as_str().unwrap().to_owned();
    let stranger = Visitor::stranger(&paddock, "eve").await;
    for word in ["", "/report", "/report.md"] {
        let reply = stranger.call("GET", &format!("/api/v1/rotations/{id}{word}"), &Value::Null).await;
        reply.expect_problem(404, "unknown_rotation");
    }
    for word in ["start", "resume", "skip-test-order"] {
        let reply = stranger.call("POST", &format!("/api/v1/rotations/{id}/{word}"), &Value::Null).await;
        reply.expect_problem(404, "unknown_rotation");
    }
    let listed = stranger.call("GET", "/api/v1/rotations", &Value::Null).await;
    assert_eq!(listed.json["items"], json!([]));
    let matrix = stranger.call("GET", "/api/v1/rotation-matrix", &Value::Null).await;
    assert!(!matrix.text().contains("my-paper"), "{matrix:?}");
    let consumers = stranger.call("GET", "/api/v1/connections/my-paper/consumers", &Value::Null).await;
    consumers.expect_problem(404, "unknown_connection");
    stranger.page(&format!("/rotations/{id}")).await.expect(404);
}
