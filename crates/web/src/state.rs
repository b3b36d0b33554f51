//! What every endpoint and page works with.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::uri::Authority;
use jiff::Timestamp;
use paddock_alpaca::AlpacaClient;
use paddock_alpaca::oauth::OauthApp;
use paddock_core::id::UserId;
use paddock_core::{Clock, Entropy, Environment};
use paddock_gateway::Control;
use paddock_rotate::{Means, RehearsalBroker, Rotations};
use paddock_store::Store;
use paddock_vault::{Sealer, SecondFactor};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::pace::Pace;
use crate::api::rotations::broker::RehearsalHost;
use crate::pages::chain::ChainWatch;
use crate::pages::hosts::AllowedHosts;
use crate::people::People;
use crate::problem::Problem;

/// What every endpoint and page works with. Both routers take the same one.
#[derive(Debug)]
pub struct WebState {
    /// What to type in a terminal to run this program: `paddock`, or its path where that would not be found.
    pub program: String,
    /// The database.
    pub store: Store,
    /// Seals the credentials of new connections.
    pub sealer: Arc<Sealer>,
    /// Makes and checks second factors.
    pub second_factor: SecondFactor,
    /// Names this run of the process, to tell what an earlier one left unfinished.
    pub run: String,
    /// The running gateway.
    pub control: Control,
    /// Asks Alpaca about a pair before it is stored.
    pub client: AlpacaClient,
    /// This Paddock as an app that is registered at Alpaca, if it is; its redirect address ends with [`crate::OAUTH_CALLBACK`].
    pub oauth: Option<OauthApp>,
    /// Replaces key pairs.
    pub rotations: Rotations,
    /// Asks the paper broker with which rotations are rehearsed, if there is one.
    pub rehearsal: RehearsalBroker,
    /// The rehearsals that are played, which call themselves off when `closing` is canceled.
    pub rehearsals: TaskTracker,
    /// Starts one where there is none, and opens the accounts that rehearsals play with.
    pub rehearsal_host: Arc<dyn RehearsalHost>,
    /// What consumers may use of the world and of this machine.
    pub means: Means,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness for identifiers, nonces and access keys.
    pub entropy: Arc<dyn Entropy>,
    /// The first user, who owns this Paddock. Whoever may open the admin socket acts for them.
    pub user: UserId,
    /// The data directory; a backup is gathered here before it is sent.
    pub data_dir: PathBuf,
    /// The gateway's address as programs reach it, for example `http://127.0.0.1:7880`.
    pub gateway_url: String,
    /// The address of the gateway's TLS entrance, if it has one, with its scheme and without a path.
    pub tls_url: Option<String>,
    /// The address of the gateway's proxy entrance, if it has one, with its scheme and without a path.
    pub proxy_url: Option<String>,
    /// The address of the listener for monitoring, if there is one, with its scheme and without a path.
    pub metrics_url: Option<String>,
    /// For how long audit records are kept, in words; for ever when absent.
    pub keep: Option<String>,
    /// The names under which the web listener may be addressed.
    pub hosts: AllowedHosts,
    /// Canceled at shutdown: streams of events end, which otherwise never would.
    pub closing: CancellationToken,
    /// How many requests to the API each person may make.
    pub pace: Pace,
    /// What has to do with people: passwords, and how often somebody may try one.
    pub people: People,
    /// What is known about the audit chain; `ChainWatch::default()` at the start.
    pub chain: ChainWatch,
}

/// What starts a Paddock for accounts at Alpaca itself, where this one uses a broker on this machine: beside one that runs, since its directory
/// and its ports are not those that anything of Paddock's takes by itself.
const BESIDE: &str = "serve --data-dir ~/paddock-alpaca --web 127.0.0.1:8878 --gateway 127.0.0.1:8880";

impl WebState {
    /// What to type in a terminal to start a Paddock for accounts at Alpaca itself beside this one.
    pub(crate) fn beside(&self) -> String {
        format!("{} {BESIDE}", self.program)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The address of the broker that stands in for Alpaca in this environment, if that is one on this machine: Paddock's own has a
    /// dashboard at `/dashboard` there.
    pub(crate) fn own_broker(&self, environment: Environment) -> Option<String> {
        let base = self.client.endpoints().trading(environment);
        let authority: Authority = base.authority().parse().ok()?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        here.then(|| base.as_str().trim_end_matches('/').to_owned())
    }

    /// Has the gateway take over what was changed in the database.
    pub(crate) async fn reload(&self) -> Result<(), Problem> {
        self.control.reload().await.map_err(|error| {
            tracing::error!(%error, "the gateway did not take over a change");
            Problem::new(
                http::StatusCode::SERVICE_UNAVAILABLE,
                "gateway_not_reloaded",
                "Gateway not reloaded",
                format!("the change is stored, but the gateway did not take it over: {error}"),
                "run `paddock doctor`, then restart `paddock serve`",
            )
        })
    }
}
