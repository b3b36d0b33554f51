//! Connecting by OAuth: from the button to the consent page of the built-in broker and back, and everything that can go wrong on the way.

use http::header;
use paddock_alpaca::endpoints::EndpointOverrides;
use paddock_alpaca::oauth::{OauthApp, OauthSettings};
use paddock_core::{Environment, Role};
use paddock_paper::{DEFAULT_CASH, EphemeralBroker, NewAccount};
use rstest::rstest;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::connection_pages::{shows, signature};
use crate::fake_alpaca::FakeAlpaca;
use crate::harness::{Paddock, Reply};
use crate::second_factor::{set_up, turn_on};
use crate::visitor::Visitor;

const BACK: &str = "http://localhost:7878/oauth/callback";

struct Scene {
    broker: EphemeralBroker,
    paddock: Paddock,
    client_id: String,
    secret: String,
}

impl Scene {
    async fn set() -> Self {
        Self::with_tokens_at(None).await
    }

    /// The same where tokens are asked for at another address.
    async fn with_tokens_at(tokens: Option<String>) -> Self {
        let broker = crate::paper::broker().await;
        let url = broker.url(Environment::Paper);
        let back = vec![BACK.to_owned()];
        let (client_id, secret) =
            broker.broker.register_oauth_client("Paddock".to_owned(), back).await.unwrap();
        let app = OauthApp::new(OauthSettings {
            client_id: client_id.clone(),
            secret: secret.clone(),
            redirect_uri: BACK.to_owned(),
            consent_url: Some(url.clone()),
            token_url: Some(tokens.unwrap_or_else(|| url.clone())),
        })
        .unwrap();
        let endpoints = EndpointOverrides {
            paper: Some(url.clone()),
            live: Some(broker.url(Environment::Live)),
            data: Some(url),
            stream: None,
        };
        let people = paddock_web::PeopleOptions {
            address: "http://localhost:7878".to_owned(),
            cheap_passwords: true,
            ..paddock_web::PeopleOptions::default()
        };
        let paddock = Paddock::start_as_app(FakeAlpaca::start().await, &endpoints, people, Some(app)).await;
        Self { broker, paddock, client_id, secret: secret.expose().to_owned() }
    }

    async fn account(&self, environment: Environment) -> NewAccount {
        self.broker.broker.create_account(environment, DEFAULT_CASH).await.unwrap()
    }

    /// Presses the button on the page for a paper account; the address at the broker.
    async fn leave(&self, name: &str) -> String {
        let reply = self.paddock.submit("/connections/new/paper/oauth", &[("name", name)]).await;
        self.address(&reply)
    }

    fn address(&self, reply: &Reply) -> String {
        reply.expect(303);
        let address = reply.headers[header::LOCATION].to_str().unwrap().to_owned();
        let consent = format!("{}/oauth/authorize?", self.broker.url(Environment::Paper));
        assert!(address.starts_with(&consent), "{address}");
        address
    }

    /// Says yes or no on the consent page; where the browser is sent.
    async fn answer(&self, address: &str, decision: &str, account: Option<&NewAccount>) -> String {
        let (_, _, page) = ask("GET", address, "").await;
        let mut form: Vec<(String, String)> = vec![("decision".to_owned(), decision.to_owned())];
        for piece in page.split("<input type=\"hidden\" name=\"").skip(1) {
            let (name, rest) = piece.split_once("\" value=\"").unwrap();
            form.push((name.to_owned(), unescaped(rest.split_once('"').unwrap().0)));
        }
        if let Some(account) = account {
            let environment = if address.contains("env=live") { "live" } else { "paper" };
            form.push((format!("{environment}_account"), account.account_number.clone()));
        }
        let form: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let place = address.split('?').next().unwrap();
        let (status, location, page) = ask("POST", place, &form.join("&")).await;
        assert_eq!(status, 303, "{page}");
        location.unwrap()
    }

    /// The browser follows the broker's redirect.
    async fn come_back(&self, browser: &Visitor, to: &str) -> Reply {
        browser.page(to.strip_prefix("http://localhost:7878").unwrap()).await
    }

    /// The whole way for a paper account.
    async fn connect(&self, name: &str, account: &NewAccount) -> Reply {
        let back = self.answer(&self.leave(name).await, "allow", Some(account)).await;
        self.come_back(self.paddock.owner().await, &back).await
    }

    /// The page that a failed attempt leads to.
    async fn told(&self, reply: &Reply) -> Reply {
        reply.expect(303);
        let to = reply.headers[header::LOCATION].to_str().unwrap();
        assert!(to.contains("?tried=") && !to.contains("code"), "{to}");
        self.paddock.page(to).await
    }

    async fn connections(&self) -> Vec<serde_json::Value> {
        self.paddock.get("/api/v1/connections").await.json["items"].as_array().unwrap().clone()
    }
}

/// One request to the broker, to its pages as a browser sends it from one of them: status, where it leads, and the page.
async fn ask(method: &str, url: &str, form: &str) -> (u16, Option<String>, String) {
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut socket = tokio::net::TcpStream::connect(authority).await.unwrap();
    // The dashboard's API is for programs, which send no such thing.
    let from_page = if path.starts_with("dashboard/v1") {
        String::new()
    } else {
        format!("origin: http://{authority}\r\nsec-fetch-site: same-origin\r\n")
    };
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n{from_page}\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
    (status, location, answer)
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&")
}

fn code_of(back: &str) -> &str {
    back.split_once("code=").unwrap().1.split('&').next().unwrap()
}

#[tokio::test]
async fn an_account_is_connected_and_a_program_trades_through_it() {
    let scene = Scene::set().await;
    let account = scene.account(Environment::Paper).await;
    let page = scene.paddock.visit("/connections/new/paper").await;
    shows(&page, &["Connect with Alpaca", "formaction=\"/connections/new/paper/oauth\"", "formnovalidate"]);
    let policy = |page: &Reply| page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    let leads = format!("form-action 'self' {};", scene.broker.url(Environment::Paper));
    assert!(policy(&page).contains(&leads), "{page:?}");
    assert!(policy(&scene.paddock.visit("/connections").await).contains("form-action 'self';"));

    let reply = scene.connect("mine", &account).await;
    reply.expect_redirect("/connections/mine?done=connected-oauth");
    let page = scene.paddock.visit("/connections/mine?done=connected-oauth").await;
    shows(
        &page,
        &[
            "Alpaca gave Paddock a token",
            &account.account_number,
            "OAuth token",
            "sealed as version 1",
            "It may read the account, change its settings, trade and read prices.",
            "revoked at Alpaca",
        ],
    );
    assert!(!page.text().contains("Next due"), "a token has no age to mind");
    let view = scene.connections().await.remove(0);
    assert_eq!(view["credential"], "oauth_token");
    assert_eq!(view["token_scopes"], json!(["account:write", "trading", "data"]));
    assert_eq!((&view["pair_since"], &view["next_due_at"]), (&json!(null), &json!(null)));

    let body =
        json!({ "name": "bot", "connection": "mine", "preset": "trader", "max_order_notional": "1000" });
    let issued = scene.paddock.post("/api/v1/keys", &body).await;
    issued.expect(201);
    let text = |field: &str| issued.json[field].as_str().unwrap().to_owned();
    let key = (text("key_id"), text("secret_key"));
    let order =
        json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"});
    assert_eq!(scene.paddock.send("POST", "/v2/orders", &order.to_string(), &key).await, 200);

    let checked = scene.paddock.post("/api/v1/connections/mine/check", &json!({})).await;
    assert_eq!(checked.json["healthy"], true, "{checked:?}");
    scene.paddock.post("/api/v1/vault/rotate", &json!({ "what": "dek" })).await.expect(200);
    assert_eq!(scene.paddock.through_gateway("/v2/account", &key).await, 200);
    let token_since = &scene.connections().await[0]["token_since"];
    assert_eq!(token_since, &view["token_since"], "sealed anew it is the same token");

    let grants = format!("{}/dashboard/v1/oauth/grants", scene.broker.url(Environment::Paper));
    let (_, _, listed) = ask("GET", &grants, "").await;
    let grant = listed.split_once("\"id\":\"").unwrap().1.split('"').next().unwrap();
    let url = format!("{grants}/{grant}");
    assert_eq!(ask("DELETE", &url, "").await.0, 204);
    let checked = scene.paddock.post("/api/v1/connections/mine/check", &json!({})).await;
    assert_eq!(checked.json["problem"]["code"], "token_refused", "{checked:?}");
    let page = scene.paddock.submit("/connections/mine/check", &[]).await;
    shows(&page, &["Token not accepted", "Connect it again"]);
    let page = scene.paddock.visit("/connections/mine/remove").await;
    shows(&page, &["The token", "stays among the apps"]);
    scene.paddock.submit("/connections/mine/remove", &[("confirm", "mine")]).await.expect(303);
    assert!(scene.connections().await.is_empty());
    assert_eq!(scene.paddock.get("/api/v1/audit/verify").await.json["valid"], true);
}

#[tokio::test]
async fn a_pair_is_replaced_by_a_token_that_by_another_and_that_by_a_pair() {
    let scene = Scene::set().await;
    let account = scene.account(Environment::Paper).await;
    scene.paddock.connect("mine", "paper", &crate::paper::pair(&account)).await.expect(201);
    let page = scene.paddock.visit("/connections/mine/replace").await;
    shows(&page, &["With Alpaca instead", "action=\"/connections/mine/oauth\""]);
    for version in [2, 3] {
        let address = scene.address(&scene.paddock.submit("/connections/mine/oauth", &[]).await);
        let back = scene.answer(&address, "allow", Some(&account)).await;
        let reply = scene.come_back(scene.paddock.owner().await, &back).await;
        reply.expect_redirect("/connections/mine?done=replaced-oauth");
        let view = scene.connections().await.remove(0);
        assert_eq!(view["credential"], "oauth_token");
        assert_eq!(view["credential_version"], version);
    }
    let page = scene.paddock.visit("/connections/mine/replace").await;
    shows(&page, &["Connect it again", "With a key pair instead"]);
    let (key_id, secret) = crate::paper::pair(&account);
    let fields = [("key_id", key_id), ("secret_key", secret)];
    let reply = scene.paddock.submit("/connections/mine/replace", &fields).await;
    reply.expect_redirect("/connections/mine?done=replaced");
    assert_eq!(scene.connections().await[0]["credential"], "key_pair");
}

#[tokio::test]
async fn another_account_does_not_take_the_place_of_the_one_that_is_connected() {
    let scene = Scene::set().await;
    let (account, other) = (scene.account(Environment::Paper).await, scene.account(Environment::Paper).await);
    scene.connect("mine", &account).await.expect(303);
    let address = scene.address(&scene.paddock.submit("/connections/mine/oauth", &[]).await);
    let back = scene.answer(&address, "allow", Some(&other)).await;
    let reply = scene.come_back(scene.paddock.owner().await, &back).await;
    let page = scene.told(&reply).await;
    shows(&page, &["Another account", &account.account_number, &other.account_number, "Choose account"]);
    assert_eq!(scene.connections().await[0]["credential_version"], 1);
    // The same account by another name is told too, and where it is.
    let reply = scene.connect("again", &account).await;
    let page = scene.told(&reply).await;
    shows(&page, &["Already connected", "choose Connect with Alpaca there", "value=\"again\""]);
}

#[tokio::test]
async fn an_answer_counts_once_and_in_the_browser_that_began() {
    let scene = Scene::set().await;
    let account = scene.account(Environment::Paper).await;
    let back = scene.answer(&scene.leave("mine").await, "allow", Some(&account)).await;
    let owner = scene.paddock.owner().await;
    let other = Visitor::member(&scene.paddock, "grace", Role::Owner).await;
    let elsewhere = Visitor::signed_in(&scene.paddock, owner.person.clone().unwrap()).await;
    for browser in [&other, &elsewhere] {
        let reply = scene.come_back(browser, &back).await;
        reply.expect(400);
        shows(&reply, &["Not begun here", "do not use it"]);
        assert!(!reply.text().contains(code_of(&back)), "the code is shown nowhere");
    }
    let state = back.split_once("state=").unwrap().1;
    let forged = [
        back.replace(state, &"0".repeat(64)),
        back.replace(state, ""),
        back.split_once("&state=").unwrap().0.to_owned(),
    ];
    for forged in forged {
        scene.come_back(owner, &forged).await.expect(400);
    }
    scene.come_back(owner, &format!("{back}&state={state}")).await.expect(400);
    assert!(scene.connections().await.is_empty());
    // None of that has spoilt it.
    scene.come_back(owner, &back).await.expect_redirect("/connections/mine?done=connected-oauth");
    let again = scene.come_back(owner, &back).await;
    again.expect(409);
    shows(&again, &["Taken already"]);
    assert_eq!(scene.connections().await.len(), 1);
}

#[tokio::test]
async fn whoever_is_not_signed_in_any_more_begins_again_and_the_code_goes_no_further() {
    let scene = Scene::set().await;
    let account = scene.account(Environment::Paper).await;
    let back = scene.answer(&scene.leave("mine").await, "allow", Some(&account)).await;
    let reply = scene.come_back(&Visitor::nobody(&scene.paddock), &back).await;
    reply.expect_redirect("/sign-in?next=/connections/new");
    // Only owners connect.
    let operator = Visitor::member(&scene.paddock, "otto", Role::Operator).await;
    let reply = scene.come_back(&operator, &back).await;
    reply.expect(403);
    assert!(!reply.text().contains(code_of(&back)));
}

#[tokio::test]
async fn a_no_at_alpaca_is_told_and_nothing_typed_is_lost() {
    let scene = Scene::set().await;
    scene.account(Environment::Paper).await;
    let back = scene.answer(&scene.leave("my-own-name").await, "deny", None).await;
    let reply = scene.come_back(scene.paddock.owner().await, &back).await;
    let page = scene.told(&reply).await;
    shows(&page, &["Not allowed at Alpaca", "value=\"my-own-name\"", "Choose Connect with Alpaca again"]);
    // What became of it is for the browser that began it.
    let to = reply.headers[header::LOCATION].to_str().unwrap();
    let other = Visitor::member(&scene.paddock, "grace", Role::Owner).await;
    assert!(!other.page(to).await.text().contains("Not allowed at Alpaca"));
    assert!(scene.connections().await.is_empty());
}

#[tokio::test]
async fn whoever_comes_back_too_late_is_told_so() {
    let scene = Scene::set().await;
    let account = scene.account(Environment::Paper).await;
    let back = scene.answer(&scene.leave("mine").await, "allow", Some(&account)).await;
    scene.paddock.clock.advance(std::time::Duration::from_secs(600));
    let reply = scene.come_back(scene.paddock.owner().await, &back).await;
    let page = scene.told(&reply).await;
    shows(&page, &["Too late", "ten minutes"]);
    assert!(scene.connections().await.is_empty());
}

#[derive(Clone, Copy, Debug)]
enum Slip {
    UsedCode,
    OtherCode,
    NewSecret,
    NoTrading,
    OtherWord,
}

#[rstest]
#[case(Slip::UsedCode, &["Code not accepted", "good once"])]
#[case(Slip::OtherCode, &["Code not accepted"])]
#[case(Slip::NewSecret, &["App not accepted", "[oauth]"])]
#[case(Slip::NoTrading, &["May not trade", "<code>data</code>", "allow trading there"])]
#[case(Slip::OtherWord, &["Alpaca refused", "temporarily_unavailable"])]
#[tokio::test]
async fn what_goes_wrong_at_alpaca_is_told_with_the_next_step(#[case] slip: Slip, #[case] words: &[&str]) {
    let scene = Scene::set().await;
    let account = scene.account(Environment::Paper).await;
    let mut address = scene.leave("mine").await;
    if matches!(slip, Slip::NoTrading) {
        address = address.replace("scope=account%3Awrite%20trading%20data", "scope=data");
    }
    let mut back = scene.answer(&address, "allow", Some(&account)).await;
    let code = code_of(&back).to_owned();
    let url = scene.broker.url(Environment::Paper);
    match slip {
        Slip::UsedCode => {
            let form = format!(
                "grant_type=authorization_code&code={code}&client_id={}&client_secret={}&redirect_uri={}",
                scene.client_id,
                scene.secret,
                encoded(BACK)
            );
            let (status, _, answer) = ask("POST", &format!("{url}/oauth/token"), &form).await;
            assert_eq!(status, 200, "{answer}");
        }
        Slip::OtherCode => back = back.replace(&code, "00000000-0000-4000-8000-000000000000"),
        Slip::NewSecret => {
            let path = format!("{url}/dashboard/v1/oauth/clients/{}/secret", scene.client_id);
            let (status, _, answer) = ask("POST", &path, "").await;
            assert_eq!(status, 201, "{answer}");
        }
        Slip::OtherWord => back = back.replace(&format!("code={code}"), "error=temporarily_unavailable"),
        Slip::NoTrading => {}
    }
    let reply = scene.come_back(scene.paddock.owner().await, &back).await;
    let page = scene.told(&reply).await;
    shows(&page, words);
    for secret in [&scene.secret, &code] {
        assert!(!page.text().contains(secret), "{}", page.text());
    }
    assert!(scene.connections().await.is_empty());
}

#[tokio::test]
async fn a_host_for_tokens_that_is_not_there_is_told() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let scene = Scene::with_tokens_at(Some(address)).await;
    let account = scene.account(Environment::Paper).await;
    let reply = scene.connect("mine", &account).await;
    let page = scene.told(&reply).await;
    shows(&page, &["Alpaca unreachable", "Check the network"]);
}

#[tokio::test]
async fn real_money_asks_for_all_that_a_pair_is_asked_for() {
    let scene = Scene::set().await;
    let account = scene.account(Environment::Live).await;
    let browser = set_up(&scene.paddock).await;
    let leave = async |fields: &[(&'static str, String)]| {
        let mut all = vec![("name", "real")];
        all.extend(fields.iter().map(|(name, value)| (*name, value.as_str())));
        browser.submit("/connections/new/live/oauth", &all).await
    };
    let page = leave(&[]).await;
    page.expect(403);
    shows(&page, &["First, a second factor"]);
    turn_on(&scene.paddock, &browser).await;
    let page = leave(&[]).await;
    page.expect(422);
    shows(&page, &["Not signed", "value=\"real\""]);
    let signed = signature(&scene.paddock).await;
    let page = leave(&signed[1..]).await;
    page.expect(422);
    shows(&page, &["1 of the 5 statements"]);
    let address = scene.address(&leave(&signed).await);
    assert!(address.contains("env=live"), "{address}");

    // A no keeps the ticks and the name.
    let back = scene.answer(&address, "deny", None).await;
    let reply = scene.come_back(&browser, &back).await;
    let page = browser.page(reply.headers[header::LOCATION].to_str().unwrap()).await;
    shows(&page, &["Not allowed at Alpaca", "value=\"Ada Lovelace\""]);
    assert_eq!(page.text().matches(" checked>").count(), 5);

    // A yes may take longer than a proof counts.
    let address = scene.address(&leave(&signed).await);
    let back = scene.answer(&address, "allow", Some(&account)).await;
    scene.paddock.clock.advance(std::time::Duration::from_secs(400));
    let reply = scene.come_back(&browser, &back).await;
    reply.expect_redirect("/connections/real?done=connected-oauth");
    let signed = scene.paddock.get("/api/v1/connections/real/attestation").await;
    assert_eq!(signed.json["signed_name"], "Ada Lovelace", "{signed:?}");
    assert_eq!(scene.connections().await[0]["environment"], "live");
    // To leave again takes another proof.
    let again = browser.submit("/connections/real/oauth", &[]).await;
    assert!(again.headers[header::LOCATION].to_str().unwrap().starts_with("/confirm"), "{again:?}");
}

#[tokio::test]
async fn an_account_of_the_other_environment_is_told_apart() {
    let scene = Scene::set().await;
    let account = scene.account(Environment::Live).await;
    let address = scene.leave("mine").await.replace("env=paper", "env=live");
    let back = scene.answer(&address, "allow", Some(&account)).await;
    let reply = scene.come_back(scene.paddock.owner().await, &back).await;
    let page = scene.told(&reply).await;
    shows(&page, &["Paper mode mismatch", "Connect it as live instead"]);
}

#[tokio::test]
async fn what_is_wrong_with_the_form_is_said_before_anybody_leaves() {
    let scene = Scene::set().await;
    let account = scene.account(Environment::Paper).await;
    scene.connect("mine", &account).await.expect(303);
    for (name, words) in [("", "Needed"), ("new", "Not as it should be"), ("mine", "Name taken")] {
        let page = scene.paddock.submit("/connections/new/paper/oauth", &[("name", name)]).await;
        assert!(page.status.is_client_error(), "{page:?}");
        shows(&page, &[words]);
    }
    // What stands in the fields for a pair is of no matter, and is not shown again.
    let fields = [("name", "new"), ("key_id", "CANARYID"), ("secret_key", "CANARYSECRET")];
    let page = scene.paddock.submit("/connections/new/paper/oauth", &fields).await;
    page.expect(422);
    assert!(!page.text().contains("CANARY"));
    // Who is signed in at another address would come back as nobody.
    let owner = scene.paddock.owner().await;
    let request = owner
        .request("POST", "/connections/new/paper/oauth")
        .header(header::ORIGIN, "http://127.0.0.1:7878")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(axum::body::Body::from("name=other"))
        .unwrap();
    let page = Reply::of(owner.send(request).await).await;
    page.expect(409);
    shows(&page, &["Another address", "http://localhost:7878"]);
}

#[tokio::test]
async fn the_command_line_may_choose_the_name() {
    let scene = Scene::set().await;
    let page = scene.paddock.visit("/connections/new/paper?name=from-cli").await;
    shows(&page, &["value=\"from-cli\""]);
    let page = scene.paddock.visit("/connections/new/paper?name=%3Cscript%3E").await;
    shows(&page, &["value=\"my-paper\""]);
    let told = scene.paddock.get("/api/v1/oauth").await;
    assert_eq!(told.json["connect_paper"], "http://localhost:7878/connections/new/paper");
    assert_eq!((&told.json["registered"], &told.json["redirect_uri"]), (&json!(true), &json!(BACK)));
    assert!(!told.text().contains(&scene.secret));
    assert!(!format!("{:?}", scene.paddock.state).contains(&scene.secret));
}

#[tokio::test]
async fn where_no_app_is_registered_nothing_of_it_is_offered() {
    let paddock = Paddock::start().await;
    for path in ["/connections/new", "/connections/new/paper"] {
        let page = paddock.visit(path).await;
        assert!(!page.text().contains("Connect with Alpaca") && !page.text().contains("your yes"), "{path}");
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("form-action 'self';"), "{policy}");
    }
    let page = paddock.submit("/connections/new/paper/oauth", &[("name", "mine")]).await;
    page.expect(409);
    shows(&page, &["Not set up"]);
    paddock.visit("/oauth/callback?code=CANARY&state=x").await.expect(400);
    let told = paddock.get("/api/v1/oauth").await;
    assert_eq!((&told.json["registered"], &told.json["connect_paper"]), (&json!(false), &json!(null)));
}
