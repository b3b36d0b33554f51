//! What a user of a folder of bars cares about.

mod files;
mod prices;

use std::path::Path;

use jiff::Timestamp;
use paddock_core::Symbol;
use rust_decimal::Decimal;
use tempfile::TempDir;

use super::*;
use crate::market::{Bar, DateLaying, Market, MarketOptions, Sort, Window};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).unwrap()
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

fn load(files: &[(&str, &str)]) -> Result<OwnBars, BarsError> {
    OwnBars::load(folder(files).path())
}

fn market_of(own: OwnBars, hold_open: bool) -> Market {
    Market::with_bars(MarketOptions { seed: 9, laying: DateLaying::OntoToday, hold_open }, Some(own))
}

fn market(files: &[(&str, &str)]) -> Market {
    market_of(load(files).unwrap(), false)
}

fn window(from: &str, to: &str) -> Window {
    Window { from: at(from), to: at(to), now: Timestamp::MAX }
}

fn bars(market: &Market, text: &str, timeframe: &str, window: Window) -> Vec<Bar> {
    market.bars(&symbol(text), timeframe.parse().unwrap(), window, Sort::Ascending).collect()
}

/// One bar as a line of a file.
fn line(bar: &Bar) -> String {
    let Bar { at, open, high, low, close, volume, trade_count, vwap } = bar;
    format!("{at},{open},{high},{low},{close},{volume},{trade_count},{vwap}")
}

const HEADER: &str = "timestamp,open,high,low,close,volume,trade_count,vwap\n";
