//! An activity as the stream of activities tells it, which is another form than that of the list.

use paddock_alpaca::wire::CalendarDay;
use paddock_core::{AssetClass, Symbol, calendar};
use serde_json::{Map, Value, json};

use super::{activity, shown};
use crate::broker::Account;
use crate::broker::activity::{Activity, ActivityEvent};
use crate::market::Market;

/// What the event has itself; the rest of an activity that is no trade is in its details.
const COMMON: [&str; 10] = [
    "id",
    "account_id",
    "activity_type",
    "created_at",
    "currency",
    "date",
    "net_amount",
    "price",
    "qty",
    "status",
];

/// The event of an activity.
pub(crate) fn activity_event(account: &Account, entry: &Activity, id: &str, market: &Market) -> Value {
    let mut listed = match serde_json::to_value(activity(account, entry)) {
        Ok(Value::Object(listed)) => listed,
        _ => Map::new(),
    };
    let date = listed.get("date").cloned();
    let mut event = Map::new();
    for (name, value) in [
        ("event_id", json!(id)),
        ("at", json!(entry.at)),
        ("executed_at", json!(entry.at)),
        ("activity_type", json!(entry.activity_type())),
        ("status", json!("executed")),
        ("currency", json!("USD")),
        ("ref_id", json!(entry.uuid)),
        ("net_amount", json!(shown(entry.cash).to_string())),
    ] {
        event.insert(name.to_owned(), value);
    }
    for name in ["price", "qty"] {
        if let Some(value) = listed.remove(name) {
            event.insert(name.to_owned(), value);
        }
    }
    let details = if let ActivityEvent::Fill(fill) = &entry.event {
        event.insert("settle_date".to_owned(), json!(settles(&fill.symbol, entry)));
        json!({
            "asset_id": market.asset(&fill.symbol).map(|asset| asset.id),
            "client_order_id": account.order(fill.order).map(|order| order.client_order_id()),
            "cum_qty": shown(fill.cumulative).to_string(),
            "execution_type": "fill",
            "leaves_qty": shown(fill.left).to_string(),
            "order_id": fill.order,
            "order_status": fill.order_status,
            "side": fill.side,
            "symbol": fill.symbol,
        })
    } else {
        let date = date.unwrap_or_else(|| json!(calendar::trading_date(entry.at)));
        event.insert("settle_date".to_owned(), date.clone());
        let mut details: Map<String, Value> =
            listed.into_iter().filter(|(name, _)| !COMMON.contains(&name.as_str())).collect();
        details.insert("system_date".to_owned(), date);
        Value::Object(details)
    };
    event.insert("details".to_owned(), details);
    Value::Object(event)
}

/// When a trade settles: crypto on its day, a stock as the calendar has it.
fn settles(symbol: &Symbol, entry: &Activity) -> jiff::civil::Date {
    let date = calendar::trading_date(entry.at);
    match calendar::session_on(date) {
        Some(session) if symbol.class() != AssetClass::Crypto => CalendarDay::of(&session).settlement_date,
        _ => date,
    }
}
