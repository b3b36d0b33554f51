//! Fetches one piece, with patience.

use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::client::{AccountClient, BarsQuery, ClientError};
use paddock_alpaca::wire::Bar;
use paddock_core::{AssetClass, Symbol, calendar};
use paddock_paper::market::Timeframe;
use tokio::time::{Instant, interval_at};

use super::pieces::Piece;
use crate::failure::{Failure, Outcome};

/// How often a page is asked for before the import gives up, unless the host says when to come again.
const ATTEMPTS: u32 = 5;

/// The longest that the host may ask to wait for.
const MOST_PATIENCE: Duration = Duration::from_secs(300);

pub(super) struct Fetcher<'a> {
    pub account: &'a AccountClient<'a>,
    pub timeframe: Timeframe,
    pub feed: Option<&'a str>,
    pub url: &'a str,
}

impl Fetcher<'_> {
    /// All bars of a piece.
    pub async fn piece(&self, symbol: &Symbol, piece: Piece) -> Outcome<Vec<Bar>> {
        let zone = if symbol.class() == AssetClass::Crypto { TimeZone::UTC } else { calendar::new_york() };
        let midnight = |date: Date| {
            let instant = zone.to_timestamp(date.to_datetime(Time::midnight()));
            instant.map_err(Failure::cannot(format!("find midnight on {date}")))
        };
        let after: Timestamp = midnight(piece.last.tomorrow().unwrap_or(Date::MAX))?;
        let query = BarsQuery {
            symbol: symbol.clone(),
            timeframe: self.timeframe.to_string(),
            from: midnight(piece.first)?,
            to: after - SignedDuration::from_secs(1),
            feed: self.feed.map(str::to_owned),
        };
        let mut all = Vec::new();
        let mut page = None;
        loop {
            let part = self.page(&query, page.as_deref()).await?;
            all.extend(part.bars);
            match part.next {
                None => return Ok(all),
                next if next == page => {
                    return Err(Failure::new(format!("{} answers the same page again and again", self.url))
                        .hint("check the address"));
                }
                next => page = next,
            }
        }
    }

    async fn page(&self, query: &BarsQuery, page: Option<&str>) -> Outcome<paddock_alpaca::client::BarsPage> {
        let mut attempt = 1;
        loop {
            let error = match self.account.bars(query, page).await {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            let wait = match &error {
                ClientError::RateLimited { retry_after: Some(wait) } if *wait <= MOST_PATIENCE => *wait,
                ClientError::RateLimited { .. }
                | ClientError::Server { .. }
                | ClientError::Timeout
                | ClientError::Unreachable
                    if attempt < ATTEMPTS =>
                {
                    attempt += 1;
                    Duration::from_secs(1 << attempt)
                }
                _ => return Err(self.failure(&error)),
            };
            tracing::info!(%error, seconds = wait.as_secs(), "asking again later");
            pause(wait).await;
        }
    }

    fn failure(&self, error: &ClientError) -> Failure {
        let failure = Failure::new(format!("{} did not give the bars: {error}", self.url));
        match error {
            ClientError::Api(refusal) if matches!(refusal.status, 401 | 403) => {
                failure.hint("use an access key whose scope allows market data (`paddock key create`), or a key pair of Alpaca")
            }
            ClientError::Unreachable => {
                failure.hint("start the gateway with `paddock serve`, or name another address with `--url`; then run the same command again")
            }
            // Alpaca's data host refuses a key with a page that any nginx could have sent.
            ClientError::Unreadable => {
                failure.hint("check the address and the key: use an access key whose scope allows market data (`paddock key create`), or a key pair of Alpaca; then run the same command again")
            }
            ClientError::Api(_) => failure.hint("check the symbols and dates, then run the same command again"),
            _ => failure.hint("run the same command again: it goes on where it was"),
        }
    }
}

/// The host asked for this time.
async fn pause(wait: Duration) {
    let wait = wait.max(Duration::from_millis(100));
    interval_at(Instant::now() + wait, wait).tick().await;
}
