//! How a paper broker is set up.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::{Clock, Entropy, SecretText};
use rust_decimal::Decimal;

use crate::clock::ClockMode;
use crate::faults::BadToken;
use crate::http::record::ExchangeFileError;
use crate::journal::JournalError;
use crate::market::{BarsError, DateLaying};
use crate::stream::StreamOptions;

/// What accounts start with unless it is said otherwise, dollars: what Alpaca's do.
pub const DEFAULT_CASH: Decimal = Decimal::from_parts(100_000, 0, 0, false, 0);

/// The most that an account can start with, dollars.
pub const MAX_CASH: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// How a paper broker is set up.
#[derive(Clone, Debug)]
pub struct PaperOptions {
    /// Decides all generated prices.
    pub seed: u64,
    /// The clock that the broker's own follows.
    pub clock: Arc<dyn Clock>,
    /// How it follows.
    pub clock_mode: ClockMode,
    /// Where the broker's time begins; now, if absent. A journal that ends later wins.
    pub start: Option<Timestamp>,
    /// Whether the stock market is open around the clock, for demonstrations.
    pub hold_open: bool,
    /// How the recorded days are laid onto the calendar.
    pub laying: DateLaying,
    /// A folder of the user's own bars, which take the place of made-up prices. See `docs/paper-broker-data.md`.
    pub bars_dir: Option<PathBuf>,
    /// Where the journal is kept. Without it everything is in memory only.
    pub data_dir: Option<PathBuf>,
    /// Where keys and ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// What new accounts start with, dollars.
    pub default_cash: Decimal,
    /// Requests that an account may make in a minute; Alpaca allows 200. Without it, any number.
    pub rate_limit: Option<u32>,
    /// Whether one order in ten is filled in parts, as Alpaca's paper accounts do it.
    pub partial_fills: bool,
    /// Whether accounts show Alpaca's fields on day trades; if it is not said, before 2026-07-06, when Alpaca removed them.
    pub day_trade_fields: Option<bool>,
    /// How streams are set up.
    pub streams: StreamOptions,
    /// What opens the admin interface: 16 to 256 ASCII characters. Without it the broker makes a token of its own, which
    /// [`crate::PaperBroker::admin_token`] tells.
    pub admin_token: Option<SecretText>,
    /// Whether [`crate::PaperBroker::requests_seen`] is kept, for tests.
    pub record_requests: bool,
    /// The file to which every exchange of request and answer is appended as a JSON line, without headers and secrets.
    pub record_exchanges: Option<PathBuf>,
}

impl PaperOptions {
    /// The usual set-up: seed 1, real time, real hours, recorded prices as today's, in memory, $100,000, no rate limit,
    /// whole fills.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            seed: 1,
            clock,
            clock_mode: ClockMode::Real,
            start: None,
            hold_open: false,
            laying: DateLaying::OntoToday,
            bars_dir: None,
            data_dir: None,
            entropy,
            default_cash: DEFAULT_CASH,
            rate_limit: None,
            partial_fills: false,
            day_trade_fields: None,
            streams: StreamOptions::default(),
            admin_token: None,
            record_requests: false,
            record_exchanges: None,
        }
    }
}

/// The paper broker could not be started.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The folder of the user's own bars could not be used.
    #[error(transparent)]
    Bars(#[from] BarsError),
    /// Its journal could not be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal has a command that the broker refuses, as no journal of this version does.
    #[error(
        "command {number} of the paper broker's journal is refused ({refusal}): restore the journal from a backup, or move it away to start anew"
    )]
    Replay {
        /// Which command, from 1.
        number: u64,
        /// Why.
        refusal: String,
    },
    /// The file for exchanges could not be opened.
    #[error(transparent)]
    Record(#[from] ExchangeFileError),
    /// The admin token that was chosen cannot be used.
    #[error("{0}: choose another one, or none")]
    Token(#[from] BadToken),
    /// A listener could not be opened.
    #[error("cannot listen for the paper broker: {0}")]
    Listen(#[from] std::io::Error),
}
