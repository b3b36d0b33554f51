//! What a request aims at: the operation, and what it would do.

use bytes::Bytes;
use http::request::Parts;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::close_position::ClosePart;
use paddock_alpaca::operation::{self, Operation, PathParams};
use paddock_alpaca::order_body::{ParsedOrder, ParsedPatch, parse_order, parse_patch};
use paddock_alpaca::path::{CanonicalPath, Query};
use paddock_alpaca::strict_json::Object;
use paddock_core::decide::{Act, ReasonCode};
use paddock_core::id::RequestId;
use paddock_core::order::{Amount, OrderRequest, Side};
use paddock_core::scope::PositionRule;
use paddock_core::{Environment, PermissionClass, Refusal, Scope};

use uuid::Uuid;

use crate::answer::Fault;
use crate::shared::Shared;
use crate::stop::Stop;

/// An operation with the path and query that name it, in their one spelling.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) operation: &'static Operation,
    pub(crate) params: PathParams,
    pub(crate) path: CanonicalPath,
    pub(crate) query: Query,
}

impl Target {
    /// Finds the operation of a request.
    pub(crate) fn find(parts: &Parts) -> Result<Self, Stop> {
        let path = CanonicalPath::parse(parts.uri.path())
            .map_err(|fault| Fault::malformed("ambiguous_path", fault.to_string()))?;
        let query = Query::parse(parts.uri.query().unwrap_or_default())
            .map_err(|fault| Fault::malformed("ambiguous_query", fault.to_string()))?;
        let Some((operation, params)) = operation::find(parts.method.as_str(), &path) else {
            let target = format!("{} {}", parts.method, path.to_upstream());
            let message =
                format!("{target} is no operation of Alpaca's that this Paddock knows: it is not forwarded");
            return Err(Stop::Refusal(Refusal::new(
                ReasonCode::UnknownOperation,
                message,
                &[("target", target)],
            )));
        };
        Ok(Self { operation, params, path, query })
    }

    /// The list of an account's orders.
    pub(crate) fn list_of_orders() -> Result<Self, Stop> {
        let operation = operation::by_id("getAllOrders");
        let path = operation.map(|operation| CanonicalPath::parse(operation.path));
        match (operation, path) {
            (Some(operation), Some(Ok(path))) => {
                Ok(Self { operation, params: PathParams::default(), path, query: Query::default() })
            }
            // It is in the table.
            _ => Err(Fault::upstream_unsafe().into()),
        }
    }

    /// Where it is sent: the host that the configuration names for the connection's environment, whatever the request says.
    pub(crate) fn url(&self, shared: &Shared, environment: Environment) -> String {
        shared.client.endpoints().host_of(self.operation.api, environment).target(&self.path, &self.query)
    }

    /// What a request that changes nothing would do.
    pub(crate) fn reading(&self) -> Act {
        // The meanings of codes are nobody's data.
        if self.operation.class != PermissionClass::Data || self.path.to_upstream().contains("/meta/") {
            return Act::Plain;
        }
        // Whatever else can name what is read might name anything.
        if ["cusips", "ids"].iter().any(|name| self.query.get(name).is_some()) {
            return Act::Data(None);
        }
        let in_path = ["symbol", "underlying_symbol"].iter().filter_map(|name| self.params.get(name));
        let in_query = ["symbols", "currency_pairs"].iter().filter_map(|name| self.query.get(name));
        let named: Vec<String> =
            in_path.chain(in_query).flat_map(|names| names.split(',')).map(str::to_owned).collect();
        Act::Data(Some(named).filter(|named| !named.is_empty()))
    }

    /// Path and query in their one spelling, as they are read again.
    pub(crate) fn written(&self) -> String {
        let query =
            if self.query.is_empty() { String::new() } else { format!("?{}", self.query.to_upstream()) };
        format!("{}{query}", self.path.to_upstream())
    }

    /// Method and path, for the records.
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.operation.method, self.path.to_upstream())
    }
}

/// What a request would do, read from its body and query.
#[derive(Debug)]
pub(crate) enum Intention {
    /// Nothing that the caps count.
    Plain,
    /// Something that cannot be judged from its content.
    Opaque,
    /// A new order.
    Order(Box<ParsedOrder>),
    /// A change of an order.
    Replace { order_id: Uuid, patch: Box<ParsedPatch> },
    /// Closing one position.
    Close { symbol: String, part: ClosePart },
    /// Closing all positions.
    CloseAll,
}

impl Intention {
    /// The name by which the order that comes of it can be found again.
    pub(crate) fn client_order_id(&self) -> Option<&str> {
        match self {
            Self::Order(order) => order.request.client_order_id.as_deref(),
            Self::Replace { patch, .. } => patch.client_order_id.as_deref(),
            Self::Plain | Self::Opaque | Self::Close { .. } | Self::CloseAll => None,
        }
    }
}

/// Reads what a state-changing request would do, and the body as it is sent on: written anew from what was read, so that
/// what was decided is what the broker gets.
pub(crate) fn read_intention(
    target: &Target,
    body: &Bytes,
    request: RequestId,
    scope: &Scope,
) -> Result<(Intention, Bytes), Stop> {
    let alpaca = |fault: paddock_alpaca::order_body::BodyFault| Stop::Alpaca(fault.to_error());
    match target.operation.id {
        "postOrder" => {
            let order = read_new_order(body, request, scope)?;
            let sent = order.to_json_bytes().into();
            Ok((Intention::Order(Box::new(order)), sent))
        }
        "patchOrderByOrderId" => {
            let mut patch = parse_patch(body).map_err(alpaca)?;
            if patch.client_order_id.is_none() && patch != ParsedPatch::default() {
                // As for a new order: without a name of its own the order that comes of it could not be found again.
                patch.client_order_id = Some(request.to_string());
            }
            let sent = patch.to_json_bytes().into();
            let order_id = target.params.get("order_id").and_then(|id| Uuid::parse_str(id).ok());
            let order_id = order_id.ok_or_else(|| Stop::Alpaca(AlpacaError::order_id_missing()))?;
            Ok((Intention::Replace { order_id, patch: Box::new(patch) }, sent))
        }
        "deleteOpenPosition" => {
            no_body(body)?;
            let symbol = target.params.first().unwrap_or_default().to_owned();
            Ok((
                Intention::Close { symbol, part: ClosePart::parse(&target.query).map_err(Stop::Alpaca)? },
                Bytes::new(),
            ))
        }
        "deleteAllOpenPositions" => {
            no_body(body)?;
            Ok((Intention::CloseAll, Bytes::new()))
        }
        _ if target.operation.class == PermissionClass::Order => {
            check_json(body)?;
            Ok((Intention::Opaque, body.clone()))
        }
        _ => {
            check_json(body)?;
            Ok((Intention::Plain, body.clone()))
        }
    }
}

/// Reads a new order, with what Paddock adds to it.
pub(crate) fn read_new_order(body: &Bytes, request: RequestId, scope: &Scope) -> Result<ParsedOrder, Stop> {
    let mut order = parse_order(body).map_err(|fault| Stop::Alpaca(fault.to_error()))?;
    if order.request.client_order_id.is_none() {
        // Without a name of its own the order could not be found again after a lost answer.
        order.set_client_order_id(request.to_string());
    }
    if scope.positions.is_some_and(|rule| must_close(rule, &order.request)) {
        order.hold_to_closing();
    }
    Ok(order)
}

/// Whether an order is good under the rule only if it closes. The broker is told so, which alone knows the position at the moment in
/// which the order arrives.
fn must_close(rule: PositionRule, order: &OrderRequest) -> bool {
    match rule {
        PositionRule::LongOnly => order.side == Side::Sell,
        PositionRule::ReduceOnly => true,
    }
}

fn no_body(body: &Bytes) -> Result<(), Stop> {
    if body.is_empty() { Ok(()) } else { Err(Fault::unexpected_body().into()) }
}

/// A body that is passed on as it is must at least mean one thing.
fn check_json(body: &Bytes) -> Result<(), Stop> {
    if body.is_empty() {
        return Ok(());
    }
    Object::parse(body)
        .map(drop)
        .map_err(|fault| Fault::malformed("ambiguous_body", fault.to_string()).into())
}

/// An order in one line, for people: `buy 1 AAPL market`, `sell $500 BTC/USD limit 64000`.
pub(crate) fn summary(order: &OrderRequest) -> String {
    let amount = match order.amount {
        Amount::Quantity(quantity) => quantity.normalize().to_string(),
        Amount::Notional(dollars) => format!("${}", dollars.normalize()),
    };
    let mut text = format!("{} {amount} {} {}", order.side, order.symbol, order.order_type);
    for price in [order.stop_price, order.limit_price].into_iter().flatten() {
        text = format!("{text} {}", price.normalize());
    }
    if order.order_class != paddock_core::order::OrderClass::Simple {
        text = format!("{text} ({})", order.order_class);
    }
    text
}
