//! What the broker says of a whole account, for scopes that limit what it may have at stake or lose.
//!
//! A reading is good for every request that arrived before it began: what goes through Paddock meanwhile is reserved, and the decision adds
//! it. So the requests that wait while one reading is made share the next one, and a burst of orders costs two readings.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use paddock_alpaca::client::{AccountClient, ClientError, MOST_ORDERS};
use paddock_alpaca::wire::quotes::BidAsk;
use paddock_alpaca::wire::{Account, Order, Position, PositionIntent};
use paddock_core::Symbol;
use paddock_core::calendar::{previous_session_before, trading_date, trading_day};
use paddock_core::decide::{AccountFigures, Figure, Quote};
use paddock_core::exposure::{
    ExposureUnknown, Holding, OpenExposure, WorkingOrder, certainly_closes, open_exposure,
    pays_at_most_its_limit,
};
use paddock_core::id::ConnectionId;
use paddock_core::order::{Amount, OrderClass, OrderRequest, Side};
use paddock_store::Figures;
use rust_decimal::Decimal;

use crate::answer::Fault;
use crate::facts;
use crate::shared::Shared;
use crate::stop::Stop;

/// What the broker said of an account.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What of the connection's requests it shows.
    pub(crate) figures: Figures,
    /// What is at stake.
    pub(crate) exposure: Result<OpenExposure, ExposureUnknown>,
    holdings: Vec<Holding>,
    daily_loss: Figure,
}

impl Reading {
    /// The figures that a request is decided by.
    pub(crate) fn account(&self) -> AccountFigures {
        let open_exposure = match &self.exposure {
            Ok(exposure) => Figure::Dollars(exposure.dollars),
            Err(ExposureUnknown(what)) => Figure::Unknown(what.clone()),
        };
        AccountFigures { open_exposure, daily_loss: self.daily_loss.clone() }
    }

    /// Whether an order is for no more than a position against which it goes: then it may be held to closing.
    pub(crate) fn holds_against(&self, order: &OrderRequest) -> bool {
        let against = self.holdings.iter().find(|holding| {
            holding.symbol == order.symbol
                && !holding.quantity.is_zero()
                && holding.closing_side() == order.side
        });
        matches!(order.order_class, OrderClass::Simple | OrderClass::Oco)
            && against.is_some_and(|holding| match order.amount {
                Amount::Quantity(quantity) => quantity <= holding.quantity.abs(),
                Amount::Notional(_) => true,
            })
    }
}

/// Why there is no reading.
#[derive(Clone, Debug)]
enum NoReading {
    Broker(ClientError),
    Database,
}

impl From<ClientError> for NoReading {
    fn from(error: ClientError) -> Self {
        Self::Broker(error)
    }
}

impl From<NoReading> for Stop {
    fn from(reason: NoReading) -> Self {
        match reason {
            NoReading::Broker(error) => facts::stop(error),
            NoReading::Database => Fault::audit_unavailable().into(),
        }
    }
}

/// What came of a reading, for all who waited for it.
type Shareable = Result<Arc<Reading>, NoReading>;

/// The readings of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Readings(Mutex<HashMap<ConnectionId, Arc<Turn>>>);

/// One account's readings, one at a time.
#[derive(Debug, Default)]
struct Turn {
    /// How many requests have asked so far.
    arrived: AtomicU64,
    /// The last reading, with the number of requests that had asked before it began.
    last: tokio::sync::Mutex<(u64, Option<Shareable>)>,
}

impl Readings {
    /// A reading that begins after this was called.
    pub(crate) async fn fresh(
        &self,
        shared: &Shared,
        connection: ConnectionId,
        asking: &AccountClient<'_>,
    ) -> Result<Arc<Reading>, Stop> {
        let turn =
            Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(connection).or_default());
        let number = turn.arrived.fetch_add(1, Ordering::SeqCst);
        let mut last = turn.last.lock().await;
        if last.0 <= number || last.1.is_none() {
            let arrived = turn.arrived.load(Ordering::SeqCst);
            // Whoever gives up in the midst of it leaves no half a reading behind.
            *last = (arrived, None);
            last.1 = Some(read(shared, connection, asking).await.map(Arc::new));
        }
        match last.1.clone() {
            Some(reading) => reading.map_err(Stop::from),
            None => Err(Fault::upstream_unreachable().into()),
        }
    }
}

/// Reads an account. Working orders come before positions: what fills in between is counted twice, and never missed.
async fn read(
    shared: &Shared,
    connection: ConnectionId,
    asking: &AccountClient<'_>,
) -> Result<Reading, NoReading> {
    let now = shared.clock.now();
    let (since, _) = shared.store.audit_head().await.map_err(|error| {
        tracing::error!(%error, "the audit's head could not be read");
        NoReading::Database
    })?;
    let orders = asking.open_orders().await?;
    let positions = asking.positions();
    let limits_loss = shared.directory.load().limits_loss(connection);
    let loss = async { if limits_loss { daily_loss(asking, now).await } else { Ok(Figure::NotAsked) } };
    let (positions, daily_loss) = futures_util::try_join!(async { Ok(positions.await?) }, loss)?;
    let quotes = asking.latest_quotes(&need_quotes(&orders)).await?;
    let named =
        orders.iter().map(|order| order.client_order_id.clone()).filter(|name| !name.is_empty()).collect();
    let holdings = positions.iter().map(holding).collect::<Result<Vec<_>, _>>();
    let exposure = holdings.clone().and_then(|holdings| {
        if orders.len() >= MOST_ORDERS {
            return Err(ExposureUnknown(format!("what {MOST_ORDERS} or more working orders are worth")));
        }
        let working = orders.iter().map(|order| working(order, &quotes)).collect::<Result<Vec<_>, _>>()?;
        open_exposure(&holdings, &working, now)
    });
    let figures = Figures { since, named, trading_day: trading_day(now) };
    Ok(Reading { figures, exposure, holdings: holdings.unwrap_or_default(), daily_loss })
}

fn holding(position: &Position) -> Result<Holding, ExposureUnknown> {
    let unknown = || ExposureUnknown(format!("what the position in {} is worth", position.symbol));
    let symbol = position.parsed_symbol().ok_or_else(unknown)?;
    Ok(Holding { symbol, quantity: position.qty, market_value: position.market_value })
}

fn working(order: &Order, quotes: &BTreeMap<Symbol, BidAsk>) -> Result<WorkingOrder, ExposureUnknown> {
    let unknown = || ExposureUnknown(format!("what the working order {} is worth", order.id));
    let mut request = order.to_request().map_err(|_| unknown())?;
    let filled = order.filled_qty.unwrap_or_default();
    request.amount = match request.amount {
        Amount::Quantity(quantity) => Amount::Quantity((quantity - filled).max(Decimal::ZERO)),
        Amount::Notional(dollars) => {
            let spent = filled.checked_mul(order.filled_avg_price.unwrap_or_default()).unwrap_or_default();
            Amount::Notional((dollars - spent).max(Decimal::ZERO))
        }
    };
    let quote = quotes.get(&request.symbol).and_then(|quote| {
        let price = match request.side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        };
        Some(Quote { price: price?, at: quote.at })
    });
    let is_mleg = request.order_class == OrderClass::Mleg;
    let legs = order.legs.iter().flatten().filter(|_| !is_mleg);
    Ok(WorkingOrder {
        id: order.id.to_string(),
        closes: held_to_closing(order),
        exits: legs.map(|leg| leg.id.to_string()).collect(),
        order: request,
        quote,
    })
}

fn held_to_closing(order: &Order) -> bool {
    order.position_intent.is_some_and(PositionIntent::closes)
}

/// The symbols of orders that may open something at a price of which they do not say themselves what it is at worst.
fn need_quotes(orders: &[Order]) -> BTreeSet<Symbol> {
    orders
        .iter()
        .filter_map(|order| Some((order.to_request().ok()?, held_to_closing(order))))
        .filter(|(request, closes)| {
            let in_units = matches!(request.amount, Amount::Quantity(_));
            in_units
                && request.order_class != OrderClass::Mleg
                && !certainly_closes(request, *closes)
                && !pays_at_most_its_limit(request)
        })
        .map(|(request, _)| request.symbol)
        .collect()
}

/// By how much the account is worth less than at the last close.
///
/// What was paid in since then would hide a loss, so it is added to what the account was worth. What was paid out is not taken off:
/// when Alpaca books that in its figures is not known, and so it counts as lost.
async fn daily_loss(asking: &AccountClient<'_>, now: jiff::Timestamp) -> Result<Figure, NoReading> {
    // The account comes first: what is paid in afterwards makes the loss look larger, never smaller.
    let account = asking.account().await?;
    let transfers = asking.transfers_after(previous_session_before(trading_date(now)).date).await?;
    let paid_in: Decimal = transfers.iter().map(|transfer| transfer.dollars().max(Decimal::ZERO)).sum();
    Ok(loss_of(&account, paid_in))
}

fn loss_of(account: &Account, paid_in: Decimal) -> Figure {
    let paid_in = paid_in.max(account.intraday_adjustments.unwrap_or_default());
    match (account.equity, account.last_equity) {
        (Some(equity), Some(before)) => {
            match before.checked_add(paid_in).and_then(|sum| sum.checked_sub(equity)) {
                Some(loss) => Figure::Dollars(loss),
                None => Figure::Unknown("what the account has lost today".to_owned()),
            }
        }
        _ => Figure::Unknown("what the account has lost today".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn dec(text: &str) -> Decimal {
        paddock_core::money::parse_decimal(text).unwrap()
    }

    #[rstest]
    #[case::a_loss("9900", "10000", None, "0", Some("100"))]
    #[case::a_gain("10100", "10000", None, "0", Some("-100"))]
    #[case::a_deposit_hides_nothing("10900", "10000", None, "1000", Some("100"))]
    #[case::nor_when_only_the_account_tells("10900", "10000", Some("1000"), "0", Some("100"))]
    #[case::it_counts_once("10900", "10000", Some("1000"), "1000", Some("100"))]
    #[case::a_withdrawal_counts_as_lost("9000", "10000", Some("-1000"), "0", Some("1000"))]
    #[case::no_equity("", "10000", None, "0", None)]
    #[case::no_close("10000", "", None, "0", None)]
    fn what_was_lost(
        #[case] equity: &str,
        #[case] last_equity: &str,
        #[case] adjustments: Option<&str>,
        #[case] paid_in: &str,
        #[case] expected: Option<&str>,
    ) {
        let optional = |text: &str| Some(text).filter(|text| !text.is_empty()).map(dec);
        let account = Account {
            equity: optional(equity),
            last_equity: optional(last_equity),
            intraday_adjustments: adjustments.map(dec),
            ..Account::default()
        };
        let loss = match loss_of(&account, dec(paid_in)) {
            Figure::Dollars(loss) => Some(loss),
            Figure::NotAsked | Figure::Unknown(_) => None,
        };
        assert_eq!(loss, expected.map(dec));
    }
}
