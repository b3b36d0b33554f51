//! An account's figures, positions and orders as they are shown.

use jiff::Timestamp;
use paddock_alpaca::wire::position::PositionSide;
use paddock_alpaca::wire::{Account, Order, Position};
use paddock_core::Environment;
use paddock_core::order::{OrderClass, OrderType};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::document::{views, words};

/// What an account is worth. Money in dollars, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountFigures {
    /// The connection's name.
    pub connection: String,
    /// Alpaca's world.
    #[schema(value_type = words::EnvironmentWord)]
    pub environment: Environment,
    /// Alpaca's account number.
    pub account_number: String,
    /// `ACTIVE`, or another word of Alpaca's.
    pub status: String,
    /// What stands in the way of trading, in words; nothing for an account in good order.
    pub blocked: Vec<String>,
    /// Cash plus what is held minus what is owed.
    #[schema(required, value_type = Option<words::Exact>)]
    pub equity: Option<Decimal>,
    /// The same at the last close.
    #[schema(required, value_type = Option<words::Exact>)]
    pub last_equity: Option<Decimal>,
    /// Equity now minus equity at the last close.
    #[schema(required, value_type = Option<words::Exact>)]
    pub day_change: Option<Decimal>,
    /// The same in percent of the equity at the last close, two decimals.
    #[schema(required, value_type = Option<words::Exact>)]
    pub day_change_percent: Option<Decimal>,
    /// Cash; negative when borrowed.
    #[schema(required, value_type = Option<words::Exact>)]
    pub cash: Option<Decimal>,
    /// What may be spent on marginable assets.
    #[schema(required, value_type = Option<words::Exact>)]
    pub buying_power: Option<Decimal>,
    /// Worth of all that is held.
    #[schema(required, value_type = Option<words::Exact>)]
    pub long_market_value: Option<Decimal>,
    /// Worth of all that is sold short; zero or less.
    #[schema(required, value_type = Option<words::Exact>)]
    pub short_market_value: Option<Decimal>,
    /// When it was read.
    pub as_of: Timestamp,
}

impl AccountFigures {
    pub(crate) fn new(
        connection: &str,
        environment: Environment,
        account: &Account,
        as_of: Timestamp,
    ) -> Self {
        let day_change =
            account.equity.zip(account.last_equity).and_then(|(now, before)| now.checked_sub(before));
        let blocked = [
            (account.account_blocked, "the account is blocked"),
            (account.trading_blocked, "trading is blocked"),
            (account.trade_suspended_by_user, "trading is suspended in the account's settings"),
        ];
        Self {
            connection: connection.to_owned(),
            environment,
            account_number: account.account_number.clone(),
            status: account.status.clone(),
            blocked: blocked.iter().filter(|(is, _)| *is).map(|(_, words)| (*words).to_owned()).collect(),
            equity: account.equity,
            last_equity: account.last_equity,
            day_change,
            day_change_percent: day_change
                .zip(account.last_equity)
                .and_then(|(change, of)| share(change, of)),
            cash: account.cash,
            buying_power: account.buying_power,
            long_market_value: account.long_market_value,
            short_market_value: account.short_market_value,
            as_of,
        }
    }
}

/// What a part is of a whole, in percent with two decimals.
fn share(part: Decimal, whole: Decimal) -> Option<Decimal> {
    Some(part.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(whole)?.round_dp(2))
}

/// A position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Position)]
pub struct PositionView {
    /// The symbol; a pair with its slash.
    pub symbol: String,
    /// `us_equity`, `us_option` or `crypto`.
    pub asset_class: String,
    /// `long` or `short`.
    pub side: String,
    /// Shares, contracts or coins; negative for a short position.
    #[schema(value_type = words::Exact)]
    pub qty: Decimal,
    /// How many of them no open order holds.
    #[schema(required, value_type = Option<words::Exact>)]
    pub qty_available: Option<Decimal>,
    /// Average price paid.
    #[schema(value_type = words::Exact)]
    pub avg_entry_price: Decimal,
    /// Price now.
    #[schema(required, value_type = Option<words::Exact>)]
    pub current_price: Option<Decimal>,
    /// Worth now; negative for a short position.
    #[schema(required, value_type = Option<words::Exact>)]
    pub market_value: Option<Decimal>,
    /// What it cost.
    #[schema(required, value_type = Option<words::Exact>)]
    pub cost_basis: Option<Decimal>,
    /// Profit so far.
    #[schema(required, value_type = Option<words::Exact>)]
    pub unrealized_pl: Option<Decimal>,
    /// The same in percent of the cost, two decimals.
    #[schema(required, value_type = Option<words::Exact>)]
    pub unrealized_pl_percent: Option<Decimal>,
    /// Profit of the day.
    #[schema(required, value_type = Option<words::Exact>)]
    pub day_pl: Option<Decimal>,
}

impl From<&Position> for PositionView {
    fn from(position: &Position) -> Self {
        let percent = |share: Decimal| share.checked_mul(Decimal::ONE_HUNDRED).map(|share| share.round_dp(2));
        Self {
            symbol: position
                .parsed_symbol()
                .map_or_else(|| position.symbol.clone(), |symbol| symbol.as_str().to_owned()),
            asset_class: position.asset_class.clone(),
            side: match position.side {
                PositionSide::Long => "long",
                PositionSide::Short => "short",
            }
            .to_owned(),
            qty: position.qty.normalize(),
            qty_available: position.qty_available.map(|qty| qty.normalize()),
            avg_entry_price: position.avg_entry_price,
            current_price: position.current_price,
            market_value: position.market_value,
            cost_basis: position.cost_basis,
            unrealized_pl: position.unrealized_pl,
            unrealized_pl_percent: position.unrealized_plpc.and_then(percent),
            day_pl: position.unrealized_intraday_pl,
        }
    }
}

/// Who an order came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PlacedBy {
    /// A program with an access key.
    AccessKey {
        /// The key's name.
        name: String,
    },
    /// A person who closed a position here.
    Person {
        /// Their name.
        name: String,
    },
    /// Paddock, when a freeze closed positions.
    Paddock,
    /// Nobody who came through Paddock: Alpaca's own pages, or a program with the real pair.
    Outside,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderView {
    /// Alpaca's identifier.
    pub id: String,
    /// The client's own name for it.
    pub client_order_id: String,
    /// The symbol; empty for an order with several legs.
    pub symbol: String,
    /// `buy` or `sell`; empty for an order with several legs.
    pub side: String,
    /// `market`, `limit`, `stop`, `stop_limit` or `trailing_stop`.
    pub order_type: String,
    /// `simple`, `bracket`, `oco`, `oto` or `mleg`.
    pub order_class: String,
    /// How long it lives.
    pub time_in_force: String,
    /// Quantity, when it was ordered by quantity.
    #[schema(required, value_type = Option<words::Exact>)]
    pub qty: Option<Decimal>,
    /// Dollars, when it was ordered in dollars.
    #[schema(required, value_type = Option<words::Exact>)]
    pub notional: Option<Decimal>,
    /// How much of it is filled.
    #[schema(required, value_type = Option<words::Exact>)]
    pub filled_qty: Option<Decimal>,
    /// At what price on average.
    #[schema(required, value_type = Option<words::Exact>)]
    pub filled_avg_price: Option<Decimal>,
    /// The limit price.
    #[schema(required, value_type = Option<words::Exact>)]
    pub limit_price: Option<Decimal>,
    /// The stop price.
    #[schema(required, value_type = Option<words::Exact>)]
    pub stop_price: Option<Decimal>,
    /// The trail in percent.
    #[schema(required, value_type = Option<words::Exact>)]
    pub trail_percent: Option<Decimal>,
    /// The trail in dollars.
    #[schema(required, value_type = Option<words::Exact>)]
    pub trail_price: Option<Decimal>,
    /// Where it is in its life, in Alpaca's word; `unknown` for a word that Paddock does not know.
    pub status: String,
    /// Whether something can still happen to it.
    pub open: bool,
    /// When it was submitted.
    #[schema(required)]
    pub submitted_at: Option<Timestamp>,
    /// When it was filled, canceled, replaced, rejected, or expired.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// Who placed it.
    #[schema(value_type = views::PlacedBy)]
    pub placed_by: PlacedBy,
    /// The exits of a bracket, or the legs of a multi-leg order.
    #[schema(no_recursion)]
    pub legs: Vec<OrderView>,
}

impl OrderView {
    /// The order, with who placed it.
    pub(crate) fn new(order: &Order, placed_by: &PlacedBy) -> Self {
        let kind: Option<OrderType> = order.kind.or(order.order_type);
        let class = order.order_class;
        Self {
            id: order.id.to_string(),
            client_order_id: order.client_order_id.clone(),
            symbol: order.symbol.clone().unwrap_or_default(),
            side: order.side.map(|side| side.to_string()).unwrap_or_default(),
            order_type: kind.map(|kind| kind.to_string()).unwrap_or_default(),
            order_class: if class == OrderClass::Simple { "simple".to_owned() } else { class.to_string() },
            time_in_force: order.time_in_force.map(|time| time.to_string()).unwrap_or_default(),
            qty: order.qty.map(|qty| qty.normalize()),
            notional: order.notional,
            filled_qty: order.filled_qty.map(|qty| qty.normalize()),
            filled_avg_price: order.filled_avg_price,
            limit_price: order.limit_price,
            stop_price: order.stop_price,
            trail_percent: order.trail_percent,
            trail_price: order.trail_price,
            status: order.status.map_or("unknown", paddock_alpaca::wire::OrderStatus::as_str).to_owned(),
            open: order.status.is_none_or(|status| !status.is_terminal()),
            submitted_at: order.submitted_at.or(order.created_at),
            ended_at: [
                order.filled_at,
                order.canceled_at,
                order.expired_at,
                order.replaced_at,
                order.failed_at,
            ]
            .into_iter()
            .flatten()
            .max(),
            placed_by: placed_by.clone(),
            legs: order.legs.iter().flatten().map(|leg| Self::new(leg, placed_by)).collect(),
        }
    }

    /// The order in one line: `buy 10 AAPL limit 187.50`, as the audit says it.
    #[must_use]
    pub fn sentence(&self) -> String {
        let amount = match (self.qty, self.notional) {
            (Some(qty), _) => qty.to_string(),
            (None, Some(dollars)) => format!("${}", dollars.normalize()),
            (None, None) => String::new(),
        };
        let mut words =
            vec![self.side.clone(), amount, self.symbol.clone(), self.order_type.replace('_', " ")];
        let prices = [self.stop_price, self.limit_price].into_iter().flatten();
        words.extend(prices.map(|price| price.normalize().to_string()));
        words.extend(self.trail_price.map(|trail| format!("trail ${}", trail.normalize())));
        words.extend(self.trail_percent.map(|trail| format!("trail {} %", trail.normalize())));
        if self.order_class != "simple" {
            words.push(format!("({})", self.order_class));
        }
        words.retain(|word| !word.is_empty());
        words.join(" ")
    }
}
