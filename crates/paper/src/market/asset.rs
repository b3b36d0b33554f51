//! What the built-in broker trades: names, venues and what may be done with each.

use paddock_core::{AssetClass, Symbol};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::listing::{CRYPTO, Model, STOCKS};
use super::units::Scale;

/// One asset of the built-in broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetInfo {
    /// A UUID version 5 of the symbol, the same on every machine and for every seed. Not Alpaca's own id.
    pub id: Uuid,
    /// Its symbol, which also tells its class.
    pub symbol: Symbol,
    /// What people call it.
    pub name: &'static str,
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
}

/// The one step of stock prices here: a cent. No listed stock trades under a dollar.
const CENT: i64 = 100;

/// Everything that is traded, stocks first, each part in the order of its table.
pub(super) fn listed() -> Vec<Listed> {
    let mut all: Vec<Listed> = STOCKS
        .iter()
        .filter_map(|row| {
            let symbol = Symbol::parse(row.symbol).ok()?;
            let info = AssetInfo {
                id: id_of(&symbol),
                symbol,
                name: row.name,
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
            Some(Listed { info, model: row.model, scale: Scale::STOCK, grid: CENT })
        })
        .collect();
    all.extend(CRYPTO.iter().filter_map(|row| {
        let symbol = Symbol::parse(row.symbol).ok()?;
        let info = AssetInfo {
            id: id_of(&symbol),
            symbol,
            name: row.name,
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
        Some(Listed { info, model: row.model, scale: Scale::CRYPTO, grid: row.grid })
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
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_is_listed_once() {
        let all = listed();
        assert_eq!(all.len(), STOCKS.len() + CRYPTO.len());
        assert!(STOCKS.len() >= 60 && CRYPTO.len() >= 20);
        let symbols: HashSet<_> = all.iter().map(|listed| listed.info.symbol.as_str()).collect();
        let ids: HashSet<_> = all.iter().map(|listed| listed.info.id).collect();
        assert_eq!((symbols.len(), ids.len()), (all.len(), all.len()));
        assert_eq!(all.iter().filter(|listed| listed.info.recorded).count(), 5);
    }

    #[test]
    fn stocks_have_a_tape_and_crypto_has_increments() {
        for listed in listed() {
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
