//! Caps: what a request takes is reserved, together with its audit record, before it is forwarded, and settled after.

mod ends;
mod unseen;
pub(crate) mod unwritten;
pub(crate) mod used;

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{AccessKeyId, ConnectionId, RequestId};
use paddock_core::usage::Charge;
use paddock_core::{Permit, Refusal, Usage};
use rust_decimal::Decimal;

use crate::codec::{decimal, instant, micros, number, parse};
use crate::db::{Tx, row, sql};
use crate::placed::PlacedOrder;
use crate::writer::{Waiting, Work, waiting};
use crate::{Store, StoreError, audit, placed, rotations};

pub use ends::{AfterEnd, EndedOrder, WorkingCharge};
pub use unseen::Figures;
use used::{read_usage, write_usage};

/// A request that would change something, before it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The request.
    pub request: RequestId,
    /// The access key whose caps count.
    pub key: AccessKeyId,
    /// The connection that it would go to.
    pub connection: ConnectionId,
    /// The New York day whose caps count.
    pub day: Date,
    /// When it came.
    pub at: Timestamp,
    /// Who sent it.
    pub actor: Actor,
    /// Alpaca's operationId.
    pub operation: String,
    /// The version of the credential with which it would go, if it is a new order to a rotation, which holds it back.
    pub pair: Option<u32>,
    /// The order's client id, by which a lost answer is found again.
    pub client_order_id: Option<String>,
    /// Dollars charged to the access key before for the order that this one replaces; zero for a new order.
    pub already_charged: Decimal,
    /// The broker's id of the order that this one replaces.
    pub replaces: Option<String>,
    /// Units of the one order that would come of it; absent for an order in dollars, and for many orders.
    pub quantity: Option<Decimal>,
    /// The broker's figures that it is decided by, where there are any.
    pub figures: Option<Figures>,
}

/// Decides a request, given what its access key has used on the day.
pub type Decide = Box<dyn FnMut(&Usage) -> Result<(Permit, AuditEvent), Refusal> + Send>;

/// What became of a forwarded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The broker acted. What was reserved stays used.
    Confirmed {
        /// HTTP status; absent when the order was found by its name, without an answer to the request itself.
        status: Option<u16>,
        /// The broker's order id, where it gave one.
        order_id: Option<String>,
    },
    /// The broker refused, or was never asked. What was reserved is given back.
    Released {
        /// HTTP status; absent when nothing was sent.
        status: Option<u16>,
    },
    /// No answer came, so the broker may have acted. What was reserved stays used until it is known.
    Unknown,
}

/// A request of which it is not known, or not recorded, what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenReservation {
    /// The request.
    pub request: RequestId,
    /// The access key whose caps are charged.
    pub key: AccessKeyId,
    /// The connection that it went to.
    pub connection: ConnectionId,
    /// Alpaca's operationId.
    pub operation: String,
    /// The order's client id, if it has one.
    pub client_order_id: Option<String>,
    /// When it came.
    pub at: Timestamp,
    /// What is reserved.
    pub charge: Charge,
    /// Whether it was settled as unknown already; otherwise it was not settled at all.
    pub known_unknown: bool,
    /// Whether the broker's figures may not show yet what it does to the open exposure.
    pub unseen: bool,
}

row! {
    struct OpenColumns {
        request_id: String,
        access_key_id: String,
        connection_id: String,
        operation: String,
        client_order_id: Option<String>,
        at: i64,
        orders: i64,
        notional: String,
        state: String,
        unseen: i64,
    }
}

impl OpenColumns {
    fn open_reservation(self) -> Result<OpenReservation, StoreError> {
        Ok(OpenReservation {
            request: parse(&self.request_id, "reservation")?,
            key: parse(&self.access_key_id, "reservation")?,
            connection: parse(&self.connection_id, "reservation")?,
            operation: self.operation,
            client_order_id: self.client_order_id,
            at: instant(self.at)?,
            charge: Charge {
                orders: number(self.orders)?,
                notional: decimal(&self.notional)?,
                ..Charge::default()
            },
            known_unknown: self.state == "unknown",
            unseen: self.unseen == 1,
        })
    }
}

row! {
    struct ReservedColumns {
        access_key_id: String,
        connection_id: String,
        day: String,
        actor: String,
        orders: i64,
        notional: String,
    }
}

impl Store {
    /// Decides one request while nothing else is decided, and reserves what it takes. `decide` is given what the access key has
    /// used on the day. When it permits, the reservation, the usage and the audit record that it returns are durable before this
    /// returns the permit. When it refuses, nothing is written. It may be called twice, when a transaction has to be made again.
    ///
    /// A caller that stops waiting forwards nothing, so what is then reserved for it is released again. If even that fails, the
    /// reservation is in [`Store::open_reservations`].
    ///
    /// # Errors
    /// [`StoreError::RotationUnheard`] when a rotation that another process runs holds it back, or has replaced its pair.
    /// [`StoreError::AmountTooLarge`] when the usage cannot be added up exactly; [`StoreError::TooSlow`] when it
    /// could not be made durable in time; otherwise when the database fails. The request must not be forwarded then.
    pub async fn reserve(
        &self,
        intent: &Intent,
        decide: Decide,
    ) -> Result<Result<Permit, Refusal>, StoreError> {
        self.write(Reserve { intent: intent.clone(), decide }).await
    }

    /// Records what became of a request and, when it was released, gives back what it had reserved. What was confirmed or released
    /// once stays so; what is unknown may become either.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when nothing was reserved for the request; otherwise when the database fails. It may then be
    /// settled all the same, a little later.
    pub async fn settle(
        &self,
        request: RequestId,
        outcome: &Settlement,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.settle_placing(request, outcome, &[], at).await
    }

    /// The same, with the orders that the broker is known to have of the request; they are the access key's from then on.
    ///
    /// # Errors
    /// As for [`Store::settle`].
    pub async fn settle_placing(
        &self,
        request: RequestId,
        outcome: &Settlement,
        placed: &[PlacedOrder],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Settle { request, outcome: outcome.clone(), placed: placed.to_vec(), at }).await
    }

    /// The requests that were reserved and not settled, or settled as unknown, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_reservations(&self) -> Result<Vec<OpenReservation>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all OpenColumns:
            "SELECT r.request_id, r.access_key_id, r.connection_id, r.operation, r.client_order_id, r.at, r.orders, r.notional,
                    r.state, CAST(CASE WHEN c.request_id IS NOT NULL AND c.seen_seq IS NULL THEN 1 ELSE 0 END AS BIGINT) AS unseen
             FROM reservations r LEFT JOIN order_charges c ON c.request_id = r.request_id
             WHERE r.state IN ('reserved', 'unknown') ORDER BY r.at, r.request_id")?;
        rows.into_iter().map(OpenColumns::open_reservation).collect()
    }

    /// What an access key has used on a New York day, reservations included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn usage(&self, key: AccessKeyId, day: Date) -> Result<Usage, StoreError> {
        read_usage(&mut self.begin_read().await?, key, day).await
    }

    /// Dollars that an access key has been charged in all for an order and those that it replaced; zero when the order did not
    /// come through this access key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn charged_for_order(&self, key: AccessKeyId, order_id: &str) -> Result<Decimal, StoreError> {
        let mut tx = self.begin_read().await?;
        let totals = sql!(tx, fetch_all (String,):
            "SELECT order_total FROM reservations WHERE order_id = $1 AND access_key_id = $2 AND state = 'confirmed'",
            order_id, key.to_string())?;
        let totals: Result<Vec<Decimal>, StoreError> = totals.iter().map(|(total,)| decimal(total)).collect();
        Ok(totals?.into_iter().max().unwrap_or_default())
    }
}

/// A reservation on its way to the database. See [`Store::reserve`].
pub(crate) struct Reserve {
    pub(crate) intent: Intent,
    pub(crate) decide: Decide,
}

impl Work for Reserve {
    type Output = Result<Permit, Refusal>;

    async fn run(&mut self, tx: &mut Tx) -> Result<Self::Output, StoreError> {
        reserve(tx, &self.intent, &mut self.decide).await
    }

    fn is_for_caller_only(&self) -> bool {
        true
    }

    fn unclaimed(&self, output: Self::Output) -> Option<Waiting> {
        // Whoever has no permit forwards nothing.
        let released = Settlement::Released { status: None };
        let request = self.intent.request;
        let settle = Settle { request, outcome: released, placed: Vec::new(), at: self.intent.at };
        output.is_ok().then(|| waiting(settle).0)
    }
}

/// A settlement on its way to the database. See [`Store::settle`].
pub(crate) struct Settle {
    pub(crate) request: RequestId,
    pub(crate) outcome: Settlement,
    /// The orders that came of it.
    pub(crate) placed: Vec<PlacedOrder>,
    pub(crate) at: Timestamp,
}

impl Work for Settle {
    type Output = ();

    async fn run(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        settle(tx, self.request, &self.outcome, &self.placed, self.at).await
    }
}

/// Decides, and reserves what is permitted, in a transaction that may do more. Nothing is written when it is refused.
pub(crate) async fn reserve(
    tx: &mut Tx,
    intent: &Intent,
    decide: &mut Decide,
) -> Result<Result<Permit, Refusal>, StoreError> {
    if let Some(pair) = intent.pair {
        rotations::has_heard(tx, intent.connection, pair).await?;
    }
    let mut used = read_usage(tx, intent.key, intent.day).await?;
    if let Some(figures) = &intent.figures {
        used.unseen_exposure = unseen::unseen_exposure(tx, intent.connection, figures).await?;
        used.worst_loss = unseen::worst_loss(tx, intent.key, figures.trading_day).await?;
    }
    let (permit, event) = match decide(&used) {
        Ok(permitted) => permitted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let charge = permit.charge();
    if !charge.is_nothing() {
        let after = add(used, charge).ok_or(StoreError::AmountTooLarge)?;
        write_usage(tx, intent.key, after);
    }
    insert(tx, intent, charge)?;
    if !charge.notional.is_zero() || charge.exposure != Some(Decimal::ZERO) {
        unwritten::charge(tx, intent, permit.worth(), charge.exposure);
    }
    audit::append(tx, &intent.actor, &event, intent.at).await?;
    Ok(Ok(permit))
}

/// Settles in a transaction that may do more.
pub(crate) async fn settle(
    tx: &mut Tx,
    request: RequestId,
    outcome: &Settlement,
    placed: &[PlacedOrder],
    at: Timestamp,
) -> Result<(), StoreError> {
    let (state, status, order_id) = match outcome {
        Settlement::Confirmed { status, order_id } => ("confirmed", *status, order_id.clone()),
        Settlement::Released { status } => ("released", *status, None),
        Settlement::Unknown => ("unknown", None, None),
    };
    let answer = Answer { request, state, status, order_id: order_id.as_deref(), at };
    let mut answered = answer.write(tx).await?;
    if answered.is_none() {
        unwritten::flush(tx).await?;
        answered = answer.write(tx).await?;
    }
    let Some(reserved) = answered else {
        // It stays as it was settled before.
        let row = sql!(tx, fetch_optional (String, String):
            "SELECT connection_id, access_key_id FROM reservations WHERE request_id = $1", request.to_string())?;
        let (connection, key) = row.ok_or(StoreError::NotFound { what: "reservation" })?;
        return placed::insert(tx, &connection, &key, placed, at).await;
    };
    placed::insert(tx, &reserved.connection_id, &reserved.access_key_id, placed, at).await?;
    if matches!(outcome, Settlement::Released { .. }) {
        let charge = Charge {
            orders: number(reserved.orders)?,
            notional: decimal(&reserved.notional)?,
            ..Charge::default()
        };
        let (key, day) = (parse(&reserved.access_key_id, "reservation")?, parse(&reserved.day, "day")?);
        give_back(tx, key, day, charge).await?;
    }
    let actor: Actor =
        serde_json::from_str(&reserved.actor).map_err(|_| StoreError::Malformed { what: "actor" })?;
    let event = AuditEvent::RequestAnswered { request, status, order_id };
    let answered = audit::append(tx, &actor, &event, at).await?;
    match outcome {
        Settlement::Confirmed { .. } => unwritten::seen(tx, request, answered.seq),
        // It has done nothing, which the broker's figures have shown all along.
        Settlement::Released { .. } => unwritten::seen(tx, request, 0),
        Settlement::Unknown => {}
    }
    Ok(())
}

/// What becomes of a reservation.
struct Answer<'a> {
    request: RequestId,
    state: &'static str,
    status: Option<u16>,
    order_id: Option<&'a str>,
    at: Timestamp,
}

impl Answer<'_> {
    /// Writes it down, unless nothing was reserved, or it was settled before, for good or as the same.
    async fn write(&self, tx: &mut Tx) -> Result<Option<ReservedColumns>, StoreError> {
        let reserved = sql!(tx, fetch_optional ReservedColumns:
            "UPDATE reservations SET state = $1, status = $2, order_id = $3, settled_at = $4
             WHERE request_id = $5 AND state IN ('reserved', 'unknown') AND state <> $1
             RETURNING access_key_id, connection_id, day, actor, orders, notional",
            self.state, self.status.map(i64::from), self.order_id, micros(self.at), self.request.to_string())?;
        tx.changes += u64::from(reserved.is_some());
        Ok(reserved)
    }
}

async fn give_back(tx: &mut Tx, key: AccessKeyId, day: Date, charge: Charge) -> Result<(), StoreError> {
    if charge.is_nothing() {
        return Ok(());
    }
    let used = read_usage(tx, key, day).await?;
    let orders = used.orders.saturating_sub(charge.orders);
    let notional = used.notional.checked_sub(charge.notional).unwrap_or_default().max(Decimal::ZERO);
    write_usage(tx, key, Usage { orders, notional, ..used });
    Ok(())
}

fn insert(tx: &mut Tx, intent: &Intent, charge: Charge) -> Result<(), StoreError> {
    let order_total =
        intent.already_charged.checked_add(charge.notional).ok_or(StoreError::AmountTooLarge)?;
    let actor = serde_json::to_string(&intent.actor).map_err(|_| StoreError::Malformed { what: "actor" })?;
    unwritten::reservation(tx, intent, &actor, charge.orders, charge.notional, order_total);
    Ok(())
}

/// Adds a charge, or nothing when the sum is not exact: what was rounded could not be given back to the cent.
fn add(used: Usage, charge: Charge) -> Option<Usage> {
    let orders = used.orders.checked_add(charge.orders)?;
    let notional = used.notional.checked_add(charge.notional)?;
    let exact = notional.checked_sub(charge.notional)? == used.notional
        && notional.checked_sub(used.notional)? == charge.notional;
    exact.then_some(Usage { orders, notional, ..used })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_would_be_rounded_is_refused() {
        let day = jiff::civil::date(2026, 1, 5);
        let used = Usage { orders: 1, notional: Decimal::from(10_000_000_000_i64), ..Usage::none(day) };
        let tiny = Charge { orders: 1, notional: Decimal::new(1, 28), ..Charge::default() };
        assert_eq!(add(used, tiny), None);
        let cent = Charge { orders: 1, notional: Decimal::new(1, 2), ..Charge::default() };
        assert_eq!(add(used, cent).map(|sum| sum.notional), Some(Decimal::new(1_000_000_000_001, 2)));
        assert_eq!(add(used, Charge { orders: 1, notional: Decimal::MAX, ..Charge::default() }), None);
    }
}
