//! Requests of which it is not known whether the broker acted: after a crash, and after a lost answer.

use std::collections::HashSet;
use std::time::Duration;

use paddock_alpaca::client::ClientError;
use paddock_core::id::RequestId;
use paddock_store::{OpenReservation, PlacedOrder, Settlement};

use crate::budget::{Asker, Priority};
use crate::by_hand::settle_lost;
use crate::own::{Claim, Ledger};
use crate::shared::{GatewayError, Shared};

/// How old a request must be before "not found" proves that the broker never got it. Longer than any request can be on its
/// way: connecting and waiting for an answer end before.
const CERTAIN_AFTER: Duration = Duration::from_secs(60);

/// Looks at every open reservation once and settles those whose fate can be told. What cannot be told keeps its charge: a
/// cap is rather used up too early than overshot.
pub(crate) async fn recover(shared: &Shared) -> Result<u32, GatewayError> {
    let mut settled = settle_lost(shared).await?;
    for reservation in left_behind(shared).await? {
        if let Some((settlement, placed)) = fate(shared, &reservation).await {
            let now = shared.clock.now();
            shared.store.settle_placing(reservation.request, &settlement, &placed, now).await?;
            shared.owners.tell_settled();
            settled += 1;
        }
        if reservation.unseen && reservation.client_order_id.is_none() && is_certain(shared, &reservation) {
            shared.store.no_longer_on_its_way(reservation.request).await?;
        }
    }
    Ok(settled)
}

/// The open reservations at which nobody here is at work.
async fn left_behind(shared: &Shared) -> Result<Vec<OpenReservation>, GatewayError> {
    let mut open = shared.store.open_reservations().await?;
    open.retain(|reservation| !shared.is_in_flight(reservation.request));
    if open.is_empty() {
        return Ok(open);
    }
    // One that was in flight when the list was read may have been settled before it was looked for.
    let still: HashSet<RequestId> =
        shared.store.open_reservations().await?.iter().map(|reservation| reservation.request).collect();
    open.retain(|reservation| still.contains(&reservation.request));
    Ok(open)
}

/// Whether the broker has got the request by now, or never will.
fn is_certain(shared: &Shared, reservation: &OpenReservation) -> bool {
    let age = shared.clock.now().duration_since(reservation.at);
    age.as_secs() >= i64::try_from(CERTAIN_AFTER.as_secs()).unwrap_or(i64::MAX)
}

/// What became of it, with the orders that the broker has of it.
async fn fate(shared: &Shared, reservation: &OpenReservation) -> Option<(Settlement, Vec<PlacedOrder>)> {
    let certain = is_certain(shared, reservation);
    let Some(client_order_id) = &reservation.client_order_id else {
        // Only orders have a name by which they can be found again. What is recorded as unknown stays so, and is not news.
        let unknown = (Settlement::Unknown, Vec::new());
        return (certain && !reservation.known_unknown).then_some(unknown);
    };
    let entry = shared.directory.load().connection(reservation.connection).cloned()?;
    let credential = entry.open(&shared.opener).ok()?;
    let asking = shared.asking(&entry, &credential, Asker { key: None, priority: Priority::Read }).ok()?;
    match asking.order_by_client_order_id(client_order_id).await {
        Ok(order) => {
            let ledger = Ledger { shared, connection: reservation.connection };
            let confirmed = Settlement::Confirmed { status: None, order_id: Some(order.id.to_string()) };
            match ledger.claim(&asking, reservation.key, &order).await {
                Claim::Own(placed) => Some((confirmed, placed)),
                Claim::Another => Some((Settlement::Released { status: Some(422) }, Vec::new())),
                Claim::Unclear => Some((confirmed, Vec::new())),
            }
        }
        Err(ClientError::Api(error)) if error.status == 404 && certain => {
            Some((Settlement::Released { status: Some(404) }, Vec::new()))
        }
        Err(_) => None,
    }
}
