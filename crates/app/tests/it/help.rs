//! The help texts, as people see them.

use crate::bench::run;

fn check(name: &str, command: &[&str]) {
    let done = run(&[command, &["--help"]].concat()).ok();
    assert_eq!(done.stderr, "");
    insta::assert_snapshot!(name, done.stdout);
}

#[test]
fn every_command_explains_itself() {
    check("paddock", &[]);
    for command in [
        "demo",
        "serve",
        "connection",
        "account",
        "activity",
        "trading",
        "approval",
        "consumer",
        "rotation",
        "key",
        "env",
        "run",
        "ca",
        "freeze",
        "audit",
        "vault",
        "backup",
        "restore",
        "metrics",
        "doctor",
        "paper",
        "person",
        "scan",
    ] {
        check(command, &[command]);
    }
    for (name, command) in [
        ("connection-add", ["connection", "add"]),
        ("connection-remove", ["connection", "remove"]),
        ("consumer-add", ["consumer", "add"]),
        ("rotation-plan", ["rotation", "plan"]),
        ("rotation-paste", ["rotation", "paste"]),
        ("rotation-rehearse", ["rotation", "rehearse"]),
        ("key-create", ["key", "create"]),
        ("key-edit", ["key", "edit"]),
        ("key-replace", ["key", "replace"]),
        ("key-diff", ["key", "diff"]),
        ("key-explain", ["key", "explain"]),
        ("audit-list", ["audit", "list"]),
        ("account-cancel", ["account", "cancel"]),
        ("account-close", ["account", "close"]),
        ("activity-list", ["activity", "list"]),
        ("trading-mode", ["trading", "mode"]),
        ("approval-approve", ["approval", "approve"]),
        ("person-invite", ["person", "invite"]),
        ("vault-rotate", ["vault", "rotate"]),
        ("paper-serve", ["paper", "serve"]),
        ("paper-import", ["paper", "import"]),
        ("paper-account", ["paper", "account"]),
        ("paper-key", ["paper", "key"]),
        ("paper-oauth", ["paper", "oauth"]),
    ] {
        check(name, &command);
    }
    check("paper-account-create", &["paper", "account", "create"]);
}

#[test]
fn the_version_is_told() {
    assert_eq!(run(&["--version"]).ok().stdout, format!("paddock {}\n", env!("CARGO_PKG_VERSION")));
}
