//! A server whose vault is locked tells programs so at every entrance, and forwards nothing.

use std::fs;

use crate::bench::{Bench, Process, http};

/// A server with its proxy and TLS entrances, for a bench whose vault was spoiled.
fn serve(bench: &Bench) -> Process {
    let mut command = bench.command();
    command.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    Process::start(command, &bench.path().join("serve.log"))
}

fn every_request_is_503(spoil: impl FnOnce(&Bench), code: &str) {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = bench.issue("bot");
    spoil(&bench);
    let mut server = serve(&bench);
    let gateway = server.address("gateway");
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let order = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;
    let upgrade = [
        &pair[..],
        &[("upgrade", "websocket"), ("sec-websocket-version", "13")],
        &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")],
    ]
    .concat();
    for (method, path, headers, body) in [
        ("GET", "/v2/account", &pair[..], ""),
        ("GET", "/v2/stocks/AAPL/quotes/latest", &pair[..], ""),
        ("GET", "/v2/events/trades", &pair[..], ""),
        ("POST", "/v2/orders", &pair[..], order),
        ("DELETE", "/v2/orders", &pair[..], ""),
        ("DELETE", "/v2/positions/AAPL", &pair[..], ""),
        ("GET", "/stream", &upgrade[..], ""),
        ("GET", "/v2/iex", &upgrade[..], ""),
    ] {
        let (status, answer) = http(method, &format!("{gateway}{path}"), headers, body);
        assert_eq!(status, 503, "{method} {path}: {answer}");
        assert!(answer.contains(code), "{method} {path}: {answer}");
    }
    // Whoever has no access key learns nothing of it.
    assert_eq!(http("GET", &format!("{gateway}/v2/account"), &[("authorization", "Bearer x")], "").0, 401);
    assert_eq!(server.stop(), 0);
    // The broker was asked for nothing: it has no order, and neither the caps nor the audit say that it was.
    let real =
        [("apca-api-key-id", bench.key_id.as_str()), ("apca-api-secret-key", bench.secret_key.as_str())];
    let (_, orders) = http("GET", &format!("{}/v2/orders?status=all", bench.broker_url()), &real, "");
    assert_eq!(orders, "[]");
}

#[test]
fn without_the_key_file_every_request_is_503() {
    every_request_is_503(
        |bench| fs::remove_file(bench.data_dir().join("vault.key")).unwrap(),
        "vault_locked",
    );
}

#[test]
fn with_an_open_key_file_every_request_is_503() {
    use std::os::unix::fs::PermissionsExt as _;
    let open = |bench: &Bench| {
        let file = bench.data_dir().join("vault.key");
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    };
    every_request_is_503(open, "vault_locked");
}

#[test]
fn with_a_damaged_key_file_every_request_is_503() {
    every_request_is_503(
        |bench| fs::write(bench.data_dir().join("vault.key"), "nonsense").unwrap(),
        "vault_locked",
    );
}

/// As with a wrong passphrase, the vault opens and what is sealed does not.
#[test]
fn with_another_vaults_key_file_every_request_is_503() {
    let exchange = |bench: &Bench| {
        let other = bench.path().join("other");
        let mut init = bench.command_in(&other);
        init.args([
            "connection",
            "add",
            "x",
            "--environment",
            "paper",
            "--key-id",
            &bench.key_id,
            "--secret-stdin",
        ]);
        crate::bench::finish(init, &bench.secret_key).ok();
        fs::copy(other.join("vault.key"), bench.data_dir().join("vault.key")).unwrap();
    };
    every_request_is_503(exchange, "credential_unreadable");
}
