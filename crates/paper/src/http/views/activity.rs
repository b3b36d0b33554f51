//! An activity.

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_alpaca::wire::ActivityFill;
use paddock_alpaca::wire::decimal::{text, text_option};
use paddock_core::calendar;
use paddock_core::order::Side;
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::shown;
use crate::broker::Account;
use crate::broker::activity::{Activity, ActivityEvent};

/// An activity as Alpaca shows it: fills, fees, and what companies do have different members.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::http) enum ShownActivity {
    Fill(Box<ActivityFill>),
    Fee(Box<ShownFee>),
    Other(Box<ShownOther>),
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

/// A dividend, a split or a regulator's fee.
#[derive(Serialize)]
pub(in crate::http) struct ShownOther {
    id: String,
    account_id: Uuid,
    activity_type: &'static str,
    activity_sub_type: &'static str,
    created_at: Timestamp,
    currency: &'static str,
    date: Date,
    description: String,
    #[serde(with = "text")]
    net_amount: Decimal,
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    per_share_amount: Option<Decimal>,
    #[serde(with = "text_option", skip_serializing_if = "Option::is_none")]
    qty: Option<Decimal>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<String>,
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
        ActivityEvent::RegulatoryFee { fee, date, .. } => ShownActivity::Other(Box::new(ShownOther {
            activity_sub_type: fee.as_str(),
            date: *date,
            description: format!("{} fee for trades of {date}", fee.as_str()),
            ..other(account, activity)
        })),
        ActivityEvent::Dividend { symbol, rate, quantity, date } => {
            // Who is short pays the lender what the company paid.
            let short = quantity.is_sign_negative();
            ShownActivity::Other(Box::new(ShownOther {
                activity_sub_type: if short { "SPD" } else { "CDIV" },
                date: *date,
                description: format!("cash dividend of {symbol} at {rate} a share"),
                per_share_amount: Some(shown(*rate)),
                qty: Some(shown(*quantity)),
                symbol: Some(symbol.to_string()),
                ..other(account, activity)
            }))
        }
        ActivityEvent::Split { symbol, added, ratio: (new, old), date } => {
            ShownActivity::Other(Box::new(ShownOther {
                activity_sub_type: if new > old { "FSPLIT" } else { "RSPLIT" },
                date: *date,
                description: format!("split of {symbol}: {new} for {old}"),
                qty: Some(shown(*added)),
                symbol: Some(symbol.to_string()),
                ..other(account, activity)
            }))
        }
    }
}

fn other(account: &Account, activity: &Activity) -> ShownOther {
    ShownOther {
        id: activity.id(),
        account_id: account.id,
        activity_type: activity.activity_type(),
        activity_sub_type: "",
        created_at: activity.at,
        currency: "USD",
        date: calendar::trading_date(activity.at),
        description: String::new(),
        net_amount: shown(activity.cash),
        per_share_amount: None,
        qty: None,
        status: "executed",
        symbol: None,
    }
}
