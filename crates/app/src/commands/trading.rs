//! `paddock trading`: who decides about new trades of the engine.

use clap::{Args, Subcommand, ValueEnum};
use paddock_web::TradingView;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum TradingCommand {
    /// Show how it is
    Show,
    /// Change who decides about new trades
    Mode {
        /// autopilot: the engine opens trades by itself; copilot: it proposes, you say yes; manual: it opens nothing
        #[arg(value_enum, hide_possible_values = true)]
        mode: Mode,
        #[command(flatten)]
        why: Why,
    },
    /// Open no new trades, whatever the mode; exits of what is open go on
    Pause(Why),
    /// Open new trades again, as the mode says
    Resume(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    Autopilot,
    Copilot,
    Manual,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Why; it is recorded
    #[arg(long, value_name = "WORDS")]
    reason: Option<String>,
}

pub(crate) async fn run(command: TradingCommand, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = match command {
        TradingCommand::Show => client.get("/api/v1/trading").await,
        TradingCommand::Mode { mode, why } => {
            let mode = match mode {
                Mode::Autopilot => "autopilot",
                Mode::Copilot => "copilot",
                Mode::Manual => "manual",
            };
            client.post("/api/v1/trading/mode", &json!({ "mode": mode, "reason": why.reason })).await
        }
        TradingCommand::Pause(why) => {
            client.post("/api/v1/trading/pause", &json!({ "reason": why.reason })).await
        }
        TradingCommand::Resume(why) => {
            client.post("/api/v1/trading/resume", &json!({ "reason": why.reason })).await
        }
    };
    client.close().await;
    let done = done?;
    let view = TradingView::deserialize(&done).map_err(Failure::cannot("understand the server's answer"))?;
    context.output.show(&done, |_| describe(&view, &done))
}

fn describe(view: &TradingView, shown: &Value) -> String {
    let paused = if view.paused { "yes: no new trades are opened" } else { "no" };
    let mut pairs = vec![("mode", view.mode.to_string()), ("paused", paused.to_owned())];
    if let (Some(by), Some(at)) = (&view.changed_by, view.changed_at) {
        pairs.push(("changed", format!("by {by}, {}", table::instant(at))));
    }
    pairs.extend(view.reason.clone().map(|reason| ("reason", reason)));
    let mut lines = table::pairs(pairs);
    if shown["engine"] == false {
        lines += "nothing trades by itself yet: the engine comes with a later version and will follow this\n";
    }
    lines
}
