//! `paddock paper clock`.

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use paddock_paper::ClockMode;
use reqwest::Method;
use serde_json::{Value, json};

use super::dashboard::{BrokerArgs, Dashboard};
use super::serve::Pace;
use crate::context::Context;
use crate::failure::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Tell the broker's time
    Show {
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// Move the clock forwards
    Step {
        /// How far: 90s, 5m, 1h30m
        by: SignedDuration,
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// Move the clock forwards to an instant
    Jump {
        /// Where to, such as 2026-11-20T14:30:00Z
        to: Timestamp,
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// Move the clock forwards to when the stock market opens next
    NextOpen {
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// Move the clock forwards to when the stock market closes next
    NextClose {
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// Let time pass in another way
    Rate {
        /// real, x60 (any number of times as fast), or step (it stands still until it is moved)
        #[arg(value_name = "real|x60|step")]
        pace: Pace,
        #[command(flatten)]
        broker: BrokerArgs,
    },
}

pub(super) async fn run(command: ClockCommand, context: &Context) -> Outcome {
    let (broker, act) = match command {
        ClockCommand::Show { broker } => (broker, None),
        ClockCommand::Step { by, broker } => {
            (broker, Some(("/clock/step", json!({ "seconds": by.as_secs().to_string() }))))
        }
        ClockCommand::Jump { to, broker } => (broker, Some(("/clock/jump", json!({ "to": to })))),
        ClockCommand::NextOpen { broker } => (broker, Some(("/clock/jump", json!({ "to": "next_open" })))),
        ClockCommand::NextClose { broker } => (broker, Some(("/clock/jump", json!({ "to": "next_close" })))),
        ClockCommand::Rate { pace, broker } => {
            let rate = match pace.0 {
                ClockMode::Stepped => 0,
                ClockMode::Real => 1,
                ClockMode::Accelerated(factor) => factor,
            };
            (broker, Some(("/clock/rate", json!({ "rate": rate }))))
        }
    };
    let dashboard = Dashboard::new(&broker)?;
    let clock = match &act {
        None => dashboard.send(Method::GET, "/clock", None).await?,
        Some((path, content)) => dashboard.send(Method::POST, path, Some(content)).await?,
    };
    context.output.show(&clock, |_| {
        let mode = match &clock["mode"] {
            Value::String(mode) => mode.clone(),
            _ => format!("{} times as fast", clock["rate"]),
        };
        format!("{} ({mode})", clock["timestamp"].as_str().unwrap_or("unknown"))
    })
}
