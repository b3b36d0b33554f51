//! `GET /accounts/{name}`

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;
use paddock_core::id::uuid_v7;
use paddock_gateway::EquityPeriod;
use paddock_store::Connection;

use super::figures::{Amount, change, money, percent, price};
use crate::api::accounts::{
    AccountFigures, OrderView, PlacedBy, PositionView, equity_of, figures, orders_of, positions_of,
};
use crate::api::connections::named;
use crate::desk::Desk;
use crate::name::PathName;
use crate::pages::answer::{Done, page};
use crate::pages::shell::{Section, Shell};
use crate::pages::text::{Moment, encoded};
use crate::problem::Problem;
use crate::query::{Query, bad};

/// How many of the newest orders are shown.
const RECENT: usize = 25;

/// What was just done, by its code.
const DONE: [(&str, &str); 4] = [
    (
        "canceled",
        "Alpaca has taken the cancel. An order that fills in the same moment is filled all the same.",
    ),
    ("canceled-all", "Alpaca has taken the cancels."),
    ("closed", "Alpaca has taken the order that closes it. It is among the orders below."),
    ("none-open", "No order was open."),
];

#[derive(Debug, Template)]
#[template(path = "accounts/show.html")]
struct AccountPage {
    shell: Shell,
    name: String,
    live: bool,
    frozen: bool,
    others: Vec<(String, bool)>,
    account: Result<Figures, Problem>,
    period: &'static str,
    periods: Vec<(&'static str, &'static str)>,
    curve: Vec<(Moment, String)>,
    positions: Result<Vec<PositionRow>, Problem>,
    open: Result<Vec<OrderRow>, Problem>,
    recent: Result<Vec<OrderRow>, Problem>,
    /// Names the intention behind each button of this page.
    once: String,
}

#[derive(Debug)]
struct Figures {
    status: String,
    healthy: bool,
    blocked: Vec<String>,
    equity: String,
    day: Amount,
    day_percent: Option<String>,
    cash: String,
    buying_power: String,
    held: String,
    short: String,
}

#[derive(Debug)]
struct PositionRow {
    symbol: String,
    side: String,
    qty: String,
    /// What open orders hold of it, if anything.
    held: Option<String>,
    paid: String,
    price: String,
    worth: String,
    day: Amount,
    profit: Amount,
    profit_percent: Option<String>,
    /// The page that closes it.
    close: String,
}

#[derive(Debug)]
pub(super) struct OrderRow {
    pub(super) id: String,
    pub(super) submitted: Option<Moment>,
    pub(super) sentence: String,
    pub(super) status: String,
    pub(super) filled: String,
    pub(super) by: String,
    pub(super) key_link: Option<String>,
    pub(super) legs: usize,
}

/// The page.
pub(super) async fn show(
    desk: Desk,
    PathName(name): PathName,
    done: Done,
    mut query: Query,
) -> Result<Response, Problem> {
    let period = match query.text("period") {
        None => EquityPeriod::Month,
        Some(text) => text.parse().map_err(|_| bad("period", "`1D`, `1W`, `1M`, `3M` or `1A`"))?,
    };
    _ = query.text("done");
    query.finish(&["period"])?;
    let connection = named(&desk, &name).await?;
    let now = desk.now();
    let (account, positions, open, recent, curve) = tokio::join!(
        figures(&desk, &connection),
        positions_of(&desk, &connection),
        orders_of(&desk, &connection, None),
        orders_of(&desk, &connection, Some(RECENT)),
        equity_of(&desk, &connection, period),
    );
    let others = desk.store.connections(desk.user).await?;
    let page_with = AccountPage {
        shell: Shell::load(&desk, Section::Account, format!("Account {name}"))
            .await?
            .about(&connection)
            .done(&done, &DONE),
        live: connection.environment == paddock_core::Environment::Live,
        frozen: connection.frozen,
        others: others.iter().map(|row| (row.name.clone(), row.id == connection.id)).collect(),
        account: account.map(shown),
        period: period.as_str(),
        periods: vec![("1D", "Day"), ("1W", "Week"), ("1M", "Month"), ("3M", "3 months"), ("1A", "Year")],
        curve: curve.map(|curve| table(&curve.points)).unwrap_or_default(),
        positions: positions.map(|rows| rows.iter().map(|row| position(row, &connection)).collect()),
        open: open.map(|rows| rows.iter().map(|order| order_row(order, now)).collect()),
        recent: recent.map(|rows| rows.iter().map(|order| order_row(order, now)).collect()),
        once: uuid_v7(now, &*desk.entropy).to_string(),
        name,
    };
    page(&page_with)
}

fn shown(figures: AccountFigures) -> Figures {
    Figures {
        healthy: figures.status == "ACTIVE",
        status: figures.status.replace('_', " ").to_lowercase(),
        blocked: figures.blocked,
        equity: money(figures.equity),
        day: change(figures.day_change),
        day_percent: percent(figures.day_change_percent),
        cash: money(figures.cash),
        buying_power: money(figures.buying_power),
        held: money(figures.long_market_value),
        short: money(figures.short_market_value),
    }
}

/// The last points of the curve, the newest first, for whoever sees no chart.
fn table(points: &[crate::api::accounts::Point]) -> Vec<(Moment, String)> {
    let at = |seconds: i64| Timestamp::from_second(seconds).ok().map(Moment::full);
    points.iter().rev().take(40).filter_map(|point| Some((at(point.t)?, money(Some(point.v))))).collect()
}

fn position(row: &PositionView, connection: &Connection) -> PositionRow {
    let free = row.qty_available.unwrap_or(row.qty).abs();
    PositionRow {
        close: format!("/accounts/{}/close?symbol={}", connection.name, encoded(&row.symbol)),
        symbol: row.symbol.clone(),
        side: row.side.clone(),
        qty: row.qty.to_string(),
        held: (free < row.qty.abs()).then(|| (row.qty.abs() - free).normalize().to_string()),
        paid: price(Some(row.avg_entry_price)),
        price: price(row.current_price),
        worth: money(row.market_value),
        day: change(row.day_pl),
        profit: change(row.unrealized_pl),
        profit_percent: percent(row.unrealized_pl_percent),
    }
}

/// An order in a table.
pub(super) fn order_row(order: &OrderView, now: Timestamp) -> OrderRow {
    let (by, key_link) = match &order.placed_by {
        PlacedBy::AccessKey { name } => (name.clone(), Some(format!("/keys/{name}"))),
        PlacedBy::Person { name } => (name.clone(), None),
        PlacedBy::Paddock => ("Paddock, for a freeze".to_owned(), None),
        PlacedBy::Outside => ("outside Paddock".to_owned(), None),
    };
    let filled = match (order.filled_qty, order.filled_avg_price) {
        (Some(qty), Some(paid)) if !qty.is_zero() => format!("{qty} at {}", price(Some(paid))),
        _ => "–".to_owned(),
    };
    OrderRow {
        id: order.id.clone(),
        submitted: order.submitted_at.map(|at| Moment::clock(at, now)),
        sentence: order.sentence(),
        status: order.status.replace('_', " "),
        filled,
        by,
        key_link,
        legs: order.legs.len(),
    }
}
