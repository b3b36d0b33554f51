//! One stream of the broker's to many programs: the gateway beside a plain asyncio relay, at rising rates of what the broker sends.

mod listeners;
mod report;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};

use self::listeners::{Heard, Listeners};
use super::gateway::{AccessKey, Gateway};
use super::measure;
use super::nginx::Nginx;
use crate::process::Running;
use crate::python;
use crate::workspace::Workspace;

/// How many programs listen.
const PROGRAMS: usize = 100;
/// How many messages stand in a frame of the broker's: a quiet market and a busy one.
const PER_FRAME: [u32; 2] = [1, 10];
/// What the broker sends in a second, rising until one of the two cannot follow.
const RATES: [u32; 9] = [500, 1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 40_000, 80_000];
/// Who gets less than this part of what is sent does not follow.
const FOLLOWS: f64 = 0.95;

/// One rate, and what one of the two made of it.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Messages that the broker sends in a second.
    rate: u32,
    heard: Heard,
    /// Processor time that it used.
    cpu: Duration,
}

impl Step {
    fn delivered(&self) -> f64 {
        self.heard.messages as f64 / self.heard.took.as_secs_f64()
    }

    fn follows(&self) -> bool {
        self.heard.lost == 0 && self.delivered() >= FOLLOWS * f64::from(self.rate) * PROGRAMS as f64
    }

    /// Messages delivered for each second of processor time.
    fn per_cpu(&self) -> f64 {
        self.heard.messages as f64 / self.cpu.as_secs_f64()
    }
}

/// What was found for one size of frames.
struct Found {
    per_frame: u32,
    gateway: Vec<Step>,
    relay: Vec<Step>,
}

/// Measures both and writes the section of the page.
pub(super) fn section(workspace: &Workspace, binary: &Path, seconds: u32) -> Result<String> {
    let python = python::ensure(workspace)?.join("python");
    let folder = workspace.root.join("xtask/src/bench/fan_out");
    let program = |name: &str, words: &[String]| {
        let mut command = Command::new(&python);
        command
            .arg(folder.join(name))
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Running::start(&mut command)
    };
    let directory = workspace.target.join("bench/fan-out");
    // What is asked by REST when the account is connected.
    let account = Nginx::upstream(&workspace.target.join("bench/fan-out-account"))?;
    let time = Duration::from_secs(seconds.into()) / 2;
    let mut found = Vec::new();
    for per_frame in PER_FRAME {
        let climb = |name: &str, serve: &dyn Fn(u16) -> Result<(Served, SocketAddr, AccessKey)>| {
            let mut steps: Vec<Step> = Vec::new();
            for rate in RATES {
                let port = measure::free_port()?;
                let words = [port.to_string(), rate.to_string(), per_frame.to_string()];
                let mut source = program("source.py", &words)?;
                measure::wait_for_answer(local(port), "/", || source.check())?;
                let (served, address, key) = serve(port)?;
                let mut listeners = Listeners::open(address, &key, PROGRAMS)?;
                listeners.listen(Duration::from_secs(1))?;
                let before = measure::cpu_time(served.id())?;
                let heard = listeners.listen(time)?;
                let cpu = measure::cpu_time(served.id())?.saturating_sub(before);
                let step = Step { rate, heard, cpu };
                println!("{name}: {}", report::one_step(per_frame, &step));
                let follows = step.follows();
                steps.push(step);
                drop((listeners, served));
                if !follows {
                    break;
                }
            }
            if steps.is_empty() { bail!("{name} was not measured") } else { Ok(steps) }
        };
        let gateway = climb("gateway", &|source| {
            let upstream = account.as_upstream(format!("ws://127.0.0.1:{source}"));
            let gateway = Gateway::start(binary, &directory, &upstream)?;
            gateway.connect(super::KEY_ID, super::SECRET)?;
            let key = gateway.issue_access_key(&["--preset", "read-only"])?;
            let address = gateway.address;
            Ok((Served::Gateway(Box::new(gateway)), address, key))
        })?;
        let relay = climb("relay", &|source| {
            let port = measure::free_port()?;
            let mut relay = program("relay.py", &[port.to_string(), source.to_string()])?;
            measure::wait_for_answer(local(port), "/", || relay.check())?;
            let key = AccessKey { key_id: "k".to_owned(), secret_key: "s".to_owned() };
            Ok((Served::Relay(relay), local(port), key))
        })?;
        found.push(Found { per_frame, gateway, relay });
    }
    report::section(&found, time)
}

/// One of the two that are measured.
enum Served {
    Gateway(Box<Gateway>),
    Relay(Running),
}

impl Served {
    fn id(&self) -> u32 {
        match self {
            Self::Gateway(gateway) => gateway.process_id(),
            Self::Relay(relay) => relay.id(),
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
