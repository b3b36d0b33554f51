//! `paddock paper key`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use super::dashboard::{BrokerArgs, Dashboard, KeyFormatArgs, describe_pair};
use crate::context::Context;
use crate::failure::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Give an account a new key pair; the old one dies in the same act
    Regenerate {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        keys: KeyFormatArgs,
    },
    /// Take an account's key pair away
    Revoke(Which),
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The account's number or id; not needed when there is only one
    account: Option<String>,
    #[command(flatten)]
    broker: BrokerArgs,
}

pub(super) async fn run(command: KeyCommand, context: &Context) -> Outcome {
    match command {
        KeyCommand::Regenerate { which, keys } => {
            let dashboard = Dashboard::new(&which.broker)?;
            let name = dashboard.account(which.account).await?;
            let content = json!({ "key_format": keys.key_format });
            let account =
                dashboard.send(Method::POST, &format!("/accounts/{name}/keys"), Some(&content)).await?;
            let said = "the account has a new pair, and the old one is dead";
            context.output.show(&account, |paint| describe_pair(said, &account, paint))
        }
        KeyCommand::Revoke(which) => {
            let dashboard = Dashboard::new(&which.broker)?;
            let name = dashboard.account(which.account).await?;
            dashboard.send(Method::DELETE, &format!("/accounts/{name}/keys"), None).await?;
            context.output.show(&json!({ "account": name, "revoked": true }), |_| {
                format!(
                    "account {name} has no key pair any more; `paddock paper key regenerate` gives it one"
                )
            })
        }
    }
}
