//! Second factors: turning one on, signing in with it, and what asks for a fresh one.

use std::time::Duration;

use http::header;
use paddock_core::audit::Actor;
use paddock_core::{Clock as _, Role, SecretText};
use paddock_vault::{OsEntropy, PasswordCost, PasswordHash};
use serde_json::{Value, json};

use crate::authenticator::code;
use crate::harness::{LIVE, PAPER_TWO, Paddock, Reply};
use crate::visitor::Visitor;

const PASSWORD: &str = "correct horse battery";

/// The first owner, `ada`, with a password that fits; a browser in which they signed in just now.
pub(crate) async fn set_up(paddock: &Paddock) -> Visitor {
    let person = paddock.owner().await.person.clone().unwrap();
    let password = SecretText::new(PASSWORD.to_owned());
    let hash = PasswordHash::make(&password, PasswordCost::FOR_TESTS, &OsEntropy).unwrap().to_text();
    let (store, now) = (&paddock.state.store, paddock.clock.now());
    store.set_password(person.id, &hash, None, false, &Actor::System, now).await.unwrap();
    Visitor::signed_in(paddock, person).await
}

/// Turns the second factor of a browser's person on; the secret and the recovery codes.
pub(crate) async fn turn_on(paddock: &Paddock, browser: &Visitor) -> (String, Vec<String>) {
    let begun = browser.call("POST", "/api/v1/second-factor", &json!({})).await;
    begun.expect(201);
    let secret = begun.json["secret"].as_str().unwrap().to_owned();
    let now = paddock.clock.now();
    let done =
        browser.call("POST", "/api/v1/second-factor/confirm", &json!({ "code": code(&secret, now) })).await;
    done.expect(200);
    let codes = done.json["recovery_codes"].as_array().unwrap();
    (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// A code that is not shown around that instant.
fn wrong_code(secret: &str, now: jiff::Timestamp) -> String {
    let near: Vec<String> =
        (-2..=2).map(|step| code(secret, now + jiff::SignedDuration::from_secs(30 * step))).collect();
    (0..9).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).unwrap()
}

fn wait(paddock: &Paddock, seconds: u64) {
    paddock.clock.advance(Duration::from_secs(seconds));
}

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = &text[text.find(before).unwrap() + before.len()..];
    &rest[..rest.find(after).unwrap()]
}

/// Every cookie that an answer sets: its name, and whether it has a value.
fn cookies(reply: &Reply) -> Vec<(String, bool)> {
    let pairs = reply.headers.get_all(header::SET_COOKIE).iter().map(|cookie| {
        let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
        (name.to_owned(), !rest.starts_with(';'))
    });
    pairs.collect()
}

#[tokio::test]
async fn it_is_turned_on_and_off_on_its_pages() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let page = browser.page("/settings/security").await;
    assert!(page.expect(200).text().contains("Turn on"), "{page:?}");
    browser.page("/settings/security/second-factor").await.expect(200);

    let shown = browser.submit("/settings/security/second-factor", &[]).await;
    shown.expect(200);
    assert_eq!(shown.headers[header::CACHE_CONTROL], "no-store");
    let secret = between(shown.text(), "id=\"factor-secret\">", "<").to_owned();
    assert_eq!(secret.len(), 32);
    assert!(shown.text().contains("<svg class=\"qr\""), "{shown:?}");

    let now = paddock.clock.now();
    let path = "/settings/security/second-factor/confirm";
    let wrong = browser.submit(path, &[("code", &wrong_code(&secret, now))]).await;
    wrong.expect(422);
    assert!(wrong.text().contains("Wrong code") && !wrong.text().contains(&secret), "{wrong:?}");
    assert!(!browser.page("/settings/security").await.text().contains(">Turn off<"));

    let done = browser.submit(path, &[("code", &code(&secret, now))]).await;
    done.expect(200);
    assert_eq!(done.text().matches("<li><code>").count(), 10);
    let recovery = between(done.text(), "<li><code>", "<").to_owned();
    assert!(done.text().contains("download=\"paddock-recovery-codes.txt\""));
    let page = browser.page("/settings/security").await;
    assert!(page.text().contains("10 of 10") && !page.text().contains(&recovery), "{page:?}");

    // New codes end the old ones.
    let renewed = browser.submit("/settings/security/recovery-codes", &[]).await;
    assert!(!renewed.expect(200).text().contains(&recovery));

    browser.page("/settings/security/second-factor/off").await.expect(200);
    let off = browser.submit("/settings/security/second-factor/off", &[]).await;
    off.expect_redirect("/settings/security?done=second-factor-off");
    assert_eq!(browser.call("GET", "/api/v1/second-factor", &Value::Null).await.json["on"], false);
    let audit = paddock.get("/api/v1/audit").await;
    for event in ["second_factor_on", "recovery_codes_made", "second_factor_off"] {
        assert!(audit.text().contains(event), "{event}");
    }
    assert!(!audit.text().contains(&secret) && !audit.text().contains(&recovery));
}

#[tokio::test]
async fn signing_in_takes_two_steps_and_no_session_comes_before_the_second() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let (secret, _) = turn_on(&paddock, &browser).await;
    wait(&paddock, 60);

    let mut visitor = Visitor::nobody(&paddock);
    let fields = [("name", "ada"), ("password", PASSWORD), ("next", "/keys?x=1")];
    let first = visitor.submit("/sign-in", &fields).await;
    first.expect_redirect("/sign-in/code?next=/keys%3Fx%3D1");
    assert_eq!(cookies(&first), [("paddock-step".to_owned(), true)]);
    visitor.take_cookie(&first);
    // What the browser has opens nothing but the second step.
    visitor.page("/").await.expect_redirect("/sign-in");
    visitor.call("GET", "/api/v1/status", &Value::Null).await.expect_problem(401, "not_signed_in");
    let as_session = visitor.cookie.clone().unwrap().replace("paddock-step=", "paddock=");
    let forged = Visitor { cookie: Some(as_session), ..Visitor::nobody(&paddock) };
    forged.page("/").await.expect_redirect("/sign-in");
    let page = visitor.page("/sign-in/code?next=/keys%3Fx%3D1").await;
    assert!(page.expect(200).text().contains("ada"), "{page:?}");

    let now = paddock.clock.now();
    let wrong = visitor.submit("/sign-in/code", &[("code", &wrong_code(&secret, now))]).await;
    wrong.expect(422);
    assert!(cookies(&wrong).is_empty());
    let right = code(&secret, now);
    let fields = [("code", right.as_str()), ("next", "/keys?x=1")];
    let done = visitor.submit("/sign-in/code", &fields).await;
    done.expect_redirect("/keys?x=1");
    assert_eq!(cookies(&done), [("paddock".to_owned(), true), ("paddock-step".to_owned(), false)]);
    // The code was used: whoever saw it, and has the ticket, gets no further.
    visitor.submit("/sign-in/code", &fields).await.expect(422);
    let elsewhere = [("code", right.as_str()), ("next", "//evil.example")];
    visitor.submit("/sign-in/code", &elsewhere).await.expect(422);

    let mut signed_in = Visitor::nobody(&paddock);
    signed_in.take_cookie(&done);
    signed_in.page("/").await.expect(200);
}

#[tokio::test]
async fn a_ticket_for_the_second_step_ends_and_cannot_be_made_up() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let (secret, _) = turn_on(&paddock, &browser).await;
    wait(&paddock, 60);
    let mut visitor = Visitor::nobody(&paddock);
    let first = visitor.submit("/sign-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    visitor.take_cookie(&first);
    let ticket = visitor.cookie.clone().unwrap();
    let parts: Vec<&str> = ticket.split('.').collect();
    let later = parts[1].parse::<u64>().unwrap() + 600;
    for forged in [
        format!("{}.{later}.{}", parts[0], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], "0".repeat(64)),
        format!("{}.{}", parts[0], parts[1]),
        "paddock-step=".to_owned(),
    ] {
        let forger = Visitor { cookie: Some(forged), ..Visitor::nobody(&paddock) };
        let right = code(&secret, paddock.clock.now());
        forger.submit("/sign-in/code", &[("code", &right)]).await.expect_redirect("/sign-in");
        forger.page("/sign-in/code").await.expect_redirect("/sign-in");
    }
    wait(&paddock, 300);
    let right = code(&secret, paddock.clock.now());
    visitor.submit("/sign-in/code", &[("code", &right)]).await.expect_redirect("/sign-in");
}

#[tokio::test]
async fn a_recovery_code_works_once_and_is_told() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let (_, codes) = turn_on(&paddock, &browser).await;
    let mut visitor = Visitor::nobody(&paddock);
    let first = visitor.submit("/sign-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    visitor.take_cookie(&first);
    let typed = codes[0].to_uppercase().replace('-', " ");
    let done = visitor.submit("/sign-in/code", &[("code", &typed)]).await;
    done.expect_redirect("/settings/security?done=recovery-code-used");
    visitor.submit("/sign-in/code", &[("code", &codes[0])]).await.expect(422);
    let mut signed_in = Visitor::nobody(&paddock);
    signed_in.take_cookie(&done);
    let page = signed_in.page("/settings/security?done=recovery-code-used").await;
    assert!(page.text().contains("9 of 10") && page.text().contains("stood in for your app"), "{page:?}");
    let audit = paddock.get("/api/v1/audit?event=recovery_code_used").await;
    assert_eq!(audit.json["items"].as_array().map(Vec::len), Some(1), "{audit:?}");
}

#[tokio::test]
async fn codes_are_guessed_slowly() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let (secret, _) = turn_on(&paddock, &browser).await;
    let mut visitor = Visitor::nobody(&paddock);
    let mut slowed = false;
    for _ in 0..8 {
        // A right password in between forgets no wrong code.
        let first = visitor.submit("/sign-in", &[("name", "ada"), ("password", PASSWORD)]).await;
        visitor.take_cookie(&first);
        let wrong = wrong_code(&secret, paddock.clock.now());
        let reply = visitor.submit("/sign-in/code", &[("code", &wrong)]).await;
        if reply.status == 429 {
            assert!(reply.headers.contains_key(header::RETRY_AFTER));
            slowed = true;
        }
    }
    assert!(slowed);
}

#[tokio::test]
async fn a_proof_is_asked_for_and_counts_for_five_minutes() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    wait(&paddock, 300);
    // Without a second factor the password is the proof.
    let sent = browser.page("/settings/tokens/new").await;
    sent.expect_redirect("/confirm?next=/settings/tokens/new");
    let page = browser.page("/confirm?next=/settings/tokens/new").await;
    assert!(page.expect(200).text().contains("Your password"), "{page:?}");
    let fields = [("next", "/settings/tokens/new"), ("password", "something else")];
    let wrong = browser.submit("/confirm", &fields).await;
    wrong.expect(422);
    assert!(!wrong.text().contains("something else"));
    let fields = [("next", "/settings/tokens/new"), ("password", PASSWORD)];
    browser.submit("/confirm", &fields).await.expect_redirect("/settings/tokens/new");
    browser.page("/settings/tokens/new").await.expect(200);
    for next in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let fields = [("next", next), ("password", PASSWORD)];
        browser.submit("/confirm", &fields).await.expect_redirect("/");
    }

    // With one it is a code, and the password is none.
    let (secret, _) = turn_on(&paddock, &browser).await;
    wait(&paddock, 299);
    browser.page("/settings/tokens/new").await.expect(200);
    wait(&paddock, 1);
    browser.page("/settings/tokens/new").await.expect_redirect("/confirm?next=/settings/tokens/new");
    let fields = [("next", "/settings/tokens/new"), ("password", PASSWORD)];
    browser.submit("/confirm", &fields).await.expect(422);
    let call = browser.call("POST", "/api/v1/unfreeze", &json!({})).await;
    call.expect_problem(403, "fresh_factor_needed");
    let right = code(&secret, paddock.clock.now());
    browser.call("POST", "/api/v1/confirm", &json!({ "code": right })).await.expect(200);
    browser.call("POST", "/api/v1/unfreeze", &json!({})).await.expect(200);
    // The same code proves nothing a second time.
    let again = browser.call("POST", "/api/v1/confirm", &json!({ "code": right })).await;
    again.expect_problem(422, "wrong_code");
}

#[tokio::test]
async fn what_cannot_be_taken_back_easily_asks_for_a_fresh_proof() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    turn_on(&paddock, &browser).await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    paddock.issue_key("bot", &json!({ "preset": "trader", "max_order_notional": "100" })).await;
    wait(&paddock, 300);
    let live = json!({ "name": "two", "environment": "live", "key_id": LIVE.0, "secret_key": LIVE.1 });
    let replaced = json!({
        "name": "my-paper", "environment": "paper", "key_id": "PKAAAABBBBCCCCDDDDEEEE2345",
        "secret_key": "CanaryPaperSecretAbcdefghijklmnopqrstuvwxyz1", "replace": true,
    });
    for (method, path, body) in [
        ("POST", "/api/v1/connections", live),
        ("POST", "/api/v1/connections", replaced),
        ("POST", "/api/v1/keys", json!({ "name": "x", "connection": "real", "preset": "read-only" })),
        ("PATCH", "/api/v1/keys/bot", json!({ "max_order_notional": "101" })),
        ("PATCH", "/api/v1/keys/bot", json!({ "max_order_notional": null })),
        ("POST", "/api/v1/keys/bot/unfreeze", json!({})),
        ("POST", "/api/v1/connections/my-paper/unfreeze", json!({})),
        ("POST", "/api/v1/unfreeze", json!({})),
        ("POST", "/api/v1/vault/rotate", json!({ "what": "kek" })),
        ("POST", "/api/v1/audit/key/rotate", json!({})),
        ("POST", "/api/v1/backup", json!({})),
        ("POST", "/api/v1/tokens", json!({ "name": "t" })),
        ("DELETE", "/api/v1/second-factor", json!(null)),
        ("POST", "/api/v1/second-factor/recovery-codes", json!({})),
    ] {
        let reply = browser.call(method, path, &body).await;
        assert_eq!(reply.json["code"], "fresh_factor_needed", "{method} {path} {body}: {reply:?}");
        assert_eq!(reply.status, 403);
    }
    // What takes something away, and what is on paper, does not.
    for (method, path, body) in [
        ("PATCH", "/api/v1/keys/bot", json!({ "max_order_notional": "99" })),
        ("POST", "/api/v1/keys", json!({ "name": "y", "connection": "my-paper", "preset": "read-only" })),
        ("POST", "/api/v1/keys/bot/freeze", json!({})),
        ("POST", "/api/v1/freeze", json!({})),
        ("POST", "/api/v1/keys/bot/revoke", json!({})),
    ] {
        let reply = browser.call(method, path, &body).await;
        assert!(reply.status.is_success(), "{method} {path}: {reply:?}");
    }
}

#[tokio::test]
async fn real_money_takes_a_second_factor_at_all() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let asked = paddock.alpaca.asked();
    let text = paddock.get("/api/v1/attestation").await;
    let codes: Vec<_> =
        text.json["statements"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    let live = json!({
        "name": "real", "environment": "live", "key_id": LIVE.0, "secret_key": LIVE.1,
        "statements": codes, "signed_name": "Ada Lovelace", "text_sha256": text.json["text_sha256"],
    });
    let refused = browser.call("POST", "/api/v1/connections", &live).await;
    refused.expect_problem(403, "second_factor_needed");
    assert_eq!(paddock.alpaca.asked(), asked, "the pair went nowhere");
    turn_on(&paddock, &browser).await;
    // The proof by password stands for what comes after it.
    browser.call("POST", "/api/v1/connections", &live).await.expect(201);
}

/// Real money that is connected already, by the admin socket or by another owner.
#[tokio::test]
async fn connected_real_money_takes_a_second_factor_too() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    let limits = json!({ "preset": "trader", "max_order_notional": "100" });
    paddock.issue_key("bot", &limits).await;
    let mut wanted = limits.clone();
    (wanted["name"], wanted["connection"]) = (json!("real-bot"), json!("real"));
    paddock.post("/api/v1/keys", &wanted).await.expect(201);
    let (raise, lower) = (json!({ "max_order_notional": "101" }), json!({ "max_order_notional": "99" }));
    let none = json!({});
    let live = [
        ("PATCH", "/api/v1/keys/real-bot", &raise),
        ("POST", "/api/v1/keys/real-bot/unfreeze", &none),
        ("POST", "/api/v1/connections/real/unfreeze", &none),
        ("POST", "/api/v1/unfreeze", &none),
    ];
    for (method, path, body) in live {
        browser.call(method, path, body).await.expect_problem(403, "second_factor_needed");
    }
    let needed = "/settings/security?needed=live";
    browser.page("/keys/real-bot/unfreeze").await.expect_redirect(needed);
    for (path, subject) in
        [("/unfreeze", "key:real-bot"), ("/unfreeze", "everything"), ("/connections/real/unfreeze", "")]
    {
        let fields = if subject.is_empty() { vec![] } else { vec![("subject", subject)] };
        browser.submit(path, &fields).await.expect_redirect(needed);
    }
    // What takes something away, and what is on paper, does not.
    for (method, path, body) in [
        ("PATCH", "/api/v1/keys/real-bot", &lower),
        ("PATCH", "/api/v1/keys/bot", &raise),
        ("POST", "/api/v1/keys/bot/unfreeze", &none),
        ("POST", "/api/v1/connections/my-paper/unfreeze", &none),
        ("POST", "/api/v1/keys/real-bot/freeze", &none),
        ("POST", "/api/v1/freeze", &none),
    ] {
        browser.call(method, path, body).await.expect(200);
    }
    turn_on(&paddock, &browser).await;
    for (method, path, body) in live {
        browser.call(method, path, body).await.expect(200);
    }
}

/// Where everything is on paper, a password lets everything go on.
#[tokio::test]
async fn paper_alone_goes_on_by_password() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    paddock.connect_paper().await;
    browser.call("POST", "/api/v1/freeze", &json!({})).await.expect(200);
    browser.call("POST", "/api/v1/unfreeze", &json!({})).await.expect(200);
}

#[tokio::test]
async fn with_live_accounts_it_is_turned_off_knowingly() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    turn_on(&paddock, &browser).await;
    let path = "/settings/security/second-factor/off";
    assert!(!browser.page(path).await.expect(200).text().contains("Real money"));
    paddock.connect("real", "live", &LIVE).await.expect(201);
    assert!(browser.page(path).await.text().contains("live accounts: real."));
    let refused = browser.submit(path, &[]).await;
    assert!(refused.expect(422).text().contains("live accounts: real."), "{refused:?}");
    assert_eq!(browser.call("GET", "/api/v1/second-factor", &Value::Null).await.json["on"], true);
    // A program that acts for the person has to know it too.
    browser.call("DELETE", "/api/v1/second-factor", &Value::Null).await.expect_problem(422, "live_accounts");
    assert_eq!(browser.call("GET", "/api/v1/second-factor", &Value::Null).await.json["on"], true);
    let done = browser.submit(path, &[("knowingly", "yes")]).await;
    done.expect_redirect("/settings/security?done=second-factor-off");
    turn_on(&paddock, &browser).await;
    browser.call("DELETE", "/api/v1/second-factor?knowingly=true", &Value::Null).await.expect(200);
}

#[tokio::test]
async fn a_paper_pair_is_rotated_by_whoever_proved_who_they_are() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    paddock.connect_paper().await;
    let planned = browser.call("POST", "/api/v1/connections/my-paper/rotations", &json!({})).await;
    let id = planned.expect(201).json["id"].as_str().unwrap().to_owned();
    wait(&paddock, 300);
    let (start, paste) = (format!("/api/v1/rotations/{id}/start"), format!("/api/v1/rotations/{id}/paste"));
    let pair = json!({ "key_id": PAPER_TWO.0, "secret_key": PAPER_TWO.1 });
    browser.call("POST", &start, &json!({})).await.expect_problem(403, "fresh_factor_needed");
    let refused = browser.call("POST", &paste, &pair).await;
    refused.expect_problem(403, "fresh_factor_needed");
    assert!(refused.json["next_step"].as_str().unwrap().starts_with("keep the pair"), "{refused:?}");
    // The page says so where it stands: whoever is led away loses sight of what it says to keep.
    let fields = [("key_id", PAPER_TWO.0), ("secret_key", PAPER_TWO.1)];
    let page = browser.submit(&format!("/rotations/{id}/paste"), &fields).await;
    assert!(page.expect(403).text().contains("Keep the pair") && !page.text().contains("Canary"), "{page:?}");
    browser.call("POST", "/api/v1/confirm", &json!({ "password": PASSWORD })).await.expect(200);
    browser.call("POST", &start, &json!({})).await.expect(200);
}

#[tokio::test]
async fn pages_for_real_money_ask_for_the_second_factor_before_anything_is_typed() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    paddock.connect("sandbox", "paper", &crate::harness::PAPER).await.expect(201);
    let form = browser.page("/connections/new/live").await;
    assert!(form.expect(200).text().contains("First, a second factor"), "{form:?}");
    assert!(!form.text().contains("name=\"secret_key\""));
    let new = "/keys/new?connection=real";
    browser.page(new).await.expect_redirect("/settings/security?needed=live");
    browser.page("/keys/new?connection=sandbox").await.expect(200);
    turn_on(&paddock, &browser).await;
    browser.page(new).await.expect(200);
    paddock.clock.advance(Duration::from_secs(360));
    browser.page(new).await.expect_redirect("/confirm?next=/keys/new%3Fconnection%3Dreal");
    browser.page("/connections/new/live").await.expect_redirect("/confirm?next=/connections/new/live");
}

#[tokio::test]
async fn turning_it_on_signs_other_browsers_out() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let mut other = Visitor::nobody(&paddock);
    let done = other.submit("/sign-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    other.take_cookie(&done);
    other.page("/").await.expect(200);
    turn_on(&paddock, &browser).await;
    other.page("/").await.expect_redirect("/sign-in");
    browser.page("/").await.expect(200);
}

#[tokio::test]
async fn other_browsers_are_signed_out_from_the_page() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let others = [set_in(&paddock, &browser).await, set_in(&paddock, &browser).await];
    let page = browser.page("/settings/security").await;
    assert_eq!(page.text().matches("/end\"><button").count(), 3, "two, and all: {page:?}");
    let id = between(page.text(), "/settings/sessions/", "/end");
    let path = format!("/settings/sessions/{id}/end");
    browser.submit(&path, &[]).await.expect_redirect("/settings/security?done=session-ended");
    browser.submit(&path, &[]).await.expect(404);
    let stranger = Visitor::stranger(&paddock, "eve").await;
    let page = browser.page("/settings/security").await;
    let id = between(page.text(), "/settings/sessions/", "/end").to_owned();
    stranger.submit(&format!("/settings/sessions/{id}/end"), &[]).await.expect(404);
    let done = browser.submit("/settings/sessions/end", &[]).await;
    done.expect_redirect("/settings/security?done=sessions-ended");
    for other in others {
        other.page("/").await.expect_redirect("/sign-in");
    }
    browser.page("/").await.expect(200);
}

/// Another browser in which the same person is signed in.
async fn set_in(paddock: &Paddock, browser: &Visitor) -> Visitor {
    Visitor::signed_in(paddock, browser.person.clone().unwrap()).await
}

#[tokio::test]
async fn it_outlives_the_rotation_of_the_vaults_keys() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let (secret, _) = turn_on(&paddock, &browser).await;
    for what in ["dek", "kek", "dek"] {
        wait(&paddock, 60);
        paddock.post("/api/v1/vault/rotate", &json!({ "what": what })).await.expect(200);
        let right = code(&secret, paddock.clock.now());
        browser.call("POST", "/api/v1/confirm", &json!({ "code": right })).await.expect(200);
    }
    assert!(paddock.get("/api/v1/audit/verify").await.json["valid"].as_bool().unwrap());
}

#[tokio::test]
async fn at_the_socket_nobody_in_particular_has_one() {
    let paddock = Paddock::start().await;
    paddock.get("/api/v1/second-factor").await.expect_problem(409, "nobody_in_particular");
    paddock.post("/api/v1/second-factor", &json!({})).await.expect_problem(409, "nobody_in_particular");
    paddock
        .post("/api/v1/confirm", &json!({ "code": "123456" }))
        .await
        .expect_problem(409, "no_session_here");
}

#[tokio::test]
async fn nothing_of_it_is_kept_or_shown_in_plain() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let (secret, codes) = turn_on(&paddock, &browser).await;
    let right = code(&secret, paddock.clock.now() + jiff::SignedDuration::from_secs(30));
    let viewer = Visitor::member(&paddock, "grace", Role::Viewer).await;
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    for path in ["/api/v1/audit", "/api/v1/second-factor", "/api/v1/status", "/api/v1/audit/export"] {
        seen.push((path.to_owned(), browser.call("GET", path, &Value::Null).await.bytes));
    }
    for path in ["/settings/security", "/settings/tokens", "/confirm"] {
        seen.push((path.to_owned(), browser.page(path).await.bytes));
        seen.push((path.to_owned(), viewer.page(path).await.bytes));
    }
    seen.push(("debug".to_owned(), format!("{:?}", paddock.state).into_bytes()));
    browser.call("POST", "/api/v1/confirm", &json!({ "code": right })).await.expect(200);
    for entry in std::fs::read_dir(paddock.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            seen.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    let plain = codes[0].replace('-', "");
    for (name, content) in seen {
        for canary in [secret.as_str(), codes[0].as_str(), plain.as_str(), PASSWORD] {
            let found = content.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} shows in {name}");
        }
    }
}

#[tokio::test]
async fn a_lost_one_is_turned_off_by_an_owner_or_at_the_socket() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    turn_on(&paddock, &browser).await;
    let path = "/api/v1/people/ada/second-factor";
    let stranger = Visitor::stranger(&paddock, "eve").await;
    stranger.call("DELETE", path, &Value::Null).await.expect_problem(404, "unknown_person");
    paddock.call("DELETE", path, &json!({})).await.expect(200);
    browser.page("/").await.expect_redirect("/sign-in");
    let again = Visitor::nobody(&paddock);
    let done = again.submit("/sign-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    done.expect_redirect("/");
    paddock.call("DELETE", path, &json!({})).await.expect_problem(409, "second_factor_is_off");
}
