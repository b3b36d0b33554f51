//! Kill -9 of the real server in a rotation. Every point of it is killed in `paddock-rotate`'s tests; here it is seen from outside that what starts again holds
//! orders back until the new pair is in use, and goes on by itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{Bench, http};

const ORDER: &str =
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"limit","limit_price":"1","time_in_force":"gtc"}"#;

/// Takes the pair, and kills the server that has started it: the first time before it takes it, the second time after.
const PROGRAM: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
echo "$PADDOCK_DELIVERY" >> asked
case $(wc -l < asked) in
    1) kill -9 "$PPID"; exit 1 ;;
    2) cat > taken; kill -9 "$PPID" ;;
    *) cat > taken ;;
esac
"#;

const STATUS: [&str; 3] = ["rotation", "status", "main"];

#[test]
fn a_killed_server_goes_on_and_orders_wait_for_the_new_pair() {
    let bench = Bench::new();
    let bots = fs::canonicalize(bench.path()).unwrap().join("bots");
    fs::create_dir(&bots).unwrap();
    fs::create_dir(bench.data_dir()).unwrap();
    let (dotenv, program) = (bots.join(".env"), bots.join("take-pair"));
    let written = |id: &str, secret: &str| {
        format!("# the bot\nAPCA_API_SECRET_KEY='{secret}'\nAPCA_API_KEY_ID={id} # paper\n# end\n")
    };
    fs::write(&dotenv, written(&bench.key_id, &bench.secret_key)).unwrap();
    fs::write(&program, PROGRAM).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let config = format!(
        "[rotation]\nallowed_folders = [\"{}\"]\nallowed_programs = [\"{}\"]\n",
        bots.display(),
        program.display()
    );
    fs::write(bench.data_dir().join("config.toml"), config).unwrap();
    bench.connect().ok();
    let add = |name: &str, kind: &str, setting: String| {
        bench.run(&["consumer", "add", name, "--connection", "main", "--kind", kind, "--set", &setting]).ok();
    };
    add("bot-env", "dotenv", format!("path={}", dotenv.display()));
    add("bot-program", "command", format!("put={}", program.display()));
    let (key_id, secret_key) = bench.issue("bot");
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];

    // Killed while a person makes the new pair: the next server holds orders back from its first moment on.
    let mut server = bench.serve();
    bench.run(&["rotation", "plan", "main", "--open-orders", "go_on"]).ok();
    bench.run(&["rotation", "start", "main"]).ok();
    bench.until(&STATUS, |one| one["state"] == "awaiting_mint");
    let made = bench.run(&["paper", "key", "regenerate"]).ok().json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    server.kill();
    let mut server = bench.serve();
    let (status, body) = http("POST", &format!("{}/v2/orders", server.address("gateway")), &pair, ORDER);
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("rotation_in_progress"), "{body}");

    // Killed twice in the midst of a delivery. The command that pastes may not live to hear of its success.
    let said = format!("{}\n{}\n", text("key_id"), text("secret_key"));
    bench.run_with(&["rotation", "paste", "main", "--secret-stdin"], &said);
    server.wait();
    let mut again = bench.command();
    again.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    // It may be killed before it tells its addresses.
    let status = again.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.signal(), Some(9));
    let mut server = bench.serve();
    let closed = bench.until(&STATUS, |one| one["over"] == true);
    assert_eq!((&closed["state"], &closed["old_pair"]), (&"closed".into(), &"dead".into()), "{closed}");
    assert_eq!(closed["holds_orders"], false);

    assert_eq!(fs::read_to_string(&dotenv).unwrap(), written(&text("key_id"), &text("secret_key")));
    let taken: Value = serde_json::from_str(&fs::read_to_string(bots.join("taken")).unwrap()).unwrap();
    assert_eq!(taken["APCA_API_SECRET_KEY"], text("secret_key").as_str());
    let asked = fs::read_to_string(bots.join("asked")).unwrap();
    let mut asked: Vec<&str> = asked.lines().collect();
    assert_eq!(asked.len(), 3, "once more after each death");
    asked.dedup();
    assert_eq!(asked.len(), 1, "it is the same delivery");
    let report = bench.run(&["rotation", "report", "main"]).ok().json();
    let outcomes = |name: &str| -> Vec<String> {
        let all = report["deliveries"].as_array().unwrap().iter();
        let own = all.filter(|one| one["consumer"] == name);
        own.map(|one| one["outcome"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(outcomes("bot-env"), ["written"]);
    assert_eq!(outcomes("bot-program"), ["begun", "begun", "written"]);
    let (status, body) = http("POST", &format!("{}/v2/orders", server.address("gateway")), &pair, ORDER);
    assert_eq!(status, 200, "{body}");
    assert_eq!(server.stop(), 0);
    bench.run(&["audit", "verify"]).ok();
}
