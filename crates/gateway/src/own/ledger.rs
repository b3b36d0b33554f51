//! Whose an order is, from all that is written down.

use std::collections::HashMap;

use paddock_alpaca::client::AccountClient;
use paddock_alpaca::wire::{Order, OrderIdentity};
use paddock_core::id::{AccessKeyId, ConnectionId};
use paddock_store::{PlacedOrder, SentRequest, StoreError};
use uuid::Uuid;

use crate::facts;
use crate::shared::Shared;
use crate::stop::Stop;

/// How many replacements in a row are followed back at the broker.
const LONGEST_CHAIN: usize = 8;

/// The orders of one connection.
#[derive(Clone, Copy)]
pub(crate) struct Ledger<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) connection: ConnectionId,
}

impl Ledger<'_> {
    /// Who placed these orders; those that nobody is known to have placed are missing.
    pub(super) async fn owners(self, orders: Vec<Uuid>) -> Result<HashMap<Uuid, AccessKeyId>, StoreError> {
        let (mut owners, mut missing) = (HashMap::new(), Vec::new());
        for order in orders {
            match self.shared.owners.recall(self.connection, order) {
                Some(key) => _ = owners.insert(order, key),
                None => missing.push(order.to_string()),
            }
        }
        for (order, key) in self.shared.store.who_placed(self.connection, &missing).await? {
            let Ok(order) = order.parse() else { continue };
            self.shared.owners.remember(self.connection, order, key);
            owners.insert(order, key);
        }
        Ok(owners)
    }

    pub(super) async fn owner(self, order: Uuid) -> Result<Option<AccessKeyId>, StoreError> {
        Ok(self.owners(vec![order]).await?.remove(&order))
    }

    /// Whose an order is that the broker has told of: by its id, by the order whose place it took, or because a request with its name is
    /// on its way. What this teaches about its legs is written down.
    pub(crate) async fn owner_of(self, order: &OrderIdentity) -> Result<Option<AccessKeyId>, StoreError> {
        let owners = self.owners(std::iter::once(order.id).chain(order.replaces).collect()).await?;
        if let Some(key) = owners.get(&order.id) {
            self.note(*key, std::slice::from_ref(order)).await?;
            return Ok(Some(*key));
        }
        if let Some(key) = order.replaces.and_then(|replaced| owners.get(&replaced)) {
            self.note(*key, std::slice::from_ref(order)).await?;
            return Ok(Some(*key));
        }
        let sent = self.shared.store.sent(self.connection).await?;
        Ok(sender(&sent, order))
    }

    /// The same, and if that tells nothing, by what the broker says of the orders whose place it took.
    pub(super) async fn traced(
        self,
        asking: &AccountClient<'_>,
        order: OrderIdentity,
    ) -> Result<Option<AccessKeyId>, Stop> {
        let mut chain = vec![order];
        loop {
            let Some(last) = chain.last() else { return Ok(None) };
            if let Some(key) = self.owner_of(last).await.map_err(unreadable)? {
                if chain.len() > 1 {
                    chain.reverse();
                    self.note(key, &chain).await.map_err(unreadable)?;
                }
                return Ok(Some(key));
            }
            match last.replaces {
                Some(replaced) if chain.len() < LONGEST_CHAIN => {
                    let replaced = asking.order(replaced).await.map_err(facts::stop)?;
                    chain.push((&replaced).into());
                }
                _ => return Ok(None),
            }
        }
    }

    /// Whose an order is that was found by the name with which an access key has sent one.
    pub(crate) async fn claim(self, asking: &AccountClient<'_>, key: AccessKeyId, order: &Order) -> Claim {
        let mut identity = OrderIdentity::from(order);
        match self.owner_of(&identity).await {
            Ok(Some(owner)) if owner == key => {
                // By its name an order comes without its legs.
                if identity.lacks_legs()
                    && let Ok(whole) = asking.order(order.id).await
                {
                    identity = (&whole).into();
                }
                Claim::Own(placed(&identity))
            }
            // What replaces an order of another key is of that key, although this one has sent it.
            Ok(Some(_)) if order.replaces.is_none() => Claim::Another,
            Ok(_) => Claim::Unclear,
            Err(error) => {
                tracing::error!(%error, "whose an order is could not be read");
                Claim::Unclear
            }
        }
    }

    /// Writes down orders of an access key with their legs, as far as they are not known.
    pub(super) async fn note(self, key: AccessKeyId, orders: &[OrderIdentity]) -> Result<(), StoreError> {
        let ids = orders
            .iter()
            .flat_map(|order| std::iter::once(order.id).chain(order.legs.iter().map(|leg| leg.id)));
        let ids: Vec<Uuid> = ids.collect();
        let known = self.owners(ids.clone()).await?;
        if ids.iter().all(|id| known.contains_key(id)) {
            return Ok(());
        }
        let new: Vec<PlacedOrder> = orders.iter().flat_map(placed).collect();
        self.shared.store.record_placed(self.connection, key, &new, self.shared.clock.now()).await?;
        self.shared.owners.tell_settled();
        Ok(())
    }
}

/// Whether an order that was found by its name is of the request that was sent with that name.
pub(crate) enum Claim {
    /// It is; with what is written down of it.
    Own(Vec<PlacedOrder>),
    /// Somebody else had placed an order of that name, so that the request was refused.
    Another,
    /// That cannot be told.
    Unclear,
}

/// An order and its legs, as they are written down. A leg is of whom its order is.
pub(crate) fn placed(order: &OrderIdentity) -> Vec<PlacedOrder> {
    let one = |order: &OrderIdentity, of: Option<Uuid>| PlacedOrder {
        order_id: order.id.to_string(),
        client_order_id: Some(order.client_order_id.clone()).filter(|name| !name.is_empty()),
        replaces: of.map(|of| of.to_string()),
    };
    std::iter::once(one(order, order.replaces))
        .chain(order.legs.iter().map(|leg| one(leg, Some(order.id))))
        .collect()
}

/// Who has sent an order of that name that the broker now tells of. Not told when two have, since one of them was refused; nor when the
/// order was there before the request, which then was refused.
pub(super) fn sender(sent: &[SentRequest], order: &OrderIdentity) -> Option<AccessKeyId> {
    let name = order.client_order_id.as_str();
    let mut of_that_name = sent.iter().filter(|sent| sent.client_order_id.as_deref() == Some(name));
    let first = of_that_name.next()?;
    if of_that_name.any(|other| other.key != first.key) {
        return None;
    }
    // A name that Paddock made of the request's own id cannot have been there before.
    let is_ours = first.request.to_string() == name;
    (is_ours || order.submitted_at.is_some_and(|at| at >= first.at)).then_some(first.key)
}

/// What cannot be looked up is not shown.
pub(super) fn unreadable(error: StoreError) -> Stop {
    tracing::error!(%error, "whose an order is could not be read");
    crate::answer::Fault::audit_unavailable().into()
}

#[cfg(test)]
mod tests {
    use paddock_core::id::RequestId;
    use paddock_vault::OsEntropy;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const ARRIVED: &str = "2026-11-20T15:00:00Z";

    fn sent(key: AccessKeyId, name: &str) -> SentRequest {
        let at = ARRIVED.parse().unwrap();
        SentRequest {
            request: RequestId::generate(at, &OsEntropy),
            key,
            at,
            client_order_id: Some(name.to_owned()),
            is_unknown: false,
        }
    }

    fn order(name: &str, submitted_at: &str) -> OrderIdentity {
        serde_json::from_value(
            json!({"id": Uuid::nil(), "client_order_id": name, "submitted_at": submitted_at}),
        )
        .unwrap()
    }

    #[rstest]
    #[case::after(ARRIVED, true)]
    #[case::there_before("2026-11-20T14:59:59.999Z", false)]
    #[case::not_told("", false)]
    fn an_order_is_its_senders_unless_it_was_there_before(#[case] submitted_at: &str, #[case] is_its: bool) {
        let key = AccessKeyId::generate(ARRIVED.parse().unwrap(), &OsEntropy);
        let found = sender(&[sent(key, "other"), sent(key, "mine")], &order("mine", submitted_at));
        assert_eq!(found, is_its.then_some(key));
    }

    #[test]
    fn a_name_that_two_have_sent_is_nobodys_until_it_is_settled() {
        let at = ARRIVED.parse().unwrap();
        let keys = [AccessKeyId::generate(at, &OsEntropy), AccessKeyId::generate(at, &OsEntropy)];
        let both = keys.map(|key| sent(key, "same"));
        assert_eq!(sender(&both, &order("same", ARRIVED)), None);
        assert_eq!(sender(&[both[0].clone(), both[0].clone()], &order("same", ARRIVED)), Some(keys[0]));
    }

    #[test]
    fn a_name_of_paddocks_own_needs_no_clock() {
        let key = AccessKeyId::generate(ARRIVED.parse().unwrap(), &OsEntropy);
        let mut request = sent(key, "");
        request.client_order_id = Some(request.request.to_string());
        let name = request.request.to_string();
        assert_eq!(sender(&[request], &order(&name, "2026-11-20T14:00:00Z")), Some(key));
    }
}
