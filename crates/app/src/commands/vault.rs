//! `paddock vault`: the keys that seal the credentials.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Outcome;
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Show which keys are in use
    Status,
    /// Replace a key; an interrupted rotation is finished by running it again
    Rotate {
        /// The key-encryption key in the key file, or the data-encryption key under which credentials are sealed
        #[arg(value_enum, default_value = "kek")]
        what: What,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// A new key file content; data-encryption keys are wrapped anew
    Kek,
    /// A new data-encryption key; credentials are sealed anew
    Dek,
}

pub(crate) async fn run(command: VaultCommand, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = match command {
        VaultCommand::Status => client.get("/api/v1/vault").await,
        VaultCommand::Rotate { what } => {
            let what = if what == What::Kek { "kek" } else { "dek" };
            client.post("/api/v1/vault/rotate", &json!({ "what": what })).await
        }
    };
    client.close().await;
    let done = done?;
    context.output.show(&done, |_| describe(&done))
}

/// The answer's facts, one a line, whatever they are.
fn describe(value: &Value) -> String {
    let Value::Object(fields) = value else { return value.to_string() };
    let named: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null => "none".to_owned(),
                other => other.to_string(),
            };
            (name.replace('_', " "), text)
        })
        .collect();
    table::pairs(named.iter().map(|(name, value)| (name.as_str(), value.clone())))
}
