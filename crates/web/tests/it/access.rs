//! Who may do what: every route, called as nobody, as each role, without a fresh proof, and as the owner of another team.

use axum::body::Body;
use http::header;
use http_body_util::BodyExt as _;
use paddock_core::Role;
use paddock_store::Person;
use serde_json::json;

use crate::harness::Paddock;
use crate::visitor::Visitor;

/// What stands for a name or an identifier in a path.
struct Names {
    connection: &'static str,
    key: &'static str,
    person: &'static str,
    consumer: &'static str,
    id: &'static str,
}

/// Names that nobody has: a route that lets somebody through then finds nothing and changes nothing.
const NOBODYS: Names = Names {
    connection: "nothing-there",
    key: "nothing-there",
    person: "nothing-there",
    consumer: "nothing-there",
    id: "0190e000-0000-7000-8000-000000000000",
};

/// What the first team has.
const FIRST_TEAMS: Names = Names {
    connection: "zebra-paper",
    key: "zebra-bot",
    person: "grace.viewer",
    consumer: "zebra-herd",
    id: NOBODYS.id,
};

fn fill(path: &str, names: &Names) -> String {
    let name = if path.contains("/people/") {
        names.person
    } else if path.contains("/keys/") {
        names.key
    } else {
        names.connection
    };
    path.replace("{name}", name)
        .replace("{connection}", names.connection)
        .replace("{id}", names.id)
        .replace("{consumer}", names.consumer)
        .replace("{token}", &"0".repeat(64))
}

/// Forms that ask for a proof themselves, so that what was typed is kept, with what one has to type before they do.
fn form(method: &str, path: &str) -> Option<&'static str> {
    if method != "POST" {
        return None;
    }
    Some(match path {
        "/connections/new/live" => "name=x&key_id=AKAAAABBBBCCCCDDDDEEEE2345&secret_key=x",
        "/connections/{name}/replace" => "key_id=PKAAAABBBBCCCCDDDDEEEE2345&secret_key=x",
        "/connections/new/live/oauth" => "name=x",
        "/connections/{name}/consumers/new" => "kind=heroku&name=x&settings.apps=one&secret=x",
        "/connections/{name}/consumers/{consumer}/edit" => "name=x&settings.apps=one",
        "/settings/people/invite" => "role=viewer",
        "/settings/tokens/new" => "name=x&role=viewer&expires_in=1d",
        _ => return None,
    })
}

/// What came of a call: `may`, or what stopped it.
async fn outcome(visitor: &Visitor, method: &str, path: &str, keep: &mut String) -> String {
    sent(visitor, method, path, "", keep).await
}

/// The same of a form.
async fn sent(visitor: &Visitor, method: &str, path: &str, form: &'static str, keep: &mut String) -> String {
    let request = visitor.request(method, path);
    let request = match form {
        "" => request.body(Body::empty()),
        form => request
            .header(header::ORIGIN, "http://localhost:7878")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form)),
    };
    let request = request.unwrap();
    let response = visitor.send(request).await;
    let status = response.status().as_u16();
    let location =
        response.headers().get(header::LOCATION).map(|location| location.to_str().unwrap().to_owned());
    let kind = response.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
    if kind.as_deref() != Some("text/event-stream") {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        *keep = String::from_utf8_lossy(&bytes).into_owned();
    }
    // The API says it by its code, a form by what it leads to.
    let proof = ["fresh_factor_needed", "href=\"/confirm\"", "First, a second factor"];
    match (status, location.as_deref()) {
        (303, Some(to)) if to.starts_with("/sign-in?next=") || (to == "/sign-in" && path != "/sign-out") => {
            "sign in".to_owned()
        }
        (303, Some(to)) if to.starts_with("/confirm") => "confirm".to_owned(),
        (401, _) => "sign in".to_owned(),
        (403, _) if proof.iter().any(|words| keep.contains(words)) => "confirm".to_owned(),
        (403, _) if keep.contains("role_too_low") || keep.contains("Not with your role") => "no".to_owned(),
        (403, _) => "no: first team only".to_owned(),
        (404, _) => "nothing".to_owned(),
        _ => "may".to_owned(),
    }
}

async fn again(paddock: &Paddock, person: &Person) -> Visitor {
    Visitor::signed_in(paddock, person.clone()).await
}

#[tokio::test]
async fn every_route_as_everybody() {
    let paddock = Paddock::start().await;
    paddock.connect("zebra-paper", "paper", &crate::harness::PAPER).await.expect(201);
    let key = json!({ "name": "zebra-bot", "connection": "zebra-paper", "preset": "read-only" });
    paddock.post("/api/v1/keys", &key).await.expect(201);
    let herd = json!({ "name": "zebra-herd", "kind": "heroku", "settings": { "apps": ["one"] }, "secret": "a-long-secret" });
    paddock.post("/api/v1/connections/zebra-paper/consumers", &herd).await.expect(201);
    let nobody = Visitor::nobody(&paddock);
    let viewer = Visitor::member(&paddock, "grace.viewer", Role::Viewer).await.person.unwrap();
    let operator = Visitor::member(&paddock, "joan.operator", Role::Operator).await.person.unwrap();
    let owner = Visitor::member(&paddock, "mary.owner", Role::Owner).await.person.unwrap();
    let stranger = Visitor::stranger(&paddock, "eve.stranger").await.person.unwrap();

    let heading = ["route", "nobody", "viewer", "operator", "owner", "owner, stale", "other team's owner"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (method, path) in paddock_web::access_routes() {
        let mut row = vec![format!("{method} {path}")];
        let (own, theirs) = (fill(path, &NOBODYS), fill(path, &FIRST_TEAMS));
        let mut body = String::new();
        row.push(outcome(&nobody, method, &own, &mut body).await);
        for person in [&viewer, &operator, &owner] {
            let visitor = again(&paddock, person).await;
            row.push(reached(outcome(&visitor, method, &own, &mut body).await));
        }
        let stale = Visitor::stale(&paddock, owner.clone()).await;
        row.push(match form(method, path) {
            Some(form) => sent(&stale, method, &theirs, form, &mut body).await,
            None => reached(outcome(&stale, method, &own, &mut body).await),
        });
        let visitor = again(&paddock, &stranger).await;
        row.push(outcome(&visitor, method, &theirs, &mut body).await);
        for secret in ["zebra", "PA3XK7Q2M9TD", "grace.viewer", "mary.owner"] {
            let echoed = theirs.contains(secret);
            assert!(echoed || !body.contains(secret), "{method} {theirs} tells {secret}: {body}");
        }
        rows.push(row);
    }
    // Whatever the other team did, nothing of the first one has changed but what its own people did.
    let connection = paddock.get("/api/v1/connections").await;
    assert_eq!(connection.json["items"][0]["name"], "zebra-paper");
    assert_eq!(connection.json["items"][0]["frozen"], false);
    let key = paddock.get("/api/v1/keys/zebra-bot").await;
    assert_eq!((&key.json["frozen"], &key.json["revoked_at"]), (&false.into(), &json!(null)));
    let widths: Vec<usize> =
        (0..heading.len()).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap()).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    insta::assert_snapshot!("role_matrix", lines.collect::<Vec<_>>().join("\n"));
}

/// For somebody of the team, that nothing has the name comes after being let through.
fn reached(outcome: String) -> String {
    if outcome == "nothing" { "may".to_owned() } else { outcome }
}

#[tokio::test]
async fn two_teams_with_the_same_names_see_their_own() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let scope = json!({ "preset": "trader", "symbols": ["AAPL"], "max_order_notional": "100" });
    let first = paddock.issue_key("bot", &scope).await;
    let other = Visitor::stranger(&paddock, "eve.stranger").await;
    let pair = crate::harness::PAPER_TWO;
    paddock.alpaca.issue(paddock_core::Environment::Paper, &pair, "PA9ZZZZZZZZZ", |_| ());
    // The same account cannot be of both, and whose it is is not told.
    let body = json!({ "name": "my-paper", "environment": "paper",
                       "key_id": crate::harness::PAPER.0, "secret_key": crate::harness::PAPER.1 });
    let refused = other.call("POST", "/api/v1/connections", &body).await;
    refused.expect_problem(409, "connected_elsewhere");
    assert!(!refused.text().contains("my-paper"), "{refused:?}");
    let body = json!({ "name": "my-paper", "environment": "paper", "key_id": pair.0, "secret_key": pair.1 });
    other.call("POST", "/api/v1/connections", &body).await.expect(201);
    let key = json!({ "name": "bot", "connection": "my-paper", "preset": "read-only" });
    let issued = other.call("POST", "/api/v1/keys", &key).await;
    issued.expect(201);
    let second = (
        issued.json["key_id"].as_str().unwrap().to_owned(),
        issued.json["secret_key"].as_str().unwrap().to_owned(),
    );
    // Each credential opens under its own team's key, and the gateway serves both.
    assert_eq!(paddock.through_gateway("/v2/account", &first).await, 200);
    assert_eq!(paddock.through_gateway("/v2/account", &second).await, 200);
    let lines = async |visitor: &Visitor| {
        let page = visitor.call("GET", "/api/v1/requests", &serde_json::Value::Null).await;
        page.json["items"].as_array().unwrap().iter().map(|line| line["key"].clone()).collect::<Vec<_>>()
    };
    let owner = paddock.owner().await;
    assert_eq!(lines(owner).await.len(), 1);
    assert_eq!(lines(&other).await.len(), 1);
    assert_ne!(lines(owner).await, lines(&other).await);
    let status = async |visitor: &Visitor| {
        visitor.call("GET", "/api/v1/status", &serde_json::Value::Null).await.json["counters"]["requests"]
            .clone()
    };
    assert_eq!((status(owner).await, status(&other).await), (1.into(), 1.into()));
    // A freeze of everything is of each team's own connections, but for the team that runs this Paddock.
    other.call("POST", "/api/v1/freeze", &serde_json::Value::Null).await.expect(200);
    assert_eq!(paddock.through_gateway("/v2/account", &first).await, 200);
    assert_eq!(paddock.through_gateway("/v2/account", &second).await, 403);
    other.call("POST", "/api/v1/unfreeze", &serde_json::Value::Null).await.expect(200);
    assert_eq!(paddock.through_gateway("/v2/account", &second).await, 200);
    // Each team replaces its own data-encryption key.
    let rotated = other.call("POST", "/api/v1/vault/rotate", &json!({ "what": "dek" })).await;
    assert_eq!(rotated.json["resealed"], 1);
    for pair in [&first, &second] {
        assert_eq!(paddock.through_gateway("/v2/account", pair).await, 200);
    }
    other
        .call("POST", "/api/v1/vault/rotate", &json!({ "what": "kek" }))
        .await
        .expect_problem(403, "first_team_only");
    paddock.get("/api/v1/audit/verify").await.expect(200);
    assert_eq!(paddock.get("/api/v1/audit/verify").await.json["valid"], true);
    let records = other.call("GET", "/api/v1/audit", &serde_json::Value::Null).await;
    let text = records.text();
    assert!(text.contains("connection_added") && text.contains("dek_rotated"), "{text}");
    for foreign in ["initialised", "person_invited", "PA3XK7Q2M9TD", "\"ada\""] {
        assert!(!text.contains(foreign), "{foreign}: {text}");
    }
}
