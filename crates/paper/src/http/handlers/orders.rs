//! `/v2/orders`.

use axum::response::Response;
use http::StatusCode;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::order_body::{parse_order, parse_patch};
use paddock_alpaca::wire;
use paddock_alpaca::wire::order::CanceledOrder;
use paddock_core::Symbol;
use paddock_core::order::Side;
use uuid::Uuid;

use crate::broker::command::OrderChanges;
use crate::broker::{Command, Order, Reply};
use crate::http::{Call, respond, views};

/// Places an order and answers with it as it was accepted.
pub(in crate::http) async fn place(call: &Call) -> Result<Response, AlpacaError> {
    let parsed = parse_order(&call.body).map_err(|fault| fault.to_error())?;
    if parsed.advanced_instructions.is_some() {
        return Err(not_offered("advanced_instructions"));
    }
    let command = Command::PlaceOrder {
        account: call.account,
        order: call.broker.new_id(),
        request: Box::new(parsed.request),
        intent: parsed.position_intent,
    };
    accepted(call, command).await
}

/// Replaces an order and answers with the new one.
pub(in crate::http) async fn replace(call: &Call) -> Result<Response, AlpacaError> {
    let order = call.order_id()?;
    let patch = parse_patch(&call.body).map_err(|fault| fault.to_error())?;
    if patch.notional.is_some() {
        return Err(AlpacaError::replace_notional());
    }
    if patch.advanced_instructions.is_some() {
        return Err(not_offered("advanced_instructions"));
    }
    let changes = OrderChanges {
        quantity: patch.qty,
        time_in_force: patch.time_in_force,
        limit_price: patch.limit_price,
        stop_price: patch.stop_price,
        trail: patch.trail,
        client_order_id: patch.client_order_id,
    };
    let replacement = call.broker.new_id();
    accepted(call, Command::ReplaceOrder { account: call.account, order, replacement, changes }).await
}

/// Takes one order back: 204 and no body.
pub(in crate::http) async fn cancel(call: &Call) -> Result<Response, AlpacaError> {
    let order = call.order_id()?;
    call.broker.execute(Command::CancelOrder { account: call.account, order }).await?;
    Ok(respond::no_content())
}

/// Takes all open orders back: 207 with one entry for each.
pub(in crate::http) async fn cancel_all(call: &Call) -> Result<Response, AlpacaError> {
    let reply = call.broker.execute(Command::CancelAllOrders { account: call.account }).await?;
    let ids = if let Reply::Canceled(ids) = reply { ids } else { Vec::new() };
    let canceled: Vec<CanceledOrder> = ids.into_iter().map(|id| CanceledOrder { id, status: 200 }).collect();
    respond::json(StatusCode::MULTI_STATUS, &canceled)
}

/// One order, with its exits if they are asked for.
pub(in crate::http) async fn get(call: &Call) -> Result<Response, AlpacaError> {
    let id = call.order_id()?;
    let nested = call.boolean("nested")?.unwrap_or(false);
    let shown = call
        .view(|broker, account| {
            let order = account.order(id).ok_or_else(|| AlpacaError::order_not_found(&id.to_string()))?;
            let exits = account.exits(order).filter(|_| nested);
            Ok(views::family(order, exits, broker.market(), broker.now()))
        })
        .await?;
    respond::ok(&shown)
}

/// The order of a client order id.
pub(in crate::http) async fn get_by_client_order_id(call: &Call) -> Result<Response, AlpacaError> {
    let name = call
        .text("client_order_id")
        .ok_or_else(|| AlpacaError::invalid_field("client_order_id is required".to_owned()))?;
    let shown = call
        .view(|broker, account| {
            let order =
                account.order_by_client_order_id(name).ok_or_else(|| AlpacaError::order_not_found(name))?;
            Ok(views::order_at(order, broker.market(), broker.now()))
        })
        .await?;
    respond::ok(&shown)
}

const LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// The orders, newest first unless asked otherwise; open ones unless asked otherwise.
pub(in crate::http) async fn list(call: &Call) -> Result<Response, AlpacaError> {
    let status = call.one_of("status", &["open", "closed", "all"])?.unwrap_or("open");
    let limit = call.read::<usize>("limit")?.unwrap_or(LIMIT);
    if limit == 0 || limit > MAX_LIMIT {
        return Err(AlpacaError::invalid_field(format!("limit must be between 1 and {MAX_LIMIT}")));
    }
    let (after, until) = (call.instant("after")?, call.instant("until")?);
    let ascending = call.one_of("direction", &["asc", "desc"])? == Some("asc");
    let nested = call.boolean("nested")?.unwrap_or(false);
    let side: Option<Side> = call.read("side")?;
    let classes = call.list("asset_class").unwrap_or_default();
    let symbols: Option<Vec<Symbol>> = call
        .list("symbols")
        .map(|symbols| symbols.into_iter().filter_map(|symbol| Symbol::parse(symbol).ok()).collect());
    let (before_order, after_order): (Option<Uuid>, Option<Uuid>) =
        (call.read("before_order_id")?, call.read("after_order_id")?);

    let shown = call
        .view(|broker, account| {
            let sequence = |id: Option<Uuid>| {
                id.map(|id| {
                    let order = account.order(id);
                    order
                        .map(|order| order.sequence)
                        .ok_or_else(|| AlpacaError::order_not_found(&id.to_string()))
                })
                .transpose()
            };
            let (before, behind) = (sequence(before_order)?, sequence(after_order)?);
            let matches = |order: &&Order| {
                (status == "all" || order.is_open() == (status == "open"))
                    && after.is_none_or(|after| order.submitted_at > after)
                    && until.is_none_or(|until| order.submitted_at < until)
                    && before.is_none_or(|before| order.sequence < before)
                    && behind.is_none_or(|behind| order.sequence > behind)
                    && side.is_none_or(|side| order.request.side == side)
                    && symbols.as_ref().is_none_or(|symbols| symbols.contains(&order.request.symbol))
                    && (classes.is_empty()
                        || classes
                            .iter()
                            .any(|class| *class == "all" || *class == order.request.symbol.class().as_str()))
            };
            // An exit is shown with the order that it belongs to when that one is shown, and else by itself.
            let rolled_up = |order: &&Order| {
                nested && order.parent().and_then(|parent| account.order(parent)).is_some_and(|p| matches(&p))
            };
            let show = |order: &Order| {
                let exits = account.exits(order).filter(|_| nested);
                views::family(order, exits, broker.market(), broker.now())
            };
            let shown = |order: &&Order| matches(order) && !rolled_up(order);
            // Of the many orders that an account has had, few are open.
            let orders: Vec<wire::Order> = match (status == "open", ascending) {
                (true, true) => account.open_orders().filter(shown).take(limit).map(show).collect(),
                (true, false) => account.open_orders().rev().filter(shown).take(limit).map(show).collect(),
                (false, true) => account.orders().filter(shown).take(limit).map(show).collect(),
                (false, false) => account.orders().rev().filter(shown).take(limit).map(show).collect(),
            };
            Ok(orders)
        })
        .await?;
    respond::ok(&shown)
}

/// Gives a command that brings an order, and answers with it.
pub(super) async fn accepted(call: &Call, command: Command) -> Result<Response, AlpacaError> {
    let market = call.broker.market();
    match call.broker.execute(command).await? {
        Reply::Order(order) => respond::ok(&views::order(&order, market)),
        Reply::Family { order, exits } => {
            respond::ok(&views::family(&order, &exits, market, order.updated_at))
        }
        _ => Err(AlpacaError::internal()),
    }
}

fn not_offered(what: &str) -> AlpacaError {
    AlpacaError::new(422, 42_210_000, format!("{what} is not offered by this paper broker"))
}
