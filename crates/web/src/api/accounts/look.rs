//! `GET /api/v1/connections/{name}/account`, `/positions`, `/orders`, `/orders/{id}` and `/equity`

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use paddock_alpaca::wire::Order;
use paddock_core::audit::Actor;
use paddock_core::id::AccessKeyId;
use paddock_gateway::EquityPeriod;
use paddock_store::Connection;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AccountFigures, OrderView, PlacedBy, PositionView, look_problem};
use crate::api::connections::named;
use crate::desk::Desk;
use crate::document::{params, problems, words};
use crate::name::{PathName, PathPair};
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::query::{Query, bad};

/// Seconds from the last point of a curve to now, at the most: over a long weekend. A broker whose clock tells another time has no now here.
const LONGEST_BREAK: i64 = 5 * 24 * 60 * 60;

/// How many orders are read; Alpaca gives no more at once.
const MOST_ORDERS: usize = 500;

/// What the account is worth now.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/account",
    operation_id = "getAccount",
    tag = "accounts",
    params(params::ConnectionName),
    responses((status = 200, description = "The account", body = AccountFigures)),
    extensions(("x-problems" = json!([problems::LOOK]))),
)]
pub(crate) async fn account(
    desk: Desk,
    PathName(name): PathName,
    query: Query,
) -> Result<Json<AccountFigures>, Problem> {
    query.finish(&[])?;
    let connection = named(&desk, &name).await?;
    figures(&desk, &connection).await.map(Json)
}

/// The same, for a page.
pub(crate) async fn figures(desk: &Desk, connection: &Connection) -> Result<AccountFigures, Problem> {
    let account = desk.control.account(connection.id).await.map_err(look_problem)?;
    Ok(AccountFigures::new(&connection.name, connection.environment, &account, desk.now()))
}

/// The positions, by symbol.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/positions",
    operation_id = "listPositions",
    tag = "accounts",
    params(params::ConnectionName, params::Listing),
    responses((status = 200, description = "A page of positions", body = Page<PositionView>)),
    extensions(("x-problems" = json!([problems::LOOK]))),
)]
pub(crate) async fn positions(
    desk: Desk,
    PathName(name): PathName,
    mut query: Query,
) -> Result<Json<Page<PositionView>>, Problem> {
    let paging: Paging<String> = Paging::read(&mut query, "positions")?;
    query.finish(&["limit", "cursor"])?;
    let connection = named(&desk, &name).await?;
    let positions = positions_of(&desk, &connection).await?;
    Ok(Json(paging.page_of_all(positions, |position| position.symbol.clone())))
}

/// The same, for a page.
pub(crate) async fn positions_of(desk: &Desk, connection: &Connection) -> Result<Vec<PositionView>, Problem> {
    let positions = desk.control.positions(connection.id).await.map_err(look_problem)?;
    let mut views: Vec<PositionView> = positions.iter().map(PositionView::from).collect();
    views.sort_by(|a, b| a.symbol.cmp(&b.symbol));
    Ok(views)
}

/// The open orders, or with `status=all` the newest of all, with who placed them; the newest first, at most 500.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/orders",
    operation_id = "listOrders",
    tag = "accounts",
    params(params::ConnectionName, ("status" = Option<String>, Query, description = "`open`, or `all` for those that have ended too"), params::Listing),
    responses((status = 200, description = "A page of orders", body = Page<OrderView>)),
    extensions(("x-problems" = json!([problems::LOOK]))),
)]
pub(crate) async fn orders(
    desk: Desk,
    PathName(name): PathName,
    mut query: Query,
) -> Result<Json<Page<OrderView>>, Problem> {
    let status = query.text("status");
    let paging: Paging<String> = Paging::read(&mut query, "orders")?;
    query.finish(&["status", "limit", "cursor"])?;
    let recent = match status.as_deref() {
        None | Some("open") => None,
        Some("all") => Some(MOST_ORDERS),
        Some(_) => return Err(bad("status", "`open` or `all`")),
    };
    let connection = named(&desk, &name).await?;
    let mut views = orders_of(&desk, &connection, recent).await?;
    if let Some(after) = &paging.after {
        // An order that has gone from the list since takes the rest of it along: it was the oldest that was seen.
        let next = views.iter().position(|order| order.id == *after).map_or(views.len(), |place| place + 1);
        views.drain(..next);
    }
    Ok(Json(paging.page(views, |order| order.id.clone())))
}

/// The open orders, or so many of the newest, for a page.
pub(crate) async fn orders_of(
    desk: &Desk,
    connection: &Connection,
    recent: Option<usize>,
) -> Result<Vec<OrderView>, Problem> {
    let found = desk.control.orders(connection.id, recent).await.map_err(look_problem)?;
    placed(desk, connection, &found).await
}

/// One order.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/orders/{id}",
    operation_id = "getOrder",
    tag = "accounts",
    params(params::OrderPath),
    responses((status = 200, description = "The order", body = OrderView)),
    extensions(("x-problems" = json!([problems::LOOK, "malformed_order_id"]))),
)]
pub(crate) async fn order(
    desk: Desk,
    PathPair(name, id): PathPair,
    query: Query,
) -> Result<Json<OrderView>, Problem> {
    query.finish(&[])?;
    let connection = named(&desk, &name).await?;
    let id = super::act::order_id(&id)?;
    let found = order_of(&desk, &connection, id).await?;
    Ok(Json(found))
}

/// One order of a connection's.
pub(crate) async fn order_of(desk: &Desk, connection: &Connection, id: Uuid) -> Result<OrderView, Problem> {
    let found = desk.control.order(connection.id, id).await.map_err(look_problem)?;
    let mut views = placed(desk, connection, std::slice::from_ref(&*found)).await?;
    views.pop().ok_or_else(|| look_problem(paddock_gateway::LookFault::NoSuchConnection))
}

/// One point of a curve.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Point {
    /// Unix seconds.
    pub(crate) t: i64,
    /// Dollars.
    #[schema(value_type = words::Exact)]
    pub(crate) v: Decimal,
}

/// What the account was worth over time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Curve {
    /// How far back it goes.
    #[schema(value_type = words::EquityPeriodWord)]
    pub(crate) period: EquityPeriod,
    /// The oldest first.
    pub(crate) points: Vec<Point>,
}

/// What the account was worth over `period`: `1D`, `1W`, `1M` (unless something else is asked for), `3M` or `1A`.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/equity",
    operation_id = "getEquity",
    tag = "accounts",
    params(params::ConnectionName, ("period" = Option<words::EquityPeriodWord>, Query, description = "How far back; `1M` unless told otherwise")),
    responses((status = 200, description = "The curve", body = Curve)),
    extensions(("x-problems" = json!([problems::LOOK]))),
)]
pub(crate) async fn equity(
    desk: Desk,
    PathName(name): PathName,
    mut query: Query,
) -> Result<Json<Curve>, Problem> {
    let period = match query.text("period") {
        None => EquityPeriod::Month,
        Some(text) => text.parse().map_err(|_| bad("period", "`1D`, `1W`, `1M`, `3M` or `1A`"))?,
    };
    query.finish(&["period"])?;
    let connection = named(&desk, &name).await?;
    equity_of(&desk, &connection, period).await.map(Json)
}

pub(crate) async fn equity_of(
    desk: &Desk,
    connection: &Connection,
    period: EquityPeriod,
) -> Result<Curve, Problem> {
    let history = desk.control.equity(connection.id, period).await.map_err(look_problem)?;
    // Where Alpaca has no figure there is no point.
    let values = history.timestamp.iter().zip(&history.equity);
    let mut points: Vec<Point> =
        values.filter_map(|(t, value)| Some(Point { t: *t, v: (*value)? })).collect();
    // Before money was put into it the account was worth nothing, which is no part of how it did.
    let funded = points.iter().position(|point| !point.v.is_zero()).unwrap_or(points.len());
    points.drain(..funded);
    // Alpaca's last point is of the last close, or some minutes old. The curve ends with what the account is worth now.
    let now = figures(desk, connection).await.ok().and_then(|figures| figures.equity);
    let at = desk.now().as_second();
    if let Some(v) = now
        && points.last().is_none_or(|last| last.t < at && at - last.t <= LONGEST_BREAK)
        && !(points.is_empty() && v.is_zero())
    {
        points.push(Point { t: at, v });
    }
    Ok(Curve { period, points })
}

/// Who placed the orders of an account.
struct Who {
    keys: HashMap<AccessKeyId, String>,
    placed: HashMap<String, AccessKeyId>,
    closed: HashMap<String, Actor>,
    wound_down: BTreeSet<String>,
}

impl Who {
    fn of(&self, id: &str) -> PlacedBy {
        if let Some(key) = self.placed.get(id) {
            let name = self.keys.get(key).cloned().unwrap_or_else(|| "a key that is gone".to_owned());
            return PlacedBy::AccessKey { name };
        }
        match self.closed.get(id) {
            Some(Actor::Person { name, .. } | Actor::AccessKey { name, .. }) => {
                PlacedBy::Person { name: name.clone() }
            }
            Some(Actor::Operator) => PlacedBy::Person { name: "operator".to_owned() },
            Some(Actor::System) => PlacedBy::Paddock,
            None if self.wound_down.contains(id) => PlacedBy::Paddock,
            None => PlacedBy::Outside,
        }
    }
}

/// Finds out who placed these orders.
async fn who_placed(desk: &Desk, connection: &Connection, ids: &[String]) -> Result<Who, Problem> {
    let keys = desk.store.keys(desk.user).await?.into_iter().filter(|key| key.connection == connection.id);
    Ok(Who {
        keys: keys.map(|key| (key.id, key.name)).collect(),
        placed: desk.store.who_placed(connection.id, ids).await?,
        closed: desk.store.who_closed(connection.id, ids).await?,
        wound_down: desk.store.closing_orders(connection.id).await?,
    })
}

/// Orders with who placed them.
async fn placed(desk: &Desk, connection: &Connection, orders: &[Order]) -> Result<Vec<OrderView>, Problem> {
    let ids: Vec<String> = orders.iter().map(|order| order.id.to_string()).collect();
    let who = who_placed(desk, connection, &ids).await?;
    Ok(orders.iter().map(|order| OrderView::new(order, &who.of(&order.id.to_string()))).collect())
}
