//! Alpaca's JSON as types, shared by the client, the gateway and the paper broker.
//!
//! Reading is tolerant: unknown members are ignored and most members may be missing, since Alpaca adds and retires some every
//! year. Writing is exact: money and quantities as texts, market data as JSON numbers with all their decimals.

pub mod account;
pub mod activity;
pub mod asset;
pub mod auctions;
pub mod bars;
pub mod calendar;
pub mod clock;
pub mod configuration;
pub mod corporate;
pub mod decimal;
pub mod history;
pub mod identity;
pub mod news;
pub mod option_contract;
pub mod order;
pub mod position;
pub mod quotes;
pub mod screener;
pub mod snapshots;
pub mod trades;
pub mod watchlist;
mod words;

pub use account::Account;
pub use activity::ActivityFill;
pub use asset::Asset;
pub use bars::Bar;
pub use calendar::CalendarDay;
pub use clock::Clock;
pub use configuration::AccountConfiguration;
pub use history::PortfolioHistory;
pub use identity::OrderIdentity;
pub use news::NewsArticle;
pub use option_contract::OptionContract;
pub use order::Order;
pub use position::Position;
pub use quotes::{CryptoQuote, StockQuote};
pub use trades::{CryptoTrade, StockTrade};
pub use watchlist::Watchlist;
pub use words::{OrderStatus, PositionIntent};

/// Reads an empty text, which Alpaca writes for some absent members, as nothing, and an unknown word too.
pub(crate) mod word_or_nothing {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| text.parse().ok()))
    }
}

/// Reads `null` as the type's empty value, which Alpaca writes for some empty lists.
pub(crate) fn null_is_empty<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    use serde::Deserialize;
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
