//! `paddock paper clock`.

use clap::Subcommand;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::dashboard::{BrokerArgs, Dashboard};
use crate::context::Context;
use crate::failure::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Tell the broker's time
    Show {
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// Move the clock of a broker that runs with `--clock step`
    Step {
        /// How far: 90s, 5m, 1h30m
        by: SignedDuration,
        #[command(flatten)]
        broker: BrokerArgs,
    },
}

pub(super) async fn run(command: ClockCommand, context: &Context) -> Outcome {
    let clock = match command {
        ClockCommand::Show { broker } => Dashboard::new(&broker)?.send(Method::GET, "/clock", None).await?,
        ClockCommand::Step { by, broker } => {
            let content = json!({ "seconds": by.as_secs().to_string() });
            Dashboard::new(&broker)?.send(Method::POST, "/clock/step", Some(&content)).await?
        }
    };
    context.output.show(&clock, |_| {
        let mode = match &clock["mode"] {
            Value::String(mode) => mode.clone(),
            other => other.to_string(),
        };
        format!("{} ({mode})", clock["timestamp"].as_str().unwrap_or("unknown"))
    })
}
