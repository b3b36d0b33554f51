//! The facts that an order is decided by: what it would be, and what the market says it is worth.

use std::sync::Arc;

use paddock_alpaca::AlpacaError;
use paddock_alpaca::client::{AccountClient, ClientError};
use paddock_alpaca::close_position::{ClosePart, closing_order};
use paddock_alpaca::order_body::PatchFault;
use paddock_alpaca::order_body::{ParsedOrder, ParsedPatch};
use paddock_alpaca::wire::{Order, Position, PositionIntent};
use paddock_core::Scope;
use paddock_core::decide::{Opens, OrderFacts, Quote};
use paddock_core::exposure::{certainly_closes, pays_at_most_its_limit};
use paddock_core::order::{Amount, OrderRequest, OrderType, Side};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::account::Reading;
use crate::answer::Fault;
use crate::directory::KeyEntry;
use crate::shared::Shared;
use crate::stop::Stop;

/// The orders that would come to be, with what they are decided by.
pub(crate) struct Found {
    pub(crate) orders: Vec<OrderFacts>,
    /// What the broker says of the account, where the scope asks for it and an order may open something.
    pub(crate) account: Option<Arc<Reading>>,
}

/// Reads facts from the broker with the connection's own credential.
pub(crate) struct FactFinder<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) asking: AccountClient<'a>,
    /// Whose scope says which facts matter; others are not asked for.
    pub(crate) entry: &'a KeyEntry,
}

impl FactFinder<'_> {
    /// A new order. One that goes against a position and is no larger is held to closing, so that it passes when nothing may be
    /// opened any more, and still opens nothing if the position is gone by then.
    pub(crate) async fn new_order(&self, order: &mut ParsedOrder) -> Result<Found, Stop> {
        let is_held = |order: &ParsedOrder| order.position_intent.is_some_and(PositionIntent::closes);
        let account = self.account(certainly_closes(&order.request, is_held(order))).await?;
        if account.as_ref().is_some_and(|account| account.holds_against(&order.request)) {
            order.hold_to_closing();
        }
        let closes = is_held(order);
        let opens = if certainly_closes(&order.request, closes) { Opens::Nothing } else { Opens::All };
        let facts = OrderFacts {
            order: order.request.clone(),
            quote: None,
            closes,
            already_charged: Decimal::ZERO,
            replaced_quantity: None,
            opens,
        };
        Ok(Found { orders: vec![self.priced(facts).await?], account })
    }

    /// The order that a replacement would leave, which is decided as the order that it is.
    pub(crate) async fn replacement(
        &self,
        order_id: Uuid,
        patch: &ParsedPatch,
        already_charged: Decimal,
    ) -> Result<Found, Stop> {
        let current = self.asking.order(order_id).await.map_err(stop)?;
        let order = patch.apply(&current).map_err(|fault| Stop::Alpaca(patch_error(&fault)))?;
        // A replacement does to the position what the order that it replaces was held to.
        let closes = current.position_intent.is_some_and(PositionIntent::closes);
        let account = self.account(certainly_closes(&order, closes)).await?;
        let opens = if certainly_closes(&order, closes) {
            Opens::Nothing
        } else {
            account.as_ref().and_then(|account| opened_anew(account, &current, &order)).unwrap_or(Opens::All)
        };
        let replaced_quantity = current.qty;
        let facts = OrderFacts { order, quote: None, closes, already_charged, replaced_quantity, opens };
        Ok(Found { orders: vec![self.priced(facts).await?], account })
    }

    /// The order by which one position would be closed, wholly or in part.
    pub(crate) async fn close(&self, symbol: &str, part: ClosePart) -> Result<Found, Stop> {
        let position = self.asking.position(symbol).await.map_err(stop)?;
        Ok(Found { orders: vec![self.closing(&position, part).await?], account: None })
    }

    /// The orders by which all positions would be closed.
    pub(crate) async fn close_all(&self) -> Result<Found, Stop> {
        let positions = self.asking.positions().await.map_err(stop)?;
        let mut orders = Vec::with_capacity(positions.len());
        for position in &positions {
            orders.push(self.closing(position, ClosePart::All).await?);
        }
        Ok(Found { orders, account: None })
    }

    /// What the broker says of the account, if the scope asks for it.
    pub(crate) async fn account(&self, certainly_closes: bool) -> Result<Option<Arc<Reading>>, Stop> {
        if certainly_closes || !self.entry.key.scope.needs_account() {
            return Ok(None);
        }
        let connection = self.entry.key.connection;
        self.shared.readings.fresh(self.shared, connection, &self.asking).await.map(Some)
    }

    async fn closing(&self, position: &Position, part: ClosePart) -> Result<OrderFacts, Stop> {
        let order = closing_order(position, part).map_err(Stop::Alpaca)?;
        let facts = OrderFacts {
            order,
            quote: None,
            closes: true,
            already_charged: Decimal::ZERO,
            replaced_quantity: None,
            opens: Opens::Nothing,
        };
        self.priced(facts).await
    }

    async fn priced(&self, facts: OrderFacts) -> Result<OrderFacts, Stop> {
        let scope = &self.entry.key.scope;
        let opens_at_the_market = facts.opens.anything()
            && matches!(facts.order.amount, Amount::Quantity(_))
            && !pays_at_most_its_limit(&facts.order);
        let quote = if needs_a_quote(scope, &facts.order, facts.closes)
            || (opens_at_the_market && scope.max_open_exposure.is_some())
        {
            self.quote(&facts.order).await?
        } else if opens_at_the_market
            && self.shared.directory.load().limits_exposure(self.entry.key.connection)
        {
            // Another key's cap needs to know what this order is worth while it is on its way. That this cannot be told is no reason to
            // refuse it; that key waits then.
            self.quote(&facts.order).await.unwrap_or_default()
        } else {
            None
        };
        Ok(OrderFacts { quote, ..facts })
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

/// How much of a replacement may open anything beyond what the order that it replaces may, as far as that is among the figures.
fn opened_anew(account: &Reading, current: &Order, order: &OrderRequest) -> Option<Opens> {
    let exposure = account.exposure.as_ref().ok()?;
    let before = exposure.by_order.get(&current.id.to_string())?;
    let (Amount::Quantity(after), Some(quantity)) = (order.amount, current.qty) else { return None };
    let quantity = (before.quantity + after - quantity).max(Decimal::ZERO);
    Some(Opens::Part { quantity, counted: before.dollars })
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
