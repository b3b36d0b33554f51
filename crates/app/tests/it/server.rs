//! A running server, and commands beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::bench::{Bench, http};

#[test]
fn commands_mean_the_same_with_and_without_a_server() {
    let bench = Bench::new();
    bench.connect().ok();
    // The server looks at the pair as soon as it runs, and says when.
    let listed = || {
        let mut listed = bench.run(&["connection", "list"]).ok().json();
        assert!(listed[0].as_object_mut().unwrap().remove("checked_at").is_some_and(|at| at.is_string()));
        listed
    };
    let alone = listed();
    let mut server = bench.serve();
    let beside = listed();
    assert_eq!(alone, beside);
    assert_eq!(beside[0]["name"], "main");
    assert_eq!(bench.run(&["doctor"]).status, 0);
    assert_eq!(server.stop(), 0);
    assert!(!bench.data_dir().join("paddock.sock").exists());
}

#[test]
fn what_a_server_keeps_is_its_owners_alone() {
    let bench = Bench::new();
    let mut server = bench.serve();
    let mode = |name: &str| fs::metadata(bench.data_dir().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(""), 0o700);
    for name in ["paddock.db", "vault.key", "paddock.sock", "audit.anchor", "paddock.lock"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_second_server_is_refused() {
    let bench = Bench::new();
    let _server = bench.serve();
    let mut second = bench.command();
    second.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    let done = crate::bench::finish(second, "");
    assert_eq!(done.status, 1);
    assert!(done.stderr.contains("another Paddock (process"), "{done:?}");
}

#[test]
fn after_a_kill_the_next_start_works() {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = bench.issue("bot");
    bench.serve().kill();
    let mut server = bench.serve();
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let (status, body) = http("GET", &format!("{}/v2/account", server.address("gateway")), &pair, "");
    assert_eq!(status, 200, "{body}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_freeze_takes_effect_at_once() {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = bench.issue("bot");
    let mut server = bench.serve();
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let account = format!("{}/v2/account", server.address("gateway"));
    assert_eq!(http("GET", &account, &pair, "").0, 200);
    bench.run(&["freeze"]).ok();
    assert_eq!(http("GET", &account, &pair, "").0, 403);
    bench.run(&["unfreeze"]).ok();
    assert_eq!(http("GET", &account, &pair, "").0, 200);
    bench.run(&["key", "revoke", "bot"]).ok();
    assert_eq!(http("GET", &account, &pair, "").0, 401);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_wrong_pair_is_told_apart_and_not_stored() {
    let bench = Bench::new();
    let swapped = [
        "connection",
        "add",
        "main",
        "--environment",
        "paper",
        "--key-id",
        &bench.secret_key,
        "--secret-stdin",
    ];
    let done = bench.run_with(&swapped, &bench.key_id);
    assert_eq!(done.status, 3, "{done:?}");
    let live =
        ["connection", "add", "main", "--environment", "live", "--key-id", &bench.key_id, "--secret-stdin"];
    let done = bench.run_with(&live, &bench.secret_key);
    assert_eq!(done.status, 3, "{done:?}");
    assert!(done.stderr.contains("Paper mode mismatch"), "{done:?}");
    assert_eq!(bench.run(&["connection", "list"]).ok().json(), serde_json::json!([]));
}

#[test]
fn whoever_watches_finds_figures_where_they_were_asked_for() {
    let bench = Bench::new();
    bench.connect().ok();
    let mut command = bench.command();
    command.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
    let mut server = crate::bench::Process::start(command, &bench.path().join("serve.log"));
    let metrics = server.address("metrics");
    let (status, body) = http("GET", &metrics, &[], "");
    assert_eq!(status, 200);
    assert!(body.contains("paddock_budget_limit{connection=\"main\",api=\"trading\"} 200"), "{body}");
    let ready = metrics.replace("/metrics", "/readyz");
    assert_eq!(http("GET", &ready, &[], "").0, 200);
    let printed = bench.run(&["metrics"]).ok().json()["metrics"].as_str().unwrap().to_owned();
    assert!(printed.contains("paddock_vault_locked 0"), "{printed}");
    let found = bench.run(&["doctor"]).ok().json();
    let ready = found.as_array().unwrap().iter().find(|one| one["name"] == "ready").unwrap();
    assert_eq!(ready["verdict"], "ok");
    assert_eq!(server.stop(), 0);
}

#[test]
fn open_connections_do_not_hold_up_the_end() {
    use std::io::{Read as _, Write as _};
    let bench = Bench::new();
    let mut server = bench.serve();
    let address = |name: &str| server.address(name).replace("http://", "");
    // Two that say nothing, one that keeps its connection, and one that listens to events.
    let _silent = ["web", "gateway"].map(|name| std::net::TcpStream::connect(address(name)).unwrap());
    let mut kept = std::net::TcpStream::connect(address("gateway")).unwrap();
    kept.write_all(b"GET /v2/account HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    kept.read_exact(&mut [0_u8; 15]).unwrap();
    let mut events = std::net::TcpStream::connect(address("web")).unwrap();
    let cookie = crate::bench::set_up(server.ready["set_up"].as_str().unwrap());
    let request = format!("GET /events HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n\r\n", address("web"));
    events.write_all(request.as_bytes()).unwrap();
    let mut answer = [0_u8; 15];
    events.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    let started = std::time::Instant::now();
    assert_eq!(server.stop(), 0);
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "it took {:?}", started.elapsed());
}

#[test]
fn a_pair_comes_from_standard_input_or_the_environment() {
    let bench = Bench::new();
    let add = ["connection", "add", "main", "--environment", "paper"];
    let both = format!("{}\n{}\n", bench.key_id, bench.secret_key);
    bench.run_with(&[&add[..], &["--secret-stdin"]].concat(), &both).ok();
    bench.run(&["connection", "remove", "main"]).ok();
    let mut command = bench.command();
    command.args(add).env("APCA_API_KEY_ID", &bench.key_id).env("APCA_API_SECRET_KEY", &bench.secret_key);
    crate::bench::finish(command, "").ok();
}

#[test]
fn the_data_directorys_own_configuration_is_read() {
    let bench = Bench::new();
    fs::create_dir(bench.data_dir()).unwrap();
    let text = "[listen]\ngateway = \"127.0.0.2:0\"\nweb = \"127.0.0.3:0\"\n";
    fs::write(bench.data_dir().join("config.toml"), text).unwrap();
    let mut command = bench.command();
    command.arg("serve");
    let mut server = crate::bench::Process::start(command, &bench.path().join("serve.log"));
    assert!(server.address("gateway").starts_with("http://127.0.0.2:"), "{:?}", server.ready);
    assert!(server.address("web").starts_with("http://127.0.0.3:"), "{:?}", server.ready);
    assert_eq!(server.stop(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_not_dumped() {
    let bench = Bench::new();
    let mut server = bench.serve();
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().rev().nth(1), Some("0"), "{core}");
    assert_eq!(server.stop(), 0);
}
