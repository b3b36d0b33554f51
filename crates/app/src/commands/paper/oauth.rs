//! `paddock paper oauth`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::dashboard::{BrokerArgs, Dashboard};
use crate::api::segment;
use crate::context::Context;
use crate::failure::Outcome;
use crate::paint::Paint;
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum OauthCommand {
    /// Programs that may ask people for access
    #[command(subcommand)]
    Client(ClientCommand),
    /// Tokens that people have granted
    #[command(subcommand)]
    Grant(GrantCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Register a program; prints its client id and secret
    Create {
        /// What people will see that it is called
        name: String,
        /// Where people are sent back to, exactly; can be given several times
        #[arg(long, value_name = "URI", required = true)]
        redirect_uri: Vec<String>,
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// List the programs
    List {
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// Give a program a new secret; the old one dies in the same act, tokens stay good
    RotateSecret(Client),
    /// Delete a program; all its tokens die at once
    Delete(Client),
}

#[derive(Debug, Args)]
pub(crate) struct Client {
    /// The program's client id
    client_id: String,
    #[command(flatten)]
    broker: BrokerArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// List the tokens, without themselves
    List {
        #[command(flatten)]
        broker: BrokerArgs,
    },
    /// Revoke a token; its streams are closed at once
    Revoke {
        /// The grant's id, as the list shows it
        grant: String,
        #[command(flatten)]
        broker: BrokerArgs,
    },
}

pub(super) async fn run(command: OauthCommand, context: &Context) -> Outcome {
    match command {
        OauthCommand::Client(command) => client(command, context).await,
        OauthCommand::Grant(command) => grant(command, context).await,
    }
}

async fn client(command: ClientCommand, context: &Context) -> Outcome {
    match command {
        ClientCommand::Create { name, redirect_uri, broker } => {
            let content = json!({ "name": name, "redirect_uris": redirect_uri });
            let made = Dashboard::new(&broker)?.send(Method::POST, "/oauth/clients", Some(&content)).await?;
            context.output.show(&made, |paint| describe_secret("the program is registered", &made, paint))
        }
        ClientCommand::List { broker } => {
            let listed = Dashboard::new(&broker)?.send(Method::GET, "/oauth/clients", None).await?;
            context.output.show(&listed["clients"], |_| {
                let rows = listed["clients"].as_array().into_iter().flatten().map(|client| {
                    vec![text(&client["client_id"]), text(&client["name"]), joined(&client["redirect_uris"])]
                });
                table::columns(&["CLIENT ID", "NAME", "REDIRECT URIS"], rows)
            })
        }
        ClientCommand::RotateSecret(Client { client_id, broker }) => {
            let path = format!("/oauth/clients/{}/secret", segment(&client_id));
            let made = Dashboard::new(&broker)?.send(Method::POST, &path, None).await?;
            let said = "the program has a new secret, and the old one is dead";
            context.output.show(&made, |paint| describe_secret(said, &made, paint))
        }
        ClientCommand::Delete(Client { client_id, broker }) => {
            let path = format!("/oauth/clients/{}", segment(&client_id));
            Dashboard::new(&broker)?.send(Method::DELETE, &path, None).await?;
            context.output.show(&json!({ "client_id": client_id, "deleted": true }), |_| {
                format!("program {client_id} is deleted, and all its tokens are dead")
            })
        }
    }
}

async fn grant(command: GrantCommand, context: &Context) -> Outcome {
    match command {
        GrantCommand::List { broker } => {
            let listed = Dashboard::new(&broker)?.send(Method::GET, "/oauth/grants", None).await?;
            context.output.show(&listed["grants"], |_| {
                let rows = listed["grants"].as_array().into_iter().flatten().map(|grant| {
                    let accounts = grant["accounts"].as_array().into_iter().flatten();
                    let accounts: Vec<String> =
                        accounts.map(|account| text(&account["account_number"])).collect();
                    let scope = text(&grant["scope"]);
                    vec![
                        text(&grant["id"]),
                        text(&grant["client_id"]),
                        accounts.join(", "),
                        if scope.is_empty() { "read only".to_owned() } else { scope },
                    ]
                });
                table::columns(&["GRANT", "CLIENT ID", "ACCOUNTS", "SCOPE"], rows)
            })
        }
        GrantCommand::Revoke { grant, broker } => {
            let path = format!("/oauth/grants/{}", segment(&grant));
            Dashboard::new(&broker)?.send(Method::DELETE, &path, None).await?;
            context.output.show(&json!({ "grant": grant, "revoked": true }), |_| {
                format!("grant {grant} is revoked: its token is dead")
            })
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn joined(values: &Value) -> String {
    let values: Vec<String> = values.as_array().into_iter().flatten().map(text).collect();
    values.join(" ")
}

/// A program with its new secret, as text.
fn describe_secret(said: &str, client: &Value, paint: Paint) -> String {
    let rows = ["client_id", "client_secret"].map(|name| (name, text(&client[name])));
    format!("{}; the secret is shown this once\n{}", paint.good(said), table::pairs(rows))
}
