//! `/v1beta1/screener`: computed from the tape of the current day, which for stocks is that of the last session until the next
//! one opens.

use std::cmp::Reverse;

use axum::response::Response;
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::Bar;
use paddock_alpaca::wire::screener::{MostActive, MostActives, Mover, Movers};
use paddock_core::AssetClass;
use rust_decimal::Decimal;

use super::data;
use crate::broker::is_tradable;
use crate::http::{Call, respond};
use crate::market::AssetInfo;

const TOP: usize = 10;
const MAX_MOST_ACTIVES: usize = 100;
const MAX_MOVERS: usize = 50;

/// The stocks that trade most, by shares or by trades.
pub(in crate::http) fn most_actives(call: &Call) -> Result<Response, AlpacaError> {
    data::check_word(call, "by", &["volume", "trades"])?;
    let top = data::limit(call, "top", TOP, MAX_MOST_ACTIVES)?;
    let now = call.data_now();
    let mut most_actives: Vec<MostActive> = today(call, AssetClass::UsEquity, now)
        .into_iter()
        .map(|(asset, [day, _])| MostActive {
            symbol: asset.symbol.to_string(),
            volume: day.v,
            trade_count: day.n,
        })
        .collect();
    // Stable: of equals the one comes first that stands first in the list of assets.
    if call.text("by") == Some("trades") {
        most_actives.sort_by_key(|active| Reverse(active.trade_count));
    } else {
        most_actives.sort_by_key(|active| Reverse(active.volume));
    }
    most_actives.truncate(top);
    respond::ok(&MostActives { most_actives, last_updated: now })
}

/// What has risen and fallen most since the close of the day before.
pub(in crate::http) fn movers(call: &Call) -> Result<Response, AlpacaError> {
    let class = match call.param() {
        "stocks" => AssetClass::UsEquity,
        "crypto" => AssetClass::Crypto,
        other => {
            let shown: String = other.chars().take(32).collect();
            return Err(AlpacaError::data_bad_request(format!("invalid market type: {shown}")));
        }
    };
    let top = data::limit(call, "top", TOP, MAX_MOVERS)?;
    let now = call.data_now();
    let mut movers: Vec<Mover> = today(call, class, now).into_iter().filter_map(mover).collect();
    movers.sort_by_key(|mover| Reverse(mover.percent_change));
    let gainers = movers.iter().take_while(|mover| mover.change > Decimal::ZERO);
    let losers = movers.iter().rev().take_while(|mover| mover.change < Decimal::ZERO);
    respond::ok(&Movers {
        gainers: gainers.take(top).cloned().collect(),
        losers: losers.take(top).cloned().collect(),
        market_type: call.param().to_owned(),
        last_updated: now,
    })
}

fn mover((asset, [day, before]): (&AssetInfo, [Bar; 2])) -> Option<Mover> {
    let change = day.c - before.c;
    let percent = (change * Decimal::ONE_HUNDRED).checked_div(before.c)?;
    Some(Mover {
        symbol: asset.symbol.to_string(),
        percent_change: percent.round_dp(2).normalize(),
        change: change.normalize(),
        price: day.c,
    })
}

/// The assets of a class that can be traded, each with its bar of the current day and that of the day before. Who has not
/// traded on the day on which the others have is left out.
fn today(call: &Call, class: AssetClass, now: Timestamp) -> Vec<(&AssetInfo, [Bar; 2])> {
    let market = call.broker.market();
    let assets = market.assets().iter().filter(|asset| asset.symbol.class() == class && is_tradable(asset));
    let mut days: Vec<(&AssetInfo, [Bar; 2])> = assets
        .filter_map(|asset| {
            let [day, before] = data::last_days(market, asset, now);
            Some((asset, [day?, before?]))
        })
        .collect();
    let latest = days.iter().map(|(_, [day, _])| day.t).max();
    days.retain(|(_, [day, _])| Some(day.t) == latest);
    days
}
