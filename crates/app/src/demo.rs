//! The demo: broker, gateway and pages in one process, and a bot that does the main job through the gateway.

mod facts;
mod job;
mod prepare;
mod report;
mod stage;
mod story;

pub(crate) use report::Report;
pub(crate) use stage::{Listeners, Stage};
pub(crate) use story::Story;

use crate::failure::Outcome;

/// The name of the demo's connection.
const CONNECTION: &str = "demo";
/// The name of the demo's access key.
const ACCESS_KEY: &str = "demo-bot";
/// The one symbol that the access key may trade.
const SYMBOL: &str = "AAPL";
/// A symbol that it may not.
const OTHER_SYMBOL: &str = "MSFT";
/// Dollars that one of its orders may be worth.
const MAX_NOTIONAL: u32 = 1_000;

/// Does the main job and shows each step; then what the account holds and what was recorded. `demo.json` is there when
/// this returns, so that whoever waits for it finds a demo that is done.
pub(crate) async fn tell(stage: &Stage, story: &Story) -> Outcome<Report> {
    let report = job::run(stage, story).await?;
    story.outcome(&report)?;
    facts::write(stage)?;
    Ok(report)
}
