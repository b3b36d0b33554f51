//! Personal API tokens: what they open, for whom, and for how long.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, header};
use paddock_core::{Clock as _, Role};
use serde_json::{Value, json};

use crate::harness::{LIVE, Paddock, Reply};
use crate::second_factor::{set_up, turn_on};
use crate::streams::Listener;
use crate::visitor::Visitor;

/// Makes a token with these fields; what programs send.
async fn make(browser: &Visitor, fields: Value) -> String {
    let made = browser.call("POST", "/api/v1/tokens", &fields).await;
    made.expect(201);
    assert_eq!(made.headers[header::CACHE_CONTROL], "no-store");
    made.json["secret"].as_str().unwrap().to_owned()
}

/// A request of a program with a token, from an address.
async fn from(
    paddock: &Paddock,
    address: &str,
    token: &str,
    (method, path): (&str, &str),
    body: &Value,
) -> Reply {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost:7878")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
        .unwrap();
    let peer = SocketAddr::new(address.parse().unwrap(), 9);
    request.extensions_mut().insert(ConnectInfo(peer));
    let reply = Reply::of(Visitor::nobody(paddock).send(request).await).await;
    crate::document::check_answer(method, path, &reply);
    reply
}

async fn with(paddock: &Paddock, token: &str, what: (&str, &str), body: &Value) -> Reply {
    from(paddock, "127.0.0.1", token, what, body).await
}

const STATUS: (&str, &str) = ("GET", "/api/v1/status");
const FREEZE: (&str, &str) = ("POST", "/api/v1/freeze");

#[tokio::test]
async fn a_token_opens_the_api_for_its_person_and_nothing_else() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    let token = make(owner, json!({ "name": "monitor", "role": "operator" })).await;
    assert!(token.starts_with("pdk_") && token.len() == 47, "{token}");
    with(&paddock, &token, STATUS, &Value::Null).await.expect(200);
    with(&paddock, &token, FREEZE, &json!({})).await.expect(200);
    let record = paddock.get("/api/v1/audit?limit=1").await;
    assert!(record.text().contains("ada"), "the audit names the person: {record:?}");
    let refused = with(&paddock, &token, ("POST", "/api/v1/connections"), &json!({})).await;
    refused.expect_problem(403, "role_too_low");
    // No page opens with it.
    with(&paddock, &token, ("GET", "/"), &Value::Null).await.expect_redirect("/sign-in");
    // It is shown once.
    let listed = owner.call("GET", "/api/v1/tokens", &Value::Null).await;
    assert_eq!(listed.json["items"][0]["name"], "monitor");
    assert!(!listed.text().contains(&token));
    assert_eq!(listed.json["items"][0]["last_used_from"], "127.0.0.1");
}

#[tokio::test]
async fn what_is_no_token_opens_nothing_and_no_cookie_counts_beside_one() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    let token = make(owner, json!({ "name": "t" })).await;
    for wrong in ["", "pdk_", "x", &token[..46], &format!("{token}x"), &token.to_uppercase()] {
        with(&paddock, wrong, STATUS, &Value::Null).await.expect_problem(401, "token_not_good");
    }
    let request = owner
        .request("GET", "/api/v1/status")
        .header(header::AUTHORIZATION, "Bearer nonsense")
        .body(Body::empty())
        .unwrap();
    Reply::of(owner.send(request).await).await.expect_problem(401, "token_not_good");
    // What a browser sends to a proxy by itself is no token: a page elsewhere changes nothing with it.
    let request = Request::builder()
        .method("POST")
        .uri("/api/v1/freeze")
        .header(header::HOST, "localhost:7878")
        .header(header::COOKIE, owner.cookie.clone().unwrap())
        .header("sec-fetch-site", "cross-site")
        .header(header::AUTHORIZATION, "Basic YWRhOnB3")
        .body(Body::empty())
        .unwrap();
    Reply::of(owner.send(request).await).await.expect_problem(403, "cross_origin");
}

#[tokio::test]
async fn a_token_follows_its_person() {
    let paddock = Paddock::start().await;
    let grace = Visitor::member(&paddock, "grace", Role::Operator).await;
    let too_much = grace.call("POST", "/api/v1/tokens", &json!({ "name": "t", "role": "owner" })).await;
    too_much.expect_problem(422, "invalid_field");
    let token = make(&grace, json!({ "name": "t" })).await;
    with(&paddock, &token, FREEZE, &json!({})).await.expect(200);
    let (team, id) = (paddock.state.user, grace.person.clone().unwrap().id);
    let (actor, now) = (paddock_core::audit::Actor::Operator, paddock.clock.now());
    paddock.state.store.set_role(team, id, Role::Viewer, &actor, now).await.unwrap();
    with(&paddock, &token, FREEZE, &json!({})).await.expect_problem(403, "role_too_low");
    with(&paddock, &token, STATUS, &Value::Null).await.expect(200);
    paddock.state.store.remove_person(team, id, &actor, now).await.unwrap();
    with(&paddock, &token, STATUS, &Value::Null).await.expect_problem(401, "token_not_good");
}

#[tokio::test]
async fn a_token_ends_by_itself_and_by_its_owner() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    let short = make(owner, json!({ "name": "short", "expires_in": "1h" })).await;
    let long = make(owner, json!({ "name": "long", "expires_in": "366d" })).await;
    for (field, value) in
        [("expires_in", "367d"), ("expires_in", "0d"), ("expires_at", "2020-01-01T00:00:00Z")]
    {
        let refused = owner.call("POST", "/api/v1/tokens", &json!({ "name": "x", field: value })).await;
        refused.expect_problem(422, "invalid_field");
    }
    let taken = owner.call("POST", "/api/v1/tokens", &json!({ "name": "long" })).await;
    taken.expect_problem(409, "name_taken");
    paddock.clock.advance(Duration::from_secs(3600));
    with(&paddock, &short, STATUS, &Value::Null).await.expect_problem(401, "token_not_good");
    with(&paddock, &long, STATUS, &Value::Null).await.expect(200);
    owner.call("DELETE", "/api/v1/tokens/long", &Value::Null).await.expect(200);
    with(&paddock, &long, STATUS, &Value::Null).await.expect_problem(401, "token_not_good");
    owner.call("DELETE", "/api/v1/tokens/long", &Value::Null).await.expect_problem(404, "unknown_token");
}

#[tokio::test]
async fn what_a_token_opened_ends_with_it() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let key = paddock.issue_key("bot", &json!({ "preset": "read-only" })).await;
    let grace = Visitor::member(&paddock, "grace", Role::Viewer).await;
    for end in ["revoked", "expired", "person removed"] {
        let fields = json!({ "name": end.replace(' ', "-"), "expires_in": "1h" });
        let browser = Visitor::signed_in(&paddock, grace.person.clone().unwrap()).await;
        let token = make(&browser, fields.clone()).await;
        let mut doomed = Listener::new(listen(&paddock, &token).await);
        let mut lasting = Listener::new(paddock.open("/api/v1/events").await);
        assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200);
        assert_eq!(doomed.next().await.unwrap().0, "request");
        assert_eq!(lasting.next().await.unwrap().0, "request");
        match end {
            "revoked" => {
                let path = format!("/api/v1/tokens/{}", fields["name"].as_str().unwrap());
                browser.call("DELETE", &path, &Value::Null).await.expect(200);
            }
            "expired" => paddock.clock.advance(Duration::from_secs(3600)),
            _ => {
                let (team, id) = (paddock.state.user, grace.person.clone().unwrap().id);
                let (actor, now) = (paddock_core::audit::Actor::Operator, paddock.clock.now());
                paddock.state.store.remove_person(team, id, &actor, now).await.unwrap();
            }
        }
        // Nothing is written down when one expires: it ends with the next thing that would be told.
        if end != "expired" {
            assert_eq!(doomed.next().await, None, "{end}");
        }
        assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200);
        if end == "expired" {
            assert_eq!(doomed.next().await, None);
        }
        // Whoever else listens goes on to.
        while lasting.next().await.unwrap().0 != "request" {}
    }
}

/// Opens the stream of what happens with a token.
async fn listen(paddock: &Paddock, token: &str) -> axum::response::Response {
    let request = Request::builder()
        .uri("/api/v1/events")
        .header(header::HOST, "localhost:7878")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    Visitor::nobody(paddock).send(request).await
}

#[tokio::test]
async fn a_token_may_be_bound_to_networks() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    let networks = json!(["192.0.2.0/24", "2001:db8::1"]);
    let token = make(owner, json!({ "name": "bound", "networks": networks })).await;
    for (address, status) in
        [("192.0.2.9", 200), ("2001:db8::1", 200), ("192.0.3.1", 403), ("2001:db8::2", 403)]
    {
        let reply = from(&paddock, address, &token, STATUS, &Value::Null).await;
        assert_eq!(reply.status.as_u16(), status, "{address}: {reply:?}");
    }
}

#[tokio::test]
async fn a_token_is_no_fresh_proof_unless_it_was_made_for_it() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    let usual = make(owner, json!({ "name": "usual" })).await;
    let able = make(owner, json!({ "name": "able", "may_without_factor": true })).await;
    let unfreeze = ("POST", "/api/v1/unfreeze");
    with(&paddock, &usual, unfreeze, &json!({})).await.expect_problem(403, "fresh_factor_needed");
    with(&paddock, &able, unfreeze, &json!({})).await.expect(200);
    paddock.connect_paper().await;
    paddock.issue_key("bot", &json!({ "preset": "trader", "max_order_notional": "100" })).await;
    let raise = (("PATCH", "/api/v1/keys/bot"), json!({ "max_order_notional": "101" }));
    with(&paddock, &usual, raise.0, &raise.1).await.expect_problem(403, "fresh_factor_needed");
    with(&paddock, &able, raise.0, &raise.1).await.expect(200);
    // Who gets in is never for a token to say.
    for token in [&usual, &able] {
        for (method, path, body) in [
            ("POST", "/api/v1/tokens", json!({ "name": "more" })),
            ("POST", "/api/v1/second-factor", json!({})),
            ("DELETE", "/api/v1/second-factor", Value::Null),
        ] {
            let reply = with(&paddock, token, (method, path), &body).await;
            reply.expect_problem(403, "fresh_factor_needed");
        }
        let reply = with(&paddock, token, ("POST", "/api/v1/confirm"), &json!({ "code": "123456" })).await;
        reply.expect_problem(409, "no_session_here");
    }
    assert_eq!(
        owner.call("GET", "/api/v1/tokens", &Value::Null).await.json["items"].as_array().unwrap().len(),
        2
    );
}

/// Who has somebody's password makes such a token with it, and must not reach with the token what the password does not open.
#[tokio::test]
async fn a_token_acts_for_real_money_while_its_person_has_a_second_factor() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let able = make(&browser, json!({ "name": "able", "may_without_factor": true })).await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    let limits = json!({ "preset": "trader", "max_order_notional": "100" });
    paddock.issue_key("bot", &limits).await;
    let mut wanted = limits;
    (wanted["name"], wanted["connection"]) = (json!("real-bot"), json!("real"));
    paddock.post("/api/v1/keys", &wanted).await.expect(201);
    let plan = json!({ "window_from": "2026-11-23T14:00:00Z", "window_until": "2026-11-23T16:00:00Z", "ticket": "OPS-17" });
    let planned = paddock.post("/api/v1/connections/real/rotations", &plan).await;
    let rotation = format!("/api/v1/rotations/{}", planned.expect(201).json["id"].as_str().unwrap());
    let (start, paste) = (format!("{rotation}/start"), format!("{rotation}/paste"));

    let none = json!({});
    let raise = json!({ "max_order_notional": "101" });
    let goes_on = [
        ("PATCH", "/api/v1/keys/real-bot", &raise),
        ("POST", "/api/v1/keys/real-bot/unfreeze", &none),
        ("POST", "/api/v1/connections/real/unfreeze", &none),
        ("POST", "/api/v1/unfreeze", &none),
    ];
    let pair = json!({ "key_id": LIVE.0, "secret_key": LIVE.1 });
    let (mut another, mut replaced) = (pair.clone(), pair.clone());
    (another["name"], another["environment"]) = (json!("second"), json!("live"));
    (replaced["name"], replaced["environment"], replaced["replace"]) =
        (json!("real"), json!("live"), json!(true));
    let key = json!({ "name": "another", "connection": "real", "preset": "read-only" });
    let refused = [
        ("POST", "/api/v1/keys", &key),
        ("POST", "/api/v1/connections", &another),
        ("POST", "/api/v1/connections", &replaced),
        ("POST", &start, &none),
        ("POST", &paste, &pair),
    ];
    let asked = paddock.alpaca.asked();
    let closed = async || {
        for (method, path, body) in goes_on.into_iter().chain(refused) {
            let reply = with(&paddock, &able, (method, path), body).await;
            assert_eq!(reply.json["code"], "second_factor_needed", "{method} {path}: {reply:?}");
        }
    };
    closed().await;
    assert_eq!(paddock.alpaca.asked(), asked, "no pair went anywhere");
    // Paper asks for no more than the proof that the token stands for.
    with(&paddock, &able, ("PATCH", "/api/v1/keys/bot"), &raise).await.expect(200);
    with(&paddock, &able, ("POST", "/api/v1/keys/bot/unfreeze"), &none).await.expect(200);

    turn_on(&paddock, &browser).await;
    for (method, path, body) in goes_on {
        with(&paddock, &able, (method, path), body).await.expect(200);
    }
    with(&paddock, &able, ("POST", "/api/v1/keys"), &key).await.expect(201);
    with(&paddock, &able, ("PATCH", "/api/v1/keys/real-bot"), &json!({ "max_order_notional": "100" }))
        .await
        .expect(200);
    let off = browser.call("DELETE", "/api/v1/second-factor?knowingly=true", &Value::Null).await;
    off.expect(200);
    closed().await;
}

#[tokio::test]
async fn everybody_sees_their_own_and_an_owner_those_of_the_team() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    let grace = Visitor::member(&paddock, "grace", Role::Viewer).await;
    let stranger = Visitor::stranger(&paddock, "eve").await;
    make(owner, json!({ "name": "a" })).await;
    let of_grace = make(&grace, json!({ "name": "b" })).await;
    make(&stranger, json!({ "name": "c" })).await;
    let names = async |browser: &Visitor| -> Vec<String> {
        let listed = browser.call("GET", "/api/v1/tokens", &Value::Null).await;
        let tokens = listed.json["items"].as_array().unwrap().iter();
        let mut names: Vec<String> = tokens.map(|token| token["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(owner).await, ["a", "b"]);
    assert_eq!(names(&grace).await, ["b"]);
    assert_eq!(names(&stranger).await, ["c"]);
    // What one does not see, one does not end.
    grace.call("DELETE", "/api/v1/tokens/a", &Value::Null).await.expect_problem(404, "unknown_token");
    stranger.call("DELETE", "/api/v1/tokens/b", &Value::Null).await.expect_problem(404, "unknown_token");
    let for_another = json!({ "name": "x", "person": "grace" });
    owner.call("POST", "/api/v1/tokens", &for_another).await.expect_problem(422, "invalid_field");
    owner.call("DELETE", "/api/v1/tokens/b", &Value::Null).await.expect(200);
    with(&paddock, &of_grace, STATUS, &Value::Null).await.expect(401);
}

#[tokio::test]
async fn at_the_socket_a_token_is_made_for_somebody() {
    let paddock = Paddock::start().await;
    paddock.post("/api/v1/tokens", &json!({ "name": "t" })).await.expect_problem(409, "nobody_yet");
    Visitor::member(&paddock, "grace", Role::Viewer).await;
    let made = paddock.post("/api/v1/tokens", &json!({ "name": "t" })).await;
    assert_eq!(made.expect(201).json["token"]["person"], "ada");
    let made = paddock.post("/api/v1/tokens", &json!({ "name": "t", "person": "grace" })).await;
    assert_eq!(made.expect(201).json["token"]["role"], "viewer");
    let reply = paddock.post("/api/v1/tokens", &json!({ "name": "u", "person": "nobody" })).await;
    reply.expect_problem(404, "unknown_person");
    assert_eq!(paddock.get("/api/v1/tokens").await.json["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn tokens_are_made_and_revoked_on_their_page() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    assert!(owner.page("/settings/tokens").await.text().contains("No tokens yet"));
    owner.page("/settings/tokens/new").await.expect(200);
    let fields = [("name", "bad name"), ("role", "viewer"), ("expires_in", "30d")];
    let wrong = owner.submit("/settings/tokens/new", &fields).await;
    wrong.expect(422);
    assert!(wrong.text().contains("value=\"bad name\""), "{wrong:?}");
    let fields = [
        ("name", "monitor"),
        ("role", "viewer"),
        ("expires_in", "30d"),
        ("networks", "127.0.0.0/8, 10.0.0.1"),
    ];
    let made = owner.submit("/settings/tokens/new", &fields).await;
    made.expect(200);
    assert_eq!(made.headers[header::CACHE_CONTROL], "no-store");
    let at = made.text().find("<code>pdk_").unwrap() + "<code>".len();
    let token = made.text()[at..at + 47].to_owned();
    with(&paddock, &token, STATUS, &Value::Null).await.expect(200);
    let page = owner.page("/settings/tokens").await;
    assert!(page.text().contains("monitor") && page.text().contains("127.0.0.0/8, 10.0.0.1"), "{page:?}");
    assert!(!page.text().contains(&token));
    let id = owner.call("GET", "/api/v1/tokens", &Value::Null).await.json["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // One stray click asks, and revokes nothing.
    assert!(
        page.text()
            .contains(&format!("<a class=\"button danger small\" href=\"/settings/tokens/{id}/revoke\""))
    );
    let asks = owner.page(&format!("/settings/tokens/{id}/revoke")).await;
    assert!(asks.expect(200).text().contains("Revoke monitor?"), "{asks:?}");
    with(&paddock, &token, STATUS, &Value::Null).await.expect(200);
    owner.page("/settings/tokens/019a0000-0000-7000-8000-000000000000/revoke").await.expect(404);
    let done = owner.submit(&format!("/settings/tokens/{id}/revoke"), &[]).await;
    done.expect_redirect("/settings/tokens?done=revoked");
    with(&paddock, &token, STATUS, &Value::Null).await.expect(401);
    // Neither the database nor the audit knows it.
    for entry in std::fs::read_dir(paddock.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read(&path).unwrap_or_default();
        assert!(!content.windows(token.len()).any(|window| window == token.as_bytes()), "{}", path.display());
    }
    assert!(!paddock.get("/api/v1/audit").await.text().contains(&token));
}
