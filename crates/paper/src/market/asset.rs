//! What the built-in broker trades: names, venues and what may be done with each.

use std::borrow::Cow;
use std::sync::Arc;

use paddock_core::{AssetClass, Symbol};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::listing::{Around, CRYPTO, Model, STOCKS};
use super::own_bars::{OwnBars, Series};
use super::units::Scale;

/// One asset of the built-in broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetInfo {
    /// A UUID version 5 of the symbol, the same on every machine and for every seed. Not Alpaca's own id.
    pub id: Uuid,
    /// Its symbol, which also tells its class.
    pub symbol: Symbol,
    /// What people call it.
    pub name: Cow<'static, str>,
    /// The listing venue as Alpaca spells it: `NASDAQ`, `NYSE`, `ARCA` or `CRYPTO`.
    pub exchange: &'static str,
    /// Whether orders are taken.
    pub tradable: bool,
    /// Whether it can be bought on margin.
    pub marginable: bool,
    /// Whether it can be sold short.
    pub shortable: bool,
    /// Whether it can be borrowed without a locate.
    pub easy_to_borrow: bool,
    /// Whether fractions of a share can be traded.
    pub fractionable: bool,
    /// Crypto only: the least quantity of an order.
    pub min_order_size: Option<Decimal>,
    /// Crypto only: the step of quantities.
    pub min_trade_increment: Option<Decimal>,
    /// Crypto only: the step of prices.
    pub price_increment: Option<Decimal>,
    /// Whether its prices are recorded ones, as far as the recording goes.
    pub recorded: bool,
}

impl AssetInfo {
    /// The consolidated tape that reports it: `A` for NYSE, `B` for ARCA, `C` for NASDAQ; crypto has none.
    #[must_use]
    pub fn tape(&self) -> Option<&'static str> {
        match self.exchange {
            "NYSE" => Some("A"),
            "ARCA" => Some("B"),
            "NASDAQ" => Some("C"),
            _ => None,
        }
    }
}

/// An asset with the model of its prices.
#[derive(Debug)]
pub(super) struct Listed {
    pub info: AssetInfo,
    pub model: Model,
    pub scale: Scale,
    /// The step of prices, in price units.
    pub grid: i64,
    /// The user's own bars, which take the place of the model up to the last of them.
    pub own: Option<Arc<Series>>,
}

/// The step of stock prices from a dollar: a cent. Only the user's own bars have stocks under a dollar.
const CENT: i64 = 100;

/// Everything that is traded, stocks first, each part in the order of its table; what only the user's own bars have comes last
/// in its part.
pub(super) fn listed(own: Option<&OwnBars>) -> Vec<Listed> {
    let mut all = tables();
    let Some(own) = own else { return all };
    for symbol in own.symbols() {
        match all.iter_mut().find(|listed| listed.info.symbol == *symbol) {
            Some(listed) => listed.own = own.series(symbol),
            None => all.push(Listed { own: own.series(symbol), ..unlisted(symbol) }),
        }
    }
    // Stable.
    all.sort_by_key(Listed::is_crypto);
    all
}

/// What the tables do not have: a stock like most, or a pair with the finest steps.
fn unlisted(symbol: &Symbol) -> Listed {
    let crypto = symbol.class() == AssetClass::Crypto;
    let nothing = Around { price: 0, volatility: 0, volume: 0 };
    let step = Decimal::new(1, 9);
    let info = AssetInfo {
        id: id_of(symbol),
        symbol: symbol.clone(),
        name: Cow::Owned(symbol.to_string()),
        exchange: if crypto { "CRYPTO" } else { "NASDAQ" },
        tradable: true,
        marginable: !crypto,
        shortable: !crypto,
        easy_to_borrow: !crypto,
        fractionable: true,
        min_order_size: crypto.then_some(step),
        min_trade_increment: crypto.then_some(step),
        price_increment: crypto.then_some(step),
        recorded: false,
    };
    let (scale, grid) = if crypto { (Scale::CRYPTO, 1) } else { (Scale::STOCK, CENT) };
    Listed { info, model: Model::Generated(nothing), scale, grid, own: None }
}

fn tables() -> Vec<Listed> {
    let mut all: Vec<Listed> = STOCKS
        .iter()
        .filter_map(|row| {
            let symbol = Symbol::parse(row.symbol).ok()?;
            let info = AssetInfo {
                id: id_of(&symbol),
                symbol,
                name: Cow::Borrowed(row.name),
                exchange: row.exchange,
                tradable: true,
                marginable: true,
                shortable: row.easy_to_borrow,
                easy_to_borrow: row.easy_to_borrow,
                fractionable: true,
                min_order_size: None,
                min_trade_increment: None,
                price_increment: None,
                recorded: matches!(row.model, Model::Recorded(_)),
            };
            Some(Listed { info, model: row.model, scale: Scale::STOCK, grid: CENT, own: None })
        })
        .collect();
    all.extend(CRYPTO.iter().filter_map(|row| {
        let symbol = Symbol::parse(row.symbol).ok()?;
        let info = AssetInfo {
            id: id_of(&symbol),
            symbol,
            name: Cow::Borrowed(row.name),
            exchange: "CRYPTO",
            tradable: true,
            marginable: false,
            shortable: false,
            easy_to_borrow: false,
            fractionable: true,
            min_order_size: Some(Scale::CRYPTO.price(row.min_order_size)),
            min_trade_increment: Some(Decimal::new(1, 9)),
            price_increment: Some(Scale::CRYPTO.price(row.grid)),
            recorded: false,
        };
        Some(Listed { info, model: row.model, scale: Scale::CRYPTO, grid: row.grid, own: None })
    }));
    all
}

fn id_of(symbol: &Symbol) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("paddock/asset/{symbol}").as_bytes())
}

impl Listed {
    pub fn is_crypto(&self) -> bool {
        self.info.symbol.class() == AssetClass::Crypto
    }

    /// The step of prices around `price`, in price units.
    pub fn grid_at(&self, price: i64) -> i64 {
        if !self.is_crypto() && price < 100 * CENT { 1 } else { self.grid }
    }

    /// The user's own bars, if they decide the day with that number.
    pub fn own_on(&self, index: i64) -> Option<&Series> {
        self.own.as_deref().filter(|own| index <= own.last_index())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_is_listed_once() {
        let all = listed(None);
        assert_eq!(all.len(), STOCKS.len() + CRYPTO.len());
        assert!(STOCKS.len() >= 60 && CRYPTO.len() >= 20);
        let symbols: HashSet<_> = all.iter().map(|listed| listed.info.symbol.as_str()).collect();
        let ids: HashSet<_> = all.iter().map(|listed| listed.info.id).collect();
        assert_eq!((symbols.len(), ids.len()), (all.len(), all.len()));
        assert_eq!(all.iter().filter(|listed| listed.info.recorded).count(), 5);
    }

    #[test]
    fn stocks_have_a_tape_and_crypto_has_increments() {
        for listed in listed(None) {
            let info = listed.info;
            assert_eq!(info.tape().is_none(), info.price_increment.is_some(), "{}", info.symbol);
            assert_eq!(
                info.symbol.class() == AssetClass::Crypto,
                info.exchange == "CRYPTO",
                "{}",
                info.symbol
            );
        }
    }
}
