//! What of a change a key may do that touches only its own orders.

use std::sync::Arc;

use http::Response;
use paddock_alpaca::client::AccountClient;
use paddock_alpaca::operation::Orders;
use paddock_alpaca::path::Query;
use paddock_alpaca::wire::identity::{naming_only, orders_in_answer, orders_in_the_way};
use paddock_alpaca::wire::order::CanceledOrder;
use paddock_alpaca::wire::{Order, OrderIdentity};
use paddock_alpaca::{AlpacaError, Credential};
use paddock_core::Permit;
use paddock_core::decide::{Act, Manner, Reach, check_reach};
use paddock_store::{PlacedOrder, Settlement};
use uuid::Uuid;

use super::cancel::{answered, cancel_each};
use super::ledger::{Claim, Ledger, placed, unreadable};
use super::reads::Reader;
use crate::answer::{AnswerBody, Fault};
use crate::authenticate::Grant;
use crate::budget::Priority;
use crate::change::Change;
use crate::door::open_credential;
use crate::facts;
use crate::halt::Sent;
use crate::lane::Lane;
use crate::observe::WholeAnswer;
use crate::shared::Shared;
use crate::stop::Stop;
use crate::target::{Intention, Target};

/// What a change of a key that touches only its own orders comes down to.
#[derive(Debug)]
pub(crate) enum Touched {
    /// It is forwarded as it is.
    AsAsked,
    /// It cancels these orders, and not all of the account.
    Cancels(Vec<Uuid>),
}

impl Touched {
    /// For the record: what is canceled.
    pub(crate) fn summary(&self) -> Option<String> {
        match self {
            Self::AsAsked => None,
            Self::Cancels(orders) if orders.is_empty() => {
                Some("cancel none, since it has no open orders".to_owned())
            }
            Self::Cancels(orders) => {
                let orders: Vec<String> = orders.iter().map(Uuid::to_string).collect();
                Some(format!("cancel {}", orders.join(", ")))
            }
        }
    }
}

impl Change {
    /// What it touches. An order that is not the key's own does not exist for it.
    pub(crate) async fn touched(&self, shared: &Shared) -> Result<Touched, Stop> {
        if !self.grant.entry().key.scope.only_own_orders {
            return Ok(Touched::AsAsked);
        }
        let credential = &open_credential(shared, &self.grant)?;
        match self.target.operation.orders() {
            Orders::One => self.must_be_own(shared, credential).await.map(|()| Touched::AsAsked),
            Orders::NewForOld if cancels_others(&self.target.query) => Err(refused(
                &self.grant,
                Reach::Others(
                    "cancel its orders with DELETE /v2/orders, then close positions without cancel_orders",
                ),
            )),
            Orders::CancelAll => self.own_open_orders(shared, credential).await.map(Touched::Cancels),
            _ => Ok(Touched::AsAsked),
        }
    }

    async fn must_be_own(&self, shared: &Shared, credential: &Credential) -> Result<(), Stop> {
        let name = self.target.params.get("order_id").unwrap_or_default();
        let Ok(id) = Uuid::parse_str(name) else { return Err(Stop::Alpaca(AlpacaError::order_id_missing())) };
        let entry = self.grant.entry();
        let ledger = Ledger { shared, connection: entry.connection.connection.id };
        let owner = match ledger.owner(id).await.map_err(unreadable)? {
            Some(owner) => Some(owner),
            None => {
                let asking = shared
                    .asking(&entry.connection, credential, self.asker())
                    .map_err(|_| Fault::credential_unreadable())?;
                let order = asking.order(id).await.map_err(facts::stop)?;
                ledger.traced(&asking, (&order).into()).await?
            }
        };
        if owner == Some(entry.key.id) { Ok(()) } else { Err(foreign(&self.grant, name)) }
    }

    async fn own_open_orders(&self, shared: &Shared, credential: &Credential) -> Result<Vec<Uuid>, Stop> {
        let target = Target::list_of_orders()?;
        let reader = Reader {
            shared,
            target,
            grant: self.grant.clone(),
            headers: &self.headers,
            credential,
            request: self.arrival.request,
            meter: Arc::clone(self.entered.meter()),
            priority: Priority::Cancel,
            decides_again: None,
        };
        let (answer, own) = reader.own_orders(&Query::of(&[("status", "open")]), usize::MAX).await?;
        if answer.status != http::StatusCode::OK {
            return Err(Stop::Alpaca(AlpacaError::parse(answer.status.as_u16(), &answer.body)));
        }
        Ok(own.into_iter().map(|(id, _)| id).collect())
    }

    /// Cancels what is the key's own, and settles the request. `sent` is held for as long as a freeze has to wait for it.
    pub(crate) async fn cancel_own(
        &mut self,
        lane: &Lane,
        permit: Permit,
        credential: &Credential,
        orders: &[Uuid],
        sent: Sent<'_>,
    ) -> Result<Response<AnswerBody>, Stop> {
        let (shared, manner) = (&*lane.shared, Manner::of(self.target.operation.class, &Act::Plain));
        let mut canceled = self.cancel_some(shared, permit, credential, orders).await?;
        drop(sent);
        let refused: Vec<Uuid> = canceled.iter().filter(|one| one.status == 401).map(|one| one.id).collect();
        // What was canceled by then is told in any case.
        if !refused.is_empty()
            && let Ok(Some(again)) = self.once_more(lane).await
            && let Ok(sent) = shared.sending.last_look(shared, &self.grant, self.arrival.request, manner)
        {
            // Each cancel waits for its own turn.
            drop(again.ticket);
            let anew = self.cancel_some(shared, again.permit, &again.credential, &refused).await;
            drop(sent);
            if let Ok(anew) = anew {
                canceled.retain(|one| one.status != 401);
                canceled.extend(anew);
            }
        }
        let answer = answered(canceled)?;
        let status = Some(answer.status.as_u16());
        self.write(shared, Settlement::Confirmed { status, order_id: None }).await;
        Ok(answer.into_response(self.arrival.request))
    }

    async fn cancel_some(
        &self,
        shared: &Shared,
        _permit: Permit,
        credential: &Credential,
        orders: &[Uuid],
    ) -> Result<Vec<CanceledOrder>, Stop> {
        let asking = shared
            .asking(&self.grant.entry().connection, credential, self.asker())
            .map_err(|_| Fault::credential_unreadable())?;
        Ok(cancel_each(&asking, orders).await)
    }

    /// The orders that an answer of yes tells of, as they are written down.
    pub(crate) async fn placed(
        &self,
        shared: &Shared,
        credential: &Credential,
        body: &[u8],
    ) -> Vec<PlacedOrder> {
        if !self.target.operation.brings_orders() {
            return Vec::new();
        }
        let mut orders = orders_in_answer(body);
        if let [order] = orders.as_mut_slice() {
            if let Intention::Replace { order_id, .. } = &self.intention {
                order.replaces.get_or_insert(*order_id);
            }
            let asker = self.entered.meter().asker(Priority::Close);
            if order.lacks_legs()
                && let Ok(asking) = shared.asking(&self.grant.entry().connection, credential, asker)
                && let Ok(whole) = asking.order(order.id).await
            {
                order.legs = OrderIdentity::from(&whole).legs;
            }
        }
        orders.iter().flat_map(placed).collect()
    }

    /// Whether an order that was found by the name of this request's order is that order.
    pub(crate) async fn claim(&self, shared: &Shared, asking: &AccountClient<'_>, found: &Order) -> Claim {
        let entry = self.grant.entry();
        let ledger = Ledger { shared, connection: entry.connection.connection.id };
        ledger.claim(asking, entry.key.id, found).await
    }

    /// The broker cannot have accepted the request: an order of another key had its name. The answer is the broker's.
    pub(crate) async fn name_was_taken(&self, shared: &Shared) -> Result<Response<AnswerBody>, Stop> {
        let error = AlpacaError::client_order_id_not_unique();
        self.write(shared, Settlement::Released { status: Some(error.status) }).await;
        Err(Stop::Alpaca(error))
    }

    /// An answer without the names of others' orders that are in the way of what was asked.
    pub(crate) async fn without_others(
        &self,
        shared: &Shared,
        answer: WholeAnswer,
    ) -> Result<WholeAnswer, Fault> {
        let entry = self.grant.entry();
        if !entry.key.scope.only_own_orders {
            return Ok(answer);
        }
        let named = orders_in_the_way(&answer.body);
        if named.is_empty() {
            return Ok(answer);
        }
        let ledger = Ledger { shared, connection: entry.connection.connection.id };
        let mut owners = ledger.owners(named.into_iter().collect()).await.map_err(|error| {
            tracing::error!(%error, "whose an order is could not be read");
            Fault::audit_unavailable()
        })?;
        owners.retain(|_, owner| *owner == entry.key.id);
        Ok(match naming_only(&answer.body, &owners.into_keys().collect()) {
            Some(body) => answer.with_body(body.into()),
            None => answer,
        })
    }
}

/// Whether closing all positions would cancel all orders first. Only a plain no is a no.
fn cancels_others(query: &Query) -> bool {
    query.get("cancel_orders").is_some_and(|said| !said.eq_ignore_ascii_case("false"))
}

/// The answer to what reaches too far.
pub(super) fn refused(grant: &Grant, reach: Reach<'_>) -> Stop {
    match check_reach(&grant.entry().key.scope, reach) {
        Err(refusal) => Stop::Refusal(refusal),
        // Only keys that see their own orders come here.
        Ok(()) => Fault::upstream_unsafe().into(),
    }
}

/// The answer to a foreign order: that of an order that does not exist.
pub(super) fn foreign(grant: &Grant, name: &str) -> Stop {
    match refused(grant, Reach::Foreign(name)) {
        Stop::Refusal(refusal) => Stop::Hidden(refusal, AlpacaError::order_not_found(name)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", false)]
    #[case("cancel_orders=false", false)]
    #[case("cancel_orders=False", false)]
    #[case("cancel_orders=true", true)]
    #[case("cancel_orders=True", true)]
    #[case("cancel_orders=1", true)]
    #[case("cancel_orders=", true)]
    #[case("cancel_orders=no", true)]
    fn only_a_plain_no_is_a_no(#[case] query: &str, #[case] cancels: bool) {
        assert_eq!(cancels_others(&Query::parse(query).unwrap()), cancels);
    }
}
