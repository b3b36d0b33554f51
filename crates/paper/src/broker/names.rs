//! The names that clients know an account's orders by.

use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::order::Order;
use crate::fast_map::FastMap;

/// Finds orders by their client order id. Most orders are never asked for by the name that the broker gave them, so those names
/// are worked out when somebody asks for one.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: FastMap<String, u64>,
    /// Whether a client has given a name that looks like the broker's.
    imitated: bool,
    own: Mutex<Own>,
}

/// The names that the broker gave, as far as they were worked out.
#[derive(Debug, Default)]
struct Own {
    names: FastMap<Uuid, u64>,
    /// The place in the sequence up to which they were.
    until: u64,
}

impl Names {
    /// Takes in a new order.
    pub(super) fn add(&mut self, order: &Order) {
        if let Some(name) = &order.request.client_order_id {
            self.imitated |= as_own(name).is_some();
            self.given.insert(name.clone(), order.sequence);
        }
    }

    /// The place in the sequence of the order with that name. `orders_from` gives the account's orders from a place on, in their
    /// order.
    pub(super) fn find<'a, I>(&self, name: &str, orders_from: impl FnOnce(u64) -> I) -> Option<u64>
    where
        I: Iterator<Item = &'a Order>,
    {
        if let Some(sequence) = self.given.get(name) {
            return Some(*sequence);
        }
        let name = as_own(name)?;
        // Whoever panicked while holding it had at worst taken in fewer names than there are.
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        for order in orders_from(own.until) {
            if order.request.client_order_id.is_none() {
                own.names.insert(own_name(order.id), order.sequence);
            }
            own.until = order.sequence + 1;
        }
        own.names.get(&name).copied()
    }

    /// Whether the name that the broker would give to an order is still free.
    pub(super) fn is_free_for(&self, order: Uuid) -> bool {
        !self.imitated || !self.given.contains_key(own_name(order).to_string().as_str())
    }
}

impl Clone for Names {
    fn clone(&self) -> Self {
        Self { given: self.given.clone(), imitated: self.imitated, own: Mutex::default() }
    }
}

/// The name that the broker gives to an order without one: a UUID, but not the order's id.
pub(super) fn own_name(order: Uuid) -> Uuid {
    Uuid::new_v5(&order, b"client order id")
}

/// The name as a UUID, if it has the form of those that the broker gives.
fn as_own(name: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(name).ok().filter(|uuid| uuid.get_version_num() == 5)?;
    (uuid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == name).then_some(uuid)
}
