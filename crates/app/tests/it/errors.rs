//! What is said when something is wrong: lower case, no full stop, the next step, and the documented exit status.

use std::path::Path;

use crate::bench::{Done, finish, paddock};

/// Runs a command whose home is a new directory, and replaces that directory's name in what it says.
fn run(arguments: &[&str], prepare: impl FnOnce(&Path)) -> Done {
    let home = tempfile::tempdir().unwrap();
    prepare(home.path());
    let mut command = paddock(home.path());
    command.args(arguments);
    let mut done = finish(command, "");
    done.stderr = done.stderr.replace(&home.path().display().to_string(), "HOME");
    done
}

fn check(arguments: &[&str], status: i32, expected: &str) {
    let done = run(arguments, |_| {});
    assert_eq!(
        (done.status, done.stdout.as_str(), done.stderr.trim_end()),
        (status, "", expected),
        "{arguments:?}"
    );
}

#[test]
fn a_missing_paddock_is_said_to_be_missing() {
    let expected = "error: there is no Paddock in HOME/.local/share/paddock\n\
        hint: start with `paddock serve` or `paddock connection add`, try `paddock demo`, or name another directory with \
        `--data-dir`";
    for arguments in [
        &["connection", "list"][..],
        &["key", "list"],
        &["audit", "verify"],
        &["freeze"],
        &["vault", "status"],
    ] {
        check(arguments, 1, expected);
    }
}

#[test]
fn failures_are_json_when_json_was_asked_for() {
    let done = run(&["key", "list", "--json"], |_| {});
    let error: serde_json::Value = serde_json::from_str(&done.stderr).unwrap();
    assert_eq!(done.status, 1);
    assert!(error["error"]["message"].as_str().unwrap().starts_with("there is no Paddock"));
    assert!(error["error"]["hint"].is_string());
}

#[test]
fn a_secret_is_never_taken_from_the_command_line() {
    let done = run(&["connection", "add", "main", "--environment", "paper", "--secret-key", "S"], |_| {});
    assert_eq!(done.status, 2);
    assert!(done.stderr.contains("unexpected argument '--secret-key'"), "{done:?}");
}

#[test]
fn a_missing_secret_says_how_to_give_it() {
    check(
        &["connection", "add", "main", "--environment", "paper", "--key-id", "PKTEST"],
        2,
        "error: the Secret Key is missing, and there is no terminal to ask at\n\
         hint: pipe the pair in with `--secret-stdin`, or set APCA_API_KEY_ID and APCA_API_SECRET_KEY",
    );
}

#[test]
fn an_environment_is_never_guessed() {
    let done = run(&["connection", "add", "main", "--environment", "Paper", "--secret-stdin"], |_| {});
    assert_eq!(done.status, 2);
    assert!(done.stderr.contains("the environment is exactly `paper` or `live`"), "{done:?}");
}

#[test]
fn an_address_beyond_this_machine_needs_a_yes() {
    check(
        &["serve", "--gateway", "0.0.0.0:0", "--web", "127.0.0.1:0"],
        2,
        "error: the gateway address 0.0.0.0:0 is reachable from other machines, in plain HTTP\n\
         hint: listen on 127.0.0.1, or say `--allow-remote` if only a trusted network or a TLS proxy can reach it",
    );
}

#[test]
fn a_misspelt_setting_is_refused() {
    let write =
        |home: &Path| std::fs::write(home.join("c.toml"), "[listen]\ngatway = \"127.0.0.1:1\"\n").unwrap();
    let home = tempfile::tempdir().unwrap();
    write(home.path());
    let mut command = paddock(home.path());
    command.args(["serve", "--config"]).arg(home.path().join("c.toml"));
    let done = finish(command, "");
    assert_eq!(done.status, 1);
    assert!(
        done.stderr.contains("line 2 of the configuration") && done.stderr.contains("gatway"),
        "{done:?}"
    );
}

#[test]
fn an_address_in_use_says_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let done = run(&["serve", "--gateway", &address, "--web", "127.0.0.1:0"], |_| {});
    assert_eq!(done.status, 1);
    assert!(done.stderr.contains(&format!("cannot listen on {address} for the gateway")), "{done:?}");
    assert!(done.stderr.contains("hint: give another address with `--gateway ADDR`"), "{done:?}");
}

#[test]
fn the_demo_leaves_a_persons_own_directory_alone() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("paddock.db"), "mine").unwrap();
    let mut command = paddock(home.path());
    command.args(["demo", "--once", "--data-dir"]).arg(home.path());
    let done = finish(command, "");
    assert_eq!(done.status, 1);
    assert!(done.stderr.contains("holds a Paddock that is not a demo's"), "{done:?}");
}
