//! `paddock demo`, as a person starts it first.

use std::process::Command;

use serde_json::Value;

use crate::bench::{Process, finish, http, paddock};

fn demo(home: &std::path::Path) -> Command {
    let mut command = paddock(home);
    command.arg("demo");
    for listener in ["--web", "--gateway", "--paper", "--paper-live"] {
        command.args([listener, "127.0.0.1:0"]);
    }
    command
}

#[test]
fn once_ends_well_and_a_second_run_too() {
    let home = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut command = demo(home.path());
        command.args(["--once", "--json"]);
        let done = finish(command, "").ok().json();
        assert_eq!(done["ok"], true);
        assert_eq!(done["steps"].as_array().unwrap().len(), 5);
        assert_eq!(done["positions"][0]["symbol"], "AAPL");
        assert_eq!(done["audit"]["valid"], true);
    }
    let facts = std::fs::read_to_string(home.path().join(".local/share/paddock-demo/demo.json")).unwrap();
    let facts: Value = serde_json::from_str(&facts).unwrap();
    for name in ["gateway", "web", "paper", "paper_live", "account_number"] {
        assert!(facts[name].is_string(), "{facts}");
    }
}

#[test]
fn a_person_reads_what_happened() {
    let home = tempfile::tempdir().unwrap();
    let mut command = demo(home.path());
    command.arg("--once");
    let told = finish(command, "").ok().stdout;
    for words in ["filled: 1 at $", "refused: ", "MSFT", "What the account holds now", "the chain is whole"] {
        assert!(told.contains(words), "{words} in {told}");
    }
}

#[test]
fn it_stays_up_and_the_command_line_works_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let data_dir = home.path().join("demo");
    let mut command = demo(home.path());
    command.arg("--data-dir").arg(&data_dir);
    let mut running = Process::start(command, &home.path().join("demo.log"));
    let mut create = paddock(home.path());
    create.arg("--data-dir").arg(&data_dir);
    create.args(["key", "create", "mine", "--connection", "demo", "--preset", "read-only", "--json"]);
    let created = finish(create, "").ok().json();
    let pair = [
        ("apca-api-key-id", created["key_id"].as_str().unwrap()),
        ("apca-api-secret-key", created["secret_key"].as_str().unwrap()),
    ];
    let gateway = running.ready["demo"]["gateway"].as_str().unwrap().to_owned();
    assert_eq!(http("GET", &format!("{gateway}/v2/positions"), &pair, "").0, 200);
    let order = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;
    assert_eq!(http("POST", &format!("{gateway}/v2/orders"), &pair, order).0, 403);
    let web = running.ready["demo"]["web"].as_str().unwrap().to_owned();
    assert_eq!(http("GET", &web, &[], "").0, 303);
    let link = running.ready["demo"]["sign_in"].as_str().unwrap().to_owned();
    let cookie = crate::bench::cookie_of(&link);
    let (status, page) = http("GET", &web, &[("cookie", &cookie)], "");
    assert_eq!(status, 200);
    assert!(page.contains("demo-bot"), "{page}");
    assert_eq!(running.stop(), 0);
}

#[test]
fn the_command_that_its_pages_name_starts_another_one_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let mut running = Process::start(demo(home.path()), &home.path().join("demo.log"));
    let web = running.ready["demo"]["web"].as_str().unwrap().to_owned();
    let cookie = crate::bench::cookie_of(running.ready["demo"]["sign_in"].as_str().unwrap());
    let (_, page) = http("GET", &format!("{web}/connections/new/paper"), &[("cookie", &cookie)], "");
    let command = page.split("<code>paddock serve ").nth(1).and_then(|rest| rest.split("</code>").next());
    let command = command.unwrap_or_else(|| panic!("{page}"));
    // A demo takes these ports where nobody says otherwise.
    let mut help = paddock(home.path());
    help.args(["demo", "--help"]);
    let usual = finish(help, "").ok().stdout;
    let mut serve = paddock(home.path());
    serve.arg("serve");
    let mut addresses = 0;
    for word in command.split(' ') {
        match word.strip_prefix("127.0.0.1:") {
            Some(port) => {
                assert!(!usual.contains(&format!("127.0.0.1:{port}]")), "{port} is the demo's");
                addresses += 1;
                // Another test may hold the port itself.
                serve.arg("127.0.0.1:0");
            }
            None => _ = serve.arg(word.replace('~', home.path().to_str().unwrap())),
        }
    }
    assert_eq!(addresses, 2, "{command}");
    let mut beside = Process::start(serve, &home.path().join("serve.log"));
    assert!(beside.ready["data_dir"].as_str().unwrap().ends_with("/paddock-alpaca"));
    assert_eq!(beside.stop(), 0);
    assert_eq!(running.stop(), 0);
}
