//! Lists of assets that an account's user keeps.

use jiff::Timestamp;
use paddock_alpaca::error::AlpacaError;
use paddock_core::Symbol;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::account::Account;
use super::{Broker, Reply, not_offered};
use crate::market::Market;

/// Longest name, in characters.
const MAX_NAME: usize = 64;

/// A list of assets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Watchlist {
    /// Its identity.
    pub id: Uuid,
    /// Unique in its account.
    pub name: String,
    /// What is on it, in the order in which it was put there; nothing twice.
    pub symbols: Vec<Symbol>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which watchlist of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchlistKey {
    /// The one of that id.
    Id(Uuid),
    /// The one of that name.
    Name(String),
}

/// What is done to a watchlist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchlistChange {
    /// It gets another name, other assets, or both.
    Update {
        /// The new name.
        name: Option<String>,
        /// The new assets.
        symbols: Option<Vec<Symbol>>,
    },
    /// One asset more, at its end.
    Add(Symbol),
    /// One asset less.
    Remove(Symbol),
    /// It goes.
    Delete,
}

impl WatchlistKey {
    /// Whether a watchlist is the one that is meant.
    #[must_use]
    pub fn matches(&self, watchlist: &Watchlist) -> bool {
        match self {
            Self::Id(id) => watchlist.id == *id,
            Self::Name(name) => watchlist.name == *name,
        }
    }
}

impl Account {
    /// The watchlist that is meant.
    #[must_use]
    pub fn watchlist(&self, key: &WatchlistKey) -> Option<&Watchlist> {
        self.watchlists.iter().find(|watchlist| key.matches(watchlist))
    }

    fn check_name(&self, name: &str, own: Option<Uuid>) -> Result<(), AlpacaError> {
        if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control) {
            return Err(not_offered::watchlist_name());
        }
        match self.watchlists.iter().any(|other| other.name == name && Some(other.id) != own) {
            true => Err(not_offered::watchlist_name_not_unique()),
            false => Ok(()),
        }
    }
}

fn check_symbols(market: &Market, symbols: &[Symbol]) -> Result<(), AlpacaError> {
    for (place, symbol) in symbols.iter().enumerate() {
        if market.asset(symbol).is_none() {
            return Err(not_offered::watchlist_asset_not_found(symbol.as_str()));
        }
        if symbols[..place].contains(symbol) {
            return Err(not_offered::watchlist_duplicate(symbol.as_str()));
        }
    }
    Ok(())
}

impl Broker {
    /// Makes a watchlist and tells it.
    pub(super) fn create_watchlist(
        &mut self,
        account: Uuid,
        id: Uuid,
        name: &str,
        symbols: &[Symbol],
    ) -> Result<Reply, AlpacaError> {
        let at = self.now;
        let owner = self.existing(account)?;
        owner.check_name(name, None)?;
        check_symbols(&self.market, symbols)?;
        let made = Watchlist {
            id,
            name: name.to_owned(),
            symbols: symbols.to_vec(),
            created_at: at,
            updated_at: at,
        };
        self.account_mut(account)?.watchlists.push(made.clone());
        Ok(Reply::Watchlist(made))
    }

    /// Changes a watchlist and tells it as it is then, or was before it went.
    pub(super) fn change_watchlist(
        &mut self,
        account: Uuid,
        key: &WatchlistKey,
        change: &WatchlistChange,
    ) -> Result<Reply, AlpacaError> {
        let at = self.now;
        let owner = self.existing(account)?;
        let mut changed = owner.watchlist(key).ok_or_else(AlpacaError::watchlist_not_found)?.clone();
        match change {
            WatchlistChange::Update { name, symbols } => {
                if let Some(name) = name {
                    owner.check_name(name, Some(changed.id))?;
                    changed.name.clone_from(name);
                }
                if let Some(symbols) = symbols {
                    changed.symbols.clone_from(symbols);
                }
            }
            WatchlistChange::Add(symbol) => changed.symbols.push(symbol.clone()),
            WatchlistChange::Remove(symbol) => {
                let place = changed.symbols.iter().position(|listed| listed == symbol);
                let place = place.ok_or_else(|| AlpacaError::symbol_not_found(symbol.as_str()))?;
                changed.symbols.remove(place);
            }
            WatchlistChange::Delete => {}
        }
        check_symbols(&self.market, &changed.symbols)?;
        changed.updated_at = at;
        let watchlists = &mut self.account_mut(account)?.watchlists;
        if *change == WatchlistChange::Delete {
            watchlists.retain(|watchlist| watchlist.id != changed.id);
        } else if let Some(watchlist) = watchlists.iter_mut().find(|watchlist| watchlist.id == changed.id) {
            *watchlist = changed.clone();
        }
        Ok(Reply::Watchlist(changed))
    }
}
