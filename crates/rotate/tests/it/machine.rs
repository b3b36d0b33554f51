//! The consumers on this machine: a `.env` file and a program.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use paddock_core::SecretText;
use paddock_rotate::consumers::ConsumerSettings;
use paddock_rotate::{Applied, Consumer, FaultKind, Held, Machine, Means, Outcome, SettingsFault, Stored};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::faults::deliver;
use crate::common::{KEY_ID, SECRET_KEY, delivery, means};

fn connect(settings: Value, machine: Machine) -> Result<Box<dyn Consumer>, SettingsFault> {
    let settings: ConsumerSettings = serde_json::from_value(settings).unwrap();
    settings.connect(None::<SecretText>, &Means { machine, ..means() })
}

/// A folder that no link leads to.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap();
    (folder, real)
}

fn file(path: &Path) -> Box<dyn Consumer> {
    let machine = Machine { folders: vec![path.parent().unwrap().to_owned()], ..Machine::default() };
    connect(json!({"kind": "dotenv", "path": path}), machine).unwrap()
}

#[tokio::test]
async fn a_file_is_changed_in_two_values_only() {
    let (_folder, path) = folder();
    let path = path.join(".env");
    fs::write(
        &path,
        "# keys\r\nAPCA_API_KEY_ID=PKOLD # paper\r\nOTHER='x y'\r\nAPCA_API_SECRET_KEY=\"old\"\r\n",
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let (looked, put, proof) = deliver(&*file(&path), &delivery(0)).await.unwrap();
    let secret = |text: &str| Some(SecretText::new(text.to_owned()));
    assert_eq!(looked.held, Held::Values { key_id: secret("PKOLD"), secret_key: secret("old") });
    assert_eq!((put.outcome, proof.stored), (Outcome::Written, Stored::ReadBack));
    let expected = format!(
        "# keys\r\nAPCA_API_KEY_ID={KEY_ID} # paper\r\nOTHER='x y'\r\nAPCA_API_SECRET_KEY=\"{SECRET_KEY}\"\r\n"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    let again = file(&path).put(&delivery(0), None).await.unwrap();
    assert_eq!((again.outcome, again.version), (Outcome::AlreadyThere, put.version.clone()));
    assert_eq!(file(&path).look().await.unwrap().version, put.version);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left behind");
}

#[tokio::test]
async fn a_new_file_is_its_owners_alone() {
    let (_folder, path) = folder();
    let path = path.join("bot.env");
    deliver(&*file(&path), &delivery(0)).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
}

#[tokio::test]
async fn what_a_crash_left_behind_is_no_obstacle() {
    let (_folder, path) = folder();
    let path = path.join(".env");
    fs::write(path.with_file_name("..env.paddock-new"), "half a fi").unwrap();
    deliver(&*file(&path), &delivery(0)).await.unwrap();
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn an_edit_in_between_is_noticed() {
    let (_folder, path) = folder();
    let path = path.join(".env");
    let consumer = file(&path);
    let looked = consumer.look().await.unwrap();
    fs::write(&path, "MINE=1\n").unwrap();
    let fault = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap_err();
    assert_eq!((fault.kind, fault.applied), (FaultKind::Conflict, Applied::No));
    assert_eq!(fs::read_to_string(&path).unwrap(), "MINE=1\n");
}

/// What is another by the time of the write is left alone, and nothing of the pair stays beside it.
#[rstest]
#[case::a_link(|path: &Path| {
    fs::rename(path, path.with_file_name("moved")).unwrap();
    symlink("moved", path).unwrap();
}, FaultKind::Settings)]
#[case::another_file(|path: &Path| {
    fs::write(path.with_file_name("other"), "OTHER=1\n").unwrap();
    fs::rename(path.with_file_name("other"), path).unwrap();
}, FaultKind::Conflict)]
#[case::other_rights(|path: &Path| {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}, FaultKind::Conflict)]
#[case::no_file(|path: &Path| fs::remove_file(path).unwrap(), FaultKind::Conflict)]
#[case::an_open_folder(|path: &Path| {
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
}, FaultKind::Settings)]
#[tokio::test]
async fn what_changes_between_look_and_write_is_noticed(#[case] change: fn(&Path), #[case] kind: FaultKind) {
    let (_folder, path) = folder();
    let path = path.join(".env");
    fs::write(&path, "APCA_API_KEY_ID=PKOLD\nAPCA_API_SECRET_KEY=old\n").unwrap();
    let looked = file(&path).look().await.unwrap();
    change(&path);
    let fault = file(&path).put(&delivery(0), looked.version.as_deref()).await.unwrap_err();
    assert_eq!((fault.kind, fault.applied), (kind, Applied::No), "{fault:?}");
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        assert!(!text.contains(SECRET_KEY) && !text.contains(KEY_ID), "{text}");
    }
}

#[tokio::test]
async fn another_writer_is_waited_for() {
    let (_folder, path) = folder();
    let path = path.join(".env");
    let lock = fs::File::open(path.parent().unwrap()).unwrap();
    lock.lock().unwrap();
    let fault = file(&path).put(&delivery(0), None).await.unwrap_err();
    assert!(fault.kind.may_pass(), "{fault:?}");
    drop(lock);
    assert!(file(&path).put(&delivery(0), None).await.is_ok());
}

#[rstest]
#[case::link(|path: &Path| symlink("elsewhere", path).unwrap())]
#[case::folder(|path: &Path| fs::create_dir(path).unwrap())]
#[case::two_names(|path: &Path| {
    fs::write(path, "A=1\n").unwrap();
    fs::hard_link(path, path.with_file_name("other")).unwrap();
})]
#[case::open_folder(|path: &Path| {
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
})]
#[case::odd_text(|path: &Path| fs::write(path, "APCA_API_KEY_ID=#x\n").unwrap())]
#[tokio::test]
async fn traps_are_refused_and_nothing_is_written(#[case] set: fn(&Path)) {
    let (_folder, path) = folder();
    let path = path.join(".env");
    set(&path);
    let fault = deliver(&*file(&path), &delivery(0)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Settings, "{fault:?}");
    assert!(!fs::read_to_string(&path).is_ok_and(|text| text.contains(KEY_ID)));
}

#[tokio::test]
async fn a_folder_behind_a_link_is_refused() {
    let (_folder, path) = folder();
    fs::create_dir(path.join("real")).unwrap();
    symlink("real", path.join("link")).unwrap();
    let fault = file(&path.join("link/.env")).look().await.unwrap_err();
    assert!(fault.next_step.contains("real"), "{fault:?}");
    assert_eq!(file(&path.join("none/.env")).look().await.unwrap_err().kind, FaultKind::NotFound);
}

#[rstest]
#[case("relative/.env")]
#[case("/srv/../etc/.env")]
#[case("/srv/bots/./.env")]
#[case("/etc/.env")]
#[case("/srv/bots/")]
fn only_whole_paths_in_named_folders_are_taken(#[case] path: &str) {
    let machine = Machine { folders: vec!["/srv/bots".into()], ..Machine::default() };
    assert_eq!(connect(json!({"kind": "dotenv", "path": path}), machine).unwrap_err().field, "path");
}

/// A consumer that runs these scripts.
fn program(folder: &Path, settings: &mut Value, scripts: &[(&str, &str)]) -> Box<dyn Consumer> {
    let mut programs = Vec::new();
    settings["kind"] = json!("command");
    for (action, script) in scripts {
        let path = folder.join(action);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        settings[*action] = json!([path, "a word; $HOME"]);
        programs.push(path);
    }
    connect(settings.clone(), Machine { programs, ..Machine::default() }).unwrap()
}

#[tokio::test]
async fn a_program_gets_the_pair_on_its_input_and_nowhere_else() {
    let (_folder, path) = folder();
    let out = path.join("out");
    let script = format!("{{ cat; echo; echo \"$@\"; env; }} > {}", out.display());
    let consumer =
        program(&path, &mut json!({}), &[("put", &script), ("look", "exit 0"), ("prove", "cat >/dev/null")]);
    let (_, _, proof) = deliver(&*consumer, &delivery(0)).await.unwrap();
    assert_eq!(proof.stored, Stored::Acknowledged);
    assert_eq!(proof.in_use.unwrap().0, "its program for proving says yes");
    let text = fs::read_to_string(&out).unwrap();
    let (input, rest) = text.split_once('\n').unwrap();
    let expected = json!({"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY});
    assert_eq!(serde_json::from_str::<Value>(input).unwrap(), expected);
    assert!(!rest.contains(KEY_ID) && !rest.contains(SECRET_KEY), "{rest}");
    assert!(rest.starts_with("a word; $HOME\n"), "{rest}");
    assert!(rest.contains("PADDOCK_ENVIRONMENT=paper") && !rest.contains("CARGO"), "{rest}");
}

#[tokio::test]
async fn a_program_may_want_lines() {
    let (_folder, path) = folder();
    let out = path.join("out");
    let script = format!("cat > {}", out.display());
    let consumer = program(&path, &mut json!({"input": "env"}), &[("put", &script)]);
    consumer.put(&delivery(0), None).await.unwrap();
    let expected = format!("APCA_API_KEY_ID={KEY_ID}\nAPCA_API_SECRET_KEY={SECRET_KEY}\n");
    assert_eq!(fs::read_to_string(&out).unwrap(), expected);
}

#[rstest]
#[case("exit 75", 60, FaultKind::NotYet)]
#[case("cat >/dev/null; exit 3", 60, FaultKind::Unexpected)]
#[case("kill -9 $$", 60, FaultKind::Unexpected)]
#[case("sleep 600 & sleep 600", 1, FaultKind::Timeout)]
#[tokio::test]
async fn a_program_that_fails_may_have_done_it(
    #[case] script: &str,
    #[case] seconds: u64,
    #[case] kind: FaultKind,
) {
    let (_folder, path) = folder();
    let consumer = program(&path, &mut json!({"timeout_seconds": seconds}), &[("put", script)]);
    let fault = consumer.put(&delivery(0), None).await.unwrap_err();
    assert_eq!((fault.kind, fault.applied), (kind, Applied::Unknown), "{fault:?}");
}

#[test]
fn a_program_that_nobody_allowed_is_not_run() {
    let settings = json!({"kind": "command", "put": ["/bin/sh", "-c", "id"]});
    let fault = connect(settings, Machine::default()).unwrap_err();
    assert!(fault.problem.contains("allowed_programs"), "{fault}");
    let settings = json!({"kind": "command", "put": ["sh"]});
    assert!(connect(settings, Machine::default()).is_err());
}
