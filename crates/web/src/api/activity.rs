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

use crate::desk::Desk;
use crate::problem::Problem;

/// At most so many pages of the audit are taken in for one visit: nobody waits for a long chain that has no index yet.
const ROUNDS: u32 = 10;

/// Takes in what was recorded since the last look. Gives how many records are still left.
pub(crate) async fn catch_up(desk: &Desk) -> Result<u64, Problem> {
    let mut left = 0;
    for _ in 0..ROUNDS {
        left = desk.store.index_activity().await?;
        if left == 0 {
            break;
        }
    }
    Ok(left)
}
