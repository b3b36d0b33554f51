//! A running `paddock paper serve`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::super::measure;
use crate::process::Running;

/// A broker on one core.
pub(in super::super) struct Broker {
    process: Running,
    pub(super) address: SocketAddr,
    /// `http://127.0.0.1:PORT` of its paper environment.
    pub(in super::super) url: String,
    /// The same of its live environment.
    pub(in super::super) live_url: String,
}

/// A pair of the broker.
pub(in super::super) struct Account {
    pub(in super::super) key_id: String,
    pub(in super::super) secret_key: String,
}

impl Broker {
    /// Starts one that keeps everything in memory.
    pub(in super::super) fn start(binary: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_as(pinned(binary), arguments)
    }

    /// Starts one with an empty journal.
    pub(super) fn start_with_journal(binary: &Path, data: &Path, arguments: &[&str]) -> Result<Self> {
        if data.exists() {
            fs::remove_dir_all(data)?;
        }
        fs::create_dir_all(data)?;
        let mut command = pinned(binary);
        command.arg("--data-dir").arg(data);
        Self::start_as(command, arguments)
    }

    fn start_as(mut command: Command, arguments: &[&str]) -> Result<Self> {
        let (port, live) = (measure::free_port()?, measure::free_port()?);
        command.args(["paper", "serve", "--listen", &format!("127.0.0.1:{port}")]);
        command.args(["--live-listen", &format!("127.0.0.1:{live}")]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut process = Running::start(&mut command)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        measure::wait_for_answer(address, "/v2/clock", || process.check())?;
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        Ok(Self { process, address, url: url(port), live_url: url(live) })
    }

    /// `taskset` becomes the program that it starts.
    pub(in super::super) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Opens an account that does not run out of money.
    pub(in super::super) fn open_account(&self) -> Result<Account> {
        let body = r#"{"environment":"paper","cash":"1000000000"}"#;
        let mut stream = TcpStream::connect(self.address)?;
        let (address, length) = (self.address, body.len());
        write!(
            stream,
            "POST /dashboard/v1/accounts HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, content) = answer.split_once("\r\n\r\n").context("the broker answered no HTTP")?;
        let account: serde_json::Value =
            serde_json::from_str(content).context("the broker opened no account")?;
        let text = |name: &str| {
            account[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {content}"))
        };
        Ok(Account { key_id: text("key_id")?, secret_key: text("secret_key")? })
    }
}

/// The program on the first core; the load has the others.
fn pinned(binary: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0"]).arg(binary);
    command
}
