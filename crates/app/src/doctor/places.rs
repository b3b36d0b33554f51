//! Files, their permissions, and the addresses to listen on.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use paddock_vault::{KeyFile, Vault};

use super::Checkup;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::failure::Failure;

/// Whether there is a data directory, and whether it is its owner's alone.
pub(super) fn directory(dir: &DataDir) -> Vec<Checkup> {
    const NAME: &str = "data directory";
    let shown = dir.path().display();
    let Ok(metadata) = std::fs::metadata(dir.path()) else {
        let failure = Failure::new(format!("{shown} does not exist"))
            .hint("start with `paddock serve`, or name the right one with `--data-dir`");
        return vec![Checkup::fail(NAME, &failure)];
    };
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        let step = format!("run `chmod 700 {shown}`");
        return vec![Checkup::warn(NAME, format!("{shown} is open to other users (mode {mode:04o})"), step)];
    }
    vec![Checkup::ok(NAME, format!("{shown}, its owner's alone"))]
}

/// Whether a configuration that may hold a password is readable by others. That it can be understood was seen before.
pub(super) fn configuration(dir: &DataDir, named: Option<&Path>) -> Checkup {
    const NAME: &str = "configuration";
    let path = named.map_or_else(|| dir.config(), Path::to_owned);
    let Ok(metadata) = std::fs::metadata(&path) else {
        return Checkup::ok(NAME, "none, so the defaults hold");
    };
    let holds_password = std::fs::read_to_string(&path).is_ok_and(|text| text.contains("postgres"));
    if holds_password && metadata.mode() & 0o077 != 0 {
        let step = format!("run `chmod 600 {}`, or use PADDOCK_DATABASE_URL", path.display());
        return Checkup::warn(
            NAME,
            format!("{} names a database and is open to other users", path.display()),
            step,
        );
    }
    Checkup::ok(NAME, path.display().to_string())
}

/// Whether the vault's key file is there, whole and its owner's alone.
pub(super) fn key_file(dir: &DataDir) -> Checkup {
    const NAME: &str = "key file";
    if !dir.key_file().exists() && !dir.database().exists() {
        return Checkup::ok(NAME, "none yet: it is made with the database");
    }
    match Vault::open(KeyFile::new(dir.key_file())).unlock() {
        Ok(status) if status.previous.is_some() => Checkup::warn(
            NAME,
            "a rotation of the key-encryption key was interrupted",
            "run `paddock vault rotate kek`, which finishes it",
        ),
        Ok(_) => Checkup::ok(NAME, format!("{}, its owner's alone", dir.key_file().display())),
        Err(error) => Checkup::fail(NAME, &Failure::new(error.to_string()).hint(error.hint())),
    }
}

/// Whether the addresses that a server would listen on are free.
pub(super) async fn ports(config: &Config) -> Vec<Checkup> {
    let mut found = Vec::new();
    for (name, address, option) in [("gateway", config.gateway, "--gateway"), ("pages", config.web, "--web")]
    {
        found.push(match address.bind(name, option).await {
            Ok(_) => Checkup::ok("port", format!("{address} is free for the {name}")),
            Err(failure) => {
                let step = failure.next_step().unwrap_or_default().to_owned();
                Checkup::warn("port", failure.message().to_owned(), step)
            }
        });
    }
    found
}
