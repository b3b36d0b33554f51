//! Who may do what: every route, called as nobody, as each role, without a fresh proof, and as the owner of another team.

use paddock_core::Role;
use paddock_store::Person;
use serde_json::json;

use crate::harness::Paddock;
use crate::one_of_each::{FirstTeam, Names, answer};
use crate::visitor::Visitor;

/// Forms that ask for a proof themselves, so that what was typed is kept.
const ASK_THEMSELVES: [&str; 7] = [
    "/connections/new/live",
    "/connections/new/live/oauth",
    "/connections/{name}/replace",
    "/connections/{name}/consumers/new",
    "/connections/{name}/consumers/{consumer}/edit",
    "/settings/people/invite",
    "/settings/tokens/new",
];

/// What came of a call: `may`, or what stopped it.
fn outcome(path: &str, (status, location, text): &(u16, String, String)) -> &'static str {
    // The API says it by its code, a form by what it leads to.
    let proof = ["fresh_factor_needed", "href=\"/confirm\""];
    match status {
        303 if location.starts_with("/sign-in?next=") || (location == "/sign-in" && path != "/sign-out") => {
            "sign in"
        }
        303 if location.starts_with("/confirm") => "confirm",
        401 => "sign in",
        403 if text.contains("First, a second factor") => "second factor",
        403 if proof.iter().any(|words| text.contains(words)) => "confirm",
        403 if text.contains("role_too_low") || text.contains("Not with your role") => "no",
        403 => "no: first team only",
        404 => "nothing",
        _ => "may",
    }
}

async fn again(paddock: &Paddock, person: &Person) -> Visitor {
    Visitor::signed_in(paddock, person.clone()).await
}

#[tokio::test]
async fn every_route_as_everybody() {
    let first = FirstTeam::set("grace.viewer").await;
    let paddock = &first.paddock;
    let nobody = Visitor::nobody(paddock);
    let viewer = Visitor::member(paddock, "grace.viewer", Role::Viewer).await.person.unwrap();
    let operator = Visitor::member(paddock, "joan.operator", Role::Operator).await.person.unwrap();
    let owner = Visitor::member(paddock, "mary.owner", Role::Owner).await.person.unwrap();
    let stranger = Visitor::stranger(paddock, "eve.stranger").await.person.unwrap();
    first.is_there().await;
    let (nobodys, firsts) = (Names::of_nobody(), &first.names);

    let heading = ["route", "nobody", "viewer", "operator", "owner", "owner, stale", "other team's owner"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (method, route) in paddock_web::access_routes() {
        let own = nobodys.fill(route);
        let of = async |visitor: &Visitor| answer(visitor, method, &own, nobodys.body(method, route)).await;
        let mut row = vec![format!("{method} {route}"), outcome(&own, &of(&nobody).await).to_owned()];
        for person in [&viewer, &operator, &owner] {
            row.push(reached(outcome(&own, &of(&again(paddock, person).await).await)).to_owned());
        }
        let stale = Visitor::stale(paddock, owner.clone()).await;
        row.push(if method == "POST" && ASK_THEMSELVES.contains(&route) {
            let there = firsts.fill(route);
            outcome(&there, &answer(&stale, method, &there, firsts.body(method, route)).await).to_owned()
        } else {
            reached(outcome(&own, &of(&stale).await)).to_owned()
        });
        // The other team's owner finds nothing of what is there, and changes nothing of it.
        let before = if method == "GET" { Vec::new() } else { first.standing().await };
        let theirs = firsts.fill(route);
        let visitor = again(paddock, &stranger).await;
        let found = answer(&visitor, method, &theirs, firsts.body(method, route)).await;
        if method != "GET" {
            assert_eq!(first.standing().await, before, "{method} {theirs} changed something");
        }
        if theirs != own {
            // It is as if it were not there at all.
            let (status, location, text) =
                answer(&again(paddock, &stranger).await, method, &own, nobodys.body(method, route)).await;
            assert_eq!(
                (found.0, firsts.as_nobodys(&found.1), firsts.as_nobodys(&found.2)),
                (status, location, text),
                "{method} {theirs} is told apart from what is not there"
            );
        }
        for secret in ["zebra", &first.account_number, "grace.viewer", "mary.owner"] {
            assert!(
                theirs.contains(secret) || !found.2.contains(secret),
                "{method} {theirs} tells {secret}: {}",
                found.2
            );
        }
        row.push(outcome(&theirs, &found).to_owned());
        rows.push(row);
    }
    let widths: Vec<usize> =
        (0..heading.len()).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap()).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    insta::assert_snapshot!("role_matrix", lines.collect::<Vec<_>>().join("\n"));
}

/// For somebody of the team, that nothing has the name comes after being let through.
fn reached(outcome: &'static str) -> &'static str {
    if outcome == "nothing" { "may" } else { outcome }
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
    // Of the chain, which is of all, another team sees whether it is whole, and not how long it is.
    let (size, head) = paddock.state.store.audit_head().await.unwrap();
    let (size, head) = (format!("<dd>{size}"), head.to_string());
    for path in ["/", "/audit"] {
        let own = owner.page(path).await;
        assert!(own.text().contains(&size) && own.text().contains(&head), "{path}: {own:?}");
        let theirs = other.page(path).await;
        assert!(theirs.expect(200).text().contains("hole"), "{path}: {theirs:?}");
        for hint in [&size, &head, "<dt>Records</dt>", "<dt>Head</dt>", "Signed up to"] {
            assert!(!theirs.text().contains(hint), "{path} tells {hint}: {theirs:?}");
        }
    }
    let chain = async |visitor: &Visitor| {
        visitor.call("GET", "/api/v1/status", &serde_json::Value::Null).await.json["audit"].clone()
    };
    assert_eq!(chain(owner).await["head"], head);
    assert_eq!(chain(&other).await, json!({ "records": null, "head": null }));
    let records = other.call("GET", "/api/v1/audit", &serde_json::Value::Null).await;
    let text = records.text();
    assert!(text.contains("connection_added") && text.contains("dek_rotated"), "{text}");
    for foreign in ["initialised", "person_invited", "PA3XK7Q2M9TD", "\"ada\""] {
        assert!(!text.contains(foreign), "{foreign}: {text}");
    }
}
