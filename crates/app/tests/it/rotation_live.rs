//! The runbook of a live pair, as an owner follows it by the API and the command line alone, against the paper broker's live address.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::authenticator;
use crate::bench::{Bench, Done, Process, http, set_up};
use crate::canary::disguises;

/// An order that rests, because it bids far less than anybody asks for.
const RESTING: &str =
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"limit","limit_price":"1","time_in_force":"gtc"}"#;

/// A pair, as the broker's dashboard shows it once.
#[derive(Clone)]
struct Pair {
    account: String,
    key_id: String,
    secret_key: String,
}

impl Pair {
    fn shown(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        Self { account: text("account_number"), key_id: text("key_id"), secret_key: text("secret_key") }
    }

    /// Opens a live account at the broker.
    fn of_new_account(bench: &Bench) -> Self {
        Self::shown(&bench.run(&["paper", "account", "create", "--environment", "live"]).ok().json())
    }

    /// Makes the pair anew, as a person does in the dashboard. The one before is dead from here on.
    fn regenerated(&self, bench: &Bench) -> Self {
        Self::shown(&bench.run(&["paper", "key", "regenerate", &self.account]).ok().json())
    }

    fn headers(&self) -> [(&str, &str); 2] {
        [("apca-api-key-id", &self.key_id), ("apca-api-secret-key", &self.secret_key)]
    }

    fn pasted(&self) -> Value {
        json!({ "key_id": self.key_id, "secret_key": self.secret_key })
    }
}

/// Who asks the API of the web listener, and how they are known there.
struct Asker<'a> {
    web: &'a str,
    headers: Vec<(&'static str, String)>,
}

impl<'a> Asker<'a> {
    fn with_token(web: &'a str, bench: &Bench, name: &str, role: &str) -> Self {
        let made = bench.run(&["token", "create", name, "--role", role]).ok().json();
        let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
        Self { web, headers: vec![("authorization", bearer)] }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.text(method, path, body);
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn text(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        http(method, &format!("{}{path}", self.web), &headers, &body)
    }

    /// What is said to a rotation must be refused, for this reason.
    fn is_refused(&self, path: &str, body: &Value, status: u16, code: &str) {
        let (told, answer) = self.ask("POST", path, body);
        assert_eq!((told, &answer["code"]), (status, &json!(code)), "{path}: {answer}");
    }

    fn say(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask("POST", path, body);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Turns the second factor on, which proves at once who it is.
    #[expect(clippy::disallowed_methods, reason = "a phone has a clock of its own")]
    fn turn_on_second_factor(&self) {
        let (status, begun) = self.ask("POST", "/api/v1/second-factor", &json!({}));
        assert_eq!(status, 201, "{begun}");
        let code = authenticator::code(begun["secret"].as_str().unwrap(), Timestamp::now());
        self.say("/api/v1/second-factor/confirm", &json!({ "code": code }));
    }
}

/// Where the programs of this test keep the pair outside Paddock: a `.env` file, and a file that a program writes.
struct Places {
    dotenv: PathBuf,
    taken: PathBuf,
}

impl Places {
    /// Makes both, with a configuration that allows them.
    fn make(bench: &Bench, pair: &Pair) -> Self {
        let bots = fs::canonicalize(bench.path()).unwrap().join("bots");
        fs::create_dir(&bots).unwrap();
        let dotenv = bots.join(".env");
        fs::write(
            &dotenv,
            format!("# live\nAPCA_API_KEY_ID={}\nAPCA_API_SECRET_KEY={}\n", pair.key_id, pair.secret_key),
        )
        .unwrap();
        let (take, prove) = (bots.join("take"), bots.join("prove"));
        program(&take, "cat >\"$1.new\" && mv \"$1.new\" \"$1\"");
        program(&prove, "cmp -s - \"$1\"");
        fs::create_dir(bench.data_dir()).unwrap();
        let config = format!(
            "[rotation]\nallowed_folders = [\"{}\"]\nallowed_programs = [\"{}\", \"{}\"]\n",
            bots.display(),
            take.display(),
            prove.display()
        );
        fs::write(bench.data_dir().join("config.toml"), config).unwrap();
        Self { dotenv, taken: bots.join("taken") }
    }

    fn add(&self, bench: &Bench) {
        let bots = self.dotenv.parent().unwrap().display();
        let path = format!("path={}", self.dotenv.display());
        add(bench, "env", "dotenv", &[&path]);
        let line =
            |word: &str| format!("{word}={bots}/{},{}", word.replace("put", "take"), self.taken.display());
        add(bench, "push", "command", &[&line("put"), &line("prove"), "input=env"]);
    }

    fn dotenv(&self) -> String {
        fs::read_to_string(&self.dotenv).unwrap()
    }
}

fn program(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

fn add(bench: &Bench, name: &str, kind: &str, settings: &[&str]) {
    let mut words = vec!["consumer", "add", name, "--connection", "real", "--kind", kind];
    for setting in settings {
        words.extend(["--set", setting]);
    }
    bench.run(&words).ok();
}

const STATUS: [&str; 3] = ["rotation", "status", "real"];

fn asks(rotation: &Value, code: &str) -> bool {
    rotation["asks"].as_array().unwrap().iter().any(|ask| ask["code"] == code)
}

fn plan(bench: &Bench, more: &[&str]) -> Done {
    bench.run(&[&["rotation", "plan", "real", "--cause", "scheduled"], more].concat())
}

/// Plans one in a window that begins and ends so many minutes from now.
#[expect(clippy::disallowed_methods, reason = "the server that is tested goes by the same clock")]
fn plan_between(bench: &Bench, from: i64, until: i64) -> Value {
    let at = |minutes| (Timestamp::now() + SignedDuration::from_mins(minutes)).to_string();
    let (from, until) = (at(from), at(until));
    plan(bench, &["--window-from", &from, "--window-until", &until, "--ticket", "OPS-17"]).ok().json()
}

/// What cannot be planned or started is refused before anything is looked at.
fn is_refused_outside_its_window(bench: &Bench, owner: &Asker<'_>) {
    let nothing = plan(bench, &[]);
    assert!(nothing.status != 0 && nothing.stderr.contains("window"), "{nothing:?}");
    let window = ["--window-from", "2100-01-01T00:00:00Z", "--window-until", "2100-01-01T00:30:00Z"];
    let no_ticket = plan(bench, &window);
    assert!(no_ticket.status != 0 && no_ticket.stderr.contains("ticket"), "{no_ticket:?}");
    for (from, until, says) in [(60, 90, "begins"), (-90, -60, "ended")] {
        let id = plan_between(bench, from, until)["id"].as_str().unwrap().to_owned();
        let (status, refused) = owner.ask("POST", &format!("/api/v1/rotations/{id}/start"), &json!({}));
        assert_eq!((status, &refused["extra"]["reason"]), (409, &json!("window")), "{refused}");
        assert!(refused["detail"].as_str().unwrap().contains(says), "{refused}");
        let stays = bench.run(&["rotation", "status", &id]).ok().json();
        assert_eq!((&stays["state"], &stays["holds_orders"]), (&json!("planned"), &json!(false)));
        bench.run(&["rotation", "abort", &id, "--reason", "the wrong evening"]).ok();
    }
}

/// Another account's pair opens the account that it opens, and Paddock uses it nowhere.
fn is_stopped_by_another_account(bench: &Bench, places: &Places, other: &Pair) {
    let input = format!("{}\n{}\n", other.key_id, other.secret_key);
    let before = places.dotenv();
    let stopped = bench.run_with(&["rotation", "paste", "real", "--secret-stdin"], &input);
    assert_eq!(stopped.status, 3, "{stopped:?}");
    assert!(stopped.stderr.contains(&other.account), "{stopped:?}");
    let stands = bench.run(&["rotation", "status", "real"]).ok().json();
    assert!(asks(&stands, "account_mismatch"), "{stands}");
    assert_eq!((&stands["state"], &stands["holds_orders"]), (&json!("candidate"), &json!(true)));
    assert_eq!(bench.run(&["connection", "list"]).ok().json()[0]["credential_version"], 1);
    assert_eq!((places.dotenv(), places.taken.exists()), (before, false));
    // Nothing but another pair helps it on.
    bench.run(&["rotation", "resume", "real"]).ok();
    bench.until(&STATUS, |one| asks(one, "account_mismatch") && one["dues"] == json!([]));
    let aborted = bench.run(&["rotation", "abort", "real", "--reason", "it is too late for that"]);
    assert_eq!(aborted.status, 1, "{aborted:?}");
}

#[test]
fn a_live_pair_is_replaced_in_its_window_as_the_runbook_says() {
    let bench = Bench::new();
    let (old, other) = (Pair::of_new_account(&bench), Pair::of_new_account(&bench));
    let places = Places::make(&bench, &old);
    let connect =
        ["connection", "add", "real", "--environment", "live", "--signed-by", "Ada", "--secret-stdin"];
    bench.run_with(&connect, &format!("{}\n{}\n", old.key_id, old.secret_key)).ok();
    places.add(&bench);
    let created =
        bench.run(&["key", "create", "bot", "--connection", "real", "--preset", "trader"]).ok().json();
    let of_bot = |name: &str| created[name].as_str().unwrap().to_owned();
    let bot = Pair { account: String::new(), key_id: of_bot("key_id"), secret_key: of_bot("secret_key") };

    let mut server: Process = bench.serve();
    let (web, gateway) = (server.address("web"), server.address("gateway"));
    // The runbook begins with a rehearsal, which holds no order back and asks nobody for a proof.
    let fail = ["--fail", "other-account", "--fail", "consumer=push:permission-lost"];
    let rehearsed = bench.run(&[&["rotation", "rehearse", "real"], &fail[..]].concat()).ok().json();
    assert_eq!((&rehearsed["state"], &rehearsed["environment"]), (&json!("closed"), &json!("live")));
    assert_eq!((rehearsed["holds_orders"].clone(), places.taken.exists()), (json!(false), false));
    let cookie = set_up(server.ready["set_up"].as_str().unwrap());
    let owner = Asker { web: &web, headers: vec![("cookie", cookie), ("origin", web.clone())] };
    let operator = Asker::with_token(&web, &bench, "desk", "operator");
    let unproven = Asker::with_token(&web, &bench, "script", "owner");
    let orders = format!("{gateway}/v2/orders");
    let order = |method: &str, url: &str, body: &str| http(method, url, &bot.headers(), body);

    let id = plan_between(&bench, -1, 30)["id"].as_str().unwrap().to_owned();
    let start = format!("/api/v1/rotations/{id}/start");
    operator.is_refused(&start, &json!({}), 403, "role_too_low");
    unproven.is_refused(&start, &json!({}), 403, "fresh_factor_needed");
    owner.is_refused(&start, &json!({}), 403, "second_factor_needed");
    owner.turn_on_second_factor();
    bench.run(&["rotation", "abort", &id, "--reason", "the runbook's beginning first"]).ok();
    is_refused_outside_its_window(&bench, &owner);

    // Within the window, with an order that is open.
    let (status, resting) = order("POST", &orders, RESTING);
    assert_eq!(status, 200, "{resting}");
    let resting: Value = serde_json::from_str(&resting).unwrap();
    let id = plan_between(&bench, -1, 30)["id"].as_str().unwrap().to_owned();
    let (start, paste) = (format!("/api/v1/rotations/{id}/start"), format!("/api/v1/rotations/{id}/paste"));
    let early = bench.run_with(
        &["rotation", "paste", "real", "--secret-stdin"],
        &format!("{}\n{}\n", other.key_id, other.secret_key),
    );
    assert!(early.status != 0 && early.stderr.contains("shows it only once"), "{early:?}");
    assert_eq!(owner.say(&start, &json!({}))["id"], json!(id));
    let waiting = bench.until(&STATUS, |one| asks(one, "open_orders"));
    assert_eq!((&waiting["state"], &waiting["holds_orders"]), (&json!("quiesced"), &json!(true)));
    assert_eq!(waiting["account"]["open_orders"].as_array().map(Vec::len), Some(1), "{waiting}");
    let (status, held) = order("POST", &orders, RESTING);
    assert_eq!((status, held.contains("rotation_in_progress")), (503, true), "{held}");
    let (status, read) = order("GET", &orders, "");
    let read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!((status, read.as_array().map(Vec::len)), (200, Some(1)), "the held order was sent: {read}");
    let (status, body) = order("DELETE", &format!("{orders}/{}", resting["id"].as_str().unwrap()), "");
    assert_eq!(status, 204, "cancels pass: {body}");
    let waiting = bench.until(&STATUS, |one| one["state"] == "awaiting_mint");
    assert!(waiting["where_to_click"].to_string().contains("second factor"), "{waiting}");

    let new = old.regenerated(&bench);
    operator.is_refused(&paste, &new.pasted(), 403, "role_too_low");
    unproven.is_refused(&paste, &new.pasted(), 403, "fresh_factor_needed");
    is_stopped_by_another_account(&bench, &places, &other);
    owner.say(&paste, &new.pasted());
    let closed = bench.until(&STATUS, |one| one["over"] == true);
    assert_eq!((&closed["state"], &closed["old_pair"]), (&json!("closed"), &json!("dead")), "{closed}");
    let stages: Vec<&Value> =
        closed["consumers"].as_array().unwrap().iter().map(|consumer| &consumer["stage"]).collect();
    assert_eq!(stages, [&json!("proven"), &json!("proven")], "{closed}");

    // Both consumers have the new pair, the old one opens nothing, and the bot trades on.
    let lines = format!("APCA_API_KEY_ID={}\nAPCA_API_SECRET_KEY={}\n", new.key_id, new.secret_key);
    assert_eq!(places.dotenv(), format!("# live\n{lines}"));
    assert_eq!(fs::read_to_string(&places.taken).unwrap(), lines);
    let live = bench.live_broker_url();
    assert_eq!(http("GET", &format!("{live}/v2/account"), &old.headers(), "").0, 401);
    assert_eq!(http("GET", &format!("{live}/v2/account"), &new.headers(), "").0, 200);
    assert_eq!(order("POST", &orders, RESTING).0, 200, "new orders pass again");

    // The report for the ticket, and new orders passed only when everything was proven.
    let (status, report) = owner.ask("GET", &format!("/api/v1/rotations/{id}/report"), &Value::Null);
    assert_eq!(status, 200);
    let step = |name: &str| report["steps"].as_array().unwrap().iter().position(|step| step["step"] == name);
    assert!(step("old_pair_dead").is_some() && step("old_pair_dead") < step("resume_confirmed"), "{report}");
    let (status, markdown) = owner.text("GET", &format!("/api/v1/rotations/{id}/report.md"), &Value::Null);
    assert_eq!(status, 200);
    for told in ["OPS-17", "live account", &old.account, "Old pair: dead", "**closed**", "ada"] {
        assert!(markdown.contains(told), "{told} is not in {markdown}");
    }
    assert_eq!(server.stop(), 0);
    bench.run(&["audit", "verify"]).ok();
    let log = fs::read_to_string(bench.path().join("serve.log")).unwrap();
    for secret in [&old, &new, &other].map(|pair| &pair.secret_key) {
        for disguise in disguises(secret) {
            for text in [&markdown, &report.to_string(), &log, &closed.to_string()] {
                assert!(!text.contains(&disguise), "a secret is told");
            }
        }
    }
}
