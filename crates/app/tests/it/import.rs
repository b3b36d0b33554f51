//! `paddock paper import`, from one paper broker into a folder, and another one that serves it.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{Done, Process, finish, http, paddock};

/// A paper broker of its own on free ports, with the market's hours.
fn broker(home: &Path, name: &str, more: &[&str]) -> Process {
    let mut command = paddock(home);
    command.args([
        "paper",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--live-listen",
        "127.0.0.1:0",
        "--clock",
        "step",
    ]);
    command.args(["--start", "2024-09-03"]).args(more);
    Process::start(command, &home.join(name))
}

/// The pair of a new account.
fn pair(home: &Path, broker: &Process) -> (String, String) {
    let mut command = paddock(home);
    command.args(["paper", "account", "create", "--json", "--url", &broker.address("paper")]);
    let account = finish(command, "").ok().json();
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    (text("key_id"), text("secret_key"))
}

/// All bars of some months, page by page.
fn bars(
    broker: &Process,
    (key_id, secret): &(String, String),
    path: &str,
    symbols: &str,
    timeframe: &str,
) -> Value {
    let headers = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret.as_str())];
    let mut all: Vec<Value> = Vec::new();
    let mut token = String::new();
    loop {
        let target = format!(
            "{}{path}?symbols={symbols}&timeframe={timeframe}&start=2024-05-15&end=2024-07-12T12:00:00Z&limit=10000{token}",
            broker.address("paper")
        );
        let (status, body) = http("GET", &target, &headers, "");
        assert_eq!(status, 200, "{body}");
        let mut page: Value = serde_json::from_str(&body).unwrap();
        all.push(page["bars"].take());
        match page["next_page_token"].as_str() {
            Some(next) => token = format!("&page_token={}", next.replace('=', "%3D").replace('+', "%2B")),
            None => return all.into(),
        }
    }
}

fn import(
    home: &Path,
    source: &Process,
    (key_id, secret): &(String, String),
    more: &[&str],
) -> std::process::Command {
    let mut command = paddock(home);
    command.args(["paper", "import", "--from", "alpaca", "--json", "--into"]).arg(home.join("bars"));
    command.args(["--url", &source.address("paper")]).args(more);
    command.env("APCA_API_KEY_ID", key_id).env("APCA_API_SECRET_KEY", secret);
    command
}

fn files(home: &Path) -> Vec<String> {
    let Ok(listed) = fs::read_dir(home.join("bars")) else { return Vec::new() };
    let mut names: Vec<String> =
        listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const MINUTES: [&str; 6] = ["--symbols", "AAPL,TSLA", "--start", "2024-05-15", "--end", "2024-07-10"];

#[test]
fn an_import_that_was_killed_goes_on_and_is_served_bit_for_bit() {
    let temp = tempfile::tempdir().unwrap();
    let home = temp.path();
    let source = broker(home, "source.log", &["--seed", "7"]);
    let key = pair(home, &source);

    let mut command = import(home, &source, &key, &MINUTES);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !files(home).iter().any(|name| name.ends_with(".csv.gz") && !name.starts_with('.')) {
        assert!(child.try_wait().unwrap().is_none() || !files(home).is_empty(), "it ended early");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let resumed: Done = finish(import(home, &source, &key, &MINUTES), "").ok();
    assert!(resumed.json()["files"].as_u64().unwrap() < 6, "{resumed:?}");
    let crypto = ["--symbols", "BTC/USD", "--start", "2024-06-01", "--end", "2024-06-03"];
    finish(import(home, &source, &key, &crypto), "").ok();
    // More of a month replaces what was there.
    let crypto = ["--symbols", "BTC/USD", "--start", "2024-05-15", "--end", "2024-07-12"];
    finish(import(home, &source, &key, &crypto), "").ok();
    let again = finish(import(home, &source, &key, &MINUTES), "").ok().json();
    assert_eq!((&again["files"], &again["bars"]), (&0.into(), &0.into()));
    let expected =
        ["2024-05-15_2024-05-31", "2024-06-01_2024-06-30", "2024-07-01_2024-07-10", "2024-07-01_2024-07-12"];
    let name = |symbol: &str, piece: &str| format!("{symbol}.1Min.{piece}.csv.gz");
    let mut names: Vec<String> = Vec::new();
    for symbol in ["AAPL", "BTC-USD", "TSLA"] {
        let last = if symbol == "BTC-USD" { expected[3] } else { expected[2] };
        names.extend([expected[0], expected[1], last].map(|piece| name(symbol, piece)));
    }
    assert_eq!(files(home), names);

    // Another seed: what is equal comes from the files.
    let folder = home.join("bars");
    let served = broker(home, "served.log", &["--seed", "8", "--bars", folder.to_str().unwrap()]);
    assert!(served.ready["bars"].as_str().unwrap().contains("bars of 3 symbols"), "{}", served.ready);
    let other = pair(home, &served);
    let (stocks, crypto) = ("/v2/stocks/bars", "/v1beta3/crypto/us/bars");
    let compare = |path: &str, symbols: &str, timeframe: &str| {
        let there = bars(&source, &key, path, symbols, timeframe);
        assert!(there[0].as_object().is_some_and(|bars| !bars.is_empty()), "{there}");
        (there, bars(&served, &other, path, symbols, timeframe))
    };
    let until_tenth = |bars: Value| {
        let text = serde_json::to_string(&bars).unwrap();
        text.split("\"t\":\"2024-07-1").next().unwrap().to_owned()
    };
    let (there, here) = compare(stocks, "AAPL", "1Min");
    assert_eq!(until_tenth(there), until_tenth(here));
    let (there, here) = compare(stocks, "TSLA", "1Min");
    assert_eq!(until_tenth(there), until_tenth(here));
    let (there, here) = compare(crypto, "BTC/USD", "1Min");
    assert_eq!(there, here);
}

#[test]
fn what_an_import_cannot_do_is_said_with_the_next_step() {
    let temp = tempfile::tempdir().unwrap();
    let home = temp.path();
    let source = broker(home, "source.log", &[]);
    let nobody = ("PKNOBODY00000000000000NONE".to_owned(), "x".repeat(44));
    let refused = finish(import(home, &source, &nobody, &MINUTES), "");
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.stderr.contains("access key") && !refused.stderr.contains(&nobody.1), "{refused:?}");
    for (arguments, expected) in [
        (["--symbols", "AAPL", "--start", "2024-06-01", "--end", "2999-01-01"], "is not over yet"),
        (["--symbols", "AAPL", "--start", "2024-06-03", "--end", "2024-06-01"], "after the end"),
        (
            ["--symbols", "AAPL261218C00150000", "--start", "2024-06-01", "--end", "2024-06-03"],
            "is an option",
        ),
    ] {
        let refused = finish(import(home, &source, &nobody, &arguments), "");
        assert_eq!(refused.status, 2, "{refused:?}");
        assert!(refused.stderr.contains(expected), "{refused:?}");
    }
}

/// A host that has had enough says for how long, and is asked again then and no sooner.
#[test]
fn an_import_waits_as_long_as_it_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let home = temp.path();
    let source = broker(home, "source.log", &["--seed", "7"]);
    let key = pair(home, &source);
    let fault = |arguments: &[&str]| {
        let mut command = paddock(home);
        command.args(["paper", "fault"]).args(arguments).args(["--json", "--url", &source.address("paper")]);
        finish(command, "").ok().json()
    };
    let rule = ["add", "error", "--status", "429", "--retry-after", "1", "--operation", "StockBars"];
    fault(&[&rule[..], &["--count", "2"]].concat());
    let started = std::time::Instant::now();
    let june = ["--symbols", "AAPL", "--start", "2024-06-03", "--end", "2024-06-04"];
    let imported = finish(import(home, &source, &key, &june), "").ok().json();
    assert!(started.elapsed().as_secs() >= 2, "{:?}", started.elapsed());
    assert!(imported["bars"].as_u64().unwrap() > 0, "{imported}");
    assert_eq!(fault(&["list"])["faults"][0]["fired"], 2);
}
