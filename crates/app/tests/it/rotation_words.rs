//! What a person says to a rotation at the command line, and what a script learns of it by exit statuses.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::bench::{Bench, http, location_of, set_up, submit_form};

const STATUS: [&str; 3] = ["rotation", "status", "main"];
const FOLLOW: [&str; 4] = ["rotation", "status", "main", "--follow"];

/// Two `.env` files, the second with a stranger's pair in it, and a program that takes pairs only while `closed` does not exist.
struct Places {
    folder: PathBuf,
}

impl Places {
    fn set_up(bench: &Bench) -> Self {
        let folder = fs::canonicalize(bench.path()).unwrap().join("bots");
        fs::create_dir(&folder).unwrap();
        let places = Self { folder };
        fs::write(places.at("own.env"), pair_lines(&bench.key_id, &bench.secret_key)).unwrap();
        let stranger = pair_lines("PKSTRANGER0000000000", "StrangerSecret0123456789StrangerSecret01");
        fs::write(places.at("foreign.env"), stranger).unwrap();
        let program = places.at("take-pair");
        fs::write(&program, "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 1\ncat > taken\n[ ! -e closed ]\n")
            .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        fs::create_dir(bench.data_dir()).unwrap();
        let config = format!(
            "[rotation]\nallowed_folders = [\"{}\"]\nallowed_programs = [\"{}\"]\n",
            places.folder.display(),
            program.display()
        );
        fs::write(bench.data_dir().join("config.toml"), config).unwrap();
        bench.connect().ok();
        let add = |name: &str, kind: &str, setting: String| {
            let words = ["consumer", "add", name, "--connection", "main", "--kind", kind, "--set", &setting];
            bench.run(&words).ok();
        };
        add("own", "dotenv", format!("path={}", places.at("own.env").display()));
        add("foreign", "dotenv", format!("path={}", places.at("foreign.env").display()));
        add("program", "command", format!("put={}", program.display()));
        places
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }
}

fn pair_lines(key_id: &str, secret_key: &str) -> String {
    format!("APCA_API_KEY_ID={key_id}\nAPCA_API_SECRET_KEY={secret_key}\n")
}

fn consumer<'a>(rotation: &'a Value, name: &str) -> &'a Value {
    rotation["consumers"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()
}

fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}

#[test]
fn what_a_person_says_of_consumers_has_its_effect_and_a_script_knows_how_it_stands() {
    let bench = Bench::new();
    let places = Places::set_up(&bench);
    let mut server = bench.serve();

    // Called off: 3, and the pair is as it was. One that is only planned waits for a person: 4.
    bench.run(&["rotation", "plan", "main"]).ok();
    let waits = bench.run(&FOLLOW);
    assert_eq!(waits.status, 4, "{waits:?}");
    assert!(waits.stderr.contains("paddock rotation start"), "{waits:?}");
    bench.run(&["rotation", "abort", "main", "--reason", "not today"]).ok();
    let off = bench.run(&FOLLOW);
    assert_eq!((off.status, off.stderr.contains("not today")), (3, true), "{off:?}");

    // Preflight finds the stranger's pair: only a person's word helps.
    bench.run(&["rotation", "plan", "main"]).ok();
    bench.run(&["rotation", "start", "main"]).ok();
    let waits = bench.run(&FOLLOW);
    assert_eq!(waits.status, 4, "{waits:?}");
    let stands = waits_json(&waits.stdout);
    assert_eq!((&stands["state"], &stands["asks"][0]["code"]), (&json!("preflight"), &json!("drift")));
    let unknown = ["rotation", "take-over", "main", "nobody", "--reason", "x"];
    assert_eq!(bench.run(&unknown).status, 1);
    bench.run(&["rotation", "take-over", "main", "foreign", "--reason", "it is ours by now"]).ok();
    let waits = bench.run(&FOLLOW);
    assert_eq!(waits.status, 4, "{waits:?}");
    let stands = waits_json(&waits.stdout);
    assert_eq!(stands["state"], "awaiting_mint");
    assert_eq!(consumer(&stands, "foreign")["taken_over"], "it is ours by now");

    // The program takes no pair: the new pair is in use, and somebody is needed: 5.
    fs::write(places.at("closed"), "").unwrap();
    let made = bench.run(&["paper", "key", "regenerate"]).ok().json();
    let (key_id, secret_key) = (made["key_id"].as_str().unwrap(), made["secret_key"].as_str().unwrap());
    bench
        .run_with(&["rotation", "paste", "main", "--secret-stdin"], &format!("{key_id}\n{secret_key}\n"))
        .ok();
    let degraded = bench.run(&FOLLOW);
    assert_eq!(degraded.status, 5, "{degraded:?}");
    let stands = waits_json(&degraded.stdout);
    assert_eq!((&stands["state"], &stands["asks"][0]["consumer"]), (&json!("degraded"), &json!("program")));
    assert_eq!(places.read("foreign.env"), pair_lines(key_id, secret_key));
    // It stands at the program still when it is resumed with nothing mended.
    bench.run(&["rotation", "resume", "main"]).ok();
    assert_eq!(bench.run(&FOLLOW).status, 5);
    bench.run(&["rotation", "leave-out", "main", "program", "--reason", "it is retired"]).ok();
    let done = bench.run(&FOLLOW);
    assert_eq!(done.status, 0, "{done:?}");
    let closed = waits_json(&done.stdout);
    assert_eq!(closed["state"], "closed");
    let stages: Vec<&Value> =
        ["own", "foreign", "program"].map(|name| &consumer(&closed, name)["stage"]).to_vec();
    assert_eq!(stages, [&json!("proven"), &json!("proven"), &json!("left_out")], "{closed}");
    let mut report = bench.command();
    report.args(["rotation", "report", "main"]);
    let report = crate::bench::finish(report, "").ok().stdout;
    for told in ["it is ours by now", "it is retired"] {
        assert!(report.contains(told), "{told} is not in {report}");
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_rehearsal_goes_on_without_consumers_only_where_that_was_said() {
    let bench = Bench::new();
    let places = Places::set_up(&bench);
    let before = places.read("foreign.env");
    let mut server = bench.serve();
    let stopped = bench.run(&["rotation", "rehearse", "main"]);
    assert_eq!(stopped.status, 3, "{stopped:?}");
    assert!(stopped.stderr.contains("a rotation would stop here: foreign"), "{stopped:?}");
    let done = bench.run(&["rotation", "rehearse", "main", "--keep-going"]).ok().json();
    assert_eq!((&done["state"], &done["rehearsal"]), (&json!("closed"), &json!(true)));
    let stages = ["own", "foreign", "program"].map(|name| consumer(&done, name)["stage"].clone());
    assert_eq!(stages, ["proven", "left_out", "proven"], "{done}");
    assert_eq!((places.read("foreign.env"), exists(&places.at("taken"))), (before, false));
    assert_eq!(server.stop(), 0);
}

/// Each chosen failure is met, dealt with as a person would, and stands in the report; by a page as by a command.
#[test]
fn a_rehearsal_meets_the_failures_that_were_chosen() {
    let bench = Bench::new();
    let places = Places::set_up(&bench);
    let before = (places.read("own.env"), places.read("foreign.env"));
    let mut server = bench.serve();
    let unknown = bench.run(&["rotation", "rehearse", "main", "--fail", "consumer=own:thunder"]);
    assert_eq!((unknown.status, unknown.stderr.contains("approval_pending")), (2, true), "{unknown:?}");
    assert_eq!(bench.run(&["rotation", "rehearse", "main", "--fail", "consumer=nobody:drift"]).status, 2);
    let chosen = [
        "torn-pair",
        "consumer=own:refused",
        "consumer=own:permission-lost",
        "consumer=own:approval-pending",
        "consumer=foreign:drift",
        "consumer=program:too-many",
        "consumer=program:lost-answer",
    ];
    let mut words = vec!["rotation", "rehearse", "main"];
    for failure in chosen {
        words.extend(["--fail", failure]);
    }
    let done = bench.run(&words).ok().json();
    assert_eq!((&done["state"], &done["rehearsal"]), (&json!("closed"), &json!(true)), "{done}");
    let failures = done["chosen_failures"].as_array().unwrap();
    assert_eq!((failures.len(), failures.iter().all(|one| one["met"] == true)), (6, true), "{done}");
    let stages = ["own", "foreign", "program"].map(|name| consumer(&done, name)["stage"].clone());
    assert_eq!(stages, ["proven", "proven", "proven"], "{done}");
    assert!(consumer(&done, "foreign")["taken_over"].is_string(), "{done}");
    let told = done["steps"].to_string();
    for code in
        ["torn_pair", "login_refused", "drift", "rate_limited", "timeout", "forbidden", "approval_pending"]
    {
        assert!(told.contains(&format!("{code}: ")), "{code} was not met: {told}");
    }
    assert!(told.contains("degraded"), "the rotation waits for a person when a write is forbidden: {told}");
    let mut report = bench.command();
    report.args(["rotation", "report", done["id"].as_str().unwrap()]);
    let report = crate::bench::finish(report, "").ok().stdout;
    assert!(report.contains("* Chosen failure: permission_lost at own, met"), "{report}");

    // The same from the form of the page.
    let cookie = set_up(server.ready["set_up"].as_str().unwrap());
    let url = format!("{}/connections/main/rehearse", server.address("web"));
    let (_, form) = http("GET", &url, &[("cookie", &cookie)], "");
    assert!(form.contains("consumer=foreign:drift") && form.contains("Start the rehearsal"), "{form}");
    let form = "fail=same_pair&fail=consumer%3Dforeign%3Adrift&fail=consumer%3Down%3Alost_answer";
    let answer = submit_form(&url, &cookie, form);
    let place = location_of(&answer);
    let id = place.trim_start_matches("/rotations/").split('?').next().unwrap().to_owned();
    let played = bench.until(&["rotation", "status", &id], |one| one["over"] == true);
    assert_eq!((&played["state"], &played["rehearsal"]), (&json!("closed"), &json!(true)), "{played}");
    assert!(played["chosen_failures"].as_array().unwrap().iter().all(|one| one["met"] == true), "{played}");
    let page = http("GET", &format!("{}/rotations/{id}", server.address("web")), &[("cookie", &cookie)], "");
    assert!(page.1.contains("lost_answer at own: met"), "{page:?}");

    assert_eq!((places.read("own.env"), places.read("foreign.env")), before);
    assert!(!exists(&places.at("taken")));
    // The accounts that it was played with are gone.
    bench.until(&["paper", "account", "list"], |one| {
        one["accounts"].as_array().or_else(|| one.as_array()).map(Vec::len) == Some(1)
    });
    assert_eq!(server.stop(), 0);
}

/// A pair that was made for the account never goes to a rehearsal that was left open.
#[test]
fn a_name_is_the_real_rotation_whatever_rehearsal_is_open() {
    let bench = Bench::new();
    bench.connect().ok();
    let mut server = bench.serve();
    set_up(server.ready["set_up"].as_str().unwrap());
    let token = bench.run(&["token", "create", "script", "--role", "operator"]).ok().json();
    let bearer = format!("Bearer {}", token["secret"].as_str().unwrap());
    let account = bench.run(&["paper", "account", "create"]).ok().json();
    let rehearse = || {
        let pair =
            json!({ "rehearsal": true, "key_id": account["key_id"], "secret_key": account["secret_key"] });
        let url = format!("{}/api/v1/connections/main/rotations", server.address("web"));
        let (status, answer) = http("POST", &url, &[("authorization", &bearer)], &pair.to_string());
        (status, serde_json::from_str::<Value>(&answer).unwrap())
    };
    let (status, left) = rehearse();
    assert_eq!(status, 201, "{left}");
    let (status, second) = rehearse();
    assert_eq!((status, &second["code"]), (409, &json!("rotation_is_open")));
    assert_eq!(second["extra"]["rotation"], left["id"], "{second}");

    let none = bench.run(&STATUS);
    assert_eq!((none.status, none.stderr.contains("only a rehearsal")), (1, true), "{none:?}");
    let planned = bench.run(&["rotation", "plan", "main"]).ok();
    assert!(planned.stderr.contains(left["id"].as_str().unwrap()), "{planned:?}");
    let real = planned.json()["id"].clone();
    assert_eq!(bench.run(&STATUS).ok().json()["id"], real);
    assert_eq!(bench.run(&["rotation", "start", "main"]).ok().json()["id"], real);
    bench.until(&STATUS, |one| one["id"] == real && one["state"] == "awaiting_mint");
    let mut said = bench.command();
    said.args(STATUS);
    let said = crate::bench::finish(said, "").ok();
    assert!(said.stderr.contains(&format!("rotation {} of main", real.as_str().unwrap())), "{said:?}");
    let second = bench.run(&["rotation", "plan", "main"]);
    assert!(second.stderr.contains(real.as_str().unwrap()), "{second:?}");
    let off = bench.run(&["rotation", "abort", "main", "--rehearsal", "--reason", "left over"]).ok().json();
    assert_eq!((&off["id"], &off["state"]), (&left["id"], &json!("aborted")));
    assert_eq!(server.stop(), 0);
}

/// The rotation as `--follow` shows it at its end.
fn waits_json(stdout: &str) -> Value {
    serde_json::from_str(stdout).unwrap()
}
