//! The facts that an order is decided by: what it would be, and what the market says it is worth.

use paddock_alpaca::AlpacaError;
use paddock_alpaca::client::{AccountClient, ClientError};
use paddock_alpaca::close_position::{ClosePart, closing_order};
use paddock_alpaca::order_body::PatchFault;
use paddock_alpaca::order_body::{ParsedOrder, ParsedPatch};
use paddock_alpaca::wire::Position;
use paddock_core::decide::OrderFacts;
use paddock_core::order::{Amount, OrderRequest, OrderType, Side};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::answer::Fault;
use crate::stop::Stop;

/// Reads facts from the broker with the connection's own credential.
pub(crate) struct FactFinder<'a> {
    pub(crate) asking: AccountClient<'a>,
    /// Whether the scope limits what orders are worth; if it does not, no quote is asked for.
    pub(crate) prices_matter: bool,
}

impl FactFinder<'_> {
    /// A new order.
    pub(crate) async fn new_order(&self, order: &ParsedOrder) -> Result<OrderFacts, Stop> {
        self.priced(order.request.clone(), Decimal::ZERO).await
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
        self.priced(resulting, already_charged).await
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
        self.priced(order, Decimal::ZERO).await
    }

    async fn priced(&self, order: OrderRequest, already_charged: Decimal) -> Result<OrderFacts, Stop> {
        let market_price = if self.prices_matter && depends_on_the_market(&order) {
            self.market_price(&order).await?
        } else {
            None
        };
        Ok(OrderFacts { order, market_price, already_charged })
    }

    /// The ask for a buy and the bid for a sell. `None` when the market has no such quote, which is then the decision's matter.
    async fn market_price(&self, order: &OrderRequest) -> Result<Option<Decimal>, Stop> {
        let quote = match self.asking.latest_quote(&order.symbol).await {
            Ok(quote) => quote,
            Err(ClientError::Api(error)) if error.status != 401 => return Ok(None),
            Err(error) => return Err(stop(error)),
        };
        let price = quote.map(|quote| match order.side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        });
        Ok(price.flatten())
    }
}

/// Whether what the order is worth depends on more than the order says.
fn depends_on_the_market(order: &OrderRequest) -> bool {
    let limited_buy =
        order.side == Side::Buy && matches!(order.order_type, OrderType::Limit | OrderType::StopLimit);
    matches!(order.amount, Amount::Quantity(_)) && !limited_buy
}

/// What a failed reading of facts means for the request that needed them: nothing was sent.
fn stop(error: ClientError) -> Stop {
    match error {
        ClientError::Api(error) if error.status == 401 => Stop::Fault(Fault::credential_refused()),
        ClientError::Api(error) => Stop::Alpaca(error),
        ClientError::RateLimited { .. } => Stop::Alpaca(AlpacaError::rate_limited()),
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
