//! How a program gets a token, what the token opens, and who gets none.

mod client_credentials;
mod codes;
mod consent;

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
