//! Options of `paddock paper serve` that change what a client is answered.

use serde_json::Value;

use crate::bench::{Process, finish, http, paddock};

/// What a fresh account's answer to `GET /v2/account` has.
fn account(options: &[&str]) -> Value {
    let home = tempfile::tempdir().unwrap();
    let mut command = paddock(home.path());
    command.args(["paper", "serve", "--listen", "127.0.0.1:0", "--live-listen", "127.0.0.1:0"]);
    command.args(["--clock", "step"]).args(options);
    let broker = Process::start(command, &home.path().join("log"));
    let url = broker.address("paper");
    let mut command = paddock(home.path());
    command.args(["paper", "account", "create", "--json", "--url", &url]);
    let created = finish(command, "").ok().json();
    let text = |name: &str| created[name].as_str().unwrap().to_owned();
    let (key_id, secret) = (text("key_id"), text("secret_key"));
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret.as_str())];
    let (status, body) = http("GET", &format!("{url}/v2/account"), &pair, "");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn fields_on_day_trades_are_there_by_date_or_as_it_is_said() {
    let (before, after) = ("2026-06-24", "2026-08-24");
    for (start, when, shown) in [
        (before, None, true),
        (after, None, false),
        (before, Some("by-date"), true),
        (before, Some("never"), false),
        (after, Some("always"), true),
    ] {
        let chosen = when.map(|when| ["--day-trade-fields", when]);
        let options: Vec<&str> = ["--start", start].into_iter().chain(chosen.into_iter().flatten()).collect();
        assert_eq!(account(&options).get("daytrade_count").is_some(), shown, "{options:?}");
    }
    let home = tempfile::tempdir().unwrap();
    let mut command = paddock(home.path());
    command.args(["paper", "serve", "--day-trade-fields", "sometimes"]);
    let refused = finish(command, "");
    assert!(refused.status == 2 && refused.stderr.contains("by-date, always, never"), "{refused:?}");
}
