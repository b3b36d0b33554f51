//! Limits on what an order says.

use std::collections::BTreeSet;

use paddock_core::{Scope, Symbol};

use super::{set, word, words};
use crate::complaints::Complaints;
use crate::fields::Fields;
use crate::problem::Problem;

pub(super) fn read(fields: &mut Fields, scope: &mut Scope, complaints: &mut Complaints) {
    scope.symbols = complaints.hear(symbols(fields, "symbols"));
    scope.data_symbols = complaints.hear(symbols(fields, "data_symbols"));
    scope.asset_classes =
        complaints.hear(words(fields, "asset_classes", &["us_equity", "us_option", "crypto"]));
    scope.sides = complaints.hear(words(fields, "sides", &["buy", "sell"]));
    let types = ["market", "limit", "stop", "stop_limit", "trailing_stop"];
    scope.order_types = complaints.hear(words(fields, "order_types", &types));
    let classes = ["simple", "bracket", "oco", "oto", "mleg"];
    scope.order_classes = complaints.hear(words(fields, "order_classes", &classes));
    let times = ["day", "gtc", "opg", "cls", "ioc", "fok"];
    scope.times_in_force = complaints.hear(words(fields, "times_in_force", &times));
    scope.no_extended_hours = complaints.hear(fields.flag("no_extended_hours"));
    scope.positions = complaints.hear(word(fields, "positions", &["long_only", "reduce_only"]));
    scope.only_own_orders = complaints.hear(fields.flag("only_own_orders"));
    let percent = "percent above zero as text, for example \"2.5\"";
    scope.max_price_deviation = complaints.hear(fields.amount("max_price_deviation", percent));
    scope.max_quote_age = complaints.hear(fields.count("max_quote_age"));
}

fn symbols(fields: &mut Fields, name: &str) -> Result<Option<BTreeSet<Symbol>>, Problem> {
    set(fields, name, |text| {
        Symbol::parse(&text.to_ascii_uppercase()).map_err(|_| {
            Problem::field(name, "symbols like `AAPL`, `BRK.B`, `BTC/USD` or `AAPL261218C00150000`")
        })
    })
}
