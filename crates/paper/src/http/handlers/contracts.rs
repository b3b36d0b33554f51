//! `/v2/options/contracts`.

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::OptionContract;
use paddock_alpaca::wire::option_contract::{OptionContracts, OptionDeliverable};
use paddock_core::calendar;
use rust_decimal::Decimal;

use crate::contracts::{self, Contract, Right};
use crate::http::{Call, respond};
use crate::market::{AssetInfo, Market};

const LIMIT: usize = 100;
const MAX_LIMIT: usize = 10_000;
/// How far back expired contracts go if no date is given, years.
const EXPIRED: i64 = 1;

/// The contracts, in the order of their symbols; those that are active and expire before the next weekend ends, unless asked
/// otherwise.
pub(in crate::http) fn list(call: &Call) -> Result<Response, AlpacaError> {
    let now = call.broker.now();
    let filter = Filter::read(call, now)?;
    let limit = call.read::<usize>("limit")?.unwrap_or(LIMIT);
    if limit == 0 || limit > MAX_LIMIT {
        return Err(AlpacaError::invalid_field(format!("limit must be between 1 and {MAX_LIMIT}")));
    }
    let first = call.text("page_token").map(first_of_page).transpose()?;
    let deliverables = call.boolean("show_deliverables")?.unwrap_or_default();

    let market = call.broker.market();
    let mut found = contracts::underlyings(market)
        .filter(|asset| {
            filter.underlyings.as_ref().is_none_or(|wanted| wanted.contains(&asset.symbol.as_str()))
        })
        .filter(|asset| first.as_deref().is_none_or(|first| asset.symbol.as_str() >= root(first)))
        .flat_map(|asset| contracts::contracts(market, asset, filter.dates, now))
        .filter(|contract| filter.matches(contract, now))
        .skip_while(|contract| first.as_ref().is_some_and(|first| contract.symbol() < *first));
    let option_contracts: Vec<OptionContract> =
        found.by_ref().take(limit).map(|contract| shown(&contract, market, now, deliverables)).collect();
    let next_page_token = found.next().map(|contract| STANDARD.encode(contract.symbol()));
    respond::ok(&OptionContracts { option_contracts, next_page_token })
}

/// One contract, by its symbol or id.
pub(in crate::http) fn get(call: &Call) -> Result<Response, AlpacaError> {
    let (market, now) = (call.broker.market(), call.broker.now());
    let contract = contracts::find(market, call.param(), now)
        .ok_or_else(|| AlpacaError::option_contract_not_found(call.param()))?;
    respond::ok(&shown(&contract, market, now, true))
}

/// With which symbol a page begins.
fn first_of_page(token: &str) -> Result<String, AlpacaError> {
    let plain = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    plain
        .filter(|symbol| symbol.len() > 15 && symbol.is_ascii())
        .ok_or_else(|| AlpacaError::invalid_field("invalid page_token".to_owned()))
}

fn root(symbol: &str) -> &str {
    symbol.get(..symbol.len().saturating_sub(15)).unwrap_or_default()
}

struct Filter<'a> {
    underlyings: Option<Vec<&'a str>>,
    root: Option<&'a str>,
    active: bool,
    /// The first and the last date of expiry.
    dates: (Date, Date),
    right: Option<Right>,
    /// Whether only European contracts are wanted, of which there are none.
    european: bool,
    strikes: (Option<Decimal>, Option<Decimal>),
    penny: bool,
}

impl<'a> Filter<'a> {
    fn read(call: &'a Call, now: Timestamp) -> Result<Self, AlpacaError> {
        let today = calendar::trading_date(now);
        let active = call.one_of("status", &["active", "inactive"])? != Some("inactive");
        let exact = call.read::<Date>("expiration_date")?;
        let first = call.read::<Date>("expiration_date_gte")?.or(exact);
        let last = call.read::<Date>("expiration_date_lte")?.or(exact);
        let earliest = if active {
            today
        } else {
            first.unwrap_or_else(|| today.saturating_sub(Span::new().years(EXPIRED)))
        };
        let first = first.unwrap_or(earliest).max(earliest).max(exact.unwrap_or(earliest));
        let last = last.unwrap_or_else(|| contracts::next_weekend(today));
        Ok(Self {
            underlyings: call.list("underlying_symbols"),
            root: call.text("root_symbol"),
            active,
            dates: (first, exact.map_or(last, |exact| exact.min(last))),
            right: call.one_of("type", &["call", "put"])?.map(|right| match right {
                "call" => Right::Call,
                _ => Right::Put,
            }),
            european: call.one_of("style", &["american", "european"])? == Some("european"),
            strikes: (call.read("strike_price_gte")?, call.read("strike_price_lte")?),
            penny: call.boolean("ppind")?.unwrap_or(true),
        })
    }

    fn matches(&self, contract: &Contract<'_>, now: Timestamp) -> bool {
        !self.european
            && self.penny
            && self.root.is_none_or(|root| contract.underlying.symbol.as_str() == root)
            && self.right.is_none_or(|right| contract.right == right)
            && self.strikes.0.is_none_or(|least| contract.strike >= least)
            && self.strikes.1.is_none_or(|most| contract.strike <= most)
            && contract.is_active(now) == self.active
    }
}

fn shown(contract: &Contract<'_>, market: &Market, now: Timestamp, deliverables: bool) -> OptionContract {
    let underlying = contract.underlying;
    let (kind, word) = match contract.right {
        Right::Call => ("call", "Call"),
        Right::Put => ("put", "Put"),
    };
    let end = contract.day_end(market, now);
    let active = contract.is_active(now);
    let date = contract.expires().strftime("%b %d %Y");
    OptionContract {
        id: contract.id(),
        symbol: contract.symbol(),
        name: format!("{} {date} {} {word}", underlying.symbol, contract.strike),
        status: if active { "active" } else { "inactive" }.to_owned(),
        tradable: active,
        expiration_date: contract.expires(),
        root_symbol: underlying.symbol.to_string(),
        underlying_symbol: underlying.symbol.to_string(),
        underlying_asset_id: underlying.id,
        kind: kind.to_owned(),
        style: "american".to_owned(),
        strike_price: contract.strike,
        multiplier: Decimal::ONE_HUNDRED,
        size: Decimal::ONE_HUNDRED,
        open_interest: end.map(|end| end.open_interest),
        open_interest_date: end.map(|end| end.date),
        close_price: end.map(|end| end.price.normalize()),
        close_price_date: end.map(|end| end.date),
        ppind: true,
        deliverables: deliverables.then(|| vec![deliverable(underlying)]),
    }
}

fn deliverable(underlying: &AssetInfo) -> OptionDeliverable {
    OptionDeliverable {
        kind: "equity".to_owned(),
        symbol: underlying.symbol.to_string(),
        asset_id: Some(underlying.id),
        amount: Decimal::ONE_HUNDRED,
        allocation_percentage: Decimal::ONE_HUNDRED,
        settlement_type: "T+1".to_owned(),
        settlement_method: "CCC".to_owned(),
        delayed_settlement: false,
    }
}
