//! A broker with a folder of the user's own bars.

use std::fs;
use std::path::Path;

use paddock_paper::{EphemeralBroker, PaperOptions};
use rust_decimal::Decimal;
use serde_json::json;

use crate::harness::{Desk, answer, options};

const CSV: &str = "timestamp,open,high,low,close,volume,trade_count,vwap
2026-06-24T13:59:00Z,50,50.5,49.5,50.25,4000,40,50.123456
2026-06-24T14:05:00Z,40,40.5,39.5,40.25,5000,50,40.1
";

/// The same bars.
const JSON: &str = r#"{"bars":{"ZZZ":[
{"t":"2026-06-24T13:59:00Z","o":50,"h":50.5,"l":49.5,"c":50.25,"v":4000,"n":40,"vw":50.123456},
{"t":"2026-06-24T14:05:00Z","o":40,"h":40.5,"l":39.5,"c":40.25,"v":5000,"n":50,"vw":40.1}]},"next_page_token":null}"#;

async fn desk(bars: &Path, data: Option<&Path>) -> Desk {
    let change = |options| PaperOptions {
        bars_dir: Some(bars.to_owned()),
        data_dir: data.map(Path::to_owned),
        ..options
    };
    Desk::with("2026-06-24T14:00:00Z", change).await
}

#[tokio::test]
async fn they_are_served_traded_and_priced() {
    let bars = tempfile::tempdir().unwrap();
    fs::write(bars.path().join("ZZZ.1Min.csv"), CSV).unwrap();
    let desk = desk(bars.path(), None).await;
    let asset = desk.get("/v2/assets/ZZZ").await;
    assert_eq!(
        (asset.status, &asset.body["tradable"], &asset.body["name"]),
        (200, &json!(true), &json!("ZZZ"))
    );

    let id = desk
        .place(json!({"symbol": "ZZZ", "qty": "10", "side": "buy", "type": "limit", "limit_price": "40", "time_in_force": "day"}))
        .await;
    assert_eq!(desk.get(&format!("/v2/orders/{id}")).await.body["status"], "new");
    let past = "/v2/stocks/bars?symbols=ZZZ&timeframe=1Min&start=2026-06-24";
    let first =
        json!({"t":"2026-06-24T13:59:00Z","o":50,"h":50.5,"l":49.5,"c":50.25,"v":4000,"n":40,"vw":50.123456});
    assert_eq!(desk.get(past).await.body, json!({"bars": {"ZZZ": [first]}, "next_page_token": null}));

    desk.advance(6 * 60);
    let order = desk.get(&format!("/v2/orders/{id}")).await.body;
    assert_eq!(order["status"], "filled", "{order}");
    let price: Decimal = order["filled_avg_price"].as_str().unwrap().parse().unwrap();
    assert!(price > Decimal::from(39) && price <= Decimal::from(40), "{price}");
    let bars = desk.get(past).await.body;
    let whole: serde_json::Value = serde_json::from_str(JSON).unwrap();
    assert_eq!(bars, whole);
    assert_eq!(desk.get("/v2/positions/ZZZ").await.body["current_price"], "40.25");
}

#[tokio::test]
async fn a_journal_goes_on_with_equal_bars_and_with_no_others() {
    let (bars, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(bars.path().join("ZZZ.1Min.csv"), CSV).unwrap();
    let first = desk(bars.path(), Some(data.path())).await;
    first
        .place(json!({"symbol": "ZZZ", "qty": "10", "side": "buy", "type": "limit", "limit_price": "40", "time_in_force": "day"}))
        .await;
    first.advance(6 * 60);
    let held = first.get("/v2/positions").await;
    let pair = first.account.clone();
    let clock = first.clock.clone();
    first.server.stop().await;
    drop(first.http);

    // In other files, the bars are the same.
    fs::remove_file(bars.path().join("ZZZ.1Min.csv")).unwrap();
    fs::write(bars.path().join("all.1Min.json"), JSON).unwrap();
    let open = || PaperOptions {
        bars_dir: Some(bars.path().to_owned()),
        data_dir: Some(data.path().to_owned()),
        ..options(&clock)
    };
    let again = EphemeralBroker::start(open()).await.unwrap();
    let request = reqwest::Client::new()
        .get(format!("{}/v2/positions", again.url(paddock_core::Environment::Paper)))
        .header("APCA-API-KEY-ID", &pair.key_id)
        .header("APCA-API-SECRET-KEY", pair.secret_key.expose());
    assert_eq!(answer(request).await, held);
    again.stop().await;

    fs::write(bars.path().join("ZZZ.1Day.csv"), "date,o,h,l,c,v\n2026-06-25,41,41,41,41,100\n").unwrap();
    let refused = EphemeralBroker::start(open()).await.unwrap_err().to_string();
    assert!(refused.contains("was made with") && refused.contains("another data directory"), "{refused}");
    fs::write(bars.path().join("ZZZ.1Day.csv"), "date,o,h,l,c,v\n2026-06-25,41,40,41,41,100\n").unwrap();
    let refused = EphemeralBroker::start(open()).await.unwrap_err().to_string();
    assert!(refused.contains("ZZZ.1Day.csv, line 2: "), "{refused}");
}
