//! Everything that the demo needs, set up and running.

use std::net::SocketAddr;
use std::path::PathBuf;

use paddock_core::{Environment, SecretText};
use paddock_paper::{ClockMode, DateLaying};
use paddock_web::OAUTH_CALLBACK;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::prepare::prepare;
use super::story::Story;
use super::{ACCESS_KEY, CONNECTION, MAX_NOTIONAL, SYMBOL};
use crate::api::ApiClient;
use crate::audit_line::Names;
use crate::broker::{Broker, BrokerSettings, Strictness};
use crate::config::{Config, ConfigFile};
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::files::replace_private;
use crate::instance::Addresses;
use crate::listen::ListenAddr;
use crate::running::Running;
use crate::signals::Ending;

/// What the demo's account starts with, dollars.
const CASH: u32 = 100_000;

/// The name of the demo's owner.
const OWNER: &str = "demo-owner";

/// Where the demo listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listeners {
    pub(crate) web: ListenAddr,
    pub(crate) gateway: ListenAddr,
    pub(crate) tls: Option<ListenAddr>,
    pub(crate) proxy: Option<ListenAddr>,
    pub(crate) paper: ListenAddr,
    pub(crate) paper_live: ListenAddr,
}

/// A running broker and a running Paddock, with a connected account and an access key.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(super) dir: DataDir,
    /// Addresses with their scheme.
    pub(super) gateway: String,
    pub(super) tls: Option<String>,
    pub(super) proxy: Option<String>,
    pub(super) web: String,
    /// The address that signs the demo's owner in.
    pub(super) sign_in: SecretText,
    pub(super) paper: String,
    pub(super) paper_live: String,
    pub(super) account_number: String,
    /// The access key. Not the account's own pair, which nobody sees.
    pub(super) key_id: String,
    pub(super) secret_key: SecretText,
    broker: Broker,
    running: Running,
    api: ApiClient,
}

impl Stage {
    /// Starts the broker and Paddock, connects an account and issues an access key; tells each.
    pub(crate) async fn set(
        dir: DataDir,
        listeners: Listeners,
        record_exchanges: Option<PathBuf>,
        story: &Story,
    ) -> Outcome<Self> {
        story.opening()?;
        story.heading("Setting up")?;
        let lock = prepare(&dir).await?;
        let broker = Broker::start(BrokerSettings {
            paper: listeners.paper,
            live: listeners.paper_live,
            paper_option: "--paper",
            live_option: "--paper-live",
            seed: 1,
            pace: ClockMode::Real,
            start: None,
            hold_open: true,
            laying: DateLaying::OntoToday,
            bars: None,
            data_dir: Some(dir.paper()),
            strictness: Strictness::default(),
            record_exchanges,
            admin_token: None,
        })
        .await?;
        let (paper, paper_live) = (format!("http://{}", broker.paper), format!("http://{}", broker.live));
        story.ready(
            "paper broker",
            &format!("{paper}, an Alpaca on this machine: real prices, open around the clock"),
        )?;

        let config = configure(&dir, listeners, &broker).await?;
        let running = Running::start_locked(dir.clone(), &config, lock).await?;
        let Addresses { gateway, tls, proxy, web, .. } = running.addresses();
        let (gateway, web) = (format!("http://{gateway}"), format!("http://{web}"));
        story.ready("Paddock", &format!("{gateway} for programs, {web} for people"))?;

        let sign_in = running.demo_link(OWNER).await?;
        let api = ApiClient::Socket(dir.socket());
        let account_number = connect(&broker, &api).await?;
        let text = format!(
            "`{CONNECTION}`: paper account {account_number} with $100,000.00; its real key is sealed in the vault"
        );
        story.ready("connection", &text)?;
        let issued = issue(&api).await?;
        let scope = issued["key"]["scope_sentence"].as_str().unwrap_or_default();
        story.ready("access key", &format!("`{ACCESS_KEY}`: {scope}"))?;
        let text = |name: &str| issued[name].as_str().unwrap_or_default().to_owned();
        let (key_id, secret_key) = (text("key_id"), SecretText::new(text("secret_key")));
        Ok(Self {
            dir,
            gateway,
            tls: tls.map(|address| format!("https://{address}")),
            proxy: proxy.map(|address| format!("http://{address}")),
            web,
            sign_in,
            paper,
            paper_live,
            account_number,
            key_id,
            secret_key,
            broker,
            running,
            api,
        })
    }

    /// The audit records so far, oldest first, and whether the chain verifies.
    pub(super) async fn records(&self) -> Outcome<(Vec<Value>, bool)> {
        let verified = self.api.get("/api/v1/audit/verify").await?;
        let records = self.api.list("/api/v1/audit?after=0").await?;
        Ok((records.as_array().cloned().unwrap_or_default(), verified["valid"] == true))
    }

    /// The names for the records.
    pub(super) async fn names(&self) -> Outcome<Names> {
        Names::of(&self.api).await
    }

    /// Ends Paddock and then the broker.
    pub(crate) async fn stop(self, ending: Ending) -> Outcome {
        let stop = CancellationToken::new();
        stop.cancel();
        let stopped = self.running.run(stop, ending.hard).await;
        self.broker.stop().await;
        stopped
    }
}

/// The configuration also goes into the demo's directory, so that commands and a later `paddock serve` find this broker.
async fn configure(dir: &DataDir, listeners: Listeners, broker: &Broker) -> Outcome<Config> {
    let (paper, live) = (broker.paper, broker.live);
    let text = format!(
        "# Written by `paddock demo`.\n[alpaca]\npaper_url = \"http://{paper}\"\nlive_url = \"http://{live}\"\n\
         data_url = \"http://{paper}\"\nstream_url = \"ws://{paper}\"\n"
    ) + &register(dir, listeners.web.socket(), broker).await?;
    let path = dir.config();
    replace_private(&path, text.as_bytes()).map_err(Failure::cannot(format!("write {}", path.display())))?;
    // The environment is somebody's real configuration, and has no say here.
    let mut config = Config::resolve(ConfigFile::parse(&text, &path)?, |_| None)?;
    config.gateway = listeners.gateway;
    config.tls = listeners.tls;
    config.proxy = listeners.proxy;
    config.web = listeners.web;
    config.check_listeners()?;
    Ok(config)
}

/// Registers this Paddock as an app at the broker, so that accounts can be connected by OAuth too; what the configuration says of it.
/// Where it will listen must be known before, since that is part of the registration.
async fn register(dir: &DataDir, web: SocketAddr, broker: &Broker) -> Outcome<String> {
    if web.port() == 0 || !web.ip().is_loopback() {
        return Ok(String::new());
    }
    let (name, back) = ("Paddock".to_owned(), format!("http://{web}{OAUTH_CALLBACK}"));
    let registered = broker.broker.register_oauth_client(name, vec![back]).await;
    let (client_id, secret) = registered.map_err(Failure::cannot("register at the paper broker"))?;
    let path = dir.oauth_secret();
    let written = replace_private(&path, secret.expose().as_bytes());
    written.map_err(Failure::cannot(format!("write {}", path.display())))?;
    let paper = broker.paper;
    Ok(format!(
        "[oauth]\nclient_id = \"{client_id}\"\napp_url = \"http://{paper}\"\ntoken_url = \"http://{paper}\"\n"
    ))
}

/// Opens an account at the broker and connects it. The pair goes from one to the other and nowhere else.
async fn connect(broker: &Broker, api: &ApiClient) -> Outcome<String> {
    let opened = broker.broker.create_account(Environment::Paper, CASH.into()).await;
    let account = opened.map_err(Failure::cannot("open an account at the paper broker"))?;
    let addition = crate::commands::connection::Addition {
        name: CONNECTION,
        environment: Environment::Paper,
        key_id: &account.key_id,
        secret_key: account.secret_key.expose(),
        replace: false,
        signature: None,
    };
    api.post("/api/v1/connections", &addition).await?;
    Ok(account.account_number)
}

async fn issue(api: &ApiClient) -> Outcome<Value> {
    let scope = json!({
        "name": ACCESS_KEY, "connection": CONNECTION, "preset": "trader",
        "symbols": [SYMBOL], "sides": ["buy"], "max_order_notional": MAX_NOTIONAL.to_string(),
    });
    api.post("/api/v1/keys", &scope).await
}
