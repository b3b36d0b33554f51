//! `paddock demo`, as a person starts it first.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

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

/// What somebody has who types that line into a terminal. `paddock` is on no search path here, as after `cargo xtask demo`.
fn typed(home: &std::path::Path, line: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.env_clear().env("HOME", home).args(["-c", &format!("exec {line} \"$@\""), "sh"]);
    command
}

#[test]
fn the_commands_that_its_terminal_names_run_as_they_stand() {
    let home = tempfile::tempdir().unwrap();
    let log = std::fs::File::create(home.path().join("demo.log")).unwrap();
    let mut running = demo(home.path()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let told: Vec<String> = BufReader::new(running.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .take_while(|line| !line.contains("Ctrl-C ends the demo"))
        .collect();
    let list = told.iter().find(|line| line.ends_with(" audit list")).unwrap_or_else(|| panic!("{told:?}"));
    assert!(finish(typed(home.path(), list.trim()), "").ok().stdout.contains("demo-bot"));
    let create = told.iter().find(|line| line.contains(" key create NAME ")).unwrap();
    finish(typed(home.path(), create.trim()), "").ok();
    assert!(told.iter().any(|line| line.contains("counts as a proof")), "{told:?}");
    assert!(Command::new("kill").arg(running.id().to_string()).status().unwrap().success());
    assert!(running.wait().unwrap().success());
}

#[test]
fn the_command_that_its_pages_name_starts_another_one_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let mut running = Process::start(demo(home.path()), &home.path().join("demo.log"));
    let web = running.ready["demo"]["web"].as_str().unwrap().to_owned();
    let cookie = crate::bench::cookie_of(running.ready["demo"]["sign_in"].as_str().unwrap());
    let (_, page) = http("GET", &format!("{web}/connections/new/paper"), &[("cookie", &cookie)], "");
    let command = page.split("<code>").find(|rest| rest.contains(" serve --data-dir "));
    let command = command.and_then(|rest| rest.split("</code>").next()).unwrap_or_else(|| panic!("{page}"));
    // A demo takes these ports where nobody says otherwise.
    let mut help = paddock(home.path());
    help.args(["demo", "--help"]);
    let usual = finish(help, "").ok().stdout;
    let mut addresses = 0;
    let words = command.split(' ').map(|word| match word.strip_prefix("127.0.0.1:") {
        Some(port) => {
            assert!(!usual.contains(&format!("127.0.0.1:{port}]")), "{port} is the demo's");
            addresses += 1;
            // Another test may hold the port itself.
            "127.0.0.1:0"
        }
        None => word,
    });
    let serve = typed(home.path(), &words.collect::<Vec<_>>().join(" "));
    assert_eq!(addresses, 2, "{command}");
    let mut beside = Process::start(serve, &home.path().join("serve.log"));
    assert!(beside.ready["data_dir"].as_str().unwrap().ends_with("/paddock-alpaca"));
    assert_eq!(beside.stop(), 0);
    assert_eq!(running.stop(), 0);
}
