//! `paddock vault`: the keys that seal the credentials.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::api::ApiClient;
use crate::context::Context;
use crate::failure::Outcome;
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Show which keys are in use
    Status,
    /// Replace a key; an interrupted rotation is finished by running it again
    Rotate {
        /// kek: the key-encryption key in the key file; dek: the data-encryption key, under which credentials are sealed
        #[arg(value_enum, default_value = "kek", hide_possible_values = true)]
        what: What,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    Kek,
    Dek,
}

pub(crate) async fn run(command: VaultCommand, context: &Context) -> Outcome {
    let client = context.client().await?;
    let (done, describe): (_, fn(&Value) -> String) = match command {
        VaultCommand::Status => (client.get("/api/v1/vault").await, describe_status),
        VaultCommand::Rotate { what: What::Kek } => (rotate(&client, "kek").await, describe_kek),
        VaultCommand::Rotate { what: What::Dek } => (rotate(&client, "dek").await, describe_dek),
    };
    client.close().await;
    let done = done?;
    context.output.show(&done, |_| describe(&done))
}

async fn rotate(client: &ApiClient, what: &str) -> Outcome<Value> {
    client.post("/api/v1/vault/rotate", &json!({ "what": what })).await
}

fn describe_status(vault: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let mut lines = table::pairs([
        ("key provider", text(&vault["provider"]).replace('_', " ")),
        (
            "state",
            if vault["locked"] == true { "locked: the keys cannot be read" } else { "open" }.to_owned(),
        ),
        ("key-encryption key", text(&vault["kek"])),
    ]);
    let rows: Vec<Vec<String>> = vault["deks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|dek| {
            vec![text(&dek["id"]), text(&dek["kek"]), text(&dek["created_at"]), dek["seals"].to_string()]
        })
        .collect();
    if !rows.is_empty() {
        lines += "\n";
        lines += &table::columns(&["DATA-ENCRYPTION KEY", "WRAPPED UNDER", "CREATED", "SEALS"], rows);
    }
    lines
}

fn describe_kek(rotation: &Value) -> String {
    format!(
        "the key file has a new key-encryption key {}; data-encryption keys wrapped anew: {}\n\
         copies of the old key file still open older backups, and nothing else",
        rotation["kek"].as_str().unwrap_or("unknown"),
        rotation["rewrapped"],
    )
}

fn describe_dek(rotation: &Value) -> String {
    format!(
        "there is a new data-encryption key {}; credentials sealed anew: {}",
        rotation["dek"].as_str().unwrap_or("unknown"),
        rotation["resealed"],
    )
}
