//! `paddock paper account`.

use clap::Subcommand;
use paddock_core::Environment;
use paddock_core::money::parse_decimal;
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::json;

use super::dashboard::{BrokerArgs, Dashboard, KeyFormatArgs, describe_pair};
use crate::context::Context;
use crate::failure::Outcome;
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Open an account; prints its number and its key pair
    Create {
        /// Alpaca's world: paper or live
        #[arg(long, value_name = "paper|live", default_value = "paper")]
        environment: Environment,
        /// Dollars to start with
        #[arg(long, value_name = "N", default_value = "100000", value_parser = dollars)]
        cash: Decimal,
        #[command(flatten)]
        keys: KeyFormatArgs,
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// List the accounts
    List {
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// Start an account anew, with a new key pair: orders and positions are gone
    Reset {
        /// The account's number or id; not needed when there is only one
        account: Option<String>,
        /// Dollars to start with
        #[arg(long, value_name = "N", default_value = "100000", value_parser = dollars)]
        cash: Decimal,
        #[command(flatten)]
        keys: KeyFormatArgs,
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// Delete an account with all that is in it: its key pair and its tokens die at once
    Delete {
        /// The account's number or id
        account: String,
        #[command(flatten)]
        broker: BrokerArgs,
    },
}

fn dollars(text: &str) -> Result<Decimal, String> {
    parse_decimal(text).map_err(|error| format!("{error}, such as 100000"))
}

pub(super) async fn run(command: AccountCommand, context: &Context) -> Outcome {
    match command {
        AccountCommand::Create { environment, cash, keys, broker } => {
            let content = json!({
                "environment": environment, "cash": cash.to_string(), "key_format": keys.key_format
            });
            let account = Dashboard::new(&broker)?.send(Method::POST, "/accounts", Some(&content)).await?;
            let said = format!("opened a {environment} account");
            context.output.show(&account, |paint| describe_pair(&said, &account, paint))
        }
        AccountCommand::List { broker } => {
            let listed = Dashboard::new(&broker)?.send(Method::GET, "/accounts", None).await?;
            context.output.show(&listed["accounts"], |_| {
                let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
                let rows = listed["accounts"].as_array().into_iter().flatten().map(|account| {
                    ["account_number", "environment", "status", "cash", "key_id"]
                        .map(|name| text(&account[name]))
                        .to_vec()
                });
                table::columns(&["ACCOUNT", "ENVIRONMENT", "STATUS", "CASH", "KEY ID"], rows)
            })
        }
        AccountCommand::Reset { account, cash, keys, broker } => {
            let dashboard = Dashboard::new(&broker)?;
            let name = dashboard.account(account).await?;
            let content = json!({ "cash": cash.to_string(), "key_format": keys.key_format });
            let account =
                dashboard.send(Method::POST, &format!("/accounts/{name}/reset"), Some(&content)).await?;
            let said = "the account starts anew, with a new pair: the old one is dead";
            context.output.show(&account, |paint| describe_pair(said, &account, paint))
        }
        AccountCommand::Delete { account, broker } => {
            let dashboard = Dashboard::new(&broker)?;
            let name = dashboard.account(Some(account)).await?;
            dashboard.send(Method::DELETE, &format!("/accounts/{name}"), None).await?;
            context.output.show(&json!({ "account": name, "deleted": true }), |_| {
                format!("account {name} is deleted; `paddock paper account create` opens a new one")
            })
        }
    }
}
