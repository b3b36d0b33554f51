//! The hubs that run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use paddock_alpaca::stream::Feed;
use paddock_core::id::ConnectionId;
use tokio::runtime::Handle;

use super::data_hub::{self, DataHub};
use super::event_hub::{self, EventHub};
use super::trade_hub::{self, TradeHub};
use crate::shared::Shared;

/// One hub for each account and stream that anybody listens to.
#[derive(Debug, Default)]
pub(crate) struct Hubs(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    data: BTreeMap<(ConnectionId, Feed), DataHub>,
    trades: BTreeMap<ConnectionId, TradeHub>,
    events: BTreeMap<ConnectionId, EventHub>,
}

impl Hubs {
    /// The hub of a data stream; it is started on `main` if it does not run.
    pub(super) fn data(
        &self,
        shared: &Arc<Shared>,
        main: &Handle,
        connection: ConnectionId,
        feed: Feed,
    ) -> DataHub {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.data.get(&(connection, feed)) {
            Some(hub) if hub.runs() => hub.clone(),
            _ => {
                let hub = data_hub::start(shared, main, connection, feed);
                inner.data.insert((connection, feed), hub.clone());
                hub
            }
        }
    }

    /// The hub of an account's trade updates; it is started on `main` if it does not run.
    pub(super) fn trades(&self, shared: &Arc<Shared>, main: &Handle, connection: ConnectionId) -> TradeHub {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.trades.get(&connection) {
            Some(hub) if hub.runs() => hub.clone(),
            _ => {
                let hub = trade_hub::start(shared, main, connection);
                inner.trades.insert(connection, hub.clone());
                hub
            }
        }
    }

    /// The hub of an account's trade events; it is started on `main` if it does not run.
    pub(super) fn events(&self, shared: &Arc<Shared>, main: &Handle, connection: ConnectionId) -> EventHub {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.events.get(&connection) {
            Some(hub) if hub.feed.runs() => hub.clone(),
            _ => {
                let hub = event_hub::start(shared, main, connection);
                inner.events.insert(connection, hub.clone());
                hub
            }
        }
    }
}
