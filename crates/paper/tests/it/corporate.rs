//! Splits, dividends and live fees, as a client sees them.

use paddock_core::Environment;
use paddock_paper::{DateLaying, NewAccount};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Answer, Desk, answer};

async fn as_recorded(start: &str) -> Desk {
    Desk::with(start, |options| paddock_paper::PaperOptions { laying: DateLaying::AsRecorded, ..options })
        .await
}

#[tokio::test]
async fn a_split_is_seen_in_positions_activities_and_bars() {
    // The Friday before AAPL was split, 11:00 in New York.
    let desk = as_recorded("2005-02-25T16:00:00Z").await;
    desk.place(json!({"symbol":"AAPL","qty":"10","side":"buy","type":"market","time_in_force":"day"})).await;
    let before = desk.get("/v2/positions/AAPL").await.body;
    desk.advance(3 * 24 * 3600);
    let after = desk.get("/v2/positions/AAPL").await.body;
    assert_eq!((before["qty"].as_str(), after["qty"].as_str()), (Some("10"), Some("20")));
    assert_eq!(before["cost_basis"], after["cost_basis"]);
    assert_eq!(after["lastday_price"], "44.495");

    let split = &desk.get("/v2/account/activities/SPLIT").await.body[0];
    assert_eq!(split["activity_sub_type"], "FSPLIT");
    assert_eq!(
        (&split["qty"], &split["net_amount"], &split["date"]),
        (&json!("10"), &json!("0"), &json!("2005-02-28"))
    );

    let bars = "/v2/stocks/AAPL/bars?timeframe=1Day&start=2005-02-25&end=2005-02-25";
    let raw = desk.get(bars).await.body["bars"][0].clone();
    let adjusted = desk.get(&format!("{bars}&adjustment=split,dividend")).await.body["bars"][0].clone();
    assert_eq!((&raw["c"], &adjusted["c"]), (&json!(88.99), &json!(44.495)));
    assert_eq!(adjusted["v"].as_i64(), raw["v"].as_i64().map(|volume| 2 * volume));
    let minutes = desk
        .get("/v2/stocks/bars?symbols=AAPL&timeframe=1Min&start=2005-02-25&end=2005-02-26&adjustment=all")
        .await;
    assert_eq!(minutes.body["bars"]["AAPL"].as_array().unwrap().last().unwrap()["c"], 44.495);
    let refused = desk.get(&format!("{bars}&adjustment=halves")).await;
    assert_eq!((refused.status, refused.body["message"].as_str()), (400, Some("invalid adjustment: halves")));
}

#[tokio::test]
async fn a_dividend_is_announced_paid_and_listed() {
    let desk = as_recorded("2012-08-08T15:00:00Z").await;
    desk.place(json!({"symbol":"AAPL","qty":"10","side":"buy","type":"market","time_in_force":"day"})).await;
    let found = desk
        .get("/v2/corporate_actions/announcements?ca_types=Dividend&since=2012-08-01&until=2012-08-31&symbol=AAPL")
        .await;
    let announced = &found.body[0];
    assert_eq!(announced["cash"], "2.65");
    for (name, date) in
        [("ex_date", "2012-08-09"), ("record_date", "2012-08-13"), ("payable_date", "2012-08-16")]
    {
        assert_eq!(announced[name], date);
    }
    let id = announced["id"].as_str().unwrap();
    assert_eq!(desk.get(&format!("/v2/corporate_actions/announcements/{id}")).await.body, *announced);

    let listed = desk
        .get("/v1/corporate-actions?symbols=AAPL,IBM&types=cash_dividend&start=2012-08-01&end=2012-09-30")
        .await;
    let dividends = listed.body["corporate_actions"]["cash_dividends"].as_array().unwrap().clone();
    let summary: Vec<_> = dividends.iter().map(|one| (one["symbol"].clone(), one["rate"].clone())).collect();
    assert_eq!(summary, [(json!("AAPL"), json!(2.65)), (json!("IBM"), json!(0.85))]);
    assert_eq!(listed.body["next_page_token"], Value::Null);
    assert_eq!(
        desk.get(&format!("/v1/corporate-actions?ids={id}")).await.body["corporate_actions"]["cash_dividends"]
            [0],
        dividends[0]
    );

    desk.advance(9 * 24 * 3600);
    let paid = &desk.get("/v2/account/activities?category=non_trade_activity").await.body[0];
    assert_eq!((&paid["activity_type"], &paid["activity_sub_type"]), (&json!("DIV"), &json!("CDIV")));
    assert_eq!(
        (&paid["qty"], &paid["per_share_amount"], &paid["net_amount"]),
        (&json!("10"), &json!("2.65"), &json!("26.5"))
    );
}

#[rstest]
#[case::ascending("asc")]
#[case::descending("desc")]
#[tokio::test]
async fn corporate_actions_come_in_pages(#[case] sort: &str) {
    let desk = as_recorded("2013-03-01T15:00:00Z").await;
    let all = format!("/v1/corporate-actions?start=2000-01-01&end=2013-12-31&sort={sort}");
    let whole = desk.get(&format!("{all}&limit=1000")).await.body["corporate_actions"].clone();
    assert_eq!(whole["forward_splits"].as_array().unwrap().len(), 3);
    let dividends = whole["cash_dividends"].as_array().unwrap();
    assert!(dividends.len() > 80);
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let page = desk.get(&format!("{all}&limit=10{token}")).await.body;
        seen.extend(page["corporate_actions"]["cash_dividends"].as_array().cloned().unwrap_or_default());
        match page["next_page_token"].as_str() {
            Some(next) => token = format!("&page_token={next}"),
            None => break,
        }
    }
    assert_eq!(seen, *dividends);
}

#[rstest]
#[case("types=raw", 400)]
#[case("region=mars", 400)]
#[case("limit=1001", 400)]
#[case("start=2012-02-01&end=2012-01-01", 400)]
#[case("ids=1&symbols=AAPL", 400)]
#[case("region=non_us&start=2012-01-01&end=2013-01-01", 200)]
#[case("symbols=FB,GOOG,TSLA&start=2000-01-01&end=2013-01-01", 200)]
#[tokio::test]
async fn other_questions_find_nothing(#[case] query: &str, #[case] status: u16) {
    let desk = as_recorded("2013-03-01T15:00:00Z").await;
    let Answer { status: given, body } = desk.get(&format!("/v1/corporate-actions?{query}")).await;
    assert_eq!(given, status, "{body}");
    if status == 200 {
        assert_eq!(body, json!({"corporate_actions": {}, "next_page_token": null}));
    }
}

#[tokio::test]
async fn a_live_account_shows_and_pays_the_days_fees() {
    let desk = Desk::at(crate::harness::OPEN).await;
    let live = desk.server.broker.create_account(Environment::Live, "100000".parse().unwrap()).await.unwrap();
    let request = |account: &NewAccount, method: reqwest::Method, target: &str| {
        desk.http
            .request(method, format!("{}{target}", desk.server.url(Environment::Live)))
            .header("APCA-API-KEY-ID", &account.key_id)
            .header("APCA-API-SECRET-KEY", account.secret_key.expose())
    };
    for side in ["buy", "sell"] {
        let order = json!({"symbol":"AAPL","qty":"100","side":side,"type":"market","time_in_force":"day"});
        let placed =
            answer(request(&live, reqwest::Method::POST, "/v2/orders").body(order.to_string())).await;
        assert_eq!(placed.status, 200, "{placed:?}");
    }
    let account = answer(request(&live, reqwest::Method::GET, "/v2/account")).await.body;
    assert_eq!(
        (&account["accrued_fees"], &account["pending_reg_taf_fees"]),
        (&json!("0.03"), &json!("0.02"))
    );
    desk.advance(24 * 3600);
    let fees = answer(request(&live, reqwest::Method::GET, "/v2/account/activities/FEE")).await.body;
    let posted: Vec<_> = fees
        .as_array()
        .unwrap()
        .iter()
        .map(|fee| (fee["activity_sub_type"].clone(), fee["net_amount"].clone(), fee["date"].clone()))
        .collect();
    assert_eq!(
        posted,
        [
            (json!("CAT"), json!("-0.01"), json!("2026-06-24")),
            (json!("TAF"), json!("-0.02"), json!("2026-06-24")),
        ]
    );
    let account = answer(request(&live, reqwest::Method::GET, "/v2/account")).await.body;
    assert_eq!(account["accrued_fees"], "0");
    assert_eq!(account["equity"], account["cash"]);
}

#[rstest]
#[case::before("2026-07-02T14:00:00Z", None, true)]
#[case::after("2026-07-06T14:00:00Z", None, false)]
#[case::forced_on("2026-11-20T15:00:00Z", Some(true), true)]
#[case::forced_off("2026-06-24T14:00:00Z", Some(false), false)]
#[tokio::test]
async fn fields_on_day_trades_end_with_july_2026(
    #[case] start: &str,
    #[case] day_trade_fields: Option<bool>,
    #[case] shown: bool,
) {
    let desk = Desk::with(start, |options| paddock_paper::PaperOptions { day_trade_fields, ..options }).await;
    for side in ["buy", "sell"] {
        desk.place(json!({"symbol":"AAPL","qty":"1","side":side,"type":"market","time_in_force":"day"}))
            .await;
    }
    let account = desk.get("/v2/account").await.body;
    let fields = ["pattern_day_trader", "daytrade_count", "daytrading_buying_power"];
    assert!(fields.iter().all(|name| account.get(name).is_some() == shown), "{account}");
    if shown {
        assert_eq!((&account["pattern_day_trader"], &account["daytrade_count"]), (&json!(false), &json!(1)));
    }
    // A client may send the settings at any time.
    let changed = desk.patch("/v2/account/configurations", json!({"pdt_check":"both"})).await;
    assert_eq!(changed.status, 200);
    let settings = desk.get("/v2/account/configurations").await.body;
    assert_eq!(settings, changed.body);
    assert_eq!(settings.get("pdt_check").map(|word| word == "both"), shown.then_some(true));
    assert_eq!(settings.get("dtbp_check").map(|word| word == "entry"), shown.then_some(true));
    let refused = desk.patch("/v2/account/configurations", json!({"pdt_check":"never"})).await;
    assert_eq!(refused.status, 422);
}
