//! The broker as a state machine: commands and time go in, a state comes out.
//!
//! Nothing here knows of HTTP, files, clocks or randomness. [`Broker::apply`] gives one command at one instant and either
//! refuses it, which changes nothing, or does it; [`Broker::advance`] lets time pass. What happens between two commands
//! is decided by the market alone, so that it does not matter in how many steps time passes, and the same commands at
//! the same instants always lead to the same state.

pub mod account;
pub mod activity;
mod admission;
mod close;
pub mod command;
pub mod corporate;
pub mod day_trades;
pub mod events;
mod family;
pub mod fees;
pub mod figures;
mod fill;
pub mod grants;
pub mod history;
mod hours;
mod matching;
mod names;
mod not_offered;
mod open_orders;
pub mod order;
mod place;
pub mod position;
mod replace;
pub mod rules;
#[cfg(test)]
mod tests;
pub mod watchlist;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Time;
use paddock_alpaca::error::AlpacaError;
use paddock_core::{Symbol, calendar};
use uuid::Uuid;

pub use account::Account;
pub(crate) use admission::is_tradable;
pub use command::{Command, Entry};
pub use order::Order;
pub use rules::Rules;

use crate::fast_map::FastMap;
use crate::market::Market;
use account::Mark;
use grants::Grants;
use matching::Due;
use watchlist::Watchlist;

/// All accounts of both environments, with the market that they trade in.
#[derive(Debug)]
pub struct Broker {
    market: Arc<Market>,
    now: Timestamp,
    next_midnight: Timestamp,
    /// When the next split happens, and its place in the market's list.
    next_split: Option<(Timestamp, usize)>,
    rules: Rules,
    /// Whether orders are filled in parts now and then.
    partial_fills: bool,
    /// The sequence number of the last order.
    sequence: u64,
    accounts: BTreeMap<Uuid, Account>,
    /// Account by Key ID.
    keys: FastMap<String, Uuid>,
    /// Programs that people have let in.
    grants: Grants,
    /// What will happen to open orders if nothing comes in between: by time, then by the order's sequence number.
    schedule: BTreeMap<(Timestamp, u64), Scheduled>,
    /// What happened to orders and was not taken yet; nothing is kept before somebody listens.
    order_events: Option<Vec<events::OrderEvent>>,
}

#[derive(Clone, Copy, Debug)]
struct Scheduled {
    account: Uuid,
    due: Due,
}

/// What a command brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing to tell.
    Done,
    /// An order as it was accepted, before the market saw it.
    Order(Box<Order>),
    /// An order with exits, as they were accepted.
    Family {
        /// The order itself.
        order: Box<Order>,
        /// Its exits: the take-profit before the stop-loss.
        exits: Vec<Order>,
    },
    /// A watchlist as it is now, or was before it was deleted.
    Watchlist(Watchlist),
    /// The orders that were taken back.
    Canceled(Vec<Uuid>),
    /// For each position, what became of closing it.
    Closed(Vec<Closed>),
}

/// An order that was taken, with the exits that it brought.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Placed {
    order: Order,
    exits: Vec<Order>,
}

impl From<Placed> for Reply {
    fn from(placed: Placed) -> Self {
        let order = Box::new(placed.order);
        if placed.exits.is_empty() { Self::Order(order) } else { Self::Family { order, exits: placed.exits } }
    }
}

/// What became of closing one position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// In what.
    pub symbol: Symbol,
    /// The order that closes it, or why there is none.
    pub outcome: Result<Order, AlpacaError>,
}

impl Broker {
    /// A broker without accounts whose time begins at `at`.
    #[must_use]
    pub fn new(market: Arc<Market>, at: Timestamp) -> Self {
        Self {
            next_split: corporate::next_split(&market, 0, at),
            rules: Rules::CURRENT,
            market,
            now: at,
            next_midnight: midnight_after(at),
            partial_fills: false,
            sequence: 0,
            accounts: BTreeMap::new(),
            keys: FastMap::default(),
            grants: Grants::default(),
            schedule: BTreeMap::new(),
            order_events: None,
        }
    }

    /// The same broker, filling one order in ten in parts if `partial_fills`.
    #[must_use]
    pub const fn with_partial_fills(mut self, partial_fills: bool) -> Self {
        self.partial_fills = partial_fills;
        self
    }

    /// The same broker under other rules.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        if !rules.corporate_actions() {
            self.next_split = None;
        }
        self
    }

    /// The broker's present instant.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The market that it trades in.
    #[must_use]
    pub const fn market(&self) -> &Arc<Market> {
        &self.market
    }

    /// The account with that id.
    #[must_use]
    pub fn account(&self, id: Uuid) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// The account that the Key ID belongs to.
    #[must_use]
    pub fn account_by_key_id(&self, key_id: &str) -> Option<&Account> {
        self.accounts.get(self.keys.get(key_id)?)
    }

    /// All accounts, oldest id first.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// Lets time pass until `to`: orders are filled, open and expire, days end. An instant that has passed already
    /// does nothing.
    pub fn advance(&mut self, to: Timestamp) {
        loop {
            let next = self.schedule.first_key_value().map(|((at, _), _)| *at);
            let is_first = |at: Timestamp| at <= to && next.is_none_or(|next| at <= next);
            let split = self.next_split.map(|(at, _)| at).filter(|at| is_first(*at));
            if is_first(self.next_midnight) && split.is_none_or(|split| self.next_midnight <= split) {
                self.begin_day();
            } else if split.is_some() {
                self.split();
            } else if next.is_some_and(|next| next <= to) {
                if let Some(((at, sequence), scheduled)) = self.schedule.pop_first() {
                    self.now = self.now.max(at);
                    self.happen(scheduled.account, sequence, scheduled.due, at);
                }
            } else {
                break;
            }
        }
        self.now = self.now.max(to);
    }

    /// Does what the command says at the instant `at`, or now if that is later.
    ///
    /// # Errors
    /// Alpaca's answer when the command is refused; nothing has changed then but that time has passed.
    pub fn apply(&mut self, at: Timestamp, command: &Command) -> Result<Reply, AlpacaError> {
        self.advance(at);
        let reply = self.act(command)?;
        // What was placed just now and can be filled at once, is: the reply shows it as it was accepted.
        self.advance(self.now);
        Ok(reply)
    }

    fn act(&mut self, command: &Command) -> Result<Reply, AlpacaError> {
        match command {
            Command::CreateAccount { account, environment, number, cash, key } => {
                let opened =
                    Account::new(*account, *environment, number.clone(), *cash, key.clone(), self.now);
                self.keys.insert(key.key_id.clone(), *account);
                self.accounts.insert(*account, opened);
                Ok(Reply::Done)
            }
            Command::IssueKey { account, key } => self.set_key(*account, Some(key)),
            Command::RevokeKey { account } => self.set_key(*account, None),
            Command::ResetAccount { account, cash, key } => {
                let at = self.now;
                self.set_key(*account, Some(key))?;
                self.schedule.retain(|_, scheduled| scheduled.account != *account);
                self.account_mut(*account)?.start_anew(*cash, at);
                Ok(Reply::Done)
            }
            Command::DeleteAccount { account } => self.delete_account(*account),
            Command::RegisterOAuthClient { client } => Ok(self.register_client(client)),
            Command::SetOAuthClientSecret { client_id, secret_sha256 } => {
                self.set_client_secret(client_id, secret_sha256)
            }
            Command::DeleteOAuthClient { client_id } => self.delete_client(client_id),
            Command::GrantOAuth { grant } => self.grant(grant),
            Command::RevokeOAuthGrant { grant } => self.revoke_grant(*grant),
            Command::SetStanding { account, standing } => {
                self.account_mut(*account)?.standing = standing.clone();
                Ok(Reply::Done)
            }
            Command::Configure { account, configuration } => {
                self.account_mut(*account)?.configuration = configuration.clone();
                Ok(Reply::Done)
            }
            Command::PlaceOrder { account, order, request, intent } => {
                self.place(*account, *order, request, *intent).map(Reply::from)
            }
            Command::ReplaceOrder { account, order, replacement, changes } => {
                self.replace(*account, *order, *replacement, changes).map(Reply::from)
            }
            Command::CancelOrder { account, order } => self.cancel(*account, *order),
            Command::CancelAllOrders { account } => self.cancel_all(*account).map(Reply::Canceled),
            Command::ClosePosition { account, symbol, portion, order } => {
                self.close(*account, symbol, *portion, *order).map(|order| Reply::Order(Box::new(order)))
            }
            Command::CloseAllPositions { account, cancel_orders, base } => {
                self.close_all(*account, *cancel_orders, *base).map(Reply::Closed)
            }
            Command::CreateWatchlist { account, watchlist, name, symbols } => {
                self.create_watchlist(*account, *watchlist, name, symbols)
            }
            Command::ChangeWatchlist { account, watchlist, change } => {
                self.change_watchlist(*account, watchlist, change)
            }
            Command::Halt { symbols } => self.set_halt(symbols.as_deref(), true).map(|()| Reply::Done),
            Command::Resume { symbols } => self.set_halt(symbols.as_deref(), false).map(|()| Reply::Done),
            Command::PassTime => Ok(Reply::Done),
        }
    }

    /// The account, or the answer that there is none; only the dashboard can ask for one that does not exist.
    fn account_mut(&mut self, id: Uuid) -> Result<&mut Account, AlpacaError> {
        self.accounts.get_mut(&id).ok_or_else(not_offered::no_such_account)
    }

    fn existing(&self, id: Uuid) -> Result<&Account, AlpacaError> {
        self.accounts.get(&id).ok_or_else(not_offered::no_such_account)
    }

    /// One act: from here on the old pair opens nothing.
    fn set_key(&mut self, id: Uuid, key: Option<&crate::keys::KeptKey>) -> Result<Reply, AlpacaError> {
        let account = self.account_mut(id)?;
        let old = std::mem::replace(&mut account.key, key.cloned());
        if let Some(old) = old {
            self.keys.remove(&old.key_id);
        }
        if let Some(key) = key {
            self.keys.insert(key.key_id.clone(), id);
        }
        Ok(Reply::Done)
    }

    /// Midnight in New York: fees are posted, and if the new day has a session, what the accounts were worth after the one
    /// before is written down. Then dividends are paid, and noted for who holds shares as their ex-date begins.
    fn begin_day(&mut self) {
        let at = self.next_midnight;
        self.now = self.now.max(at);
        self.next_midnight = midnight_after(at);
        let date = calendar::trading_date(at);
        let session = calendar::session_on(date).is_some();
        for account in self.accounts.values_mut() {
            fees::post(account, date, at);
            if self.rules.live_fees() {
                fees::set_tier(account, at);
            }
            if !session {
                continue;
            }
            let figures = figures::figures(account, &self.market, at, None);
            account.marks.push(Mark {
                date: calendar::previous_session_before(date).date,
                equity: figures.equity,
                maintenance_margin: figures.maintenance_margin,
            });
            for (symbol, position) in &mut account.positions {
                let price = figures::price_of(&self.market, symbol, position, at);
                position.day_cost = position.quantity * price;
            }
        }
        if self.rules.corporate_actions() {
            self.dividends(date, at);
        }
    }
}

/// The next midnight in New York strictly after `at`. Every date there has one, so that the fallback is never taken.
fn midnight_after(at: Timestamp) -> Timestamp {
    let tomorrow = calendar::trading_date(at).tomorrow();
    tomorrow
        .ok()
        .and_then(|date| calendar::new_york().to_timestamp(date.to_datetime(Time::midnight())).ok())
        .unwrap_or(Timestamp::MAX)
}
