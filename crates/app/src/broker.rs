//! The built-in paper broker as this process runs it.

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::{Environment, SecretText};
use paddock_paper::{ClockMode, DateLaying, PaperBroker, PaperOptions};
use paddock_vault::OsEntropy;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::SystemClock;
use crate::failure::{Failure, Outcome};
use crate::listen::ListenAddr;

/// Where the paper environment listens unless told otherwise.
pub(crate) const DEFAULT_PAPER: &str = "127.0.0.1:7881";
/// Where the live-like environment listens unless told otherwise.
pub(crate) const DEFAULT_LIVE: &str = "127.0.0.1:7882";

/// What Alpaca does and a test rarely wants; all of it is off unless it is asked for.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Strictness {
    /// Fill one order in ten in parts, as Alpaca's paper accounts do
    #[arg(long)]
    partial_fills: bool,
    /// Answer 429 after so many requests of an account in a minute; Alpaca allows 200
    #[arg(long, value_name = "N")]
    rate_limit: Option<NonZeroU32>,
    /// Let a data stream subscribe to the trades and quotes of so many symbols; Alpaca's free plan allows 30
    #[arg(long, value_name = "N")]
    symbol_limit: Option<NonZeroUsize>,
    /// Show Alpaca's fields on day trades: by-date (before 2026-07-06, when Alpaca removed them), always or never
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, hide_possible_values = true)]
    day_trade_fields: DayTradeFields,
}

/// When accounts show Alpaca's fields on day trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum DayTradeFields {
    #[default]
    ByDate,
    Always,
    Never,
}

/// How a broker is set up.
#[derive(Clone, Debug)]
pub(crate) struct BrokerSettings {
    pub(crate) paper: ListenAddr,
    pub(crate) live: ListenAddr,
    /// The options that choose the addresses, for whoever has to choose others.
    pub(crate) paper_option: &'static str,
    pub(crate) live_option: &'static str,
    pub(crate) seed: u64,
    pub(crate) pace: ClockMode,
    pub(crate) start: Option<Timestamp>,
    pub(crate) hold_open: bool,
    pub(crate) laying: DateLaying,
    /// A folder of the user's own bars.
    pub(crate) bars: Option<PathBuf>,
    /// Where accounts are kept; in memory when absent.
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) strictness: Strictness,
    /// Where exchanges are recorded, if they are.
    pub(crate) record_exchanges: Option<PathBuf>,
    /// What opens its admin interface; a token of its own, if absent.
    pub(crate) admin_token: Option<SecretText>,
}

/// A broker that listens.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) broker: PaperBroker,
    pub(crate) paper: SocketAddr,
    pub(crate) live: SocketAddr,
    servers: JoinSet<()>,
    closing: CancellationToken,
}

impl Broker {
    /// Listens and serves. When this returns, it can be used.
    pub(crate) async fn start(settings: BrokerSettings) -> Outcome<Self> {
        let (paper_listener, paper) = settings.paper.bind("paper broker", settings.paper_option).await?;
        let (live_listener, live) =
            settings.live.bind("live-like paper broker", settings.live_option).await?;
        if let Some(directory) = &settings.data_dir {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
            made.map_err(Failure::cannot(format!("create {}", directory.display())))?;
        }
        let mut options = PaperOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy));
        options.seed = settings.seed;
        options.clock_mode = settings.pace;
        options.start = settings.start;
        options.hold_open = settings.hold_open;
        options.laying = settings.laying;
        options.bars_dir = settings.bars;
        options.data_dir = settings.data_dir;
        options.partial_fills = settings.strictness.partial_fills;
        options.rate_limit = settings.strictness.rate_limit.map(NonZeroU32::get);
        options.day_trade_fields = match settings.strictness.day_trade_fields {
            DayTradeFields::ByDate => None,
            DayTradeFields::Always => Some(true),
            DayTradeFields::Never => Some(false),
        };
        options.streams.symbol_limit = settings.strictness.symbol_limit.map(NonZeroUsize::get);
        options.record_exchanges = settings.record_exchanges;
        options.admin_token = settings.admin_token;
        let broker =
            PaperBroker::open(options).map_err(|error| Failure::with_next_step(&error.to_string()))?;
        let closing = CancellationToken::new();
        let mut servers = JoinSet::new();
        for (listener, environment) in
            [(paper_listener, Environment::Paper), (live_listener, Environment::Live)]
        {
            let served = paddock_paper::serve(listener, broker.router(environment), closing.clone());
            servers.spawn(async move {
                if let Err(error) = served.await {
                    tracing::error!(%error, %environment, "the paper broker's listener failed");
                }
            });
        }
        let (timed, until) = (broker.clone(), closing.clone());
        servers.spawn(async move { timed.keep_time(until).await });
        Ok(Self { broker, paper, live, servers, closing })
    }

    /// Lets requests under way finish, and ends.
    pub(crate) async fn stop(mut self) {
        self.closing.cancel();
        while self.servers.join_next().await.is_some() {}
    }
}
