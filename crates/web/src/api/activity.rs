//! Activity: every request that came through the gateway and changed something, or would have, or was refused.
//!
//! It is kept as long as the audit is. What only reads is not: the last 500 requests of any kind are in memory (`GET /api/v1/requests`).

pub(crate) mod export;
mod filter;
pub(crate) mod list;
pub(crate) mod show;
mod view;

pub(crate) use export::export;
pub(crate) use filter::{FILTERS, Filter, known_reasons};
pub(crate) use list::{list, page, read_paging};
pub(crate) use show::{show, story};
pub(crate) use view::RequestView;

use paddock_store::INDEXED_AT_ONCE;

use crate::desk::Desk;
use crate::problem::Problem;

/// Takes in what was recorded since the last look, as far as one transaction goes, about 25 ms: nobody waits for a long chain that has no index yet, of
/// which the gateway takes in the rest. Gives how many records are still left.
pub(crate) async fn catch_up(desk: &Desk) -> Result<u64, Problem> {
    Ok(desk.store.index_activity().await?)
}

/// Takes in all that was recorded until now, for what must be complete. What is recorded meanwhile is not waited for.
pub(crate) async fn catch_up_with_now(desk: &Desk) -> Result<(), Problem> {
    let mut to_go = catch_up(desk).await?;
    while to_go > 0 {
        let left = catch_up(desk).await?;
        to_go = to_go.saturating_sub(INDEXED_AT_ONCE.into()).min(left);
    }
    Ok(())
}
