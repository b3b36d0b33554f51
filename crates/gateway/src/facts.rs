//! The facts that an order is decided by: what it would be, and what the market says it is worth.

use paddock_alpaca::AlpacaError;
use paddock_alpaca::client::{AccountClient, ClientError};
use paddock_alpaca::close_position::{ClosePart, closing_order};
use paddock_alpaca::order_body::PatchFault;
use paddock_alpaca::order_body::{ParsedOrder, ParsedPatch};
use paddock_alpaca::wire::{Position, PositionIntent};
use paddock_core::Scope;
use paddock_core::decide::{OrderFacts, Quote};
use paddock_core::order::{Amount, OrderRequest, OrderType, Side};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::answer::Fault;
use crate::stop::Stop;

/// Reads facts from the broker with the connection's own credential.
pub(crate) struct FactFinder<'a> {
    pub(crate) asking: AccountClient<'a>,
    /// Says which quotes matter; others are not asked for.
    pub(crate) scope: &'a Scope,
}

impl FactFinder<'_> {
    /// A new order.
    pub(crate) async fn new_order(&self, order: &ParsedOrder) -> Result<OrderFacts, Stop> {
        let closes = order.position_intent.is_some_and(PositionIntent::closes);
        self.priced(order.request.clone(), closes, Decimal::ZERO).await
    }

    /// The order that a replacement would leave, which is decided as the order that it is.
    pub(crate) async fn replacement(
        &self,
        order_id: Uuid,
        patch: &ParsedPatch,
        already_charged: Decimal,
    ) -> Result<OrderFacts, Stop> {
        let current = self.asking.order(order_id).await.map_err(stop)?;
        let resulting = patch.apply(&current).map_err(|fault| Stop::Alpaca(patch_error(&fault)))?;
        // A replacement does to the position what the order that it replaces was held to.
        let closes = current.position_intent.is_some_and(PositionIntent::closes);
        self.priced(resulting, closes, already_charged).await
    }

    /// The order by which one position would be closed, wholly or in part.
    pub(crate) async fn close(&self, symbol: &str, part: ClosePart) -> Result<OrderFacts, Stop> {
        let position = self.asking.position(symbol).await.map_err(stop)?;
        self.closing(&position, part).await
    }

    /// The orders by which all positions would be closed.
    pub(crate) async fn close_all(&self) -> Result<Vec<OrderFacts>, Stop> {
        let positions = self.asking.positions().await.map_err(stop)?;
        let mut facts = Vec::with_capacity(positions.len());
        for position in &positions {
            facts.push(self.closing(position, ClosePart::All).await?);
        }
        Ok(facts)
    }

    async fn closing(&self, position: &Position, part: ClosePart) -> Result<OrderFacts, Stop> {
        let order = closing_order(position, part).map_err(Stop::Alpaca)?;
        self.priced(order, true, Decimal::ZERO).await
    }

    async fn priced(
        &self,
        order: OrderRequest,
        closes: bool,
        already_charged: Decimal,
    ) -> Result<OrderFacts, Stop> {
        let quote = if needs_a_quote(self.scope, &order, closes) { self.quote(&order).await? } else { None };
        Ok(OrderFacts { order, quote, closes, already_charged })
    }

    /// The ask for a buy and the bid for a sell. `None` when the market has no such quote, which is then the decision's matter.
    async fn quote(&self, order: &OrderRequest) -> Result<Option<Quote>, Stop> {
        let quote = match self.asking.latest_quote(&order.symbol).await {
            Ok(quote) => quote,
            Err(ClientError::Api(error)) if error.status != 401 => return Ok(None),
            Err(error) => return Err(stop(error)),
        };
        Ok(quote.and_then(|quote| {
            let price = match order.side {
                Side::Buy => quote.ask,
                Side::Sell => quote.bid,
            };
            Some(Quote { price: price?, at: quote.at })
        }))
    }
}

/// Whether any limit of the scope depends on more than the order says.
fn needs_a_quote(scope: &Scope, order: &OrderRequest, closes: bool) -> bool {
    let in_units = matches!(order.amount, Amount::Quantity(_));
    let limited_buy =
        order.side == Side::Buy && matches!(order.order_type, OrderType::Limit | OrderType::StopLimit);
    let worth = scope.limits_notional() && in_units && !limited_buy;
    let collar = scope.max_price_deviation.is_some() && order.limit_price.is_some();
    let units = scope.max_order_quantity.is_some() && !in_units;
    // By it the market is compared with what it was when an order was held.
    let approval = scope.approval_over.is_some() && !closes;
    worth || collar || units || approval
}

/// What a failed reading of facts means for the request that needed them: nothing was sent.
pub(crate) fn stop(error: ClientError) -> Stop {
    match error {
        ClientError::Api(error) if error.status == 401 => Stop::Fault(Fault::credential_refused()),
        ClientError::Api(error) => Stop::Alpaca(error),
        ClientError::RateLimited { retry_after } => {
            Stop::Fault(Fault::budget_exhausted(retry_after.map_or(1, |wait| wait.as_secs().max(1))))
        }
        _ => Stop::Fault(Fault::upstream_unreachable()),
    }
}

fn patch_error(fault: &PatchFault) -> AlpacaError {
    match fault {
        PatchFault::Rule(error) => error.clone(),
        // An order that cannot be understood cannot be decided, so its replacement is not forwarded.
        PatchFault::Order(unreadable) => AlpacaError::invalid_field(unreadable.to_string()),
    }
}
