//! The upstream and the measure of comparison, both nginx.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::gateway::Upstream;
use super::{KEY_ID, SECRET, measure};
use crate::process::{self, Running};

/// The account that the upstream answers with: active, and as large as a real one.
const ACCOUNT: &str = include_str!("account.json");

/// A running nginx of our own configuration.
pub(super) struct Nginx {
    process: Running,
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
    /// For the upstream, the address that stands for Alpaca's live host and refuses every key.
    pub(super) live_url: String,
}

/// Where Debian and others put nginx, which is not on the PATH of ordinary users.
pub(super) fn program() -> Option<PathBuf> {
    process::on_path("nginx").or_else(|| Some(PathBuf::from("/usr/sbin/nginx")).filter(|file| file.is_file()))
}

impl Nginx {
    /// A broker that answers every request that carries the real pair with the same account, and any other with 401. As the paper broker
    /// does without a limit, it says that of 200 requests a minute all are left but this one.
    pub(super) fn upstream(directory: &Path) -> Result<Self> {
        let (port, live_port) = (measure::free_port()?, measure::free_port()?);
        let account = ACCOUNT.split_whitespace().collect::<String>();
        let unauthorized = r#"return 401 '{"message":"unauthorized."}';"#;
        let servers = format!(
            "default_type application/json;
             map_hash_bucket_size 256;
             map $http_apca_api_key_id:$http_apca_api_secret_key $known {{ default 0; '{KEY_ID}:{SECRET}' 1; }}
             server {{
                 listen 127.0.0.1:{port} reuseport;
                 keepalive_requests 1000000000;
                 location / {{
                     if ($known = 0) {{ {unauthorized} }}
                     add_header X-RateLimit-Limit 200;
                     add_header X-RateLimit-Remaining 199;
                     return 200 '{account}';
                 }}
             }}
             server {{ listen 127.0.0.1:{live_port}; location / {{ {unauthorized} }} }}"
        );
        Self::start(directory, &servers, port, live_port)
    }

    /// Plain header injection: what the gateway does, without deciding, recording or a vault.
    pub(super) fn proxy(directory: &Path, upstream: &Self) -> Result<Self> {
        let port = measure::free_port()?;
        let upstream_address = upstream.url.trim_start_matches("http://");
        let servers = format!(
            "upstream broker {{ server {upstream_address}; keepalive 64; keepalive_requests 1000000000; }}
             server {{
                 listen 127.0.0.1:{port} reuseport;
                 keepalive_requests 1000000000;
                 location / {{
                     proxy_pass http://broker;
                     proxy_http_version 1.1;
                     proxy_set_header Connection '';
                     proxy_set_header APCA-API-KEY-ID {KEY_ID};
                     proxy_set_header APCA-API-SECRET-KEY {SECRET};
                 }}
             }}"
        );
        Self::start(directory, &servers, port, port)
    }

    fn start(directory: &Path, servers: &str, port: u16, live_port: u16) -> Result<Self> {
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        fs::create_dir_all(directory)?;
        let directory = directory.canonicalize()?;
        let here = directory.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
            .collect();
        // One user for all: an nginx that root starts would hand its workers to a user who cannot reach the directory.
        let user = if crate::packages::is_root()? { "user root;" } else { "" };
        let configuration = format!(
            "daemon off; {user} worker_processes auto; pid {here}/nginx.pid; error_log {here}/error.log warn;
             events {{ worker_connections 1024; }}
             http {{ access_log off; {temporary} {servers} }}\n"
        );
        let file = directory.join("nginx.conf");
        fs::write(&file, configuration)?;
        let program = program().context("nginx is missing")?;
        let mut command = Command::new(program);
        command.arg("-p").arg(&directory).arg("-c").arg(&file).arg("-e").arg(directory.join("error.log"));
        let mut process = Running::start(&mut command)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        measure::wait_for_answer(address, "/", || process.check())?;
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        Ok(Self { process, url: url(port), live_url: url(live_port) })
    }

    /// It as what stands for Alpaca; streams are wherever `stream_url` says.
    pub(super) fn as_upstream(&self, stream_url: String) -> Upstream {
        Upstream { url: self.url.clone(), live_url: self.live_url.clone(), stream_url }
    }

    /// The processes that serve.
    pub(super) fn workers(&self) -> Result<Vec<u32>> {
        measure::children(self.process.id())
    }
}
