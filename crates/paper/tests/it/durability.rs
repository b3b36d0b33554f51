//! What a broker still knows when it comes back.

use std::io::Write;
use std::sync::Arc;

use paddock_core::{Environment, ManualClock};
use paddock_paper::journal::FILE_NAME;
use paddock_paper::{DEFAULT_CASH, EphemeralBroker, PaperBroker, PaperOptions};
use serde_json::{Value, json};

use crate::harness::{Desk, OPEN, answer, at, options};

/// Everything that the account shows.
async fn everything(desk: &Desk) -> Vec<Value> {
    let mut shown = Vec::new();
    for target in [
        "/v2/account",
        "/v2/orders?status=all",
        "/v2/orders?status=all&nested=true",
        "/v2/watchlists:by_name?name=mine",
        "/v2/positions",
        "/v2/account/activities",
        "/v2/account/configurations",
        "/v2/account/portfolio/history",
    ] {
        shown.push(desk.get(target).await.body);
    }
    shown
}

async fn trade(desk: &Desk) {
    let order = |symbol: &str, kind: &str, price: Option<&str>| json!({"symbol": symbol, "qty": "1.5", "side": "buy", "type": kind, "limit_price": price, "time_in_force": "day"});
    desk.place(order("AAPL", "market", None)).await;
    desk.advance(30);
    desk.place(order("MSFT", "limit", Some("1"))).await;
    desk.patch("/v2/account/configurations", json!({"no_shorting": true})).await;
    desk.advance(300);
    desk.delete("/v2/positions/AAPL?qty=0.5").await;
    let btc =
        json!({"symbol": "BTC/USD", "notional": 50, "side": "buy", "type": "market", "time_in_force": "gtc"});
    desk.place(btc).await;
    for (symbol, exits) in [
        ("IBM", json!({"take_profit": {"limit_price": 900}, "stop_loss": {"stop_price": 1}})),
        (
            "F",
            json!({"take_profit": {"limit_price": 500}, "stop_loss": {"stop_price": 1, "limit_price": 0.5}}),
        ),
    ] {
        let mut bracket = json!({"symbol": symbol, "qty": 3, "side": "buy", "type": "market", "time_in_force": "gtc",
            "order_class": "bracket"});
        bracket.as_object_mut().unwrap().extend(exits.as_object().unwrap().clone());
        desk.place(bracket).await;
    }
    let trailing = json!({"symbol": "MSFT", "qty": 2, "side": "buy", "type": "trailing_stop", "trail_percent": 40,
        "time_in_force": "gtc"});
    let trailing = desk.place(trailing).await;
    desk.advance(3600);
    let replaced = desk.patch(&format!("/v2/orders/{trailing}"), json!({"trail": 45})).await;
    assert_eq!(replaced.status, 200, "{replaced:?}");
    let made = desk.post("/v2/watchlists", json!({"name": "yours", "symbols": ["AAPL"]})).await;
    assert_eq!(made.status, 200, "{made:?}");
    let renamed =
        answer(desk.request("PUT", "/v2/watchlists:by_name?name=yours").body(r#"{"name":"mine"}"#)).await;
    assert_eq!(renamed.status, 200, "{renamed:?}");
    // A refusal leaves no trace.
    desk.post("/v2/orders", order("NOPE", "market", None)).await;
    desk.advance(40 * 3600);
}

#[tokio::test]
async fn the_same_seed_and_inputs_give_the_same_answers() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let desk = Desk::at(OPEN).await;
        trade(&desk).await;
        runs.push(everything(&desk).await);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn a_broker_comes_back_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::in_directory(OPEN, directory.path()).await;
    trade(&desk).await;
    let before = everything(&desk).await;
    let Desk { server, clock, account, http } = desk;
    server.stop().await;

    let again = PaperOptions { data_dir: Some(directory.path().to_owned()), ..options(&clock) };
    let server = EphemeralBroker::start(again).await.unwrap();
    let desk = Desk { server, clock, account, http };
    assert_eq!(everything(&desk).await, before);

    let journal = std::fs::read_to_string(directory.path().join(FILE_NAME)).unwrap();
    assert!(journal.contains(&desk.account.key_id));
    assert!(!journal.contains(desk.account.secret_key.expose()), "the secret is in the journal");
}

#[tokio::test]
async fn time_goes_on_from_where_the_journal_ends() {
    let directory = tempfile::tempdir().unwrap();
    let open = |start: &str| {
        let clock = Arc::new(ManualClock::new(at(start)));
        let options = PaperOptions { data_dir: Some(directory.path().to_owned()), ..options(&clock) };
        PaperBroker::open(options)
    };
    let broker = open("2026-06-24T15:00:00Z").unwrap();
    broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
    drop(broker);
    assert_eq!(open(OPEN).unwrap().now(), at("2026-06-24T15:00:00Z"));
}

#[tokio::test]
async fn a_torn_last_line_is_cut_off_and_other_damage_is_not_overlooked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    let clock = Arc::new(ManualClock::new(at(OPEN)));
    let open =
        || PaperBroker::open(PaperOptions { data_dir: Some(directory.path().to_owned()), ..options(&clock) });
    let broker = open().unwrap();
    let account = broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
    drop(broker);
    let whole = std::fs::read(&path).unwrap();

    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(br#"{"at":"2026-06-24T14:00:00Z","command":{"do":"revoke"#).unwrap();
    let broker = open().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    broker.revoke_key(account.account_id).await.unwrap();
    drop(broker);
    drop(open().unwrap());

    let text = String::from_utf8(whole).unwrap();
    std::fs::write(&path, text.replacen("create_account", "create_acc", 1)).unwrap();
    let error = open().unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("damaged"), "{error}");
}

#[tokio::test]
async fn a_journal_belongs_to_one_world_and_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(at(OPEN)));
    let open = |seed| {
        let data_dir = Some(directory.path().to_owned());
        PaperBroker::open(PaperOptions { data_dir, seed, ..options(&clock) })
    };
    let broker = open(1).unwrap();
    let error = open(1).unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
    drop(broker);
    let error = open(2).unwrap_err().to_string();
    assert!(error.contains("same options"), "{error}");
    assert!(open(1).is_ok());
}
