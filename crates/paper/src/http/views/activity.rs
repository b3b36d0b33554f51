//! An activity.

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_alpaca::wire::ActivityFill;
use paddock_alpaca::wire::decimal::{text, text_option};
use paddock_core::order::Side;
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::shown;
use crate::broker::Account;
use crate::broker::activity::{Activity, ActivityEvent};

/// An activity as Alpaca shows it: fills and fees have different members.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::http) enum ShownActivity {
    Fill(Box<ActivityFill>),
    Fee(Box<ShownFee>),
}

/// A fee. A fee in coins has their quantity, negative, and no dollars.
#[derive(Serialize)]
pub(in crate::http) struct ShownFee {
    id: String,
    account_id: Uuid,
    activity_type: &'static str,
    created_at: Timestamp,
    currency: &'static str,
    date: Date,
    description: &'static str,
    #[serde(with = "text")]
    net_amount: Decimal,
    #[serde(with = "text")]
    price: Decimal,
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    qty: Option<Decimal>,
    status: &'static str,
    symbol: String,
}

/// An activity of the account.
pub(in crate::http) fn activity(account: &Account, activity: &Activity) -> ShownActivity {
    let (id, activity_type) = (activity.id(), activity.activity_type());
    match &activity.event {
        ActivityEvent::Fill(fill) => ShownActivity::Fill(Box::new(ActivityFill {
            id,
            account_id: Some(account.id),
            activity_type: activity_type.to_owned(),
            transaction_time: activity.at,
            kind: if fill.left.is_zero() { "fill" } else { "partial_fill" }.to_owned(),
            price: shown(fill.price),
            qty: shown(fill.quantity),
            side: match (fill.side, fill.short) {
                (Side::Sell, true) => "sell_short".to_owned(),
                (side, _) => side.to_string(),
            },
            symbol: fill.symbol.to_string(),
            leaves_qty: Some(shown(fill.left)),
            order_id: fill.order,
            cum_qty: Some(shown(fill.cumulative)),
            order_status: Some(fill.order_status.to_string()),
        })),
        ActivityEvent::CryptoFee { symbol, quantity, dollars, price, date } => {
            let in_coins = !quantity.is_zero();
            ShownActivity::Fee(Box::new(ShownFee {
                id,
                account_id: account.id,
                activity_type,
                created_at: activity.at,
                currency: "USD",
                date: *date,
                description: if in_coins {
                    "Coin Pair Transaction Fee (Non USD)"
                } else {
                    "Coin Pair Transaction Fee (USD)"
                },
                net_amount: shown(-*dollars),
                price: shown(*price),
                qty: in_coins.then(|| shown(-*quantity)),
                status: "executed",
                symbol: symbol.without_slash(),
            }))
        }
    }
}
