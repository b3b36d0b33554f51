//! What an operation has to do with orders, whoever placed them.

use super::Operation;

/// What an operation shows or touches of the orders of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orders {
    /// None, or none by name: what the account is worth and holds follows from all of its orders.
    None,
    /// It brings new ones.
    New,
    /// It brings new ones, and may cancel all others on the way.
    NewForOld,
    /// The one that the path names by Alpaca's id.
    One,
    /// The one that the query names by the client's own id.
    OneByName,
    /// Lists them.
    List,
    /// Lists what has happened to the account, their fills included.
    Activities,
    /// Cancels all.
    CancelAll,
    /// Tells what happens to them, as it happens.
    Events,
    /// Tells what happens to the account, their fills included, as it happens.
    ActivityEvents,
}

impl Operation {
    /// What it has to do with orders.
    #[must_use]
    pub fn orders(&self) -> Orders {
        match self.id {
            "postOrder" | "deleteOpenPosition" => Orders::New,
            "deleteAllOpenPositions" => Orders::NewForOld,
            "getOrderByOrderID" | "patchOrderByOrderId" | "deleteOrderByOrderID" => Orders::One,
            "getOrderByClientOrderId" => Orders::OneByName,
            "getAllOrders" => Orders::List,
            "getAccountActivities" | "getAccountActivitiesByActivityType" => Orders::Activities,
            "deleteAllOrders" => Orders::CancelAll,
            "subscribeToTradesSSE" => Orders::Events,
            "subscribeToActivitiesSSE" => Orders::ActivityEvents,
            _ => Orders::None,
        }
    }

    /// Whether an answer that says yes may tell of orders that are new.
    #[must_use]
    pub fn brings_orders(&self) -> bool {
        matches!(self.orders(), Orders::New | Orders::NewForOld) || self.id == "patchOrderByOrderId"
    }
}
