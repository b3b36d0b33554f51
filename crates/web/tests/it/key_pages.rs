//! The pages of access keys: each page, each form, and what is said when something is wrong.

use http::header;
use paddock_core::Role;
use rstest::rstest;
use serde_json::json;

use crate::harness::{LIVE, Paddock, Reply};
use crate::visitor::Visitor;

/// A form of a new key, as the browser sends it when nothing was changed but these.
fn form<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("name", "aapl-bot"),
        ("connection", "my-paper"),
        ("preset", "trader"),
        ("sides", ""),
        ("sides", "buy"),
        ("sides", "sell"),
        ("hours", ""),
        ("ends", "30d"),
        ("approval", "never"),
        ("step", "preview"),
    ];
    let changed = |name: &str| changes.iter().any(|(known, _)| *known == name);
    usual.into_iter().filter(|(name, _)| !changed(name)).chain(changes.iter().copied()).collect()
}

fn says(reply: &Reply, texts: &[&str]) {
    for text in texts {
        assert!(reply.text().contains(text), "{text} in {}", reply.text());
    }
}

#[tokio::test]
async fn without_an_account_the_pages_say_what_comes_first() {
    let paddock = Paddock::start().await;
    for path in ["/keys", "/keys/new"] {
        says(paddock.visit(path).await.expect(200), &["Connect Alpaca", "/connections/new"]);
    }
    paddock.connect_paper().await;
    says(paddock.visit("/keys").await.expect(200), &["Give a program a key of its own", "/keys/new"]);
    says(paddock.visit("/keys/new").await.expect(200), &["Simulated money", "my-paper", "PA3XK7Q2M9TD"]);
    paddock.connect("real", "live", &LIVE).await.expect(201);
    says(paddock.visit("/keys/new").await.expect(200), &["Which account", "connection=real", "Real money"]);
}

/// Preview, issue, and the secret once: no address leads back to it.
#[tokio::test]
async fn a_key_is_previewed_then_issued_and_its_secret_told_once() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let scope = [
        ("symbols", "aapl, MSFT"),
        ("max_order_notional", "$1,000"),
        ("max_daily_notional", "5000"),
        ("hours", "regular"),
        ("positions", "long_only"),
    ];
    let preview = paddock.submit("/keys/new", &form(&scope)).await;
    says(
        preview.expect(200),
        &[
            "Issue aapl-bot?",
            "in AAPL and MSFT only",
            "at most $1,000 an order and $5,000 a day",
            "in regular hours",
            "until 23 December 2026",
            "At most about $5,000",
            "name=\"max_order_notional\" value=\"$1,000\"",
        ],
    );
    assert!(
        paddock.get("/api/v1/keys").await.json["items"].as_array().unwrap().is_empty(),
        "nothing is issued yet"
    );

    let issue: Vec<(&str, &str)> = form(&scope)
        .into_iter()
        .map(|(name, value)| if name == "step" { (name, "issue") } else { (name, value) })
        .collect();
    let issued = paddock.submit("/keys/new", &issue).await;
    issued.expect(200);
    assert_eq!(issued.headers[header::CACHE_CONTROL], "no-store");
    let key = paddock.get("/api/v1/keys/aapl-bot").await.json;
    let secret = issued.text().split("pdks_").nth(1).unwrap();
    let secret =
        format!("pdks_{}", secret.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap());
    says(
        &issued,
        &[
            key["key_id"].as_str().unwrap(),
            "alpaca-py (Python)",
            "export APCA_API_BASE_URL=",
            "paddock env aapl-bot --for mcp",
            "I have copied it",
        ],
    );
    let pair = (key["key_id"].as_str().unwrap().to_owned(), secret.clone());
    assert_eq!(paddock.through_gateway("/v2/account", &pair).await, 200);

    // The browser sends the same form again when its page is reloaded.
    let again = paddock.submit("/keys/new", &issue).await;
    says(again.expect(409), &["Name taken", "id=\"f-name-fault\""]);
    for path in ["/keys", "/keys/aapl-bot", "/keys/aapl-bot?done=issued", "/keys/aapl-bot/edit", "/keys/new"]
    {
        let page = paddock.visit(path).await;
        assert!(!page.expect(200).text().contains(&secret), "{path}");
    }
    assert!(!again.text().contains(&secret));
}

#[rstest]
#[case(&[("name", "")], "name")]
#[case(&[("name", "new")], "name")]
#[case(&[("name", "a b")], "name")]
#[case(&[("preset", "")], "preset")]
#[case(&[("preset", ""), ("allow", "postorderr")], "allow")]
#[case(&[("allow", "createWhitelistedAddresss")], "allow")]
#[case(&[("symbols", "A;B")], "symbols")]
#[case(&[("data_symbols", "??")], "data_symbols")]
#[case(&[("sides", "")], "sides")]
#[case(&[("asset_classes", "")], "asset_classes")]
#[case(&[("order_types", "")], "order_types")]
#[case(&[("order_classes", "")], "order_classes")]
#[case(&[("times_in_force", "")], "times_in_force")]
#[case(&[("max_price_deviation", "0")], "max_price_deviation")]
#[case(&[("max_quote_age", "1.5")], "max_quote_age")]
#[case(&[("max_order_notional", "many")], "max_order_notional")]
#[case(&[("max_daily_notional", "1,00")], "max_daily_notional")]
#[case(&[("max_daily_orders", "-1")], "max_daily_orders")]
#[case(&[("max_order_quantity", "1e3")], "max_order_quantity")]
#[case(&[("max_requests_per_minute", "0")], "max_requests_per_minute")]
#[case(&[("max_open_exposure", "x")], "max_open_exposure")]
#[case(&[("max_daily_loss", "-5")], "max_daily_loss")]
#[case(&[("hours", "between")], "hours")]
#[case(&[("hours", "between"), ("hours_from", "09:45"), ("hours_to", "09:45")], "hours")]
#[case(&[("ends", "at")], "expires_at")]
#[case(&[("ends", "at"), ("expires_at", "2020-01-01T00:00")], "expires_at")]
#[case(&[("ends", "soon")], "expires_in")]
#[case(&[("networks", "home")], "networks")]
#[case(&[("approval", "over")], "approval_over")]
#[case(&[("approval_over", "500")], "approval_over")]
#[case(&[("approval", "over"), ("approval_over", "x")], "approval_over")]
#[case(&[("approval_wait", "10")], "approval_wait")]
#[case(&[("approval", "always"), ("approval_wait", "301")], "approval_wait")]
#[case(&[("approval", "always"), ("approval_expiry", "1")], "approval_expiry")]
#[case(&[("approval", "always"), ("approval_price_band", "x")], "approval_price_band")]
#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    #[case] changes: &[(&str, &str)],
    #[case] field: &str,
) {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let mut sent = form(changes);
    sent.push(("only_own_orders", "on"));
    let page = paddock.submit("/keys/new", &sent).await;
    let fault = format!("id=\"f-{field}-fault\"");
    says(
        page.expect(422),
        &[&fault, "Next: ", "Nothing was changed", "name=\"only_own_orders\" value=\"on\" checked"],
    );
    for (name, value) in changes
        .iter()
        .filter(|(name, value)| !value.is_empty() && !["hours", "ends", "approval"].contains(name))
    {
        assert!(page.text().contains(&format!("value=\"{value}\"")), "{name} {value}");
    }
    assert!(page.text().contains(&format!("id=\"f-{field}\"")), "the notice leads to the field");
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let sent = form(&[("name", ""), ("symbols", "A;B"), ("max_order_notional", "many"), ("sides", "")]);
    let page = paddock.submit("/keys/new", &sent).await;
    says(
        page.expect(422),
        &["4 fields", "f-name-fault", "f-symbols-fault", "f-max_order_notional-fault", "f-sides-fault"],
    );
    says(&page, &["Expected dollars above zero, for example 1000 or 99.50."]);
}

#[tokio::test]
async fn the_form_reads_back_while_it_is_filled_in() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    let read_back =
        async |changes: &[(&str, &str)]| paddock.submit("/keys/new/outlook", &form(changes)).await;
    says(read_back(&[("symbols", "AAPL")]).await.expect(200), &["in AAPL only", "What it can lose in a day"]);
    let live = read_back(&[("connection", "real"), ("ends", "never")]).await;
    says(live.expect(200), &["Look once more", "Nothing limits what it may order in a day", "It never ends"]);
    says(read_back(&[("symbols", ";")]).await.expect(200), &["Nothing yet.", "#f-symbols"]);
    assert!(!live.text().contains("<html"), "a piece of a page");
}

#[tokio::test]
async fn an_edit_shows_its_difference_before_it_is_saved() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let scope =
        json!({ "preset": "trader", "symbols": ["AAPL"], "max_order_notional": "1000", "expires_in": "30d" });
    paddock.issue_key("bot", &scope).await;
    let page = paddock.visit("/keys/bot/edit").await;
    says(
        page.expect(200),
        &["value=\"AAPL\"", "value=\"1000\"", "value=\"at\" selected", "2026-12-23T15:00"],
    );
    let seen =
        page.text().split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let sent = |step: &'static str, seen: &str| -> Vec<(&'static str, String)> {
        let fields = [
            ("preset", "trader"),
            ("symbols", "AAPL, MSFT"),
            ("sides", ""),
            ("sides", "buy"),
            ("max_order_notional", "500"),
            ("ends", "at"),
            ("expires_at", "2026-12-23T15:00"),
            ("approval", "never"),
            ("hours", ""),
            ("step", step),
        ];
        fields
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()))
            .chain([("seen", seen.to_owned())])
            .collect()
    };
    let submit = async |step, seen: &str| {
        let fields = sent(step, seen);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        paddock.submit("/keys/bot/edit", &fields).await
    };
    let review = submit("review", &seen).await;
    says(
        review.expect(200),
        &[
            "Newly allowed",
            "orders in MSFT",
            "No longer allowed",
            "orders to sell",
            "orders each worth more than $500",
            "Save, and allow more",
        ],
    );
    let scope_now = async || paddock.get("/api/v1/keys/bot").await.json["scope"].clone();
    let before = scope_now().await;
    assert_eq!(before["symbols"], json!(["AAPL"]), "nothing is changed yet");

    // Somebody else changes the key meanwhile: what was looked at is not what would be changed.
    paddock.patch("/api/v1/keys/bot", &json!({ "max_daily_orders": 3 })).await.expect(200);
    let stale = submit("save", &seen).await;
    says(stale.expect(409), &["Changed meanwhile", "a day&#39;s number of orders"]);
    assert_eq!(scope_now().await["max_daily_orders"], 3);
    let seen =
        stale.text().split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    submit("save", &seen).await.expect_redirect("/keys/bot?done=edited");
    let after = scope_now().await;
    assert_eq!((&after["symbols"], &after["max_order_notional"]), (&json!(["AAPL", "MSFT"]), &json!("500")));
    assert_eq!(after["expires_at"], before["expires_at"], "an end that was left alone is the same");
    says(paddock.visit("/keys/bot?done=edited").await.expect(200), &["is changed, from its next request on"]);
    let wrong = paddock.submit("/keys/bot/edit", &[("preset", "trader"), ("symbols", "?")]).await;
    says(wrong.expect(422), &["f-symbols-fault"]);
    says(
        paddock.submit("/keys/bot/edit/outlook", &[("preset", "read-only")]).await.expect(200),
        &["may read the account"],
    );
}

/// What was typed is still there, so that whoever confirms in another tab goes on where they were.
#[tokio::test]
async fn real_money_and_more_power_ask_who_is_there() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    paddock.issue_key("bot", &json!({ "preset": "read-only" })).await;
    paddock.owner().await;
    paddock.clock.advance(std::time::Duration::from_secs(6 * 60));
    let live = [("connection", "real"), ("symbols", "AAPL"), ("step", "issue")];
    let refused = paddock.submit("/keys/new", &form(&live)).await;
    says(
        refused.expect(403),
        &["Confirm that it is you", "Confirm in another tab", "value=\"AAPL\"", "value=\"aapl-bot\""],
    );
    let page = paddock.visit("/keys/bot/edit").await;
    let seen = page.text().split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let raise = [("preset", "trader"), ("ends", "never"), ("seen", seen), ("step", "save")];
    says(
        paddock.submit("/keys/bot/edit", &raise).await.expect(403),
        &["Confirm in another tab", "Save, and allow more"],
    );
    paddock.visit("/keys/bot/unfreeze").await.expect(303);
    let lower = [("preset", ""), ("allow", "data"), ("ends", "never"), ("seen", seen), ("step", "save")];
    let lowered = paddock.submit("/keys/bot/edit", &lower).await;
    lowered.expect_redirect("/keys/bot?done=edited");
    let keys = paddock.get("/api/v1/keys").await.json["items"].as_array().unwrap().len();
    assert_eq!(keys, 1, "no key for real money was issued");
}

#[tokio::test]
async fn who_may_only_look_is_offered_nothing_else() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.issue_key("bot", &json!({ "preset": "trader" })).await;
    let viewer = Visitor::member(&paddock, "vic", Role::Viewer).await;
    for path in ["/keys", "/keys/bot", "/approvals"] {
        let page = viewer.page(path).await;
        page.expect(200);
        for offer in ["/keys/new\"", "/edit\"", "/revoke\"", "Freeze it"] {
            assert!(!page.text().contains(offer), "{offer} on {path}");
        }
    }
    viewer.page("/keys/new").await.expect(403);
}

#[tokio::test]
async fn a_key_is_frozen_unfrozen_and_revoked_with_its_name_typed() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let pair = paddock.issue_key("bot", &json!({ "preset": "trader" })).await;
    let freeze = [("allow", "reads,cancels"), ("reason", "it looks odd")];
    paddock.submit("/keys/bot/freeze", &freeze).await.expect_redirect("/keys/bot?done=frozen");
    says(
        paddock.visit("/keys/bot?done=frozen").await.expect(200),
        &["it looks odd", "only reads and cancels pass", "Unfreeze"],
    );
    says(paddock.visit("/keys").await.expect(200), &["Frozen"]);
    says(paddock.visit("/keys/bot/unfreeze").await.expect(200), &["it looks odd", "From now on it may"]);
    paddock.submit("/keys/bot/unfreeze", &[]).await.expect_redirect("/keys/bot?done=unfrozen");
    assert_eq!(paddock.through_gateway("/v2/account", &pair).await, 200);

    says(paddock.visit("/keys/bot/revoke").await.expect(200), &["Type the key", "nothing brings it back"]);
    let wrong = paddock.submit("/keys/bot/revoke", &[("name", "Bot")]).await;
    says(wrong.expect(422), &["f-name-fault"]);
    assert_eq!(paddock.through_gateway("/v2/account", &pair).await, 200, "it is not revoked yet");
    paddock.submit("/keys/bot/revoke", &[("name", "bot")]).await.expect_redirect("/keys?done=revoked");
    assert_eq!(paddock.through_gateway("/v2/account", &pair).await, 401);
    says(
        paddock.visit("/keys?done=revoked").await.expect(200),
        &["It opens nothing any more", "Revoked keys (1)"],
    );
    says(paddock.visit("/keys/bot").await.expect(200), &["<b>Revoked</b>", "What it did stays here"]);
    for path in ["/keys/bot/edit", "/keys/bot/revoke", "/keys/bot/unfreeze"] {
        says(paddock.visit(path).await.expect(404), &["Unknown access key"]);
    }
}

#[tokio::test]
async fn the_page_of_a_key_tells_what_it_may_and_what_it_did() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let scope = json!({ "preset": "trader", "symbols": ["AAPL"], "max_daily_orders": 50, "networks": ["127.0.0.0/8"] });
    let pair = paddock.issue_key("bot", &scope).await;
    says(paddock.visit("/keys/bot").await.expect(200), &["No requests in the last 30 days", "never"]);
    paddock.through_gateway("/v2/account", &pair).await;
    assert_eq!(paddock.send("POST", "/v2/wallets/transfers", "{}", &pair).await, 403);
    let page = paddock.visit("/keys/bot").await;
    says(
        page.expect(200),
        &[
            "of 50",
            "<svg",
            "2 in all, 1 of them refused",
            "The same as a table",
            "127.0.0.1",
            "GET /v2/account",
            "Refused in these 30 days",
            "money_out_not_allowed",
            "127.0.0.0/8",
            "Not limited: dollars an order",
            pair.0.as_str(),
        ],
    );
    let by_key_id = paddock.visit(&format!("/keys/{}", pair.0)).await;
    says(by_key_id.expect(200), &["<h1>bot</h1>"]);
    for forbidden in [" style=", "<style", "onclick", "javascript:", "https://"] {
        assert!(!page.text().contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn an_order_is_tried_and_nothing_comes_of_it() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let scope = json!({ "preset": "trader", "symbols": ["AAPL"], "max_order_notional": "1000" });
    paddock.issue_key("bot", &scope).await;
    let order = |symbol: &'static str, amount: &'static str| {
        [
            ("symbol", symbol),
            ("side", "buy"),
            ("amount", amount),
            ("amount_in", "notional"),
            ("type", "market"),
            ("time_in_force", "day"),
        ]
    };
    paddock.owner().await;
    let before = paddock.get("/api/v1/audit").await.json;
    let good = paddock.submit("/keys/bot/try", &order("aapl", "100")).await;
    says(good.expect(200), &["It would be sent", "buy $100 AAPL market", "What the broker would get"]);
    let dear = paddock.submit("/keys/bot/try", &order("AAPL", "1,000.01")).await;
    says(
        dear.expect(200),
        &["It would be refused", "order_notional_exceeded", "at most for an order", "value=\"1,000.01\""],
    );
    let other = paddock.submit("/keys/bot/try", &order("MSFT", "1")).await;
    says(other.expect(200), &["symbol_not_allowed"]);
    let empty = paddock.submit("/keys/bot/try", &order("AAPL", "")).await;
    says(empty.expect(422), &["how many units, or how many dollars"]);
    assert_eq!(paddock.get("/api/v1/audit").await.json, before, "nothing is recorded");
}

#[tokio::test]
async fn keys_are_found_by_what_they_are() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    for (name, symbols) in [("alpha", "AAPL"), ("beta", "MSFT"), ("gamma", "TSLA"), ("delta", "SPY")] {
        paddock.issue_key(name, &json!({ "preset": "trader", "symbols": [symbols] })).await;
    }
    paddock.submit("/keys/gamma/freeze", &[]).await.expect_redirect("/keys/gamma?done=frozen");
    let found = async |query: &str| {
        let page = paddock.visit(&format!("/keys?{query}")).await;
        page.expect(200);
        ["alpha", "beta", "gamma", "delta"]
            .into_iter()
            .filter(|name| page.text().contains(&format!("/keys/{name}\"")))
            .collect::<Vec<_>>()
    };
    assert_eq!(found("").await.len(), 4);
    assert_eq!(found("q=ALPHA").await, ["alpha"]);
    assert_eq!(found("q=msft").await, ["beta"]);
    assert_eq!(found("state=stopped").await, ["gamma"]);
    assert_eq!(found("connection=other").await, Vec::<&str>::new());
    says(paddock.visit("/keys?q=nothing").await.expect(200), &["No key is like that", "Show them"]);
}
