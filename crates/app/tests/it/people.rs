//! What a person at a terminal does about API tokens and second factors, and what then opens and what does not.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::authenticator;
use crate::bench::{Bench, Process, http, set_up, submit};

/// The answer to a request of the API with these headers.
fn api(server: &Process, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, text) = http(method, &format!("{}{path}", server.address("web")), headers, &body);
    (status, serde_json::from_str(&text).unwrap_or_default())
}

fn with_token(server: &Process, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    api(server, method, path, &[("authorization", &format!("Bearer {token}"))], body)
}

#[test]
fn a_token_opens_what_its_role_opens_until_it_is_revoked() {
    let bench = Bench::new();
    bench.connect().ok();
    let mut server = bench.serve();
    let nobody = bench.run(&["token", "create", "monitor"]);
    assert_ne!(nobody.status, 0, "there is nobody whom it could act for: {nobody:?}");
    set_up(server.ready["set_up"].as_str().unwrap());

    let made = bench.run(&["token", "create", "monitor", "--role", "viewer", "--expires", "12h"]).ok().json();
    let token = made["secret"].as_str().unwrap();
    assert!(token.starts_with("pdk_"), "{made}");
    assert_eq!((&made["token"]["person"], &made["token"]["role"]), (&json!("ada"), &json!("viewer")));
    let (status, connections) = with_token(&server, token, "GET", "/api/v1/connections", &Value::Null);
    assert_eq!((status, &connections["items"][0]["name"]), (200, &json!("main")));
    let (status, refused) = with_token(&server, token, "POST", "/api/v1/freeze", &json!({}));
    assert_eq!((status, &refused["code"]), (403, &json!("role_too_low")));
    assert_eq!(with_token(&server, token, "GET", "/", &Value::Null).0, 303, "it opens no page");

    let listed = bench.run(&["token", "list"]).ok();
    assert_eq!(listed.json()[0]["name"], "monitor");
    assert!(listed.json()[0]["last_used_at"].is_string(), "{listed:?}");
    assert!(!listed.stdout.contains(token), "a token is shown once");
    bench.run(&["token", "revoke", "monitor"]).ok();
    assert_eq!(with_token(&server, token, "GET", "/api/v1/connections", &Value::Null).0, 401);
    assert_eq!(bench.run(&["token", "list"]).ok().json(), json!([]));
    let again = bench.run(&["token", "revoke", "monitor"]);
    assert!(again.status != 0 && again.stderr.contains("monitor"), "{again:?}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn only_a_token_that_was_made_for_it_does_without_a_fresh_code() {
    let bench = Bench::new();
    let mut server = bench.serve();
    set_up(server.ready["set_up"].as_str().unwrap());
    let make = |name: &str, more: &[&str]| {
        let made = bench.run(&[&["token", "create", name], more].concat()).ok().json();
        made["secret"].as_str().unwrap().to_owned()
    };
    let (plain, trusted) = (make("plain", &[]), make("trusted", &["--may-without-factor"]));
    bench.run(&["freeze"]).ok();
    let (status, refused) = with_token(&server, &plain, "POST", "/api/v1/unfreeze", &json!({}));
    assert_eq!((status, &refused["code"]), (403, &json!("fresh_factor_needed")));
    assert_eq!(with_token(&server, &trusted, "POST", "/api/v1/unfreeze", &json!({})).0, 200);
    let body = json!({ "role": "owner" });
    let (status, refused) = with_token(&server, &trusted, "POST", "/api/v1/invitations", &body);
    assert_eq!((status, &refused["code"]), (403, &json!("fresh_factor_needed")), "people are closed to it");
    let wrong = bench.run(&["token", "create", "elsewhere", "--network", "home"]);
    assert!(wrong.status != 0 && wrong.stderr.contains("network"), "{wrong:?}");
    assert_eq!(server.stop(), 0);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a phone has a clock of its own")]
fn who_lost_their_second_factor_gets_in_again_and_is_signed_out_elsewhere() {
    let bench = Bench::new();
    let mut server = bench.serve();
    let cookie = set_up(server.ready["set_up"].as_str().unwrap());
    let origin = server.address("web");
    let headers = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
    let none = bench.run(&["factor", "off", "ada"]);
    assert!(none.status != 0 && none.stderr.contains("second factor"), "{none:?}");

    let (status, begun) = api(&server, "POST", "/api/v1/second-factor", &headers, &json!({}));
    assert_eq!(status, 201, "{begun}");
    let code = authenticator::code(begun["secret"].as_str().unwrap(), Timestamp::now());
    let (status, on) =
        api(&server, "POST", "/api/v1/second-factor/confirm", &headers, &json!({ "code": code }));
    assert_eq!(status, 200, "{on}");
    assert_eq!(api(&server, "GET", "/api/v1/second-factor", &headers, &Value::Null).1["on"], true);

    bench.run(&["factor", "off", "ada"]).ok();
    assert_eq!(api(&server, "GET", "/api/v1/status", &headers, &Value::Null).0, 401, "signed out");
    let again = submit(&format!("{origin}/sign-in"), "name=ada&password=correct+horse+battery");
    assert!(again.starts_with("HTTP/1.1 303") && again.contains("\nlocation: /\r"), "{again}");
    let told = bench.run(&["audit", "list"]).ok().stdout;
    assert!(told.contains("factor"), "{told}");
    let unknown = bench.run(&["factor", "off", "nobody"]);
    assert!(unknown.status != 0 && unknown.stderr.contains("nobody"), "{unknown:?}");
    assert_eq!(server.stop(), 0);
}
