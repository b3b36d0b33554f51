//! A throw-away PostgreSQL cluster for the tests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{packages, process};

const SCRIPT: &str = include_str!("postgres.sh");

/// Where the tests look for the database's address.
pub(crate) const URL_VARIABLE: &str = "PADDOCK_TEST_POSTGRES_URL";

/// `cargo xtask postgres COMMAND...`: one command with a cluster of its own.
pub(crate) fn with_cluster(arguments: &[String]) -> Result<()> {
    let Some((program, rest)) = arguments.split_first() else {
        bail!("no command given\nhint: `cargo xtask postgres cargo nextest run -p paddock-store`");
    };
    let cluster = Cluster::start()?;
    process::run(Command::new(program).args(rest).env(URL_VARIABLE, &cluster.url))
}

/// A running cluster. It stops and is deleted when this value is dropped, or when this process ends in any other way.
pub(crate) struct Cluster {
    supervisor: Child,
    /// `postgres://...` of a database in it whose user may create more.
    pub(crate) url: String,
}

impl Cluster {
    /// Starts a cluster, installing PostgreSQL first where it is missing.
    pub(crate) fn start() -> Result<Self> {
        let bin = programs()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let password = random_hex()?;
        let mut command = shell_as_ordinary_user()?;
        command.args(["-c", SCRIPT, "postgres"]).arg(&bin).arg(port.to_string());
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut supervisor = command.spawn().context("cannot start PostgreSQL")?;
        if let Some(stdin) = supervisor.stdin.as_mut() {
            writeln!(stdin, "{password}")?;
        }
        let mut line = String::new();
        if let Some(stdout) = supervisor.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let url = format!("postgres://paddock:{password}@127.0.0.1:{port}/postgres");
        let cluster = Self { supervisor, url };
        if line.trim() != "ready" {
            bail!("PostgreSQL from {} did not start; its own words are above", bin.display());
        }
        Ok(cluster)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Closing the pipe is the sign to stop.
        drop(self.supervisor.stdin.take());
        _ = self.supervisor.wait();
    }
}

/// PostgreSQL refuses to run as root, so root starts it as another user.
fn shell_as_ordinary_user() -> Result<Command> {
    if !packages::is_root()? {
        return Ok(Command::new("sh"));
    }
    let users = ["postgres", "nobody"];
    let Some(user) = users.into_iter().find(|user| process::succeeds(Command::new("id").args(["-u", user])))
    else {
        bail!(
            "PostgreSQL does not run as root, and there is neither a user postgres nor nobody\nhint: run as another user"
        );
    };
    let mut command = Command::new("runuser");
    // Root's own temporary directory may be closed to that user.
    command.args(["-u", user, "--", "env", "-u", "TMPDIR", "sh"]);
    Ok(command)
}

/// The directory of `initdb`, `postgres` and `pg_isready`.
fn programs() -> Result<PathBuf> {
    if let Some(bin) = find_programs() {
        return Ok(bin);
    }
    packages::install(&["postgresql"], "PostgreSQL")?;
    find_programs().context("PostgreSQL was installed, but its initdb is not where it was looked for")
}

fn find_programs() -> Option<PathBuf> {
    // A link on PATH may stand alone; the programs need their neighbours.
    let on_path = process::on_path("initdb").and_then(|file| file.canonicalize().ok());
    let on_path = on_path.and_then(|file| file.parent().map(Path::to_path_buf));
    on_path
        .into_iter()
        .chain(debian_versions())
        .find(|bin| ["initdb", "postgres", "pg_isready"].iter().all(|program| bin.join(program).is_file()))
}

/// Debian keeps the programs of each version apart and off PATH: the newest first.
fn debian_versions() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/usr/lib/postgresql") else { return Vec::new() };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, bin)| bin).collect()
}

/// A password that no other user of this machine can guess.
fn random_hex() -> Result<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
