//! Getting in: the set-up link, signing in and out, and what keeps others out.

use http::{Method, header};
use jiff::SignedDuration;
use paddock_core::Role;
use paddock_core::audit::AuditEvent;
use paddock_store::AuditQuery;
use serde_json::{Value, json};

use crate::harness::{Paddock, Reply};
use crate::visitor::{Visitor, form};

const PASSWORD: &str = "correct horse battery";

/// The first owner, `ada`, by the set-up link; their browser.
async fn set_up(paddock: &Paddock) -> Visitor {
    let link = paddock_web::set_up_link(&paddock.state).await.unwrap().unwrap();
    let path = link.expose().strip_prefix("http://localhost:7878").unwrap().to_owned();
    let mut browser = Visitor::nobody(paddock);
    let page = browser.page(&path).await;
    page.expect(200);
    assert!(page.text().contains("Set up Paddock") && page.text().contains(&path), "{page:?}");
    let fields = [("name", " Ada@Example.com "), ("password", PASSWORD), ("again", PASSWORD)];
    let done = browser.submit(&path, &fields).await;
    done.expect_redirect("/welcome");
    browser.take_cookie(&done);
    // It works once.
    browser.page(&path).await.expect(404);
    browser.submit(&path, &fields).await.expect(404);
    assert!(paddock_web::set_up_link(&paddock.state).await.unwrap().is_none());
    browser
}

async fn sign_in(browser: &Visitor, name: &str, password: &str) -> Reply {
    browser.submit("/sign-in", &[("name", name), ("password", password)]).await
}

#[tokio::test]
async fn the_set_up_link_makes_the_owner_who_then_signs_in_and_out() {
    let paddock = Paddock::start().await;
    let nobody = Visitor::nobody(&paddock);
    nobody.page("/").await.expect_redirect("/sign-in");
    assert!(nobody.page("/sign-in").await.text().contains("set-up link"));
    let owner = set_up(&paddock).await;
    owner.page("/").await.expect(200);
    assert_eq!(owner.call("GET", "/api/v1/status", &Value::Null).await.status, 200);

    let out = owner.submit("/sign-out", &[]).await;
    out.expect_redirect("/sign-in?done=signed-out");
    let cookie = out.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("paddock=;") && cookie.contains("Max-Age=0"), "{cookie}");
    // What the browser still has opens nothing.
    owner.page("/").await.expect_redirect("/sign-in");
    owner.call("GET", "/api/v1/status", &Value::Null).await.expect_problem(401, "not_signed_in");

    let mut browser = Visitor::nobody(&paddock);
    let fields = [("name", "ADA@example.com"), ("password", PASSWORD), ("next", "/keys?revoked=true")];
    let done = browser.submit("/sign-in", &fields).await;
    done.expect_redirect("/keys?revoked=true");
    let cookie = done.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");
    browser.take_cookie(&done);
    browser.page("/").await.expect(200);
    browser.page("/sign-in").await.expect_redirect("/");
}

#[tokio::test]
async fn a_set_up_link_ends_with_the_next_one() {
    let paddock = Paddock::start().await;
    let old = paddock_web::set_up_link(&paddock.state).await.unwrap().unwrap();
    let new = paddock_web::set_up_link(&paddock.state).await.unwrap().unwrap();
    let nobody = Visitor::nobody(&paddock);
    let path = |link: &str| link.strip_prefix("http://localhost:7878").unwrap().to_owned();
    nobody.page(&path(old.expose())).await.expect(404);
    nobody.page(&path(new.expose())).await.expect(200);
    // It is for nothing else.
    let token = new.expose().rsplit('/').next().unwrap();
    for folder in ["invitations", "reset", "demo"] {
        nobody.page(&format!("/{folder}/{token}")).await.expect(404);
    }
}

#[tokio::test]
async fn a_weak_or_mistyped_password_makes_nobody_and_is_not_shown_again() {
    let paddock = Paddock::start().await;
    let link = paddock_web::set_up_link(&paddock.state).await.unwrap().unwrap();
    let path = link.expose().strip_prefix("http://localhost:7878").unwrap();
    let nobody = Visitor::nobody(&paddock);
    for (name, password, again) in [
        ("ada", "tiny-one", "tiny-one"),
        ("ada", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa"),
        ("ada", PASSWORD, "correct horse batterie"),
        ("a", PASSWORD, PASSWORD),
        ("ada lovelace", PASSWORD, PASSWORD),
    ] {
        let fields = [("name", name), ("password", password), ("again", again)];
        let page = nobody.submit(path, &fields).await;
        page.expect(422);
        assert!(!page.text().contains(password), "{page:?}");
        assert!(page.text().contains(&format!("value=\"{name}\"")), "{page:?}");
    }
    assert!(!paddock.state.store.has_persons().await.unwrap());
}

#[tokio::test]
async fn nothing_is_learnt_from_a_sign_in_that_fails() {
    let paddock = Paddock::start().await;
    set_up(&paddock).await;
    let nobody = Visitor::nobody(&paddock);
    let wrong = sign_in(&nobody, "ada@example.com", "correct horse batterie").await;
    let unknown = sign_in(&nobody, "eve@example.com", "correct horse batterie").await;
    wrong.expect(422);
    unknown.expect(422);
    assert_eq!(wrong.text().replace("ada@", "eve@"), unknown.text());
    let head = |reply: &Reply| {
        let mut names: Vec<String> =
            reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        names.sort();
        names
    };
    assert_eq!(head(&wrong), head(&unknown));
    assert!(!wrong.text().contains("batterie"));
    // Who tries too often waits, whether there is such a name or not.
    for name in ["ada@example.com", "eve@example.com"] {
        for _ in 0..5 {
            sign_in(&nobody, name, "x").await.expect(422);
        }
        let reply = sign_in(&nobody, name, PASSWORD).await;
        reply.expect(429);
        assert_eq!(reply.headers[header::RETRY_AFTER], "2");
    }
    paddock.clock.advance(std::time::Duration::from_secs(2));
    sign_in(&nobody, "ada@example.com", PASSWORD).await.expect_redirect("/");
}

#[tokio::test]
async fn failed_sign_ins_are_recorded_without_what_was_typed() {
    let paddock = Paddock::start().await;
    set_up(&paddock).await;
    let nobody = Visitor::nobody(&paddock);
    let mut changes = paddock.state.store.audit_changes();
    for name in ["ada@example.com", "hunter2-typed-as-a-name"] {
        for _ in 0..3 {
            sign_in(&nobody, name, "hunter2-typed").await.expect(422);
        }
    }
    let query = AuditQuery { event: Some("sign_in_failed".to_owned()), ..AuditQuery::default() };
    let records = loop {
        let records = paddock.state.store.audit_page(&query).await.unwrap();
        if !records.is_empty() {
            break records;
        }
        changes.changed().await.unwrap();
    };
    assert_eq!(records.len(), 1);
    let Ok(AuditEvent::SignInFailed { attempts: 3, network, .. }) = records[0].event() else {
        panic!("{records:?}")
    };
    assert_eq!(network, "0.0.0.0");
    let all = paddock.state.store.audit_page(&AuditQuery::default()).await.unwrap();
    assert!(!format!("{all:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_session_that_was_planted_is_not_taken_over() {
    let paddock = Paddock::start().await;
    set_up(&paddock).await;
    let planted = format!("paddock={}", "a".repeat(64));
    let mut browser = Visitor { cookie: Some(planted.clone()), ..Visitor::nobody(&paddock) };
    let done = sign_in(&browser, "ada@example.com", PASSWORD).await;
    browser.take_cookie(&done);
    assert_ne!(browser.cookie.as_deref(), Some(planted.as_str()));
    let other = Visitor { cookie: Some(planted), ..Visitor::nobody(&paddock) };
    other.page("/").await.expect_redirect("/sign-in");
    // Signing in once more in the same browser ends what was there.
    let before = browser.clone();
    let done = sign_in(&browser, "ada@example.com", PASSWORD).await;
    browser.take_cookie(&done);
    before.page("/").await.expect_redirect("/sign-in");
    browser.page("/").await.expect(200);
    // Of two cookies neither counts.
    let doubled = format!("{}; paddock={}", browser.cookie.clone().unwrap(), "b".repeat(64));
    let other = Visitor { cookie: Some(doubled), ..Visitor::nobody(&paddock) };
    other.page("/").await.expect_redirect("/sign-in");
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_after_signing_in() {
    let paddock = Paddock::start().await;
    set_up(&paddock).await;
    let nobody = Visitor::nobody(&paddock);
    for next in ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "keys"] {
        let fields = [("name", "ada@example.com"), ("password", PASSWORD), ("next", next)];
        nobody.submit("/sign-in", &fields).await.expect_redirect("/");
        let page = nobody.page(&format!("/sign-in?{}", form(&[("next", next)]))).await;
        assert!(!page.text().contains("evil"), "{page:?}");
    }
    nobody.page("/?a=b&c").await.expect_redirect("/sign-in?next=/%3Fa%3Db%26c");
    nobody.submit("/sign-out", &[]).await.expect_redirect("/sign-in");
}

#[tokio::test]
async fn changes_come_from_our_own_pages_only() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    let cookie = owner.cookie.clone().unwrap();
    let send = async |method: &str, path: &str, sent: &[(&str, &str)]| {
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:7878")
            .header(header::COOKIE, &cookie);
        for (name, value) in sent {
            request = request.header(*name, *value);
        }
        Reply::of(owner.send(request.body(axum::body::Body::empty()).unwrap()).await).await
    };
    for sent in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("referer", "http://localhost:7878/")],
        &[],
    ] {
        send("POST", "/api/v1/freeze", sent).await.expect_problem(403, "cross_origin");
        for path in ["/sign-out", "/sign-in"] {
            let page = send("POST", path, sent).await;
            page.expect(403);
            assert!(page.text().contains("<html"), "{page:?}");
        }
    }
    assert!(!paddock.state.store.everything_frozen().await.unwrap());
    // Looking is another matter: a link from elsewhere leads here.
    send("GET", "/", &[("sec-fetch-site", "cross-site")]).await.expect(200);
    send("POST", "/api/v1/freeze", &[("origin", "http://localhost:7878")]).await.expect(200);
    assert!(paddock.state.store.everything_frozen().await.unwrap());
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    for hours in [11, 11, 11] {
        paddock.clock.advance(std::time::Duration::from_secs(hours * 3600));
        owner.page("/").await.expect(200);
    }
    paddock.clock.advance(std::time::Duration::from_secs(12 * 3600));
    owner.page("/").await.expect_redirect("/sign-in");

    let other = Visitor::signed_in(&paddock, owner.person.clone().unwrap()).await;
    for _ in 0..16 {
        paddock.clock.advance(std::time::Duration::from_secs(10 * 3600));
        other.page("/").await.expect(200);
    }
    paddock.clock.advance(std::time::Duration::from_secs(10 * 3600));
    other.page("/").await.expect_redirect("/sign-in");
}

#[tokio::test]
async fn a_role_opens_what_it_opens_from_the_next_request_on() {
    let paddock = Paddock::start().await;
    let viewer = Visitor::member(&paddock, "grace", Role::Viewer).await;
    viewer.page("/").await.expect(200);
    let refused = viewer.call("POST", "/api/v1/freeze", &Value::Null).await;
    refused.expect_problem(403, "role_too_low");
    assert_eq!(
        (&refused.json["extra"]["needed"], &refused.json["extra"]["role"]),
        (&"operator".into(), &"viewer".into())
    );
    let (team, id) = (paddock.state.user, viewer.person.clone().unwrap().id);
    let actor = paddock_core::audit::Actor::Operator;
    let now = paddock.state.clock.now();
    paddock.state.store.set_role(team, id, Role::Operator, &actor, now).await.unwrap();
    viewer.call("POST", "/api/v1/freeze", &Value::Null).await.expect(200);
    let record = paddock.state.store.audit_page(&AuditQuery { limit: 1, ..AuditQuery::default() }).await;
    assert!(record.unwrap()[0].actor.contains("grace"));
}

#[tokio::test]
async fn a_fresh_proof_is_asked_for_where_it_is_due() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    owner.call("POST", "/api/v1/unfreeze", &Value::Null).await.expect(200);
    paddock.clock.advance(SignedDuration::from_mins(5).unsigned_abs());
    let refused = owner.call("POST", "/api/v1/unfreeze", &Value::Null).await;
    refused.expect_problem(403, "fresh_factor_needed");
    // At the admin socket the file system has said who it is.
    paddock.post("/api/v1/unfreeze", &Value::Null).await;
}

#[tokio::test]
async fn an_open_stream_ends_with_its_session() {
    use http_body_util::BodyExt as _;

    let paddock = Paddock::start().await;
    let viewer = Visitor::member(&paddock, "grace", Role::Viewer).await;
    for path in ["/events", "/api/v1/events"] {
        let browser = Visitor::signed_in(&paddock, viewer.person.clone().unwrap()).await;
        let request = browser.request("GET", path).body(axum::body::Body::empty()).unwrap();
        let response = browser.send(request).await;
        assert_eq!(response.status(), 200);
        browser.submit("/sign-out", &[]).await.expect(303);
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.unwrap();
        }
    }
}

#[tokio::test]
async fn a_head_is_a_get_and_other_methods_lead_nowhere() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    for (method, path, status) in [
        (Method::HEAD, "/", 200),
        (Method::HEAD, "/api/v1/status", 200),
        (Method::PUT, "/api/v1/status", 405),
        (Method::OPTIONS, "/api/v1/status", 204),
        (Method::POST, "/livez", 405),
    ] {
        let reply = owner.call(method.as_str(), path, &Value::Null).await;
        assert_eq!(reply.status.as_u16(), status, "{method} {path}");
    }
}

/// The path of a link.
fn path_of(link: &str) -> String {
    link.strip_prefix("http://localhost:7878").unwrap().to_owned()
}

#[tokio::test]
async fn somebody_is_invited_joins_and_is_removed() {
    let paddock = Paddock::start().await;
    let owner = set_up(&paddock).await;
    let page = owner.submit("/settings/people/invite", &[("for", "Grace"), ("role", "operator")]).await;
    page.expect(200);
    let at = page.text().find("/invitations/").unwrap();
    let path: String = page.text()[at..].chars().take("/invitations/".len() + 64).collect();
    assert!(owner.page("/settings/people").await.text().contains("joins as operator"));

    let mut grace = Visitor::nobody(&paddock);
    assert!(grace.page(&path).await.text().contains("operator"));
    let taken = [("name", "ada@example.com"), ("password", PASSWORD), ("again", PASSWORD)];
    grace.submit(&path, &taken).await.expect(409);
    let fields = [("name", "grace"), ("password", PASSWORD), ("again", PASSWORD)];
    let done = grace.submit(&path, &fields).await;
    done.expect_redirect("/welcome");
    grace.take_cookie(&done);
    grace.page(&path).await.expect(404);
    // An operator sees who is there, and changes none of it.
    let people = grace.page("/settings/people").await;
    assert!(people.text().contains("ada@example.com") && !people.text().contains("Invite somebody"));
    grace.page("/settings/people/invite").await.expect(403);
    grace.submit("/settings/people/ada@example.com/remove", &[]).await.expect(403);

    let role = owner.submit("/settings/people/grace/role", &[("role", "viewer")]).await;
    role.expect_redirect("/settings/people?done=role");
    owner.submit("/settings/people/grace/role", &[("role", "king")]).await.expect(422);
    let last = owner.submit("/settings/people/ada@example.com/role", &[("role", "viewer")]).await;
    last.expect(409);
    assert!(last.text().contains("only owner"), "{last:?}");
    owner.submit("/settings/people/ada@example.com/remove", &[]).await.expect(409);
    owner.submit("/settings/people/grace/remove", &[]).await.expect_redirect("/settings/people?done=removed");
    grace.page("/").await.expect_redirect("/sign-in");
    sign_in(&grace, "grace", PASSWORD).await.expect(422);
    owner.submit("/settings/people/grace/remove", &[]).await.expect(404);
}

#[tokio::test]
async fn the_api_does_what_the_pages_do_with_people() {
    let paddock = Paddock::start().await;
    let owner = set_up(&paddock).await;
    let invited =
        paddock.post("/api/v1/invitations", &serde_json::json!({ "role": "viewer", "for": "Joan" })).await;
    invited.expect(201);
    assert_eq!(invited.headers[header::CACHE_CONTROL], "no-store");
    let id = invited.json["invitation"]["id"].as_str().unwrap().to_owned();
    let listed = paddock.get("/api/v1/invitations").await;
    assert_eq!(listed.json["items"][0]["label"], "Joan");
    assert!(!listed.text().contains("http"), "{listed:?}");
    // On the pages it takes a second page, which says what it is.
    let withdraw = format!("/settings/people/invitations/{id}/withdraw");
    let people = owner.page("/settings/people").await;
    assert!(
        people.text().contains(&format!("href=\"{withdraw}\""))
            && !people.text().contains("<button class=\"button small\">")
    );
    let asked = owner.page(&withdraw).await;
    assert!(asked.text().contains("Joan") && asked.text().contains("joins as viewer"), "{asked:?}");
    assert_eq!(paddock.get("/api/v1/invitations").await.json["items"][0]["label"], "Joan");
    paddock.call_with("DELETE", &format!("/api/v1/invitations/{id}"), "").await.expect(200);
    let link = path_of(invited.json["link"].as_str().unwrap());
    let gone = paddock.call_with("DELETE", &format!("/api/v1/invitations/{id}"), "").await;
    gone.expect_problem(404, "unknown_invitation");
    Visitor::nobody(&paddock).page(&link).await.expect(404);

    let found = paddock.post("/api/v1/invitations", &serde_json::json!({ "team": "guests" })).await;
    let mut eve = Visitor::nobody(&paddock);
    let fields = [("name", "eve"), ("password", PASSWORD), ("again", PASSWORD)];
    let done = eve.submit(&path_of(found.json["link"].as_str().unwrap()), &fields).await;
    done.expect(303);
    eve.take_cookie(&done);
    // Another team invites into itself, and founds none.
    let team = serde_json::json!({ "team": "more" });
    eve.call("POST", "/api/v1/invitations", &team).await.expect_problem(403, "first_team_only");
    let people = eve.call("GET", "/api/v1/people", &Value::Null).await;
    assert_eq!(people.json["items"].as_array().unwrap().len(), 1);
    eve.call("DELETE", "/api/v1/people/ada@example.com", &Value::Null)
        .await
        .expect_problem(404, "unknown_person");
    eve.call("PATCH", "/api/v1/people/ada@example.com", &serde_json::json!({ "role": "viewer" }))
        .await
        .expect_problem(404, "unknown_person");
    let reset = owner.call("POST", "/api/v1/people/eve/reset", &Value::Null).await;
    reset.expect_problem(403, "at_the_machine_only");
}

#[tokio::test]
async fn another_password_by_oneself_or_by_the_machine_ends_the_other_sessions() {
    let paddock = Paddock::start().await;
    let here = set_up(&paddock).await;
    let mut there = Visitor::nobody(&paddock);
    let done = sign_in(&there, "ada@example.com", PASSWORD).await;
    there.take_cookie(&done);
    let sessions = here.call("GET", "/api/v1/sessions", &Value::Null).await;
    assert_eq!(sessions.json["items"].as_array().unwrap().len(), 2);

    let new = "another horse battery";
    let wrong = [("current", "no such password"), ("new", new), ("again", new)];
    here.submit("/settings/password", &wrong).await.expect(422);
    let fields = [("current", PASSWORD), ("new", new), ("again", new)];
    here.submit("/settings/password", &fields)
        .await
        .expect_redirect("/settings/security?done=password-changed");
    here.page("/").await.expect(200);
    there.page("/").await.expect_redirect("/sign-in");
    sign_in(&there, "ada@example.com", PASSWORD).await.expect(422);

    let reset = paddock.call_with("POST", "/api/v1/people/ada@example.com/reset", "").await;
    reset.expect(200);
    let link = path_of(reset.json["link"].as_str().unwrap());
    let fields = [("password", PASSWORD), ("again", PASSWORD)];
    there.submit(&link, &fields).await.expect_redirect("/sign-in?done=password-set");
    here.page("/").await.expect_redirect("/sign-in");
    there.submit(&link, &fields).await.expect(404);
    let done = sign_in(&there, "ada@example.com", PASSWORD).await;
    there.take_cookie(&done);
    there.page("/").await.expect(200);
}

#[tokio::test]
async fn a_demos_owner_is_told_what_proves_who_they_are_and_it_does() {
    let paddock = Paddock::start().await;
    let other = Visitor::member(&paddock, "grace", Role::Operator).await;
    let link = paddock_web::demo_link(&paddock.state, "ada").await.unwrap();
    let link = path_of(link.expose());
    let mut browser = Visitor::nobody(&paddock);
    let opened = browser.page(&link).await;
    opened.expect_redirect("/");
    browser.take_cookie(&opened);
    browser.submit("/freeze", &[]).await.expect_redirect("/freeze?done=frozen");
    paddock.clock.advance(std::time::Duration::from_secs(6 * 60));
    let all = [("subject", "everything")];
    let asks = browser.submit("/unfreeze", &all).await;
    let confirm = asks.expect(303).headers[header::LOCATION].to_str().unwrap().to_owned();
    assert!(confirm.starts_with("/confirm"), "{confirm}");
    let page = browser.page(&confirm).await;
    assert!(page.expect(200).text().contains("Open that link again"), "{page:?}");
    let opened = browser.page(&link).await;
    browser.take_cookie(&opened);
    browser.submit("/unfreeze", &all).await.expect_redirect("/freeze?done=unfrozen");
    // Nobody else is sent to a terminal.
    assert!(!other.page("/confirm").await.expect(200).text().contains("link again"));
}

/// The names of the API tokens that are not revoked, sorted.
async fn tokens(paddock: &Paddock) -> Vec<String> {
    let listed = paddock.get("/api/v1/tokens").await;
    let names = listed.json["items"].as_array().unwrap().iter();
    let mut names: Vec<String> = names.map(|token| token["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn another_password_ends_api_tokens_too_unless_one_says_otherwise() {
    let paddock = Paddock::start().await;
    let here = set_up(&paddock).await;
    let make = async |name: &str| {
        here.call("POST", "/api/v1/tokens", &json!({ "name": name })).await.expect(201);
    };
    let page = here.page("/settings/password").await;
    assert!(!page.expect(200).text().contains("Revoke my"), "{page:?}");
    make("one").await;
    assert!(here.page("/settings/password").await.text().contains("Revoke my API token too"));
    make("two").await;
    let page = here.page("/settings/password").await;
    let ticked = "name=\"revoke_tokens\" value=\"true\" checked><span>Revoke my 2 API tokens too";
    assert!(page.text().contains(ticked), "{page:?}");

    // Without the tick they stay, and a mistake brings no tick back.
    let new = "another horse battery";
    let fields = [("current", "no such password"), ("new", new), ("again", new)];
    let again = here.submit("/settings/password", &fields).await;
    assert!(!again.expect(422).text().contains(ticked), "{again:?}");
    let fields = [("current", PASSWORD), ("new", new), ("again", new)];
    let kept = here.submit("/settings/password", &fields).await;
    kept.expect_redirect("/settings/security?done=password-changed");
    assert_eq!(tokens(&paddock).await, ["one", "two"]);
    let body = json!({ "current": new, "new": PASSWORD, "revoke_tokens": false });
    let kept = here.call("POST", "/api/v1/password", &body).await;
    assert_eq!(kept.expect(200).json, json!({ "changed": true, "revoked_tokens": 0 }));

    let fields = [("current", PASSWORD), ("new", new), ("again", new), ("revoke_tokens", "true")];
    let ended = here.submit("/settings/password", &fields).await;
    ended.expect_redirect("/settings/security?done=password-changed-and-tokens");
    let page = here.page("/settings/security?done=password-changed-and-tokens").await;
    assert!(page.text().contains("your API tokens are revoked"), "{page:?}");
    assert_eq!(tokens(&paddock).await, [""; 0]);
    make("three").await;
    let body = json!({ "current": new, "new": PASSWORD });
    let ended = here.call("POST", "/api/v1/password", &body).await;
    assert_eq!(ended.expect(200).json, json!({ "changed": true, "revoked_tokens": 1 }));

    // A link for another password asks nothing: whoever needs it may have lost the password to somebody.
    make("four").await;
    let reset = paddock.call_with("POST", "/api/v1/people/ada@example.com/reset", "").await;
    let link = path_of(reset.expect(200).json["link"].as_str().unwrap());
    let there = Visitor::nobody(&paddock);
    assert!(there.page(&link).await.text().contains("Your API token is revoked"));
    let fields = [("password", PASSWORD), ("again", PASSWORD)];
    there.submit(&link, &fields).await.expect_redirect("/sign-in?done=password-set");
    assert_eq!(tokens(&paddock).await, [""; 0]);
    let audit = paddock.get("/api/v1/audit?limit=1000").await;
    assert_eq!(audit.text().matches("token_revoked").count(), 4, "{audit:?}");
}

#[tokio::test]
async fn ones_own_sessions_end_and_nobody_elses() {
    let paddock = Paddock::start().await;
    let owner = paddock.owner().await;
    let grace = Visitor::member(&paddock, "grace", Role::Viewer).await;
    let other = Visitor::signed_in(&paddock, grace.person.clone().unwrap()).await;
    let list = async |visitor: &Visitor| {
        visitor.call("GET", "/api/v1/sessions", &Value::Null).await.json["items"].as_array().unwrap().clone()
    };
    let sessions = list(&grace).await;
    assert_eq!(sessions.len(), 2);
    let of_other = sessions.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/settings/sessions/{}/end", of_other["id"].as_str().unwrap());
    owner.submit(&path, &[]).await.expect(404);
    other.page("/").await.expect(200);
    grace.submit(&path, &[]).await.expect_redirect("/settings/security?done=session-ended");
    other.page("/").await.expect_redirect("/sign-in");
    let third = Visitor::signed_in(&paddock, grace.person.clone().unwrap()).await;
    grace
        .submit("/settings/sessions/end", &[])
        .await
        .expect_redirect("/settings/security?done=sessions-ended");
    third.page("/").await.expect_redirect("/sign-in");
    grace.page("/").await.expect(200);
    assert_eq!(list(owner).await.len(), 1);
    paddock.get("/api/v1/sessions").await.expect_problem(409, "nobody_in_particular");
}
