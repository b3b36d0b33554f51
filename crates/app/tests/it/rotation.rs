//! A rotation as a person at a command line does it, against the paper broker.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::Value;

use crate::bench::{Bench, Done, http};
use crate::canary::disguises;

fn new_pair(bench: &Bench) -> (String, String) {
    let account = bench.run(&["paper", "key", "regenerate"]).ok().json();
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    (text("key_id"), text("secret_key"))
}

fn clean(secret: &str, done: &Done) {
    for disguise in disguises(secret) {
        assert!(!done.stdout.contains(&disguise) && !done.stderr.contains(&disguise), "a secret is printed");
    }
}

/// From plan to report, while a program reads through its access key all the time and never sees an error.
#[test]
fn a_pair_is_replaced_and_no_program_notices() {
    let mut bench = Bench::new();
    bench.log_filter = "trace";
    // A program on this machine that holds the pair itself, in a file that Paddock may write.
    let bots = fs::canonicalize(bench.path()).unwrap().join("bots");
    fs::create_dir(&bots).unwrap();
    let (dotenv, (before_id, before_secret)) =
        (bots.join(".env"), (bench.key_id.clone(), bench.secret_key.clone()));
    let written = |id: &str, secret: &str| {
        format!("# the bot\nSYMBOL=AAPL\nAPCA_API_KEY_ID={id}\nAPCA_API_SECRET_KEY={secret}\n")
    };
    fs::write(&dotenv, written(&before_id, &before_secret)).unwrap();
    fs::create_dir(bench.data_dir()).unwrap();
    let config = format!("[rotation]\nallowed_folders = [\"{}\"]\n", bots.display());
    fs::write(bench.data_dir().join("config.toml"), config).unwrap();
    bench.connect().ok();
    let setting = format!("path={}", dotenv.display());
    bench
        .run(&["consumer", "add", "bot-env", "--connection", "main", "--kind", "dotenv", "--set", &setting])
        .ok();
    let (key_id, secret_key) = bench.issue("bot");
    let mut server = bench.serve();
    let gateway = server.address("gateway");

    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let program = std::thread::spawn({
        let (stop, asked) = (Arc::clone(&stop), Arc::clone(&asked));
        let url = format!("{gateway}/v2/account");
        move || {
            let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
            let mut failed = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let (status, body) = http("GET", &url, &pair, "");
                if status != 200 {
                    failed.push(format!("{status} {body}"));
                }
                asked.fetch_add(1, Ordering::Relaxed);
            }
            failed
        }
    });

    let looked = bench.run(&["consumer", "check", "bot-env", "--connection", "main"]).ok().json();
    assert_eq!(looked["ready"], true, "{looked}");
    let planned =
        bench.run(&["rotation", "plan", "main", "--cause", "scheduled", "--test-order"]).ok().json();
    assert_eq!((&planned["state"], &planned["asks"][0]["code"]), (&"planned".into(), &"start".into()));
    // A second one would get in its way.
    assert_eq!(bench.run(&["rotation", "plan", "main"]).status, 1);
    bench.run(&["rotation", "start", "main"]).ok();
    let waiting = bench.until(&["rotation", "status", "main"], |one| one["state"] == "awaiting_mint");
    assert_eq!(waiting["holds_orders"], true);
    assert!(!waiting["where_to_click"].as_array().unwrap().is_empty());
    // Not any more: nothing brings the old pair back once a new one was asked for.
    let late = bench.run(&["rotation", "abort", "main", "--reason", "too late"]);
    assert_eq!(late.status, 1, "{late:?}");

    let (old_id, old_secret) = (bench.key_id.clone(), bench.secret_key.clone());
    let (new_id, new_secret) = new_pair(&bench);
    // The Secret Key of the pair before is found out, and another paste is taken.
    let torn = bench
        .run_with(&["rotation", "paste", "main", "--secret-stdin"], &format!("{new_id}\n{old_secret}\n"));
    assert_eq!(torn.status, 3, "{torn:?}");
    assert!(torn.stderr.contains("earlier pair"), "{torn:?}");
    let pasted = bench
        .run_with(&["rotation", "paste", "main", "--secret-stdin"], &format!("{new_id}\n{new_secret}\n"));
    for secret in [&old_secret, &new_secret] {
        clean(secret, &torn);
        clean(secret, &pasted);
    }
    pasted.ok();
    let closed = bench.until(&["rotation", "status", "main"], |one| one["over"] == true);
    assert_eq!((&closed["state"], &closed["old_pair"]), (&"closed".into(), &"dead".into()), "{closed}");
    assert_eq!(closed["holds_orders"], false);
    assert_eq!(closed["consumers"][0]["stage"], "proven", "{closed}");
    let test_order = closed["test_order"].as_str().unwrap();
    assert!(
        test_order.starts_with("buy 1 AAPL limit") && test_order.ends_with("seen and canceled"),
        "{closed}"
    );
    let now = fs::read_to_string(&dotenv).unwrap();
    assert!(now.starts_with("# the bot\nSYMBOL=AAPL\n"), "{now}");
    assert!(now.contains(&new_id) && now.contains(&new_secret) && !now.contains(&old_secret));

    let before = asked.load(Ordering::Relaxed);
    bench.until(&["rotation", "list"], |_| asked.load(Ordering::Relaxed) > before + 2);
    stop.store(true, Ordering::Relaxed);
    assert_eq!(program.join().unwrap(), Vec::<String>::new());

    // The old pair opens nothing any more, and the new one is what Paddock sends with.
    let pair = [("apca-api-key-id", old_id.as_str()), ("apca-api-secret-key", old_secret.as_str())];
    assert_eq!(http("GET", &format!("{}/v2/account", bench.broker_url()), &pair, "").0, 401);
    let new = [("apca-api-key-id", new_id.as_str()), ("apca-api-secret-key", new_secret.as_str())];
    let (_, orders) = http("GET", &format!("{}/v2/orders?status=all", bench.broker_url()), &new, "");
    let orders: Value = serde_json::from_str(&orders).unwrap();
    assert_eq!(
        (orders.as_array().map(Vec::len), &orders[0]["status"]),
        (Some(1), &"canceled".into()),
        "{orders}"
    );
    bench.run(&["connection", "check", "main"]).ok();
    let report = bench.run(&["rotation", "report", "main"]).ok();
    println!(
        "new orders were held back for {} s",
        report.json()["held_back_seconds"].as_f64().unwrap_or_default()
    );
    let mut markdown = bench.command();
    markdown.args(["rotation", "report", "main"]);
    let markdown = crate::bench::finish(markdown, "").ok();
    assert!(markdown.stdout.starts_with("# Rotation: main"), "{markdown:?}");
    assert_eq!(server.stop(), 0);
    bench.run(&["audit", "verify"]).ok();
    for secret in [&old_secret, &new_secret] {
        for done in [&report, &markdown] {
            clean(secret, done);
        }
        for file in ["paddock.db", "paddock.db-wal", "audit.anchor"] {
            let bytes = fs::read(bench.data_dir().join(file)).unwrap_or_default();
            for disguise in disguises(secret) {
                let found = bytes.windows(disguise.len()).any(|window| window == disguise.as_bytes());
                assert!(!found, "a secret is in {file}");
            }
        }
        let log = fs::read_to_string(bench.path().join("serve.log")).unwrap();
        for disguise in disguises(secret) {
            assert!(!log.contains(&disguise), "a secret is in the log");
        }
    }
}

/// A rehearsal finds out every slip, writes nothing, and leaves the pair as it is.
/// A file whose values somebody puts back after Paddock has written it, as a deployment may do.
#[test]
fn what_somebody_else_writes_after_paddock_is_taken_over_by_a_persons_word() {
    let bench = Bench::new();
    let bots = fs::canonicalize(bench.path()).unwrap().join("bots");
    fs::create_dir(&bots).unwrap();
    let dotenv = bots.join(".env");
    let pair = |id: &str, secret: &str| format!("APCA_API_KEY_ID={id}\nAPCA_API_SECRET_KEY={secret}\n");
    fs::write(&dotenv, pair(&bench.key_id, &bench.secret_key)).unwrap();
    // It is served after the file, and before anything is proven.
    let deploy = bots.join("deploy");
    let script = format!(
        "#!/bin/sh\ncat >/dev/null\nprintf %s '{}' > '{}'\n",
        pair("THEIRS", "ALSO-THEIRS"),
        dotenv.display()
    );
    fs::write(&deploy, script).unwrap();
    fs::set_permissions(&deploy, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::create_dir(bench.data_dir()).unwrap();
    let config = format!(
        "[rotation]\nallowed_folders = [\"{}\"]\nallowed_programs = [\"{}\"]\n",
        bots.display(),
        deploy.display()
    );
    fs::write(bench.data_dir().join("config.toml"), config).unwrap();
    bench.connect().ok();
    for (name, kind, setting) in [
        ("bot-env", "dotenv", format!("path={}", dotenv.display())),
        ("deploys", "command", format!("put={}", deploy.display())),
    ] {
        bench.run(&["consumer", "add", name, "--connection", "main", "--kind", kind, "--set", &setting]).ok();
    }
    let _server = bench.serve();
    bench.run(&["rotation", "plan", "main"]).ok();
    bench.run(&["rotation", "start", "main"]).ok();
    bench.until(&["rotation", "status", "main"], |one| one["state"] == "awaiting_mint");
    let (id, secret) = new_pair(&bench);
    bench.run_with(&["rotation", "paste", "main", "--secret-stdin"], &format!("{id}\n{secret}\n"));
    let overwritten = |one: &Value| one["state"] == "degraded" && one["asks"][0]["code"] == "overwritten";
    let told = bench.until(&["rotation", "status", "main"], overwritten);
    assert_eq!(told["asks"][0]["consumer"], "bot-env", "{told}");
    assert!(told["consumers"][0]["overwritten_at"].is_string(), "{told}");
    // To go on looks at it once more, and writes nothing.
    let before = told["version"].as_u64().unwrap();
    bench.run(&["rotation", "resume", "main"]).ok();
    bench.until(&["rotation", "status", "main"], |one| {
        overwritten(one) && one["version"].as_u64().unwrap() > before + 1
    });
    assert!(fs::read_to_string(&dotenv).unwrap().contains("THEIRS"));
    bench.run(&["rotation", "take-over", "main", "bot-env", "--reason", "the deploy is off"]).ok();
    let closed = bench.until(&["rotation", "status", "main"], |one| one["over"] == true);
    assert_eq!(
        (&closed["state"], &closed["consumers"][0]["stage"]),
        (&"closed".into(), &"proven".into()),
        "{closed}"
    );
    assert_eq!(fs::read_to_string(&dotenv).unwrap(), pair(&id, &secret));
}

#[test]
fn a_rehearsal_plays_the_slips_and_changes_nothing() {
    let bench = Bench::new();
    bench.connect().ok();
    let mut server = bench.serve();
    let slips = ["--fail", "torn-pair", "--fail", "same-pair", "--fail", "other-account"];
    let done = bench.run(&[&["rotation", "rehearse", "main"], &slips[..]].concat()).ok();
    let rehearsed = done.json();
    assert_eq!((&rehearsed["state"], &rehearsed["rehearsal"]), (&"closed".into(), &true.into()));
    assert_eq!(rehearsed["credential_version"], Value::Null);
    assert!(rehearsed["test_order"].is_string(), "{rehearsed}");
    bench.run(&["connection", "check", "main"]).ok();
    let connections = bench.run(&["connection", "list"]).ok().json();
    assert_eq!(connections[0]["credential_version"], 1);
    let matrix = bench.run(&["rotation", "cadence", "main", "30"]).ok().json();
    let pair = matrix["rows"].as_array().unwrap().iter().find(|row| row["what"] == "pair").unwrap();
    assert_eq!((&pair["days"], &pair["due"]), (&30.into(), &false.into()));
    assert_eq!(server.stop(), 0);
}

/// Where the configuration names no paper broker and Alpaca is Alpaca, one is started for the rehearsal, with and without a server.
#[test]
fn a_rehearsal_brings_its_own_paper_broker() {
    let bench = Bench::new();
    bench.connect().ok();
    let elsewhere = |arguments: &[&str]| {
        let mut command = bench.command();
        for name in ["PAPER", "LIVE", "DATA"] {
            command.env(format!("PADDOCK_ALPACA_{name}_URL"), format!("https://{name}.alpaca.invalid"));
        }
        command.env_remove("PADDOCK_PAPER_URL").args(arguments);
        command
    };
    let rehearse = ["rotation", "rehearse", "main", "--fail", "other-account", "--json"];
    let closed = |done: Done| {
        let rehearsed = done.ok().json();
        assert_eq!((&rehearsed["state"], &rehearsed["rehearsal"]), (&"closed".into(), &true.into()));
        assert!(rehearsed["test_order"].as_str().unwrap().contains("seen and canceled"), "{rehearsed}");
    };
    closed(crate::bench::finish(elsewhere(&rehearse), ""));
    let serve = elsewhere(&["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    let mut server = crate::bench::Process::start(serve, &bench.path().join("serve.log"));
    for _ in 0..2 {
        closed(crate::bench::finish(elsewhere(&rehearse), ""));
    }
    assert_eq!(server.stop(), 0);
    let log = fs::read_to_string(bench.path().join("serve.log")).unwrap();
    assert_eq!(log.matches("a paper broker for rehearsals runs in this process").count(), 1, "{log}");
    let connections = bench.run(&["connection", "list"]).ok().json();
    assert_eq!(connections[0]["credential_version"], 1);
}

#[test]
fn consumers_are_kept_with_their_secret_sealed() {
    let bench = Bench::new();
    bench.connect().ok();
    let secret = "HRKU-canary-0123456789abcdef";
    let add =
        ["consumer", "add", "bots", "--connection", "main", "--kind", "heroku", "--set", "apps=one,two"];
    let done = bench.run_with(&[&add[..], &["--secret-stdin"]].concat(), secret).ok();
    clean(secret, &done);
    assert_eq!(done.json()["settings"]["apps"], serde_json::json!(["one", "two"]));
    let listed = bench.run(&["consumer", "list", "--connection", "main"]).ok();
    clean(secret, &listed);
    assert_eq!(listed.json()[0]["name"], "bots");
    let changed =
        bench.run(&["consumer", "change", "bots", "--connection", "main", "--set", "apps=three"]).ok().json();
    assert_eq!(changed["settings"]["apps"], serde_json::json!(["three"]));
    let wrong = bench.run(&["consumer", "change", "bots", "--connection", "main", "--set", "colour=red"]);
    assert_eq!(wrong.status, 2, "{wrong:?}");
    let database = fs::read(bench.data_dir().join("paddock.db")).unwrap();
    for disguise in disguises(secret) {
        assert!(!database.windows(disguise.len()).any(|window| window == disguise.as_bytes()));
    }
    bench.run(&["consumer", "remove", "bots", "--connection", "main", "--yes"]).ok();
    assert_eq!(bench.run(&["consumer", "list", "--connection", "main"]).ok().json(), serde_json::json!([]));
}
