//! `DELETE /api/v1/connections/{name}/orders`, `/orders/{id}` and `/positions/{symbol}`

use axum::Json;
use http::{HeaderMap, StatusCode};
use paddock_alpaca::close_position::ClosePart;
use paddock_core::id::RequestId;
use paddock_core::money::parse_decimal;
use paddock_gateway::{HandAct, HandDone, HandOrder, HandOutcome};
use paddock_store::{Connection, HandRequest, StepState};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::connections::named;
use crate::desk::Desk;
use crate::document::{params, problems, words};
use crate::fields::Fields;
use crate::name::{PathName, PathPair};
use crate::problem::Problem;
use crate::query::{Query, bad};

/// What names one intention of a client's, as for every other change of this API.
const ONCE: &str = "idempotency-key";

/// What is expected of a quantity.
pub(crate) const HOW_MANY: &str = "how many to close, above zero, for example `5` or `0.25`";

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DoneByHand)]
pub(crate) struct Done {
    /// The request, as in the activity and the audit.
    #[schema(value_type = words::Id)]
    pub(crate) request: RequestId,
    /// The order that closes the position.
    #[schema(required)]
    pub(crate) order_id: Option<String>,
    /// Orders whose cancel Alpaca took.
    pub(crate) canceled: u32,
    /// Orders that could not be canceled.
    pub(crate) failed: u32,
    /// Whether it had been done before, under the same name, and was not done again.
    pub(crate) repeated: bool,
}

/// Cancels one order.
#[utoipa::path(
    delete,
    path = "/api/v1/connections/{name}/orders/{id}",
    operation_id = "cancelOrder",
    tag = "accounts",
    params(params::OrderPath, params::Once),
    responses((status = 200, description = "Alpaca has taken it", body = Done)),
    extensions(("x-problems" = json!([problems::BY_HAND, "malformed_order_id"]))),
)]
pub(crate) async fn cancel(
    desk: Desk,
    PathPair(name, id): PathPair,
    query: Query,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Json<Done>, Problem> {
    query.finish(&[])?;
    fields.finish(&[])?;
    let connection = named(&desk, &name).await?;
    let id = order_id(&id)?;
    by_hand(&desk, &connection, HandAct::Cancel(id), once(&headers)?).await.map(Json)
}

/// Cancels all open orders.
#[utoipa::path(
    delete,
    path = "/api/v1/connections/{name}/orders",
    operation_id = "cancelAllOrders",
    tag = "accounts",
    params(params::ConnectionName, params::Once),
    responses((status = 200, description = "Alpaca has taken it", body = Done)),
    extensions(("x-problems" = json!([problems::BY_HAND]))),
)]
pub(crate) async fn cancel_all(
    desk: Desk,
    PathName(name): PathName,
    query: Query,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Json<Done>, Problem> {
    query.finish(&[])?;
    fields.finish(&[])?;
    let connection = named(&desk, &name).await?;
    by_hand(&desk, &connection, HandAct::CancelAll, once(&headers)?).await.map(Json)
}

/// Closes a position at the market: all of it, or `qty` units, or `percentage` of it.
#[utoipa::path(
    delete,
    path = "/api/v1/connections/{name}/positions/{symbol}",
    operation_id = "closePosition",
    tag = "accounts",
    params(params::PositionPath, params::Once, ("qty" = Option<String>, Query, description = "So many shares, contracts or coins of it"), ("percentage" = Option<String>, Query, description = "So many percent of it")),
    responses((status = 200, description = "Alpaca has taken it", body = Done)),
    extensions(("x-problems" = json!([problems::BY_HAND, "malformed_symbol"]))),
)]
pub(crate) async fn close(
    desk: Desk,
    PathPair(name, symbol): PathPair,
    mut query: Query,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Json<Done>, Problem> {
    fields.finish(&[])?;
    let (qty, percentage) = (query.text("qty"), query.text("percentage"));
    query.finish(&["qty", "percentage"])?;
    let part =
        read_part(qty.as_deref(), percentage.as_deref()).map_err(|(name, expected)| bad(name, expected))?;
    let connection = named(&desk, &name).await?;
    let act = HandAct::Close { symbol: read_symbol(&symbol)?, part };
    by_hand(&desk, &connection, act, once(&headers)?).await.map(Json)
}

/// How much of a position is to be closed. The error names the field, and what is expected of it.
pub(crate) fn read_part(
    qty: Option<&str>,
    percentage: Option<&str>,
) -> Result<ClosePart, (&'static str, &'static str)> {
    let number = |text: &str| parse_decimal(text.trim()).ok().filter(|number| *number > Decimal::ZERO);
    match (qty, percentage) {
        (None, None) => Ok(ClosePart::All),
        (Some(_), Some(_)) => Err(("percentage", "either `qty` or `percentage`, not both")),
        (Some(text), None) => number(text).map(ClosePart::Quantity).ok_or(("qty", HOW_MANY)),
        (None, Some(text)) => number(text)
            .filter(|percent| *percent <= Decimal::ONE_HUNDRED)
            .map(ClosePart::Percentage)
            .ok_or(("percentage", "how much to close, above 0 and at most 100, for example `50`")),
    }
}

/// Alpaca's identifier of an order.
pub(crate) fn order_id(text: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(text.trim()).map_err(|_| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_order_id",
            "Malformed order id",
            "an order's identifier is a UUID, as alpaca gives it",
            "take it from the list of orders",
        )
    })
}

pub(crate) fn read_symbol(text: &str) -> Result<String, Problem> {
    paddock_core::Symbol::parse(text.trim()).map(|symbol| symbol.as_str().to_owned()).map_err(|_| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_symbol",
            "Malformed symbol",
            "that is no symbol",
            "take it from the list of positions, for example `AAPL` or `BTC/USD` (`BTC%2FUSD` in an address)",
        )
    })
}

/// The name that a client gave to what it wants done once.
fn once(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(ONCE) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_idempotency_key",
            "Malformed idempotency key",
            "the header `Idempotency-Key` is not as it should be",
            "send 1 to 64 visible characters without spaces, for example a UUID",
        ));
    }
    Ok(Some(text.to_owned()))
}

/// Has the gateway do what a person wants, and says what came of it.
pub(crate) async fn by_hand(
    desk: &Desk,
    connection: &Connection,
    act: HandAct,
    once: Option<String>,
) -> Result<Done, Problem> {
    let closes = matches!(act, HandAct::Close { .. });
    let (actor, network) = (desk.actor(), desk.network);
    let order = HandOrder { connection: connection.id, act, actor, network, once };
    match desk.control.act_by_hand(order).await? {
        HandOutcome::Done(done) => Ok(Done::new(done)),
        HandOutcome::Repeated(known) => repeated(&known),
        HandOutcome::NameTaken => Err(Problem::new(
            StatusCode::CONFLICT,
            "idempotency_key_reused",
            "Key used for something else",
            "this `Idempotency-Key` was used for another order or position",
            "nothing was sent: send a new key with each new request",
        )),
        HandOutcome::Refused(refusal) => Err(Problem::new(
            StatusCode::CONFLICT,
            "refused",
            "Not done",
            refusal.message,
            "nothing was sent: unfreeze first, or freeze again so that closes pass",
        )
        .with("reason", refusal.code.as_str())),
        HandOutcome::Alpaca(error) => Err(alpaca(error.status, error.code, &error.message, closes)),
        HandOutcome::Busy(since) => {
            let seconds = desk.now().duration_since(since).as_secs().max(0);
            Err(Problem::new(
                StatusCode::CONFLICT,
                "close_under_way",
                "A close is under way",
                format!(
                    "a close of this position was sent {seconds} seconds ago and its answer has not come"
                ),
                "nothing was sent: look at the orders, and try again a minute later if there is none",
            ))
        }
        HandOutcome::NotSent(why) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_sent",
            "Not sent",
            why,
            "nothing was done: try again",
        )),
        HandOutcome::Unknown(request) => Err(unknown(request)),
        HandOutcome::NoSuchConnection => {
            Err(super::look_problem(paddock_gateway::LookFault::NoSuchConnection))
        }
    }
}

impl Done {
    fn new(done: HandDone) -> Self {
        let HandDone { request, order_id, canceled, failed } = done;
        Self { request, order_id, canceled, failed, repeated: false }
    }
}

fn repeated(known: &HandRequest) -> Result<Done, Problem> {
    let conflict = |code, detail: String, next_step| {
        Err(Problem::new(StatusCode::CONFLICT, code, "Sent already", detail, next_step)
            .with("request", known.request.to_string()))
    };
    match known.state {
        StepState::Done => Ok(Done {
            request: known.request,
            order_id: known.order_id.clone(),
            canceled: u32::from(known.order_id.is_none()),
            failed: 0,
            repeated: true,
        }),
        StepState::Sent => conflict(
            "under_way",
            "this was sent already, and alpaca has not answered yet".to_owned(),
            "it is not sent again: look at the orders and positions in a moment",
        ),
        StepState::Failed => conflict(
            "failed_before",
            format!(
                "this was sent already and not done: {}",
                known.detail.as_deref().unwrap_or("no reason was given")
            ),
            "look at the orders and positions, then begin anew",
        ),
        StepState::Unknown => Err(unknown(known.request)),
    }
}

fn unknown(request: RequestId) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "outcome_unknown",
        "No answer from Alpaca",
        "alpaca did not answer, so it is not known whether it acted",
        "it is not sent again: look at the orders and positions before you do anything else",
    )
    .with("request", request.to_string())
}

/// Alpaca's refusal, in its own words and with what to do.
fn alpaca(status: u16, code: Option<u32>, message: &str, closes: bool) -> Problem {
    let next_step = match (status, closes) {
        (404, true) => "there is nothing to close any more: look at the positions",
        (404, false) => "there is no such order: look at the list of orders",
        (422, false) => "it has probably ended by now: look at the list of orders",
        (403, true) => "an open order may hold it, or stand against it: cancel that first, or close less",
        _ => "see what its message asks for, then try again",
    };
    let (http, code_name, title) = match status {
        404 => (StatusCode::NOT_FOUND, "not_at_alpaca", "Not found at Alpaca"),
        _ => (StatusCode::UNPROCESSABLE_ENTITY, "alpaca_refused", "Alpaca refuses"),
    };
    Problem::new(http, code_name, title, format!("alpaca says: {message}"), next_step)
        .with("alpaca_status", status)
        .with("alpaca_code", code)
}
