//! What a client has subscribed to.

use std::collections::{BTreeMap, BTreeSet};

use super::feed::{Channel, Feed};

/// All symbols of a channel.
pub const ALL: &str = "*";

/// The symbols of every channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection(BTreeMap<Channel, BTreeSet<String>>);

impl Selection {
    /// Adds symbols of a channel.
    pub fn add(&mut self, channel: Channel, symbols: impl IntoIterator<Item = String>) {
        self.0.entry(channel).or_default().extend(symbols);
        self.0.retain(|_, symbols| !symbols.is_empty());
    }

    /// Takes symbols of a channel away.
    pub fn remove(&mut self, channel: Channel, symbols: &[String]) {
        if let Some(selected) = self.0.get_mut(&channel) {
            selected.retain(|symbol| !symbols.contains(symbol));
        }
        self.0.retain(|_, symbols| !symbols.is_empty());
    }

    /// Whether nothing is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a channel of a symbol is in it.
    #[must_use]
    pub fn has(&self, channel: Channel, symbol: &str) -> bool {
        self.0.get(&channel).is_some_and(|selected| selected.contains(ALL) || selected.contains(symbol))
    }

    /// Adds everything of another one.
    pub fn merge(&mut self, other: &Self) {
        for (channel, symbols) in &other.0 {
            self.add(*channel, symbols.iter().cloned());
        }
    }

    /// What of it is not in another one, name by name: all symbols count as a name of their own.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut rest = Self::default();
        for (channel, symbols) in &self.0 {
            let others = other.0.get(channel);
            let missing = |symbol: &&String| others.is_none_or(|others| !others.contains(*symbol));
            rest.add(*channel, symbols.iter().filter(missing).cloned());
        }
        rest
    }

    /// The channels that have symbols, with these.
    pub fn channels(&self) -> impl Iterator<Item = (Channel, Vec<&str>)> {
        self.0.iter().map(|(channel, symbols)| (*channel, symbols.iter().map(String::as_str).collect()))
    }

    /// Whether anything of a symbol is in it.
    #[must_use]
    pub fn wants(&self, symbol: &str) -> bool {
        self.0.values().any(|selected| selected.contains(ALL) || selected.contains(symbol))
    }

    /// Whether trades and quotes of more than `limit` symbols are in it. All of them are always more.
    #[must_use]
    pub fn exceeds(&self, limit: usize) -> bool {
        let limited = [Channel::Trades, Channel::Quotes];
        let symbols: BTreeSet<&str> = limited.iter().flat_map(|channel| self.of(*channel)).collect();
        symbols.contains(ALL) || symbols.len() > limit
    }

    /// The whole set, as it is acknowledged: every channel of the feed, those without a symbol too. Imbalances are not in
    /// Alpaca's examples, and are listed only when they are subscribed to.
    #[must_use]
    pub fn lists(&self, feed: Feed) -> Vec<(&'static str, Vec<&str>)> {
        let shown = |channel: &&Channel| **channel != Channel::Imbalances || self.0.contains_key(*channel);
        let channels = feed.channels().iter().filter(shown);
        let mut lists: Vec<_> =
            channels.map(|channel| (channel.name(), self.of(*channel).collect::<Vec<_>>())).collect();
        if feed.has_corrections() {
            for name in ["corrections", "cancelErrors"] {
                lists.push((name, self.of(Channel::Trades).collect()));
            }
        }
        lists
    }

    fn of(&self, channel: Channel) -> impl Iterator<Item = &str> {
        self.0.get(&channel).into_iter().flatten().map(String::as_str)
    }
}
