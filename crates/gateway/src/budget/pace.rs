//! Paddock's own questions count in the same budget.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use paddock_alpaca::client::{ClientError, NextTurn, Pacer, Turn};
use paddock_alpaca::operation::Api;
use paddock_core::Clock;

use super::{Account, Asker, Ticket};

/// Takes what Paddock asks of Alpaca out of an account's budget.
#[derive(Debug)]
pub(crate) struct Pace {
    pub(crate) account: Arc<Account>,
    pub(crate) asker: Asker,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Pacer for Pace {
    fn turn(&self, api: Api) -> NextTurn<'_> {
        Box::pin(async move {
            let budget = self.account.budget(api);
            match budget.acquire(&self.clock, self.asker, budget.patience(self.asker.priority)).await {
                Ok(mut ticket) => {
                    ticket.sent();
                    Ok(Box::new(ticket) as Box<dyn Turn>)
                }
                Err(exhausted) => Err(ClientError::RateLimited {
                    retry_after: Some(Duration::from_secs(exhausted.retry_after)),
                }),
            }
        })
    }
}

impl Turn for Ticket {
    fn answered(self: Box<Self>, status: StatusCode, headers: &HeaderMap) {
        Ticket::answered(*self, status, headers);
    }
}
