//! The same binary on PostgreSQL. Needs `PADDOCK_TEST_POSTGRES_URL`, which `cargo xtask test` sets.

use std::process::Command;

use crate::bench::{Bench, Process, finish, http};

#[test]
fn a_backup_of_sqlite_serves_from_postgres() {
    let Ok(url) = std::env::var("PADDOCK_TEST_POSTGRES_URL") else { return };
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = bench.issue("bot");
    let file = bench.path().join("paddock.backup");
    bench.run(&["backup", file.to_str().unwrap(), "--with-key"]).ok();

    let data_dir = bench.path().join("postgres");
    let command = |arguments: &[&str]| -> Command {
        let mut command = bench.command_in(&data_dir);
        command.env("PADDOCK_DATABASE_URL", &url).args(arguments);
        command
    };
    let done = finish(command(&["restore", file.to_str().unwrap(), "--json"]), "");
    if done.stderr.contains("the database is not empty") {
        // Somebody's own server, which held this test before: its tables are not ours to drop.
        return;
    }
    assert_eq!(done.ok().json()["valid"], true);

    let serve = command(&["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    let mut server = Process::start(serve, &bench.path().join("postgres.log"));
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let orders = format!("{}/v2/orders", server.address("gateway"));
    let order = |symbol: &str| {
        format!(r#"{{"symbol":"{symbol}","qty":"1","side":"buy","type":"market","time_in_force":"day"}}"#)
    };
    assert_eq!(http("POST", &orders, &pair, &order("AAPL")).0, 200);
    assert_eq!(http("POST", &orders, &pair, &order("MSFT")).0, 403);
    assert_eq!(finish(command(&["audit", "verify", "--json"]), "").ok().json()["valid"], true);
    assert_eq!(server.stop(), 0);

    // And without a server; the password is shown nowhere.
    let doctor = finish(command(&["doctor"]), "").ok();
    let password = url.split([':', '@']).nth(2).unwrap();
    assert!(doctor.stdout.contains("PostgreSQL, opens"), "{doctor:?}");
    assert!(!format!("{doctor:?}").contains(password));
    assert!(!data_dir.join("paddock.db").exists());
}
