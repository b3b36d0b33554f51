//! What a rotation needs of the gateway.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use paddock_alpaca::client::Pacer;
use paddock_core::id::{ConnectionId, RotationId};
use paddock_core::rotation::Failure;

/// Steers the gateway for a rotation. Which connections are held back, and with what pair is sent, stands in the database before any of
/// these is called; each has the gateway read that and confirms that it holds. Each may be called again.
pub trait Gate: fmt::Debug + Send + Sync {
    /// Has new orders of a connection wait or be refused, and waits for the answers to what was being sent. Cancels and reads pass.
    fn hold(&self, connection: ConnectionId) -> BoxFuture<'_, Result<(), Failure>>;

    /// Has new orders of a connection pass again.
    fn release(&self, connection: ConnectionId) -> BoxFuture<'_, Result<(), Failure>>;

    /// Has all requests and streams of a connection use its newest credential.
    fn swap(&self, connection: ConnectionId) -> BoxFuture<'_, Result<(), Failure>>;

    /// Cancels all open orders of a connection, on the way that every request takes, and tells how many there were.
    fn cancel_orders(&self, connection: ConnectionId) -> BoxFuture<'_, Result<u32, Failure>>;

    /// Has what is asked of a connection's account take its turn in the account's budget of requests, after whatever programs want. None where
    /// nobody counts.
    fn pacer(&self, connection: ConnectionId) -> Option<Arc<dyn Pacer>>;

    /// Places one share far from the market on a paper account, sees it and cancels it, on the same way. It is placed once for each rotation.
    /// Gives the order in one line.
    fn test_order(
        &self,
        connection: ConnectionId,
        rotation: RotationId,
    ) -> BoxFuture<'_, Result<String, Failure>>;
}
