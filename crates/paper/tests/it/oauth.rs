//! How a program gets a token, what the token opens, and who gets none.

use paddock_alpaca::path::Query;
use paddock_core::Environment;
use paddock_paper::{DEFAULT_CASH, EphemeralBroker, NewAccount, PaperOptions};
use reqwest::header::CONTENT_TYPE;
use rstest::rstest;
use serde_json::{Value, json};

use crate::browser::{Browser, FORM, Page};
use crate::harness::{Answer, Desk, OPEN, answer, options};
use crate::socket::Socket;

const BACK: &str = "http://127.0.0.1:8765/callback?from=alpaca";
const EVERYTHING: &str = "account:write trading data";

/// A registered program.
struct App {
    id: String,
    secret: String,
}

async fn register_at(desk: &Desk, name: &str, uri: &str) -> App {
    let body = json!({"name": name, "redirect_uris": [uri, "https://app.example/cb"]});
    let made = answer(desk.bare("POST", "/dashboard/v1/oauth/clients").body(body.to_string())).await;
    assert_eq!(made.status, 201, "{made:?}");
    let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
    App { id: text("client_id"), secret: text("client_secret") }
}

async fn register(desk: &Desk) -> App {
    register_at(desk, "My bot", BACK).await
}

fn asked<'a>(app: &'a App, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("response_type", "code"),
        ("client_id", &app.id),
        ("redirect_uri", BACK),
        ("scope", scope),
        ("state", "a b&c=\"<d>"),
    ]
}

fn authorize(asked: &[(&str, &str)]) -> String {
    format!("/oauth/authorize?{}", Query::of(asked).to_upstream())
}

/// The person opens the consent page, chooses and answers.
async fn answered(desk: &Desk, asked: &[(&str, &str)], choice: &[(&str, &str)]) -> Page {
    let browser = Browser::new(desk);
    let page = browser.get(&authorize(asked)).await;
    assert_eq!(page.status, 200, "{page:?}");
    let mut form = asked.to_vec();
    form.push(("token", page.field("token")));
    form.extend_from_slice(choice);
    browser.post("/oauth/authorize", &form).await
}

/// What the address that the browser is sent to says.
fn said(page: &Page) -> Query {
    assert_eq!(page.status, 303, "{page:?}");
    let rest = page.location().strip_prefix("http://127.0.0.1:8765/callback?from=alpaca&").unwrap();
    Query::parse(rest).unwrap()
}

async fn code(desk: &Desk, app: &App, scope: &str) -> String {
    let choice = [("paper_account", desk.account.account_number.as_str()), ("decision", "allow")];
    let page = answered(desk, &asked(app, scope), &choice).await;
    assert_eq!(said(&page).get("state"), Some("a b&c=\"<d>"));
    said(&page).get("code").unwrap().to_owned()
}

async fn form(desk: &Desk, target: &str, fields: &[(&str, &str)]) -> Answer {
    let body = Query::of(fields).to_upstream();
    answer(desk.bare("POST", target).header(CONTENT_TYPE, FORM).body(body)).await
}

async fn exchange(desk: &Desk, app: &App, code: &str) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", &app.id),
        ("client_secret", &app.secret),
        ("redirect_uri", BACK),
    ];
    form(desk, "/oauth/token", &fields).await
}

async fn token(desk: &Desk, app: &App, scope: &str) -> String {
    let got = exchange(desk, app, &code(desk, app, scope).await).await;
    assert_eq!(got.status, 200, "{got:?}");
    got.body["access_token"].as_str().unwrap().to_owned()
}

async fn with(desk: &Desk, token: &str, method: &str, target: &str) -> Answer {
    answer(desk.bare(method, target).bearer_auth(token)).await
}

async fn live_account(desk: &Desk) -> NewAccount {
    desk.server.broker.create_account(Environment::Live, DEFAULT_CASH).await.unwrap()
}

async fn grants(desk: &Desk) -> Vec<Value> {
    let listed = answer(desk.bare("GET", "/dashboard/v1/oauth/grants")).await;
    listed.body["grants"].as_array().unwrap().clone()
}

fn refused(status: u16, code: u32, message: &str) -> Answer {
    Answer { status, body: json!({"code": code, "message": message}) }
}

#[tokio::test]
async fn a_program_gets_a_token_that_lives_until_it_is_revoked() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    assert_eq!((app.id.len(), app.secret.len()), (32, 40));
    let got = exchange(&desk, &app, &code(&desk, &app, "trading account:write").await).await;
    assert_eq!(got.status, 200, "{got:?}");
    let token = got.body["access_token"].as_str().unwrap();
    assert_eq!(
        got.body,
        json!({"access_token": token, "token_type": "bearer", "scope": "account:write trading"})
    );
    assert_eq!((token.len(), token.matches('-').count()), (36, 4), "{token}");

    desk.advance(400 * 24 * 3600);
    let account = with(&desk, token, "GET", "/v2/account").await;
    assert_eq!(account.body["account_number"], desk.account.account_number.as_str());
    let grant = grants(&desk).await[0]["id"].as_str().unwrap().to_owned();
    let target = format!("/dashboard/v1/oauth/grants/{grant}");
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 204);
    assert_eq!(with(&desk, token, "GET", "/v2/account").await.status, 401);
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 404);
}

#[rstest]
#[case("", [200, 403, 403, 403])]
#[case("account:write", [200, 200, 403, 403])]
#[case("trading", [200, 403, 200, 403])]
#[case("data", [200, 403, 403, 200])]
#[case(EVERYTHING, [200, 200, 200, 200])]
#[tokio::test]
async fn a_token_does_what_its_scopes_say(#[case] scope: &str, #[case] expected: [u16; 4]) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let token = token(&desk, &app, scope).await;
    let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"});
    let mut statuses = Vec::new();
    for (method, target, body) in [
        ("GET", "/v2/orders", Value::Null),
        ("PATCH", "/v2/account/configurations", json!({"no_shorting": true})),
        ("POST", "/v2/orders", order),
        ("GET", "/v2/stocks/quotes/latest?symbols=AAPL", Value::Null),
    ] {
        let request = desk.bare(method, target).bearer_auth(&token);
        let got = answer(if body.is_null() { request } else { request.body(body.to_string()) }).await;
        if got.status == 403 {
            assert!(got.body["message"].as_str().unwrap().starts_with("insufficient scope"), "{got:?}");
            assert_eq!(got.body["code"], 40_310_000);
        }
        statuses.push(got.status);
    }
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn a_token_without_env_may_open_an_account_of_each_environment() {
    let desk = Desk::at(OPEN).await;
    let (app, live) = (register(&desk).await, live_account(&desk).await);
    let choice = [
        ("paper_account", desk.account.account_number.as_str()),
        ("live_account", live.account_number.as_str()),
        ("decision", "allow"),
    ];
    let page = answered(&desk, &asked(&app, "data"), &choice).await;
    let got = exchange(&desk, &app, said(&page).get("code").unwrap()).await;
    let token = got.body["access_token"].as_str().unwrap();
    for (environment, number) in
        [(Environment::Paper, &desk.account.account_number), (Environment::Live, &live.account_number)]
    {
        let url = format!("{}/v2/account", desk.server.url(environment));
        let account = answer(desk.http.get(url).bearer_auth(token)).await;
        assert_eq!(account.body["account_number"], number.as_str(), "{account:?}");
    }
    // When one of the accounts goes, the token goes on with the other.
    let target = format!("/dashboard/v1/accounts/{}", desk.account.account_number);
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 204);
    assert_eq!(with(&desk, token, "GET", "/v2/account").await.status, 401);
    assert_eq!(with(&desk, token, "GET", "/v2/stocks/quotes/latest?symbols=AAPL").await.status, 200);
    assert_eq!(grants(&desk).await[0]["accounts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_for_one_environment_opens_nothing_in_the_other() {
    let desk = Desk::at(OPEN).await;
    let (app, live) = (register(&desk).await, live_account(&desk).await);
    let mut asked = asked(&app, "data");
    asked.push(("env", "live"));
    let page = Browser::new(&desk).get(&authorize(&asked)).await;
    assert!(!page.text.contains(&desk.account.account_number) && page.text.contains(&live.account_number));

    // An account of the other environment is not taken, whatever the form says.
    let choice = [("paper_account", desk.account.account_number.as_str()), ("decision", "allow")];
    assert_eq!(answered(&desk, &asked, &choice).await.status, 422);
    let choice = [("live_account", desk.account.account_number.as_str()), ("decision", "allow")];
    assert_eq!(answered(&desk, &asked, &choice).await.status, 422);

    let choice = [("live_account", live.account_number.as_str()), ("decision", "allow")];
    let page = answered(&desk, &asked, &choice).await;
    let got = exchange(&desk, &app, said(&page).get("code").unwrap()).await;
    let token = got.body["access_token"].as_str().unwrap();
    assert_eq!(with(&desk, token, "GET", "/v2/account").await.status, 401);
    // Prices are the same in both.
    assert_eq!(with(&desk, token, "GET", "/v2/stocks/quotes/latest?symbols=AAPL").await.status, 200);
}

#[tokio::test]
async fn who_says_no_grants_nothing() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let choice = [("paper_account", desk.account.account_number.as_str()), ("decision", "deny")];
    let page = answered(&desk, &asked(&app, "trading"), &choice).await;
    assert_eq!(said(&page).get("error"), Some("access_denied"));
    assert_eq!((said(&page).get("state"), said(&page).get("code")), (Some("a b&c=\"<d>"), None));
    assert!(grants(&desk).await.is_empty());
}

#[rstest]
#[case::unknown_client("client_id", "00000000000000000000000000000000")]
#[case::no_client("client_id", "")]
#[case::other_host("redirect_uri", "https://evil.example/callback")]
#[case::other_port("redirect_uri", "http://127.0.0.1:8766/callback?from=alpaca")]
#[case::longer_path("redirect_uri", "http://127.0.0.1:8765/callback/../evil?from=alpaca")]
#[case::without_query("redirect_uri", "http://127.0.0.1:8765/callback")]
#[case::other_case("redirect_uri", "http://127.0.0.1:8765/Callback?from=alpaca")]
#[case::with_user("redirect_uri", "http://127.0.0.1:8765@evil.example/callback?from=alpaca")]
#[case::script("redirect_uri", "javascript:alert(1)")]
#[case::nothing("redirect_uri", "")]
#[tokio::test]
async fn nobody_is_sent_where_no_program_is_registered(#[case] name: &str, #[case] value: &str) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let mut asked = asked(&app, "trading");
    asked.iter_mut().find(|(known, _)| *known == name).unwrap().1 = value;
    let browser = Browser::new(&desk);
    for page in [
        browser.get(&authorize(&asked)).await,
        browser.post("/oauth/authorize", &[&asked[..], &[("decision", "deny")]].concat()).await,
    ] {
        assert_eq!((page.status, page.headers.contains_key("location")), (400, false), "{page:?}");
    }
}

#[rstest]
#[case("response_type", "token", "unsupported_response_type")]
#[case("scope", "trading everything", "invalid_scope")]
#[case("env", "both", "invalid_request")]
#[tokio::test]
async fn a_registered_program_is_told_what_was_wrong(
    #[case] name: &str,
    #[case] value: &str,
    #[case] error: &str,
) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let mut asked = asked(&app, "trading");
    asked.retain(|(known, _)| *known != name);
    asked.push((name, value));
    let page = Browser::new(&desk).get(&authorize(&asked)).await;
    assert_eq!(said(&page).get("error"), Some(error));
    assert_eq!(said(&page).get("state"), Some("a b&c=\"<d>"));
}

#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused_here() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let twice = authorize(&asked(&app, "trading")) + "&scope=data";
    let page = Browser::new(&desk).get(&twice).await;
    assert_eq!((page.status, page.headers.contains_key("location")), (400, false));
}

#[tokio::test]
async fn the_answer_must_be_to_what_was_shown() {
    let desk = Desk::at(OPEN).await;
    let (app, other) = (register(&desk).await, register(&desk).await);
    let browser = Browser::new(&desk);
    let shown = asked(&app, "data");
    let page = browser.get(&authorize(&shown)).await;
    let choice = [
        ("token", page.field("token")),
        ("paper_account", desk.account.account_number.as_str()),
        ("decision", "allow"),
    ];
    // More scopes, another program, another state, a parameter more or less: none was shown.
    let mut changed: Vec<Vec<(&str, &str)>> = vec![asked(&app, EVERYTHING), asked(&other, "data")];
    changed.push([&shown[..], &[("env", "paper")]].concat());
    changed.push(shown.iter().copied().filter(|(name, _)| *name != "state").collect());
    for asked in changed {
        let page = browser.post("/oauth/authorize", &[&asked[..], &choice].concat()).await;
        assert_eq!((page.status, page.headers.contains_key("location")), (403, false), "{asked:?}");
    }
    // A token of the dashboard's forms is no consent.
    let home = browser.get("/dashboard").await;
    let choice = [("token", home.field("token")), choice[1], choice[2]];
    assert_eq!(browser.post("/oauth/authorize", &[&shown[..], &choice].concat()).await.status, 403);
}

#[rstest]
#[case::other_site(&[("Origin", "https://evil.example")])]
#[case::hidden(&[("Origin", "null")])]
#[case::other_port(&[("Origin", "http://127.0.0.1:1")])]
#[case::cross_site(&[("Sec-Fetch-Site", "cross-site")])]
#[case::same_site(&[("Sec-Fetch-Site", "same-site")])]
#[case::rebound(&[("Host", "evil.example"), ("Origin", "http://evil.example")])]
#[tokio::test]
async fn no_other_site_can_consent(#[case] headers: &[(&str, &str)]) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let browser = Browser::new(&desk);
    let shown = asked(&app, EVERYTHING);
    let page = browser.get(&authorize(&shown)).await;
    let choice = [
        ("token", page.field("token")),
        ("paper_account", desk.account.account_number.as_str()),
        ("decision", "allow"),
    ];
    let page = browser.post_with("/oauth/authorize", &[&shown[..], &choice].concat(), headers).await;
    assert_eq!((page.status, page.headers.contains_key("location")), (403, false), "{page:?}");
}

#[tokio::test]
async fn the_consent_page_cannot_be_framed_or_scripted_and_its_form_leads_to_the_program_only() {
    let desk = Desk::at(OPEN).await;
    let app = register_at(&desk, "<script>alert('x')</script>\"><img src=x>", BACK).await;
    let browser = Browser::new(&desk);
    let page = browser.get(&authorize(&asked(&app, "trading"))).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "form-action 'self' http://127.0.0.1:8765;",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(
        (&page.headers["x-frame-options"], &page.headers["cache-control"]),
        (&"DENY".parse().unwrap(), &"no-store".parse().unwrap())
    );
    assert_eq!(page.headers["cross-origin-opener-policy"], "unsafe-none");
    assert!(!page.text.contains("<script") && !page.text.contains("<img src=x"), "{}", page.text);
    assert!(!page.text.contains("c=\"<d>"), "{}", page.text);
    let rebound = browser.get_with(&authorize(&asked(&app, "trading")), &[("Host", "evil.example")]).await;
    assert_eq!(rebound.status, 403);
}

#[tokio::test]
async fn a_code_works_once_and_its_second_use_kills_the_token() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let code = code(&desk, &app, "data").await;
    let first = exchange(&desk, &app, &code).await;
    let token = first.body["access_token"].as_str().unwrap();
    assert_eq!(with(&desk, token, "GET", "/v2/account").await.status, 200);
    assert_eq!(exchange(&desk, &app, &code).await, refused(400, 40_010_000, "invalid_grant"));
    assert_eq!(with(&desk, token, "GET", "/v2/account").await.status, 401);
}

#[tokio::test]
async fn a_code_is_for_its_own_program_and_address() {
    let desk = Desk::at(OPEN).await;
    let (app, other) = (register(&desk).await, register(&desk).await);
    let stolen = code(&desk, &app, "data").await;
    assert_eq!(exchange(&desk, &other, &stolen).await, refused(400, 40_010_000, "invalid_grant"));
    // Who has lost a code to somebody cannot use it any more.
    assert_eq!(exchange(&desk, &app, &stolen).await.status, 400);

    let code = code(&desk, &app, "data").await;
    let elsewhere = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", &app.id),
        ("client_secret", &app.secret),
        ("redirect_uri", "https://app.example/cb"),
    ];
    assert_eq!(form(&desk, "/oauth/token", &elsewhere).await.body["message"], "invalid_grant");
    assert!(grants(&desk).await.is_empty());
}

#[rstest]
#[case(599, 200)]
#[case(601, 400)]
#[tokio::test]
async fn a_code_lives_for_ten_minutes(#[case] seconds: u64, #[case] status: u16) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let code = code(&desk, &app, "data").await;
    desk.advance(seconds);
    assert_eq!(exchange(&desk, &app, &code).await.status, status);
}

#[rstest]
#[case::wrong_secret(&[("client_secret", "0000000000000000000000000000000000000000")], 401, 40_110_000, "invalid_client")]
#[case::no_secret(&[("client_secret", "")], 401, 40_110_000, "invalid_client")]
#[case::unknown_client(&[("client_id", "00000000000000000000000000000000")], 401, 40_110_000, "invalid_client")]
#[case::grant_type(&[("grant_type", "refresh_token")], 400, 40_010_000, "unsupported_grant_type")]
#[case::no_code(&[("code", "")], 400, 40_010_000, "invalid_request")]
#[case::no_uri(&[("redirect_uri", "")], 400, 40_010_000, "invalid_request")]
#[case::unknown_code(&[("code", "0f0e0d0c-0b0a-4009-8807-060504030201")], 400, 40_010_000, "invalid_grant")]
#[tokio::test]
async fn what_is_wrong_with_a_request_for_a_token(
    #[case] changed: &[(&str, &str)],
    #[case] status: u16,
    #[case] number: u32,
    #[case] message: &str,
) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let code = code(&desk, &app, "data").await;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", &app.id),
        ("client_secret", &app.secret),
        ("redirect_uri", BACK),
    ];
    for (name, value) in changed {
        fields.iter_mut().find(|(known, _)| known == name).unwrap().1 = value;
    }
    assert_eq!(form(&desk, "/oauth/token", &fields).await, refused(status, number, message));
    // A wrong secret does not cost the right program its code.
    if status == 401 {
        assert_eq!(exchange(&desk, &app, &code).await.status, 200);
    }
}

#[tokio::test]
async fn the_secret_is_in_the_form_and_the_form_is_a_form() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let code = code(&desk, &app, "data").await;
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", BACK)];
    let request = desk.bare("POST", "/oauth/token").basic_auth(&app.id, Some(&app.secret));
    let request = request.header(CONTENT_TYPE, FORM).body(Query::of(&fields).to_upstream());
    assert_eq!(answer(request).await, refused(401, 40_110_000, "invalid_client"));
    let json = desk.bare("POST", "/oauth/token").json(&json!({"client_id": app.id}));
    assert_eq!(answer(json).await, refused(400, 40_010_000, "invalid_request"));
    // A token is given by POST only.
    assert_eq!(answer(desk.bare("GET", &format!("/oauth/token?code={code}"))).await.status, 405);
}

#[tokio::test]
async fn a_new_secret_kills_the_old_one_and_spares_the_tokens() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let token = token(&desk, &app, "data").await;
    let code = code(&desk, &app, "data").await;
    let target = format!("/dashboard/v1/oauth/clients/{}/secret", app.id);
    let rotated = answer(desk.bare("POST", &target)).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    assert_eq!(exchange(&desk, &app, &code).await.status, 401);
    let app = App { id: app.id, secret: rotated.body["client_secret"].as_str().unwrap().to_owned() };
    assert_eq!(exchange(&desk, &app, &code).await.status, 200);
    assert_eq!(with(&desk, &token, "GET", "/v2/account").await.status, 200);

    let target = format!("/dashboard/v1/oauth/clients/{}", app.id);
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 204);
    assert_eq!(with(&desk, &token, "GET", "/v2/account").await.status, 401);
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 404);
}

#[tokio::test]
async fn a_deleted_account_cannot_be_granted_any_more() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let code = code(&desk, &app, "data").await;
    let target = format!("/dashboard/v1/accounts/{}", desk.account.account_number);
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 204);
    assert_eq!(exchange(&desk, &app, &code).await, refused(400, 40_010_000, "invalid_grant"));
    assert!(grants(&desk).await.is_empty());
}

#[rstest]
#[case("http://app.example/cb")]
#[case("javascript:alert(1)")]
#[case("https://app.example/#token")]
#[case("")]
#[tokio::test]
async fn programs_are_registered_with_addresses_of_their_own(#[case] uri: &str) {
    let desk = Desk::at(OPEN).await;
    let body = json!({"name": "x", "redirect_uris": [uri]}).to_string();
    let got = answer(desk.bare("POST", "/dashboard/v1/oauth/clients").body(body)).await;
    assert_eq!((got.status, &got.body["code"]), (422, &json!(40_010_001)), "{got:?}");
}

#[tokio::test]
async fn client_credentials_open_prices_for_a_quarter_of_an_hour_and_no_account() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let fields =
        [("grant_type", "client_credentials"), ("client_id", &app.id), ("client_secret", &app.secret)];
    let got = form(&desk, "/v1/oauth2/token", &fields).await;
    let token = got.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(got.body, json!({"access_token": token, "expires_in": 899, "token_type": "Bearer"}));
    let data = "/v2/stocks/quotes/latest?symbols=AAPL";
    assert_eq!(with(&desk, &token, "GET", data).await.status, 200);
    for target in ["/v2/account", "/v2/clock", "/v2/assets"] {
        assert_eq!(with(&desk, &token, "GET", target).await.status, 401, "{target}");
    }
    let mut stream = Socket::open(&desk, "/v2/iex", &[]).await;
    stream.next().await;
    stream.send(json!({"action": "auth", "key": "access_token", "secret": token})).await;
    assert_eq!(stream.next().await, json!([{"T": "success", "msg": "authenticated"}]));

    desk.advance(900);
    assert_eq!(with(&desk, &token, "GET", data).await.status, 401);
    let target = format!("/dashboard/v1/oauth/clients/{}/secret", app.id);
    assert_eq!(answer(desk.bare("POST", &target)).await.status, 201);
    assert_eq!(stream.closed().await.0, 1008);
}

#[rstest]
#[case(&[("client_id", "{id}"), ("client_secret", "{secret}")], 400, "invalid_request", "grant_type")]
#[case(&[("grant_type", "authorization_code")], 400, "unsupported_grant_type", "grant_type")]
#[case(&[("grant_type", "client_credentials"), ("client_id", "{id}")], 400, "invalid_request", "client_secret")]
#[case(&[("grant_type", "client_credentials"), ("client_id", "{id}"), ("client_secret", "no")], 401, "invalid_client", "client_id")]
#[case(&[("grant_type", "client_credentials"), ("client_id", "{id}"), ("client_secret", "{secret}"), ("scope", "x")], 400, "invalid_scope", "scope")]
#[case(&[("grant_type", "client_credentials"), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), ("client_assertion", "a.b.c")], 400, "unauthorized_client", "client_assertion_type")]
#[tokio::test]
async fn authx_says_what_is_wrong(
    #[case] fields: &[(&str, &str)],
    #[case] status: u16,
    #[case] error: &str,
    #[case] field: &str,
) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let filled = |value: &str| value.replace("{id}", &app.id).replace("{secret}", &app.secret);
    let fields: Vec<(&str, String)> = fields.iter().map(|(name, value)| (*name, filled(value))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let got = form(&desk, "/v1/oauth2/token", &fields).await;
    assert_eq!((got.status, &got.body["error"]), (status, &json!(error)), "{got:?}");
    assert_eq!(got.body["fields"], json!([{"name": field}]), "{got:?}");
}

#[tokio::test]
async fn streams_take_tokens_and_die_with_them() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let token = token(&desk, &app, "data").await;
    let bearer = format!("Bearer {token}");

    let mut orders = Socket::open(&desk, "/stream", &[]).await;
    orders.send(json!({"action": "authenticate", "data": {"oauth_token": token}})).await;
    assert_eq!(orders.next().await["data"]["status"], "authorized");
    orders.send(json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
    assert_eq!(orders.next().await["data"]["streams"], json!(["trade_updates"]));
    desk.place(json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}))
        .await;
    assert_eq!(orders.next().await["data"]["order"]["symbol"], "AAPL");

    let mut by_header = Socket::open(&desk, "/stream", &[("authorization", &bearer)]).await;
    assert_eq!(by_header.next().await["data"]["status"], "authorized");
    let mut prices = Socket::open(&desk, "/v2/iex", &[]).await;
    prices.next().await;
    prices.send(json!({"action": "auth", "key": "oauth", "secret": token})).await;
    assert_eq!(prices.next().await, json!([{"T": "success", "msg": "authenticated"}]));
    let mut crypto = Socket::open(&desk, "/v1beta3/crypto/us", &[("authorization", &bearer)]).await;
    crypto.next().await;
    assert_eq!(crypto.next().await, json!([{"T": "success", "msg": "authenticated"}]));
    let mut events = desk.bare("GET", "/v2/events/trades").bearer_auth(&token).send().await.unwrap();
    assert_eq!(events.chunk().await.unwrap().unwrap(), ": connected\n\n");

    let grant = grants(&desk).await[0]["id"].as_str().unwrap().to_owned();
    let target = format!("/dashboard/v1/oauth/grants/{grant}");
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 204);
    for socket in [&mut orders, &mut by_header, &mut prices, &mut crypto] {
        assert_eq!(socket.closed().await.0, 1008);
    }
    while events.chunk().await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_token_without_data_is_told_so_by_data_streams() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let token = token(&desk, &app, "trading").await;
    let mut prices = Socket::open(&desk, "/v2/iex", &[]).await;
    prices.next().await;
    prices.send(json!({"action": "auth", "key": "oauth", "secret": token})).await;
    assert_eq!(prices.next().await, json!([{"T": "error", "code": 411, "msg": "insufficient scope"}]));
    prices.send(json!({"action": "auth", "key": "oauth", "secret": "nonsense"})).await;
    assert_eq!(prices.next().await, json!([{"T": "error", "code": 402, "msg": "auth failed"}]));
}

#[tokio::test]
async fn tokens_and_programs_survive_a_restart_and_codes_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::in_directory(OPEN, directory.path()).await;
    let (app, gone) = (register(&desk).await, register(&desk).await);
    let revoked = token(&desk, &app, "data").await;
    let grant = grants(&desk).await[0]["id"].as_str().unwrap().to_owned();
    let target = format!("/dashboard/v1/oauth/grants/{grant}");
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 204);
    let token = token(&desk, &app, "data").await;
    let code = code(&desk, &app, "data").await;
    let target = format!("/dashboard/v1/oauth/clients/{}", gone.id);
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 204);
    let other = desk.server.broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
    desk.server.broker.delete_account(other.account_id).await.unwrap();
    let before = grants(&desk).await;
    let Desk { server, clock, account, http } = desk;
    server.stop().await;

    let again = PaperOptions { data_dir: Some(directory.path().to_owned()), ..options(&clock) };
    let server = EphemeralBroker::start(again).await.unwrap();
    let desk = Desk { server, clock, account, http };
    assert_eq!(grants(&desk).await, before);
    assert_eq!(with(&desk, &token, "GET", "/v2/account").await.status, 200);
    assert_eq!(with(&desk, &revoked, "GET", "/v2/account").await.status, 401);
    assert_eq!(exchange(&desk, &app, &code).await, refused(400, 40_010_000, "invalid_grant"));
    assert_eq!(exchange(&desk, &gone, &code).await.status, 401);
    let target = format!("/dashboard/v1/accounts/{}", other.account_id);
    assert_eq!(answer(desk.bare("GET", &target)).await.status, 404);
}

#[tokio::test]
async fn secrets_are_nowhere_to_be_seen_again() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::in_directory(OPEN, directory.path()).await;
    let app = register(&desk).await;
    let token = token(&desk, &app, "data").await;
    let mut seen = std::fs::read_to_string(directory.path().join(paddock_paper::journal::FILE_NAME)).unwrap();
    for target in ["/dashboard", "/dashboard/v1/oauth/clients", "/dashboard/v1/oauth/grants"] {
        seen += &desk.bare("GET", target).send().await.unwrap().text().await.unwrap();
    }
    assert!(seen.contains(&app.id));
    for secret in [&app.secret, &token, desk.account.secret_key.expose()] {
        assert!(!seen.contains(secret.trim_start_matches("Bearer ")), "{secret} in {seen}");
    }
}
