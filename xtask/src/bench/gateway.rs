//! Paddock under measurement: a fresh data directory, one connection, one access key.

use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::measure;
use crate::process::{self, Running};

/// A running `paddock serve`.
pub(super) struct Gateway {
    binary: PathBuf,
    data: PathBuf,
    process: Running,
    /// Of the gateway's listener.
    pub(super) address: SocketAddr,
    /// `http://ADDRESS`.
    pub(super) url: String,
    /// Of the pages.
    pub(super) web: SocketAddr,
    /// The link that makes the first owner.
    pub(super) set_up: Option<String>,
    /// What it says goes on being taken.
    _output: BufReader<ChildStdout>,
    /// From starting the process to its first answer.
    pub(super) started_in: Duration,
}

/// What stands for Alpaca.
pub(super) struct Upstream {
    /// Of paper accounts and of data.
    pub(super) url: String,
    pub(super) live_url: String,
    pub(super) stream_url: String,
}

/// A pair that Paddock issued.
pub(super) struct AccessKey {
    pub(super) key_id: String,
    pub(super) secret_key: String,
}

impl Gateway {
    /// Starts on an empty data directory.
    pub(super) fn start(binary: &Path, data: &Path, upstream: &Upstream) -> Result<Self> {
        if data.exists() {
            fs::remove_dir_all(data)?;
        }
        fs::create_dir_all(data)?;
        // What a load asks of the API is no script that runs wild.
        fs::write(data.join("config.toml"), "[limits]\napi_per_minute = 1000000000\n")?;
        let (port, web) = (measure::free_port()?, measure::free_port()?);
        let mut command = Command::new(binary);
        command.arg("--data-dir").arg(data).arg("serve");
        command.args([
            "--gateway",
            &format!("127.0.0.1:{port}"),
            "--web",
            &format!("127.0.0.1:{web}"),
            "--json",
        ]);
        command
            .env("PADDOCK_ALPACA_PAPER_URL", &upstream.url)
            .env("PADDOCK_ALPACA_LIVE_URL", &upstream.live_url);
        command.env("PADDOCK_ALPACA_DATA_URL", &upstream.url);
        command.env("PADDOCK_ALPACA_STREAM_URL", &upstream.stream_url);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Running::start(&mut command)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let started_in = measure::wait_for_answer(address, "/v2/clock", || process.check())?;
        let mut output = BufReader::new(process.0.stdout.take().context("no output")?);
        let said = said(&mut output)?;
        let (binary, data) = (binary.to_path_buf(), data.to_path_buf());
        let set_up = said["set_up"].as_str().map(str::to_owned);
        let web = SocketAddr::from(([127, 0, 0, 1], web));
        let url = format!("http://{address}");
        Ok(Self { binary, data, process, address, url, web, set_up, _output: output, started_in })
    }

    pub(super) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Connects the account of that pair.
    pub(super) fn connect(&self, key_id: &str, secret_key: &str) -> Result<()> {
        let add =
            ["connection", "add", "bench", "--environment", "paper", "--key-id", key_id, "--secret-stdin"];
        let mut child = self.command(&add).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            writeln!(stdin, "{secret_key}")?;
        }
        if !child.wait()?.success() {
            bail!("paddock connection add failed");
        }
        Ok(())
    }

    /// Issues an access key of that scope for the account.
    pub(super) fn issue_access_key(&self, scope: &[&str]) -> Result<AccessKey> {
        let create = [&["key", "create", "bench", "--connection", "bench", "--json"], scope].concat();
        let created: serde_json::Value = serde_json::from_str(&process::output(&mut self.command(&create))?)?;
        let text = |name: &str| {
            created[name].as_str().map(str::to_owned).with_context(|| format!("no {name} was issued"))
        };
        Ok(AccessKey { key_id: text("key_id")?, secret_key: text("secret_key")? })
    }

    /// Asks the server's own API for something that has no body, and returns when it has answered.
    pub(super) fn post(&self, path: &str) -> Result<()> {
        let mut socket = UnixStream::connect(self.data.join("paddock.sock"))?;
        write!(
            socket,
            "POST /api/v1{path} HTTP/1.1\r\nHost: paddock\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
             Connection: close\r\n\r\n{{}}"
        )?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        if !answer.starts_with("HTTP/1.1 200") {
            bail!("POST {path} was answered {answer}");
        }
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--data-dir").arg(&self.data).args(arguments);
        command
    }
}

/// The JSON document with which it says where it is.
fn said(output: &mut impl BufRead) -> Result<serde_json::Value> {
    let mut text = String::new();
    while !text.ends_with("\n}\n") {
        if output.read_line(&mut text)? == 0 {
            bail!("paddock serve said: {text}");
        }
    }
    Ok(serde_json::from_str(&text)?)
}
