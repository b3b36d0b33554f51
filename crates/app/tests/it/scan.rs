//! `paddock scan`: files, what git keeps, what is staged; and that nothing that was found is shown.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::bench::{Bench, Done, finish, paddock, run};

const ID: &str = "PKUAZ6FSKYMLQYVPNZGEY3DJ2C";
const SECRET: &str = "7hGq2LmXv9TbRz4KcWn8YpJd3Sf6AeUo1QiHt5BxNgZk";

fn env_file() -> String {
    format!("APCA_API_KEY_ID={ID}\nAPCA_API_SECRET_KEY={SECRET}\n")
}

fn scan(folder: &Path, arguments: &[&str]) -> Done {
    let home = tempfile::tempdir().unwrap();
    let mut command = paddock(home.path());
    command.current_dir(folder).arg("scan").args(arguments);
    finish(command, "")
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
    let done = Command::new("git").current_dir(folder).args(identity).args(arguments).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_pair_in_a_file_is_found_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("bot")).unwrap();
    fs::write(folder.path().join("bot/.env"), env_file()).unwrap();
    fs::write(folder.path().join("readme.md"), "nothing here").unwrap();
    let done = scan(folder.path(), &[]);
    assert_eq!(done.status, 3, "{done:?}");
    let expected = "certain  bot/.env:1:17: an Alpaca key pair: Key ID PKUA… (26 characters), Secret Key 7hGq… (44 characters)\n";
    assert_eq!(done.stdout, expected);
    assert!(done.stderr.contains("1 thing was found"), "{done:?}");
    assert_eq!(scan(folder.path(), &["--exclude", "bot"]).status, 0);
    assert_eq!(scan(folder.path(), &["readme.md"]).status, 0);
    assert_eq!(scan(folder.path(), &["absent"]).status, 1);
    for arguments in [&["--format", "json"][..], &["--format", "sarif"], &["--json"]] {
        let done = scan(folder.path(), arguments);
        assert_eq!(done.status, 3);
        assert!(!done.stdout.contains(SECRET) && !done.stdout.contains(ID), "{done:?}");
        let json: Value = serde_json::from_str(&done.stdout).unwrap();
        let rule = if arguments.contains(&"sarif") {
            json["runs"][0]["results"][0]["ruleId"].clone()
        } else {
            json["findings"][0]["rule"].clone()
        };
        assert_eq!(rule, "alpaca-key-pair");
    }
}

#[test]
fn a_file_of_powershell_is_read_too() {
    is_read([0xff, 0xfe], u16::to_le_bytes);
    is_read([0xfe, 0xff], u16::to_be_bytes);
}

fn is_read(mark: [u8; 2], bytes: fn(u16) -> [u8; 2]) {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    let text: Vec<u8> = env_file().replace('\n', "\r\n").encode_utf16().flat_map(bytes).collect();
    fs::write(folder.path().join(".env"), [&mark[..], &text].concat()).unwrap();
    git(folder.path(), &["add", "."]);
    for how in [&[][..], &["--staged"]] {
        let done = scan(folder.path(), how);
        assert_eq!(done.status, 3, "{done:?}");
        assert!(done.stdout.contains(".env:1:17"), "{done:?}");
    }
}

#[test]
fn what_was_deleted_is_in_the_history_still() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    fs::write(folder.path().join(".env"), env_file()).unwrap();
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-qm", "start"]);
    let id = Command::new("git").current_dir(folder.path()).args(["rev-parse", "HEAD"]).output().unwrap();
    let first = String::from_utf8(id.stdout).unwrap().trim().to_owned();
    fs::write(folder.path().join(".env"), format!("PORT=1\n{}", env_file())).unwrap();
    git(folder.path(), &["commit", "-qam", "port"]);
    git(folder.path(), &["rm", "-q", ".env"]);
    git(folder.path(), &["commit", "-qm", "oops"]);
    assert_eq!(scan(folder.path(), &[]).status, 0);
    let done = scan(folder.path(), &["--git", "--json"]);
    assert_eq!(done.status, 3, "{done:?}");
    let findings: Value = serde_json::from_str(&done.stdout).unwrap();
    let findings = findings["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((&findings[0]["path"], &findings[0]["more_versions"]), (&".env".into(), &1.into()));
    assert_eq!(findings[0]["commit"], first.as_str());
    fs::write(folder.path().join("message"), format!("use {ID} and {SECRET}")).unwrap();
    git(folder.path(), &["commit", "-q", "--allow-empty", "-F", "message"]);
    let findings: Value = serde_json::from_str(&scan(folder.path(), &["--git", "--json"]).stdout).unwrap();
    assert_eq!(findings["findings"].as_array().unwrap().len(), 2, "{findings}");
    let elsewhere = tempfile::tempdir().unwrap();
    assert_eq!(scan(elsewhere.path(), &["--git"]).status, 1);
}

#[test]
fn a_commit_is_stopped_by_what_is_staged_and_not_by_what_lies_about() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    fs::write(folder.path().join("a file.py"), env_file()).unwrap();
    assert_eq!(scan(folder.path(), &["--staged"]).status, 0);
    git(folder.path(), &["add", "."]);
    let done = scan(folder.path(), &["--staged"]);
    assert_eq!(done.status, 3, "{done:?}");
    assert!(done.stdout.contains("a file.py:1:17"), "{done:?}");
    fs::write(folder.path().join("a file.py"), "import os\n").unwrap();
    assert_eq!(scan(folder.path(), &["--staged"]).status, 3, "what is staged counts");
    git(folder.path(), &["add", "."]);
    assert_eq!(scan(folder.path(), &["--staged"]).status, 0);
}

#[test]
fn ones_own_pair_is_known_and_alpaca_is_asked_only_when_told_to() {
    let bench = Bench::new();
    bench.connect().ok();
    let folder = tempfile::tempdir().unwrap();
    let own = format!("key = '{}'\nsecret = '{}'\n", bench.key_id, bench.secret_key);
    let path = folder.path().join("config.py");
    fs::write(&path, own).unwrap();
    fs::write(folder.path().join("other.env"), env_file()).unwrap();
    let place = folder.path().to_str().unwrap();
    let check = |verify: bool| {
        let arguments = if verify { vec!["scan", place, "--verify"] } else { vec!["scan", place] };
        let done = bench.run(&arguments);
        assert_eq!(done.status, 3, "{done:?}");
        assert!(!done.stdout.contains(&bench.secret_key) && !done.stderr.contains(&bench.secret_key));
        let json: Value = serde_json::from_str(&done.stdout).unwrap();
        json["findings"].as_array().unwrap().clone()
    };
    let findings = check(false);
    assert_eq!(findings.len(), 2, "{findings:?}");
    let connection = &findings[0]["connection"];
    assert_eq!((&connection["name"], &connection["current"]), (&"main".into(), &true.into()), "{findings:?}");
    assert_eq!(connection["next_command"], "paddock rotation plan main --cause compromise");
    assert_eq!((&findings[1]["connection"], &findings[0]["verified"]), (&Value::Null, &Value::Null));
    let mut server = bench.serve();
    let findings = check(true);
    assert_eq!(findings[0]["connection"]["name"], "main", "over the admin socket");
    assert_eq!(
        (&findings[0]["verified"], &findings[1]["verified"]),
        (&"works_on_paper".into(), &"refused".into())
    );
    assert_eq!(server.stop(), 0);
}

#[test]
fn what_is_found_of_ones_own_is_rotated_at_once_where_that_was_said() {
    let bench = Bench::new();
    bench.connect().ok();
    let live = bench.run(&["paper", "account", "create", "--environment", "live"]).ok().json();
    let text = |name: &str| live[name].as_str().unwrap().to_owned();
    let (key_id, secret_key) = (text("key_id"), text("secret_key"));
    let connect =
        ["connection", "add", "real", "--environment", "live", "--signed-by", "Ada", "--secret-stdin"];
    bench.run_with(&connect, &format!("{key_id}\n{secret_key}\n")).ok();
    let folder = tempfile::tempdir().unwrap();
    let pairs = [(&bench.key_id, &bench.secret_key), (&key_id, &secret_key)];
    for (name, (id, secret)) in ["a.env", "b.env"].iter().zip(pairs) {
        let text = format!("APCA_API_KEY_ID={id}\nAPCA_API_SECRET_KEY={secret}\n");
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut server = bench.serve();
    let place = folder.path().to_str().unwrap();
    let scan = |more: &[&str]| {
        let done = bench.run(&[&["scan", place, "--rotate"], more].concat());
        assert_eq!(done.status, 3, "{done:?}");
        let json: Value = serde_json::from_str(&done.stdout).unwrap();
        (json["findings"].as_array().unwrap().clone(), done.stderr)
    };
    let (found, told) = scan(&[]);
    assert!(told.contains("`real` is not rotated") && told.contains("--ticket"), "{told}");
    let of = |found: &[Value], name: &str| {
        found.iter().find(|one| one["connection"]["name"] == name).unwrap()["connection"].clone()
    };
    let main = of(&found, "main");
    assert_eq!(main["next_command"], "paddock rotation status main --follow");
    let real = of(&found, "real");
    assert_eq!(real["rotation"], Value::Null);
    assert_eq!(real["next_command"], "paddock rotation plan real --cause compromise --now --ticket TICKET");
    let begun = bench.run(&["rotation", "status", main["rotation"].as_str().unwrap()]).ok().json();
    assert_eq!((&begun["connection"], &begun["cause"]), (&"main".into(), &"compromise".into()));
    assert_ne!(begun["state"], "planned", "it is started");
    // The hold is in force when the command says so, whatever preflight is at.
    assert_eq!(begun["holds_orders"], true, "{begun}");
    assert!(
        begun["steps"].as_array().unwrap().iter().any(|step| step["step"] == "pause_confirmed"),
        "{begun}"
    );

    // The command that is told begins one, and another scan finds both under way.
    let told = ["rotation", "plan", "real", "--cause", "compromise", "--now", "--ticket", "SEC-9"];
    let planned = bench.run(&told).ok().json();
    assert_eq!((&planned["state"], &planned["plan"]["ticket"]), (&"planned".into(), &"SEC-9".into()));
    bench.run(&["rotation", "start", "real"]).ok();
    let (found, _) = scan(&["--ticket", "SEC-9"]);
    for name in ["main", "real"] {
        let known = of(&found, name);
        assert_eq!(known["rotation"], Value::Null, "{known}");
        assert_eq!(known["next_command"], format!("paddock rotation status {name} --follow"));
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn the_rules_for_gitleaks_are_toml_with_every_rule() {
    let done = run(&["scan", "--gitleaks-rules"]).ok();
    for rule in ["alpaca-key-id", "alpaca-key-id-named", "alpaca-secret-key"] {
        assert!(done.stdout.contains(&format!("id = \"{rule}\"")), "{rule}");
    }
    assert!(done.stdout.starts_with("# Alpaca's key pairs, for gitleaks 8"));
}
