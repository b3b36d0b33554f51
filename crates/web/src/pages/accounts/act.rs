//! `/accounts/{name}/cancel` and `/accounts/{name}/close`: a second look, and then it is done.
//!
//! An order of a paper account is canceled with one click; everything else asks first, and for real money the connection's name has to be
//! typed.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use paddock_alpaca::close_position::ClosePart;
use paddock_core::Environment;
use paddock_core::id::uuid_v7;
use paddock_gateway::HandAct;
use paddock_store::Connection;

use super::figures::{Amount, change, money, price};
use super::show::{OrderRow, order_row};
use crate::api::accounts::{
    HOW_MANY, PositionView, by_hand, order_id, order_of, orders_of, positions_of, read_symbol,
};
use crate::api::connections::named;
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{done, page_with};
use crate::pages::form::FormView;
use crate::pages::real_money::confirm;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;
use crate::query::Query;

/// What stands for all orders in the place of an order's identifier.
const ALL: &str = "all";

#[derive(Debug, Template)]
#[template(path = "accounts/cancel.html")]
struct CancelPage {
    shell: Shell,
    name: String,
    live: bool,
    /// `all`, or the order's identifier.
    order: String,
    /// What would be canceled.
    rows: Vec<OrderRow>,
    form: FormView,
    once: String,
    /// Whether it may have been done already, so that nothing is asked again.
    in_doubt: bool,
}

#[derive(Debug, Template)]
#[template(path = "accounts/close.html")]
struct ClosePage {
    shell: Shell,
    name: String,
    live: bool,
    symbol: String,
    /// What there is to close; nothing when it is gone.
    position: Option<Held>,
    form: FormView,
    once: String,
    /// Whether it may have been done already, so that nothing is asked again.
    in_doubt: bool,
}

#[derive(Debug)]
struct Held {
    side: String,
    qty: String,
    free: String,
    held: bool,
    worth: String,
    price: String,
    profit: Amount,
    /// What the closing order does: `sell` or `buy`.
    verb: &'static str,
}

/// Asks whether an order, or all of them, shall be canceled.
pub(super) async fn ask_cancel(
    desk: Desk,
    PathName(name): PathName,
    mut query: Query,
) -> Result<Response, Problem> {
    let order = query.text("order").unwrap_or_else(|| ALL.to_owned());
    query.finish(&["order"])?;
    let connection = named(&desk, &name).await?;
    cancel_page(&desk, &connection, order, FormView::blank(), StatusCode::OK).await
}

/// Cancels it.
pub(super) async fn cancel(
    desk: Desk,
    PathName(name): PathName,
    mut form: FormFields,
) -> Result<Response, Problem> {
    let connection = named(&desk, &name).await?;
    let kept = FormView::keep(&form, &["typed"]);
    let order = form.0.need_text("order", "the order's identifier, or `all`")?;
    let tried = async {
        let once = take_once(&mut form)?;
        let typed = form.0.text("typed")?;
        form.0.finish(&["order", "once", "typed"])?;
        confirm(&connection, typed.as_deref())?;
        let act = if order == ALL { HandAct::CancelAll } else { HandAct::Cancel(order_id(&order)?) };
        by_hand(&desk, &connection, act, once).await
    };
    match tried.await {
        Ok(_) if order != ALL => Ok(done(&format!("/accounts/{name}"), "canceled")),
        Ok(all) if all.canceled == 0 && all.failed == 0 && !all.repeated => {
            Ok(done(&format!("/accounts/{name}"), "none-open"))
        }
        Ok(_) => Ok(done(&format!("/accounts/{name}"), "canceled-all")),
        Err(problem) => {
            let status = status_of(&problem);
            cancel_page(&desk, &connection, order, kept.refused(problem), status).await
        }
    }
}

async fn cancel_page(
    desk: &Desk,
    connection: &Connection,
    order: String,
    form: FormView,
    status: StatusCode,
) -> Result<Response, Problem> {
    let now = desk.now();
    let rows = if in_doubt(&form) {
        Vec::new()
    } else if order == ALL {
        orders_of(desk, connection, None).await?
    } else {
        // That it is gone is among what may have gone wrong.
        order_of(desk, connection, order_id(&order)?).await.ok().into_iter().collect()
    };
    let title = if order == ALL { "Cancel all open orders" } else { "Cancel an order" };
    let page = CancelPage {
        shell: Shell::load(desk, Section::Account, title).await?.about(connection),
        name: connection.name.clone(),
        live: connection.environment == Environment::Live,
        rows: rows.iter().map(|order| order_row(order, now)).collect(),
        order,
        in_doubt: in_doubt(&form),
        form,
        once: uuid_v7(now, &*desk.entropy).to_string(),
    };
    page_with(status, &page)
}

/// Asks how much of a position shall be closed.
pub(super) async fn ask_close(
    desk: Desk,
    PathName(name): PathName,
    mut query: Query,
) -> Result<Response, Problem> {
    let symbol = read_symbol(&query.text("symbol").unwrap_or_default())?;
    query.finish(&["symbol"])?;
    let connection = named(&desk, &name).await?;
    let form = FormView::blank().with("how", "all");
    close_page(&desk, &connection, symbol, form, StatusCode::OK).await
}

/// Closes it.
pub(super) async fn close(
    desk: Desk,
    PathName(name): PathName,
    mut form: FormFields,
) -> Result<Response, Problem> {
    let connection = named(&desk, &name).await?;
    let kept = FormView::keep(&form, &["how", "qty", "typed"]);
    let symbol = read_symbol(&form.0.need_text("symbol", "the position's symbol")?)?;
    let tried = async {
        let once = take_once(&mut form)?;
        let part = part(&mut form)?;
        let typed = form.0.text("typed")?;
        form.0.finish(&["symbol", "how", "qty", "once", "typed"])?;
        confirm(&connection, typed.as_deref())?;
        by_hand(&desk, &connection, HandAct::Close { symbol: symbol.clone(), part }, once).await
    };
    match tried.await {
        Ok(_) => Ok(done(&format!("/accounts/{name}"), "closed")),
        Err(problem) => {
            let status = status_of(&problem);
            close_page(&desk, &connection, symbol, kept.refused(problem), status).await
        }
    }
}

/// How much is to be closed. A quantity that stands there while all is chosen is a doubt, and a doubt closes nothing.
fn part(form: &mut FormFields) -> Result<ClosePart, Problem> {
    let how = form.0.need_text("how", "all of it, or a part")?;
    match how.as_str() {
        "all" if form.0.text("qty")?.is_some() => {
            Err(Problem::field("qty", "nothing here when all of it is to be closed"))
        }
        "all" => Ok(ClosePart::All),
        "part" => {
            let quantity = form.0.quantity("qty", HOW_MANY)?;
            quantity.map(ClosePart::Quantity).ok_or_else(|| Problem::field("qty", HOW_MANY))
        }
        other => Err(Problem::not_allowed("how", other, &["all", "part"])),
    }
}

async fn close_page(
    desk: &Desk,
    connection: &Connection,
    symbol: String,
    form: FormView,
    status: StatusCode,
) -> Result<Response, Problem> {
    let positions = if in_doubt(&form) { Vec::new() } else { positions_of(desk, connection).await? };
    let page = ClosePage {
        shell: Shell::load(desk, Section::Account, format!("Close {symbol}")).await?.about(connection),
        name: connection.name.clone(),
        live: connection.environment == Environment::Live,
        position: positions.iter().find(|row| row.symbol == symbol).map(held),
        symbol,
        in_doubt: in_doubt(&form),
        form,
        once: uuid_v7(desk.now(), &*desk.entropy).to_string(),
    };
    page_with(status, &page)
}

fn held(row: &PositionView) -> Held {
    let free = row.qty_available.unwrap_or(row.qty).abs();
    Held {
        side: row.side.clone(),
        qty: row.qty.abs().to_string(),
        free: free.to_string(),
        held: free < row.qty.abs(),
        worth: money(row.market_value),
        price: price(row.current_price),
        profit: change(row.unrealized_pl),
        verb: if row.side == "short" { "buy" } else { "sell" },
    }
}

/// Whether what was sent may be done already or still arrive. A form with a name of its own would do it a second time: there is none then.
fn in_doubt(form: &FormView) -> bool {
    const MAY_BE_DONE: [&str; 3] = ["outcome_unknown", "under_way", "close_under_way"];
    form.problem.as_ref().is_some_and(|problem| MAY_BE_DONE.contains(&&*problem.code))
}

/// The name of this one intention.
fn take_once(form: &mut FormFields) -> Result<Option<String>, Problem> {
    let once = form.0.text("once")?;
    match &once {
        Some(text) if text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(Problem::field("once", "what the page sends by itself: load it again"))
        }
        _ => Ok(once),
    }
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY)
}
