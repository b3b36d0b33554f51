//! The other measure of comparison: haproxy that replaces the two key headers.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::nginx::Nginx;
use super::{KEY_ID, SECRET, measure};
use crate::process::{self, Running};

/// A running haproxy of our own configuration.
pub(super) struct Haproxy {
    process: Running,
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
}

/// Where Debian and others put haproxy, which is not on the PATH of ordinary users.
pub(super) fn program() -> Option<PathBuf> {
    process::on_path("haproxy")
        .or_else(|| Some(PathBuf::from("/usr/sbin/haproxy")).filter(|file| file.is_file()))
}

impl Haproxy {
    /// Starts one before the upstream, with as many threads as there are cores and connections to the upstream that are kept.
    pub(super) fn start(directory: &Path, upstream: &Nginx) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let port = measure::free_port()?;
        let upstream = upstream.url.trim_start_matches("http://");
        let configuration = format!(
            "global
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend programs
  bind 127.0.0.1:{port}
  default_backend broker
backend broker
  http-request set-header APCA-API-KEY-ID {KEY_ID}
  http-request set-header APCA-API-SECRET-KEY {SECRET}
  server broker {upstream}
"
        );
        let file = directory.join("haproxy.cfg");
        fs::write(&file, configuration)?;
        let mut process = Running::start(
            Command::new(program().context("haproxy is missing")?).arg("-db").arg("-f").arg(&file),
        )?;
        measure::wait_for_answer(SocketAddr::from(([127, 0, 0, 1], port)), "/", || process.check())?;
        Ok(Self { process, url: format!("http://127.0.0.1:{port}") })
    }

    /// The process that serves.
    pub(super) fn process_id(&self) -> u32 {
        self.process.id()
    }
}
