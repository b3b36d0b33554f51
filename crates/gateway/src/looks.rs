//! What people look at of an account: figures, positions and orders, as Alpaca has them now.
//!
//! A page that is open in ten windows asks Alpaca as often as one: an answer is good for a second, and who comes while it is fetched waits
//! for the same one. People come last in the account's budget of requests, so that looking never costs a program its order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::client::{AccountClient, ClientError};
use paddock_alpaca::wire::history::PortfolioHistory;
use paddock_alpaca::wire::{Account, Order, Position};
use paddock_core::id::ConnectionId;
use paddock_core::words;
use uuid::Uuid;

use crate::budget::{Asker, Priority};
use crate::shared::Shared;

/// For how long an answer, or the lack of one, is good.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// For how long a curve is.
const FRESH_CURVE: SignedDuration = SignedDuration::from_secs(15);

/// More answers than this are not kept.
const MOST_KEPT: usize = 256;

words! {
    /// How far back a curve of an account's worth goes.
    EquityPeriod {
        /// One day.
        Day = "1D",
        /// One week.
        Week = "1W",
        /// One month.
        Month = "1M",
        /// Three months.
        Quarter = "3M",
        /// One year.
        Year = "1A",
    }
}

impl EquityPeriod {
    /// The distance of its points, in Alpaca's words.
    const fn timeframe(self) -> &'static str {
        match self {
            Self::Day => "5Min",
            Self::Week => "1H",
            Self::Month | Self::Quarter | Self::Year => "1D",
        }
    }
}

/// Why there is nothing to look at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookFault {
    /// There is no such connection.
    #[error("there is no such connection")]
    NoSuchConnection,
    /// The credential cannot be opened or sent.
    #[error("the credential cannot be used: {0}")]
    Credential(String),
    /// Alpaca does not answer, or not well.
    #[error("{0}")]
    Alpaca(ClientError),
}

impl From<ClientError> for LookFault {
    fn from(error: ClientError) -> Self {
        Self::Alpaca(error)
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Account,
    Positions,
    OpenOrders,
    RecentOrders(usize),
    Order(Uuid),
    Equity(EquityPeriod),
}

/// What was seen.
#[derive(Clone, Debug)]
enum Sight {
    Account(Arc<Account>),
    Positions(Arc<Vec<Position>>),
    Orders(Arc<Vec<Order>>),
    Order(Arc<Order>),
    Equity(Arc<PortfolioHistory>),
}

type Seen = Option<(Timestamp, Result<Sight, LookFault>)>;

/// The places of what is seen.
type Places = HashMap<(ConnectionId, Subject), Arc<tokio::sync::Mutex<Seen>>>;

/// The last answers. Each is fetched by one at a time.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<Places>);

impl Looks {
    /// Forgets what was seen of an account, because it has changed.
    pub(crate) fn forget(&self, connection: ConnectionId) {
        self.lock().retain(|(of, _), _| *of != connection);
    }

    fn place(&self, connection: ConnectionId, subject: Subject) -> Arc<tokio::sync::Mutex<Seen>> {
        let mut kept = self.lock();
        if kept.len() >= MOST_KEPT {
            // Whoever is fetching holds its own place.
            kept.clear();
        }
        Arc::clone(kept.entry((connection, subject)).or_default())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The account's figures.
pub(crate) async fn account(shared: &Shared, of: ConnectionId) -> Result<Arc<Account>, LookFault> {
    match look(shared, of, Subject::Account).await? {
        Sight::Account(account) => Ok(account),
        _ => Err(LookFault::Alpaca(ClientError::Unreadable)),
    }
}

/// The positions.
pub(crate) async fn positions(shared: &Shared, of: ConnectionId) -> Result<Arc<Vec<Position>>, LookFault> {
    match look(shared, of, Subject::Positions).await? {
        Sight::Positions(positions) => Ok(positions),
        _ => Err(LookFault::Alpaca(ClientError::Unreadable)),
    }
}

/// The open orders, or the newest of all.
pub(crate) async fn orders(
    shared: &Shared,
    of: ConnectionId,
    recent: Option<usize>,
) -> Result<Arc<Vec<Order>>, LookFault> {
    match look(shared, of, recent.map_or(Subject::OpenOrders, Subject::RecentOrders)).await? {
        Sight::Orders(orders) => Ok(orders),
        _ => Err(LookFault::Alpaca(ClientError::Unreadable)),
    }
}

/// One order.
pub(crate) async fn order(shared: &Shared, of: ConnectionId, id: Uuid) -> Result<Arc<Order>, LookFault> {
    match look(shared, of, Subject::Order(id)).await? {
        Sight::Order(order) => Ok(order),
        _ => Err(LookFault::Alpaca(ClientError::Unreadable)),
    }
}

/// What the account was worth.
pub(crate) async fn equity(
    shared: &Shared,
    of: ConnectionId,
    period: EquityPeriod,
) -> Result<Arc<PortfolioHistory>, LookFault> {
    match look(shared, of, Subject::Equity(period)).await? {
        Sight::Equity(history) => Ok(history),
        _ => Err(LookFault::Alpaca(ClientError::Unreadable)),
    }
}

async fn look(shared: &Shared, connection: ConnectionId, subject: Subject) -> Result<Sight, LookFault> {
    let place = shared.looks.place(connection, subject);
    let mut seen = place.lock().await;
    let fresh = if matches!(subject, Subject::Equity(_)) { FRESH_CURVE } else { FRESH };
    if let Some((at, sight)) = &*seen
        && shared.clock.now().duration_since(*at).abs() < fresh
    {
        return sight.clone();
    }
    let sight = fetch(shared, connection, subject).await;
    // A failure is worth another try soon, whatever is looked at.
    let at = shared.clock.now();
    *seen = (sight.is_ok() || fresh == FRESH).then(|| (at, sight.clone()));
    sight
}

async fn fetch(shared: &Shared, connection: ConnectionId, subject: Subject) -> Result<Sight, LookFault> {
    let entry = shared.directory.load().connection(connection).cloned().ok_or(LookFault::NoSuchConnection)?;
    let credential = entry.open(&shared.opener).map_err(|error| LookFault::Credential(error.to_string()))?;
    let asker = Asker { key: None, priority: Priority::Read };
    let asking: AccountClient<'_> = shared
        .asking(&entry, &credential, asker)
        .map_err(|error| LookFault::Credential(error.to_string()))?;
    Ok(match subject {
        Subject::Account => Sight::Account(Arc::new(asking.account().await?)),
        Subject::Positions => Sight::Positions(Arc::new(asking.positions().await?)),
        Subject::OpenOrders => Sight::Orders(Arc::new(asking.open_orders().await?)),
        Subject::RecentOrders(limit) => Sight::Orders(Arc::new(asking.recent_orders(limit).await?)),
        Subject::Order(id) => Sight::Order(Arc::new(asking.order(id).await?)),
        Subject::Equity(period) => {
            let history = asking.portfolio_history(period.as_str(), period.timeframe()).await?;
            Sight::Equity(Arc::new(history))
        }
    })
}
